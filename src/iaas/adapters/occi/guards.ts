/**
 * Security groups of an OCCI server (rOCCI's kinds, `spec/occi.md` §4): which guard a machine is said by links between the two.
 * A VEP lets everything out of a machine whose groups say nothing of it, so what VEP sends it always says something.
 */

import { newUuid } from '../../../base/ids.js';
import type { OcciClient, Placed } from '../../../client/occi-client.js';
import { COMPUTE, type AttributeValue, type Attributes, type EntityView } from '../../../occi/model.js';
import { IaasError, type CallOptions, type SiteRef } from '../../adapter.js';
import { writeRule, type SecurityGroupSpec, type SecurityRule } from '../../security-groups.js';
import type { Offer } from './capabilities.js';
import { SECURITYGROUP, SECURITYGROUPLINK } from './kinds.js';
import { endsOf } from './observe.js';
import type { Things } from './things.js';
import type { Work } from './work.js';

export const RULES = 'occi.securitygroup.rules';

export interface GuardServices {
  readonly client: OcciClient;
  readonly things: Things;
  readonly work: Work;
  readonly offer: (call: CallOptions) => Promise<Offer>;
}

export class Guards {
  readonly #services: GuardServices;

  constructor(services: GuardServices) {
    this.#services = services;
  }

  create(spec: SecurityGroupSpec, token: string, call: CallOptions): Promise<SiteRef> {
    const group = { id: '', kind: SECURITYGROUP, mixins: [], actions: [], links: [] };
    const draft: EntityView = { ...group, title: spec.name, attributes: written(spec.rules) };
    return this.#services.things.make('securitygroup', spec.id, token, draft, call);
  }

  async update(ref: SiteRef, rules: readonly SecurityRule[], call: CallOptions): Promise<void> {
    const { client, things, work } = this.#services;
    const attributes = written(rules);
    const { view } = await things.own('securitygroup', ref, call);
    await client.update(ref, attributes, call);
    const failure = await work.outcome(lastOf(ref), call);
    if (!failure) return;
    // A VEP shows the rules that are wanted: those that its site refuses are taken back.
    const before = view.attributes[RULES];
    if (before !== undefined) await client.update(ref, { [RULES]: before }, call).catch(() => undefined);
    throw failure;
  }

  /** Links a machine with exactly these of the groups that VEP made. */
  async guard(compute: SiteRef, groups: readonly SiteRef[], call: CallOptions): Promise<void> {
    const { client, things, work } = this.#services;
    await things.own('compute', compute, call);
    for (const group of groups) await things.own('securitygroup', group, call);
    const mine = new Set(
      (await things.all('securitygroup', call)).flatMap((each) => (each.observed.id === undefined ? [] : [each.path])),
    );
    const links = (await this.#links(call)).filter(({ source, target }) => source === compute && mine.has(target));
    const changed: string[] = [];
    for (const group of groups.filter((each) => !links.some(({ target }) => target === each)))
      changed.push(await client.create(linkDraft(compute, group), newUuid(), call));
    for (const { path } of links.filter(({ target }) => !groups.includes(target))) {
      await client.delete(path, call);
      changed.push(path);
    }
    if (!(await this.#services.offer(call)).isVep) return;
    for (const path of changed) {
      const failure = await work.outcome(lastOf(path), call);
      if (failure) throw failure;
    }
  }

  /** The groups that are linked with machines, by the path of the machine. */
  async byCompute(call: CallOptions): Promise<ReadonlyMap<SiteRef, readonly SiteRef[]>> {
    const found = new Map<SiteRef, SiteRef[]>();
    if (!(await this.#services.offer(call)).kinds.has(SECURITYGROUPLINK)) return found;
    for (const { source, target, view } of await this.#links(call)) {
      if (view.attributes['occi.securitygrouplink.state'] === 'error') continue;
      found.set(source, [...(found.get(source) ?? []), target].sort());
    }
    return found;
  }

  async #links(call: CallOptions): Promise<(Placed & { readonly source: SiteRef; readonly target: SiteRef })[]> {
    const links = await this.#services.client.list(SECURITYGROUPLINK, call);
    return links.map((link) => {
      const [source = '', target = ''] = endsOf(link.view);
      return { ...link, source, target };
    });
  }
}

/** @throws IaasError `unsupported` for rules that let nothing out */
function written(rules: readonly SecurityRule[]): Attributes {
  if (!rules.some(({ direction }) => direction === 'outbound'))
    throw new IaasError('unsupported', 'an OCCI server cannot be told to let nothing out: name what may leave');
  return { [RULES]: rules.map((rule) => writeRule(rule) as AttributeValue) };
}

function linkDraft(compute: SiteRef, group: SiteRef): EntityView {
  const ends = { source: { location: compute, kind: COMPUTE }, target: { location: group, kind: SECURITYGROUP } };
  return { id: '', kind: SECURITYGROUPLINK, mixins: [], actions: [], attributes: {}, ...ends };
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
