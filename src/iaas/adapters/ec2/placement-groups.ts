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
  readonly zone: string;
  readonly instances: Instances;
}

export class PlacementGroups {
  readonly #services: PlacementGroupServices;

  constructor(services: PlacementGroupServices) {
    this.#services = services;
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
  async of(spec: ComputeSpec, type: InstanceType, call: CallOptions): Promise<PlacementGroup | undefined> {
    const { apartFrom = [], near = [] } = spec;
    if (apartFrom.length > 0) return this.#joined('spread', spec.id, apartFrom, call);
    if (near.length > 0 && type.strategies.has('cluster')) return this.#joined('cluster', spec.id, near, call);
    return undefined;
  }

  async #joined(strategy: Strategy, id: string, others: readonly string[], call: CallOptions): Promise<PlacementGroup> {
    const groups = new Set((await this.#neighbours(others, call)).map(groupOf));
    const fitting = [...groups].filter((name) => name?.startsWith(this.#prefix(strategy)) === true);
    const [known] = fitting;
    if (strategy === 'spread' && (groups.size > 1 || groups.size > fitting.length))
      throw new IaasError(
        'conflict',
        'EC2 keeps a machine apart only from those of one spread group, and the machines that are there are not in one',
      );
    const name = known ?? this.#nameFor(strategy, [id, ...others]);
    if (known === undefined) await this.#make(name, strategy, call);
    else if (strategy === 'spread') await this.#mustHaveRoom(name, call);
    return { name, strategy };
  }

  async #neighbours(ids: readonly string[], call: CallOptions): Promise<readonly Machine[]> {
    const { instances, realm } = this.#services;
    const found: Machine[] = [];
    const filters = [...ours(realm), { Name: 'tag:vep:id', Values: ids.map(kept) }];
    for await (const machine of instances.all(filters, call))
      if (machine.meaning && machine.meaning.heading !== 'gone') found.push(machine);
    return found;
  }

  async #mustHaveRoom(name: string, call: CallOptions): Promise<void> {
    const { instances, zone } = this.#services;
    let members = 0;
    for await (const { meaning, instance } of instances.ours(call)) {
      const counts = meaning && meaning.heading !== 'gone' && instance.Placement?.AvailabilityZone === zone;
      if (counts && instance.Placement?.GroupName === name) members += 1;
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
   * Removes the groups that nobody is in. EC2 lets go of a group only when its last instance is really gone, long after that was
   * to be terminated; one that is about to be launched into is made once more.
   */
  async sweep(machines: readonly Machine[], call: CallOptions): Promise<void> {
    const { api, realm } = this.#services;
    const present = await api.ask('DescribePlacementGroups', { Filters: ours(realm) }, call).catch(unlessDenied);
    const used = new Set(machines.filter(({ instance }) => instance.State?.Name !== 'terminated').map(groupOf));
    for (const { GroupName: name } of present?.PlacementGroups ?? []) {
      if (name === undefined || used.has(name)) continue;
      await api.ask('DeletePlacementGroup', { GroupName: name }, call).catch((error: unknown) => {
        if (!isCode(error, /^InvalidPlacementGroup\.InUse$/)) unlessGone(error);
      });
    }
  }
}

/** An account that may not see groups has made none: it is told by the check of the site. */
function unlessDenied(error: unknown): undefined {
  if (!(error instanceof IaasError) || error.class !== 'denied') throw error;
}

/** Nothing where it is in none: EC2 says so with an empty name. */
const groupOf = ({ instance }: Machine): string | undefined => instance.Placement?.GroupName || undefined;
