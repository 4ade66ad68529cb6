/**
 * Placement groups: `spread` for machines that must be apart, each on a rack of its own, and `cluster` for those that shall be near
 * each other. EC2 takes an instance into one group, and only when it launches it: whoever comes later joins the group of
 * those that are there. A group is named after the set of machines it is for, as all of them name the same.
 */

import { createHash } from 'node:crypto';
import { IaasError, type CallOptions, type ComputeSpec } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import type { Instances, Machine } from './instances.js';
import { listOf, ours, REALM, tagged } from './marks.js';
import type { Ec2Options } from './options.js';
import type { InstanceType } from './sizes.js';

/** Instances that a spread group may have running in one zone. */
export const MOST_APART = 7;

export type Strategy = 'spread' | 'cluster';

export interface PlacementGroup {
  readonly name: string;
  readonly strategy: Strategy;
}

export interface PlacementGroupServices {
  readonly api: Ec2Api;
  readonly realm: string;
  readonly instances: Instances;
  readonly options: Pick<Ec2Options, 'placementGroups'>;
}

export class PlacementGroups {
  readonly #services: PlacementGroupServices;

  constructor(services: PlacementGroupServices) {
    this.#services = services;
  }

  get offered(): boolean {
    return this.#services.options.placementGroups;
  }

  /** The strategy that the type of a machine has to support. To be near others is a wish, for which no other type is taken. */
  needed({ apartFrom = [] }: ComputeSpec): Strategy | undefined {
    return apartFrom.length > 0 ? 'spread' : undefined;
  }

  /**
   * The group that a machine of that type is to be launched into, if any.
   *
   * @throws IaasError `capacity` where the group is full, `conflict` where it cannot be one with those that are there
   */
  async of(
    spec: ComputeSpec,
    type: InstanceType,
    zone: string,
    call: CallOptions,
  ): Promise<PlacementGroup | undefined> {
    const { apartFrom = [], near = [] } = spec;
    if (!this.offered) return undefined;
    if (apartFrom.length > 0) return this.#joined('spread', [spec.id, ...apartFrom], zone, call);
    if (near.length > 0 && type.strategies.has('cluster'))
      return this.#joined('cluster', [spec.id, ...near], zone, call);
    return undefined;
  }

  /** Groups to be apart in reach over zones, those to be near are within one. */
  async #joined(
    strategy: Strategy,
    members: readonly string[],
    zone: string,
    call: CallOptions,
  ): Promise<PlacementGroup> {
    const neighbours = await this.#neighbours(members.slice(1), call);
    const counted = strategy === 'spread' ? neighbours : neighbours.filter((each) => zoneOf(each) === zone);
    const groups = new Set(counted.map(groupOf));
    const fitting = [...groups].filter((name) => name?.startsWith(this.#prefix(strategy)) === true);
    const [known] = fitting;
    if (strategy === 'spread' && (groups.size > 1 || groups.size > fitting.length))
      throw new IaasError(
        'conflict',
        'EC2 keeps a machine apart only from those of one spread group, and the machines that are there are not in one',
      );
    const name = known ?? this.#nameFor(strategy, strategy === 'spread' ? members : [...members, zone]);
    if (known === undefined) await this.#make(name, strategy, call);
    else if (strategy === 'spread') await this.#mustHaveRoom(name, zone, call);
    return { name, strategy };
  }

  /** Zones in which machines are. */
  async zonesOf(ids: readonly string[], call: CallOptions): Promise<ReadonlySet<string | undefined>> {
    return new Set((await this.#neighbours(ids, call)).map(zoneOf));
  }

  async #neighbours(ids: readonly string[], call: CallOptions): Promise<readonly Machine[]> {
    const { instances, realm } = this.#services;
    const found: Machine[] = [];
    const filters = [...ours(realm), { Name: 'tag:vep:id', Values: ids.map(kept) }];
    for await (const machine of instances.all(filters, call))
      if (machine.meaning && machine.meaning.heading !== 'gone') found.push(machine);
    return found;
  }

  async #mustHaveRoom(name: string, zone: string, call: CallOptions): Promise<void> {
    const { instances } = this.#services;
    let members = 0;
    for await (const machine of instances.ours(call)) {
      const { meaning } = machine;
      const counts = meaning && meaning.heading !== 'gone' && zoneOf(machine) === zone;
      if (counts && groupOf(machine) === name) members += 1;
    }
    if (members >= MOST_APART)
      throw new IaasError(
        'capacity',
        `EC2 keeps at most ${MOST_APART} machines apart in a zone, and ${zone} has them: another zone, or fewer machines`,
      );
  }

  async #make(name: string, strategy: Strategy, call: CallOptions): Promise<void> {
    const { api, realm } = this.#services;
    const tags = tagged('placement-group', listOf({ Name: 'Machines of VEP', [REALM]: realm }));
    const wish = { GroupName: name, Strategy: strategy, TagSpecifications: tags };
    await api.ask('CreatePlacementGroup', wish, call).catch((error: unknown) => {
      if (!isCode(error, /^InvalidPlacementGroup\.Duplicate$/)) throw error;
    });
  }

  #nameFor(strategy: Strategy, ids: readonly string[]): string {
    const members = [...new Set(ids)].sort().join(' ');
    return this.#prefix(strategy) + createHash('sha256').update(members).digest('hex').slice(0, 40);
  }

  #prefix(strategy: Strategy): string {
    return `${this.#services.realm}-${strategy}-`;
  }

  /**
   * Removes the groups that nobody is in; one that is about to be launched into is made once more. Answers how many EC2 does not let go
   * of yet: it does when the last instance is really gone, long after that was to be terminated.
   */
  async sweep(call: CallOptions): Promise<number> {
    if (!this.offered) return 0;
    const { api, realm, instances } = this.#services;
    const present = await api.ask('DescribePlacementGroups', { Filters: ours(realm) }, call).catch(unlessDenied);
    const unused = new Set(present?.PlacementGroups?.map(({ GroupName }) => GroupName));
    if (unused.size === 0) return 0;
    for await (const machine of instances.ours(call))
      if (machine.instance.State?.Name !== 'terminated') unused.delete(groupOf(machine));
    let left = 0;
    for (const name of unused)
      await api.ask('DeletePlacementGroup', { GroupName: name }, call).catch((error: unknown) => {
        if (isCode(error, /^InvalidPlacementGroup\.InUse$/)) left += 1;
        else unlessGone(error);
      });
    return left;
  }
}

/** An account that may not see groups has made none: it is told by the check of the site. */
function unlessDenied(error: unknown): undefined {
  if (!(error instanceof IaasError) || error.class !== 'denied') throw error;
}

const zoneOf = ({ instance }: Machine): string | undefined => instance.Placement?.AvailabilityZone;

/** Nothing where it is in none: EC2 says so with an empty name. */
const groupOf = ({ instance }: Machine): string | undefined => instance.Placement?.GroupName || undefined;
