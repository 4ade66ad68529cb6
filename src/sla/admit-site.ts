/**
 * What one site can promise (`spec/sla.md` §12.2, §12.3, §12.5–§12.7): every term that needs something of the site is held
 * against what it declares. What nobody has declared cannot be promised, and a guarantee that cannot be measured is
 * refused (DESIGN, invariant 5).
 */

import { shownUrl } from '../base/shown-url.js';
import { place } from '../scheduling/placement.js';
import { demandsOf, type SiteOffer } from '../scheduling/offer.js';
import type { Refusal } from '../scheduling/refusals.js';
import type { Tie } from '../scheduling/split.js';
import type { DeploymentPlan, PlacementConstraint } from '../ovf/plan.js';
import type {
  Agreement,
  ElasticityTerm,
  PlacementTerm,
  ProtectionTerm,
  ReservationTerm,
  ResourceTerm,
  Term,
} from './agreement.js';
import { termConstraints, type TermConstraint } from './admit-placement.js';
import { holds } from './bound.js';
import type { Comparison } from './expression.js';
import type { Links } from './link-items.js';
import type { UnmetTerm } from './unmet.js';

/** What a provider may declare to keep for as long as an agreement lasts. */
export type SitePromise =
  | 'diskEncryption'
  | 'imageDigest'
  | 'networkIsolation'
  | 'dedicatedHost'
  /** Rules and schedules of elasticity terms are carried out. */
  | 'elasticity'
  /** Capacity is kept free for later. */
  | 'reservation';

export interface SlaSite extends SiteOffer {
  /** Metrics that are measured and evaluated, with the seconds between two samples. `app.*`: whatever applications push. */
  readonly metrics: ReadonlyMap<string, number>;
  readonly promises: ReadonlySet<SitePromise>;
  /** Topology levels on which it can keep machines where they were placed. */
  readonly levels: ReadonlySet<'host' | 'rack' | 'zone' | 'country'>;
}

/** What binds the machines of an application that goes to several sites. */
export interface Split {
  /** What holds machines on one site. */
  readonly ties: readonly Tie[];
  /** What holds only there, beside the constraints of the plan. */
  readonly constraints: readonly PlacementConstraint[];
}

export interface Standing {
  readonly agreement: Agreement;
  /** With the sizes of the agreement. */
  readonly plan: DeploymentPlan;
  readonly links: Links;
  /** Level of assurance of the caller's authentication, 1…4; null: unknown. */
  readonly loa: number | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface SiteAnswer {
  /** The site, or the first of several. */
  readonly site: string;
  readonly constraints: readonly PlacementConstraint[];
  /** Site by machine id. */
  readonly sites: ReadonlyMap<string, string>;
  /** Host by machine id. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Ids of preferred placement terms that are not kept. */
  readonly unkept: readonly string[];
  readonly unmet: readonly UnmetTerm[];
  /** Why no one site takes all, for an answer of several. */
  readonly because: readonly Refusal[];
}

export function askSite(site: SlaSite, standing: Standing): SiteAnswer {
  return ask([site], standing);
}

/** What several sites can promise together: each for what would be on it. */
export function askTogether(sites: readonly SlaSite[], standing: Standing, split: Split): SiteAnswer {
  return ask(sites, standing, split);
}

function ask(sites: readonly SlaSite[], standing: Standing, split?: Split): SiteAnswer {
  const { agreement, plan, links } = standing;
  const countries = [...new Set(sites.flatMap(({ hosts }) => hosts.map((host) => host.country)))];
  const constraints = termConstraints(agreement, links, countries);
  const added = constraints.map(({ constraint }) => constraint);
  const binding = [...plan.constraints, ...added, ...(split?.constraints ?? [])];
  const outcome = place(demandsOf(plan), sites, binding, split ? { ties: split.ties } : {});
  const placed = 'assignments' in outcome ? [...outcome.assignments] : [];
  const used = sites.filter(({ name }) => placed.length === 0 || placed.some(([, at]) => at.site === name));
  const unmet = used.flatMap((site) => agreement.terms.flatMap((term) => judge(term, site, standing)));
  const answer = {
    site: used[0]?.name ?? '',
    constraints: added,
    sites: new Map(placed.map(([machine, at]) => [machine, at.site])),
    hosts: new Map(placed.map(([machine, at]) => [machine, at.host])),
  };
  if ('assignments' in outcome) {
    const unkept = outcome.unkept.flatMap((origin) => termOf(constraints, origin) ?? []);
    return { ...answer, unkept, unmet, because: outcome.because ?? [] };
  }
  const unplaced = outcome.refused.map(({ code, message, value, offered }): UnmetTerm => {
    const term = termOf(constraints, value);
    return {
      code: ROOM.has(code) ? 'sla.capacity' : 'sla.placement',
      term: term ?? null,
      item: term === undefined ? (value ?? null) : null,
      message,
      ...(offered === undefined ? {} : { offered }),
    };
  });
  return { ...answer, unkept: [], unmet: [...unmet, ...unplaced], because: [] };
}

const ROOM: ReadonlySet<string> = new Set([
  'placement.capacity',
  'placement.too-large',
  'placement.tied',
  'placement.no-split',
]);

function termOf(constraints: readonly TermConstraint[], origin: string | undefined): string | undefined {
  return constraints.find(({ constraint }) => constraint.origin === origin)?.term;
}

function judge(term: Term, site: SlaSite, standing: Standing): UnmetTerm[] {
  const own = judgeType(term, site, standing);
  const condition = term.condition?.when ?? [];
  return condition.length === 0 ? own : [...own, ...unmonitorable(term, condition, site)];
}

function judgeType(term: Term, site: SlaSite, standing: Standing): UnmetTerm[] {
  switch (term.type) {
    case 'resource':
      return resource(term, site, standing);
    case 'placement':
      return placement(term, site);
    case 'protection':
      return protection(term, site, standing);
    case 'objective':
      return unmonitorable(term, term.constraint, site, term.period);
    case 'elasticity':
      return elasticity(term, site);
    case 'reservation':
      return reservation(term, site, standing);
    default:
      return [];
  }
}

function resource(term: ResourceTerm, site: SlaSite, { loa }: Standing): UnmetTerm[] {
  switch (term.metric) {
    case 'vm.cpu.speed':
    case 'storage.reliability':
      return [unsupported(term, `site ${site.name} does not promise ${term.metric}`)];
    case 'protection.loa':
      return loa !== null && holds(term.bound, loa) ? [] : [assurance(term, loa)];
    case 'storage.location': {
      // A volume may lie anywhere on the site.
      const outside = [...new Set(site.hosts.map((host) => host.country))].filter((one) => !holds(term.bound, one));
      if (outside.length === 0) return [];
      return [unmet('sla.placement', term, `site ${site.name} keeps volumes in ${outside.join(', ')} too`)];
    }
    default:
      return [];
  }
}

const LEVEL_OF: Readonly<Record<Exclude<PlacementTerm['rule'], 'site'>, 'host' | 'rack' | 'zone' | 'country'>> = {
  differentHost: 'host',
  sameHost: 'host',
  separateItems: 'host',
  hostTrait: 'host',
  dedicatedHost: 'host',
  differentRack: 'rack',
  sameRack: 'rack',
  zone: 'zone',
  country: 'country',
};

/** Rules that a site keeps within a zone, whose hosts it tells nobody of. */
const APART: ReadonlySet<PlacementTerm['rule']> = new Set(['differentHost', 'differentRack']);

function placement(term: PlacementTerm, site: SlaSite): UnmetTerm[] {
  // Which site a machine is on is VEP's own choice.
  if (term.mode === 'preferred' || term.rule === 'site') return [];
  const level = LEVEL_OF[term.rule];
  if (APART.has(term.rule) && site.hosts.some(({ apart = 1 }) => apart > 1)) return [];
  if (!site.levels.has(level)) return [unsupported(term, `site ${site.name} cannot choose the ${level} of a machine`)];
  if (term.rule === 'dedicatedHost' && !site.promises.has('dedicatedHost')) {
    return [unsupported(term, `site ${site.name} does not keep other tenants off a host`)];
  }
  return [];
}

function protection(term: ProtectionTerm, site: SlaSite, { plan, loa }: Standing): UnmetTerm[] {
  if (term.rule === 'loa') return loa !== null && loa >= term.level ? [] : [assurance(term, loa)];
  if (!site.promises.has(term.rule)) return [unsupported(term, `site ${site.name} does not promise ${term.rule}`)];
  if (term.rule === 'imageDigest') {
    return plan.images
      .filter((image) => image.digest === undefined)
      .map((image) =>
        unmet('sla.protection', term, `the package gives no digest of ${shownUrl(image.href)}`, image.id),
      );
  }
  if (term.rule === 'networkIsolation') {
    return plan.networks
      .filter((network) => network.mappedTo !== undefined)
      .map(({ name }) => unmet('sla.protection', term, `${name} is mapped to an existing network`, name));
  }
  return [];
}

/** One entry for each metric that nobody measures, or not often enough. `period` in seconds. */
function unmonitorable(term: Term, comparisons: readonly Comparison[], site: SlaSite, period?: number): UnmetTerm[] {
  return [...new Set(comparisons.map(({ metric }) => metric))].flatMap((metric) => {
    const every = site.metrics.get(metric) ?? (metric.startsWith('app.') ? site.metrics.get('app.*') : undefined);
    if (every === undefined)
      return [unmet('sla.unmonitorable', term, `${metric} is not measured on site ${site.name}`)];
    if (period === undefined || every <= period) return [];
    const message = `${metric} is measured every ${every} s on site ${site.name}, not every ${period} s`;
    return [unmet('sla.unmonitorable', term, message, null, `PT${every}S`)];
  });
}

function elasticity(term: ElasticityTerm, site: SlaSite): UnmetTerm[] {
  const rules = term.rules.flatMap(({ when, period }) => unmonitorable(term, when, site, period));
  if (term.rules.length + term.schedule.length === 0 || site.promises.has('elasticity')) return rules;
  return [...rules, unsupported(term, `site ${site.name} carries out no rules and schedules, only bounds of scaling`)];
}

/** Machines that run are not taken away: that much is kept without booking. Anything kept free for later is not. */
function reservation(term: ReservationTerm, site: SlaSite, { plan, links, now }: Standing): UnmetTerm[] {
  if (term.mode === 'bestEffort' || site.promises.has('reservation')) return [];
  const later = term.mode === 'advance' || (term.start !== undefined && term.start > now);
  if (later) return [unsupported(term, `site ${site.name} keeps no capacity for later`)];
  const machines = links.machinesOf(term);
  return plan.machines
    .filter(({ id, instances }) => machines.includes(id) && (term.amount ?? 1) > instances.normal)
    .map(({ id, instances }) => {
      const message = `site ${site.name} keeps no capacity beyond what runs: ${instances.normal} of ${id}`;
      return { ...unsupported(term, message), item: id, offered: instances.normal };
    });
}

function assurance(term: ResourceTerm | ProtectionTerm, loa: number | null): UnmetTerm {
  const known = loa === null ? 'of unknown assurance' : `of level ${loa}`;
  return unmet('sla.protection', term, `your authentication is ${known}`, null, loa ?? undefined);
}

function unsupported(term: Term, message: string): UnmetTerm {
  return unmet('sla.unsupported', term, message);
}

function unmet(
  code: string,
  { id, scope }: Term,
  message: string,
  item: string | null = null,
  offered?: string | number,
): UnmetTerm {
  return { code, term: id, item: item ?? scope[0] ?? null, message, ...(offered === undefined ? {} : { offered }) };
}
