/**
 * Which sites an appliance may be on, what keeps its machines on one, and where they have come to be. A user names sites in
 * `eu.contrail-project.ovf.site`, and for single machines and collections in the input `sites`; where nothing is named, those
 * that the provider lets VEP choose by itself are meant. Pure.
 */

import { excerpt, type Fault } from '../../src/base/errors.js';
import type { PoolClash } from '../../src/iaas/network-pools.js';
import type { DeploymentPlan, PlacementConstraint } from '../../src/ovf/plan.js';
import type { PlanResult } from '../../src/ovf/index.js';
import type { Named } from '../../src/scheduling/constraint.js';
import type { Tie } from '../../src/scheduling/split.js';
import { NO_ACCOUNTS, type OwnAccounts } from './own-accounts.js';
import { OVF_INPUTS, OVF_SITE } from './vocabulary.js';

/** Host per machine id, where placement has chosen one. */
export type Hosts = ReadonlyMap<string, string>;

/** What the provider's configuration says of placement. */
export interface SitePolicy {
  /** Whether an appliance is split wherever no one site takes it, or only over sites that somebody has named. */
  readonly split: 'when-needed' | 'on-request';
  /** Sites that VEP may choose when nobody names any, in order. */
  readonly automatic: readonly string[];
  /** Sites that are used with credentials of users alone (K35). */
  readonly required: ReadonlySet<string>;
  /** By name of a network in descriptors: the sites where machines on it reach those on it elsewhere. */
  readonly reaching: ReadonlyMap<string, ReadonlySet<string>>;
  /** Sites where machines on such a network may come to have the same addresses. */
  readonly clashes: readonly PoolClash[];
}

/** Sites that come into question, in order of preference. */
export interface SiteWish {
  readonly candidates: readonly string[];
  readonly maySplit: boolean;
  /** Somebody has named them: none of them is left out because it is down. */
  readonly named: boolean;
  /** The user's own accounts among them. */
  readonly own?: OwnAccounts;
}

/** Where the machines of an appliance are to be. */
export interface Layout {
  /** Site by machine id. */
  readonly sites: ReadonlyMap<string, string>;
  readonly hosts: Hosts;
  /** Where the appliance is filed, and what belongs to no machine: the first of its sites. */
  readonly home: string;
  /** Why no one site takes it all, where it is on several. */
  readonly because: readonly Fault[];
}

/** All of a plan on one site, whose hosts VEP does not choose. */
export function layoutOn(site: string, { machines }: DeploymentPlan, hosts: Hosts = new Map()): Layout {
  return { sites: new Map(machines.map(({ id }) => [id, site])), hosts, home: site, because: [] };
}

export function siteOf({ sites, home }: Layout, machine: string): string {
  return sites.get(machine) ?? home;
}

/** The sites that a layout uses, in the order in which they were preferred. */
export function sitesOf({ sites, home }: Layout): readonly string[] {
  return [...new Set([home, ...sites.values()])];
}

/** What of a plan is on one site: its machines with what they need. */
export function partOf(plan: DeploymentPlan, isThere: (machine: string) => boolean): DeploymentPlan {
  const machines = plan.machines.filter(({ id }) => isThere(id));
  if (machines.length === plan.machines.length) return plan;
  const drives = machines.flatMap((machine) => machine.drives);
  const disks = plan.disks.filter(({ id }) => drives.some(({ disk }) => disk === id));
  const images = new Set([...drives.map(({ image }) => image), ...disks.map(({ image }) => image)]);
  const networks = new Set(machines.flatMap(({ interfaces }) => interfaces.map(({ network }) => network)));
  return {
    ...plan,
    machines,
    disks,
    images: plan.images.filter(({ id }) => images.has(id)),
    networks: plan.networks.filter(({ name }) => networks.has(name)),
    startup: plan.startup.map((step) => ({ ...step, machines: step.machines.filter(({ id }) => isThere(id)) })),
  };
}

/** The sites of a text: names between commas or blanks. */
export function siteNames(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ''))];
}

/**
 * Reads what is wished for, all faults of it at once. Where nobody names a site, the user's own accounts come into question after
 * those that the provider lets VEP choose.
 *
 * @param wanted value of the attribute; `inputs`: those of single items. Both name the accounts for which there are some.
 */
export function readWish(
  policy: SitePolicy,
  known: readonly string[],
  wanted: string,
  inputs: Readonly<Record<string, string>>,
  own: OwnAccounts = NO_ACCOUNTS,
): { readonly wish: SiteWish; readonly faults: readonly Fault[] } {
  const faults = [
    ...unknownSites(known, siteNames(wanted), { field: OVF_SITE }),
    ...withoutCredential(policy, [wanted, ...Object.values(inputs)].flatMap(siteNames)),
    ...Object.entries(inputs).flatMap(([item, names]) =>
      unknownSites(known, siteNames(names), { field: OVF_INPUTS, path: `/sites/${excerpt(item)}` }),
    ),
  ];
  const single = Object.values(inputs).flatMap(siteNames);
  const named = siteNames(wanted);
  const usual = named.length > 0 ? named : [...policy.automatic.map((name) => own.get(name) ?? name), ...own.values()];
  const candidates = [...new Set([...usual, ...single])].filter((name) => known.includes(name));
  const maySplit = single.length > 0 || named.length > 1 || (named.length === 0 && policy.split === 'when-needed');
  return { wish: { candidates, maySplit, named: named.length > 0, own }, faults };
}

function withoutCredential({ required }: SitePolicy, names: readonly string[]): readonly Fault[] {
  return [...new Set(names)].filter((name) => required.has(name)).map(needsCredential);
}

export function needsCredential(site: string): Fault {
  return {
    code: 'site.credential-required',
    message: `site ${site} is used with credentials of users alone`,
    place: { field: OVF_INPUTS, path: `/credentials/site:${site}` },
    rule: 'K35',
    remedy: 'give yours among the inputs, or take another site',
  };
}

function unknownSites(known: readonly string[], names: readonly string[], place: Fault['place'] & object): Fault[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      code: 'ovf.site-unknown',
      message: `no site is named ${excerpt(name)} here`,
      place,
      remedy: `name one of ${known.join(', ')}, several with commas between, or leave it out`,
    }));
}

/**
 * The plan with what is said of the sites of single systems and collections (input `sites`) as constraints. Where some are
 * named there, the attribute speaks for all others.
 */
export function withSites(
  result: PlanResult,
  wanted: string,
  inputs: Readonly<Record<string, string>>,
): { readonly result: PlanResult; readonly faults: readonly Fault[] } {
  const { draft } = result;
  if (!draft || Object.keys(inputs).length === 0) return { result, faults: [] };
  const faults: Fault[] = [];
  const bound = new Map<string, readonly string[]>();
  for (const [item, names] of byDepth(draft, inputs)) {
    const machines = machinesIn(draft, item);
    if (machines.length === 0) faults.push(unknownItem(item));
    for (const machine of machines) bound.set(machine, siteNames(names));
  }
  const usual = siteNames(wanted);
  const others = usual.length === 0 ? [] : draft.machines.map(({ id }) => id).filter((id) => !bound.has(id));
  const constraints: PlacementConstraint[] = [
    ...[...bound].map(([machine, values]) => onSites([machine], values, `the input sites of ${machine}`)),
    ...(others.length === 0 ? [] : [onSites(others, usual, OVF_SITE)]),
  ];
  return { result: constrained(result, constraints), faults };
}

export function onSites(machines: readonly string[], values: readonly string[], origin: string): PlacementConstraint {
  return { rule: 'site', machines, values, hard: true, origin };
}

/** The result with further constraints in draft and plan. */
export function constrained(result: PlanResult, constraints: readonly PlacementConstraint[]): PlanResult {
  if (constraints.length === 0) return result;
  const more = <P extends DeploymentPlan | undefined>(plan: P): P =>
    plan && { ...plan, constraints: [...plan.constraints, ...constraints] };
  const { draft, plan } = result;
  return { ...result, ...(draft && { draft: more(draft) }), ...(plan && { plan: more(plan) }) };
}

/** Outer collections first: what is said of an inner item goes before. */
function byDepth(
  plan: DeploymentPlan,
  inputs: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  const depthOf = (item: string): number => {
    if (plan.machines.some(({ id }) => id === item)) return Infinity;
    let depth = 0;
    for (let at = plan.collections.find(({ id }) => id === item)?.parent; at !== undefined; depth += 1) {
      const outer: string = at;
      at = plan.collections.find(({ id }) => id === outer)?.parent;
    }
    return depth;
  };
  return Object.entries(inputs).sort(([one], [other]) => {
    const [left, right] = [depthOf(one), depthOf(other)];
    return left === right ? 0 : left - right;
  });
}

/** A system, or all systems in a collection. */
function machinesIn(plan: DeploymentPlan, item: string): readonly string[] {
  if (plan.machines.some(({ id }) => id === item)) return [item];
  const inside = new Set(plan.collections.some(({ id }) => id === item) ? [item] : []);
  for (const { id, parent } of plan.collections) if (parent !== undefined && inside.has(parent)) inside.add(id);
  return plan.machines.filter(({ collection }) => inside.has(collection ?? '')).map(({ id }) => id);
}

function unknownItem(item: string): Fault {
  return {
    code: 'ovf.item-unknown',
    message: `the appliance has no machine and no collection ${excerpt(item)} to choose sites for`,
    place: { field: OVF_INPUTS, path: `/sites/${excerpt(item)}` },
    rule: 'K04',
    remedy: 'name a VirtualSystem or a VirtualSystemCollection of the descriptor',
  };
}

/**
 * What holds machines on one site: networks made for the appliance, but for those that reach over sites, and disks that are
 * shared. A network that is mapped ties nothing by itself: it is where it is.
 *
 * @param demands the machines; instances are among them
 */
export function tiesOf(
  plan: DeploymentPlan,
  demands: readonly Named[],
  { reaching }: Pick<SitePolicy, 'reaching'>,
): Tie[] {
  const withInstances = (machines: readonly string[]): ReadonlySet<string> =>
    new Set(demands.filter(({ item }) => machines.includes(item)).map(({ id }) => id));
  const networks = plan.networks.flatMap(({ name, mappedTo }): Tie[] => {
    if (mappedTo !== undefined) return [];
    const on = plan.machines.filter(({ interfaces }) => interfaces.some(({ network }) => network === name));
    const reaches = reaching.get(name);
    const machines = withInstances(on.map(({ id }) => id));
    return machines.size < 2 ? [] : [{ what: `network ${name}`, machines, ...(reaches ? { reaches } : {}) }];
  });
  const disks = plan.disks.flatMap(({ id: shared, shared: isShared }): Tie[] => {
    if (!isShared) return [];
    const having = plan.machines.filter(({ drives }) => drives.some(({ disk }) => disk === shared));
    const machines = withInstances(having.map(({ id }) => id));
    return machines.size < 2 ? [] : [{ what: `disk ${shared}`, machines }];
  });
  return [...networks, ...disks];
}
