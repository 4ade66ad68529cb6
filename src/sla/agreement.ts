/**
 * The agreement as VEP thinks of it (`spec/sla.md` §2): parties, services with the OVF items they consist of, and terms.
 * Every document format becomes this one model. Times are milliseconds since the epoch, durations seconds, values in the
 * base unit of their metric (bytes, MHz, ratios 0…1; §4).
 */

import type { JsonObject } from '../base/json.js';
import type { Bound } from './bound.js';
import type { Duration } from './duration.js';
import type { Comparison } from './expression.js';

export interface Agreement {
  readonly kind: 'Agreement' | 'Template';
  readonly id: string;
  readonly name: string;
  readonly templateId?: string;
  /** Raised by every renegotiation. */
  readonly revision: number;
  /** Null on a template that leaves them open. */
  readonly parties: Parties | null;
  readonly effectiveFrom: number | null;
  /** Null: open ended. */
  readonly effectiveUntil: number | null;
  readonly agreedAt: number | null;
  /** The application UUID, once it is bound to one. */
  readonly application: string | null;
  readonly services: readonly Service[];
  readonly variables: readonly Variable[];
  readonly terms: readonly Term[];
  /** Carried, never interpreted. */
  readonly extensions: JsonObject;
}

export interface Parties {
  readonly customer: Party;
  readonly provider: Party;
  /** Who made the offer. */
  readonly initiator: 'customer' | 'provider';
}

export interface Party {
  readonly id: string;
  /** The Virtual Organization on whose behalf the party acts. */
  readonly vo?: string;
}

export interface Service {
  readonly name: string;
  /** The descriptor it is about; without a digest, whatever the agreement is sent with. */
  readonly ovf?: { readonly href?: string; readonly sha256?: string };
  readonly items: readonly Item[];
}

export const ITEM_KINDS = ['VirtualSystem', 'VirtualSystemCollection', 'Disk', 'Network', 'Application'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export interface Item {
  /** Unique in the document; what scopes name. */
  readonly id: string;
  readonly kind: ItemKind;
  /** `ovf:id`, `ovf:diskId` or `ovf:name`; an Application has none. */
  readonly ref?: string;
}

export const AGGREGATES = ['last', 'avg', 'min', 'max', 'sum', 'count', 'p50', 'p90', 'p95', 'p99', 'rate'] as const;
export type Aggregate = (typeof AGGREGATES)[number];
export const ACROSS = ['avg', 'min', 'max', 'sum', 'any', 'all', 'each'] as const;
export type Across = (typeof ACROSS)[number];

/** A measured quantity with a name: what expressions compare. */
export interface Variable {
  readonly name: string;
  readonly metric: string;
  readonly aggregate?: Aggregate;
  /** Seconds. */
  readonly window?: number;
  readonly across?: Across;
}

export type Term =
  | ResourceTerm
  | PlacementTerm
  | ProtectionTerm
  | ObjectiveTerm
  | ElasticityTerm
  | ReservationTerm
  | PriceTerm
  | QuotaTerm;

interface TermBase {
  readonly id: string;
  /** Item ids; empty: the whole application. */
  readonly scope: readonly string[];
  readonly obligated: 'provider' | 'customer';
  /** The higher, the later it is given up in a conflict of best-effort terms. */
  readonly importance: number;
  readonly condition?: QualifyingCondition;
  readonly penalties: readonly Penalty[];
}

/** When a term is in force. */
export interface QualifyingCondition {
  /** Minutes of the day in `timezone`. */
  readonly from?: number;
  readonly until?: number;
  /** 1 Monday … 7 Sunday. */
  readonly days?: readonly number[];
  readonly timezone?: string;
  readonly when?: readonly Comparison[];
}

/** A size or place that holds from the start (§3, metrics marked S). */
export interface ResourceTerm extends TermBase {
  readonly type: 'resource';
  readonly metric: string;
  readonly bound: Bound;
}

export const PLACEMENT_RULES = [
  ...(['differentHost', 'sameHost', 'differentRack', 'sameRack', 'separateItems'] as const),
  ...(['site', 'country', 'zone', 'hostTrait', 'dedicatedHost'] as const),
] as const;
export type PlacementRule = (typeof PLACEMENT_RULES)[number];

/** Where machines may be and with whom (§18). */
export interface PlacementTerm extends TermBase {
  readonly type: 'placement';
  readonly rule: PlacementRule;
  /** Item ids for rules among machines, two sides for `separateItems`; sites, country codes, zones or traits for the others. */
  readonly values: readonly (readonly string[])[];
  /** Hard unless `preferred`. */
  readonly mode: 'required' | 'preferred';
}

export type ProtectionTerm = TermBase & { readonly type: 'protection' } & (
    | { readonly rule: 'diskEncryption' | 'imageDigest' | 'networkIsolation' }
    | { readonly rule: 'loa'; readonly level: number }
  );

/** A service level objective, evaluated while the application runs (§13). */
export interface ObjectiveTerm extends TermBase {
  readonly type: 'objective';
  /** All of them must hold. */
  readonly constraint: readonly Comparison[];
  /** Seconds. */
  readonly window?: number;
  readonly period?: number;
  readonly aggregate?: Aggregate;
  readonly across?: Across;
  readonly raiseAfter: number;
  readonly clearAfter: number;
  readonly clearValue?: number;
  readonly staleAfter: number;
  readonly missing: 'notDetermined' | 'breaching' | 'clean' | 'ignore';
  /** Share of evaluations that must hold, 0…1. */
  readonly target?: number;
}

/** Bounds of the instance count and the rules that move it (§17). */
export interface ElasticityTerm extends TermBase {
  readonly type: 'elasticity';
  readonly min: number;
  readonly max: number;
  readonly initial: number;
  readonly rules: readonly ElasticityRule[];
  readonly schedule: readonly { readonly cron: string; readonly timezone: string; readonly adjust: Adjustment }[];
  /** Seconds. */
  readonly cooldown: { readonly out?: number; readonly in?: number };
  readonly stabilization: { readonly in?: number };
  readonly drain?: number;
}

export interface ElasticityRule {
  readonly id: string;
  readonly when: readonly Comparison[];
  readonly periods: number;
  /** Seconds. */
  readonly period: number;
  readonly adjust: Adjustment;
}

export interface Adjustment {
  readonly type: 'CHANGE' | 'CARDINALITY' | 'PERCENTAGE_CHANGE';
  readonly by: number;
  readonly minStep?: number;
}

/** Capacity for a time. */
export interface ReservationTerm extends TermBase {
  readonly type: 'reservation';
  readonly start?: number;
  readonly end?: number;
  readonly duration?: Duration;
  /** Instances of each machine in scope. */
  readonly amount?: number;
  readonly mode: 'immediate' | 'advance' | 'bestEffort';
  readonly preemptible: boolean;
  readonly deadline?: number;
}

export interface PriceTerm extends TermBase {
  readonly type: 'price';
  readonly component: 'vm' | 'cpu' | 'memory' | 'disk' | 'ip' | 'network' | 'oneTime';
  /** Decimal, as written: money is never a floating-point number. */
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly per: 'hour' | 'month' | 'once';
  readonly billing?: 'hour' | 'month' | 'once';
  readonly validFrom?: number;
  readonly validUntil?: number;
}

export interface QuotaTerm extends TermBase {
  readonly type: 'quota';
  readonly metric: string;
  /** In the base unit of the metric. */
  readonly guaranteed?: number;
  readonly limit?: number;
  readonly per: 'total' | 'instance' | 'user';
}

export interface Penalty {
  readonly type: 'discount' | 'credit' | 'terminate' | 'notify';
  /** Decimal, as written. */
  readonly value?: string;
  /** `%` of the period's charge, or ISO 4217. */
  readonly unit?: string;
  readonly assess?: { readonly interval: Duration } | { readonly count: number };
  readonly after?: { readonly count: number; readonly within: Duration };
  readonly cap?: string;
  readonly validity?: Duration;
  readonly when?: readonly Comparison[];
}
