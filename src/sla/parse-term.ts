/** The terms of an agreement document (`spec/sla.md` §2, per type; §16, §17, §18): from JSON to the model. */

import type { JsonValue } from '../base/json.js';
import {
  ACROSS,
  AGGREGATES,
  PLACEMENT_RULES,
  type Item,
  type ObjectiveTerm,
  type PlacementRule,
  type PlacementTerm,
  type PriceTerm,
  type ProtectionTerm,
  type QuotaTerm,
  type ReservationTerm,
  type ResourceTerm,
  type Term,
  type Variable,
} from './agreement.js';
import { OPERATORS, type Bound } from './bound.js';
import { parseCondition } from './parse-condition.js';
import { parseElasticity } from './parse-elasticity.js';
import { parsePenalties } from './parse-penalty.js';
import type { Comparison } from './expression.js';
import { expressionOf } from './parse-condition.js';
import type { Fields } from './fields.js';
import { readBound, readScalar } from './measure.js';
import { metricOf, type Metric } from './vocabulary.js';

/** What terms refer to. */
export interface TermContext {
  readonly items: ReadonlyMap<string, Item>;
  readonly variables: ReadonlyMap<string, Variable>;
}

export type TermHead = Pick<Term, 'id' | 'scope' | 'obligated' | 'importance' | 'condition' | 'penalties'>;

const TYPES = [
  ...(['resource', 'placement', 'protection', 'objective', 'elasticity', 'reservation', 'price', 'quota'] as const),
] as const;

/** Types of terms that are about machines: on a disk or a network they would mean nothing and promise nothing. */
const ON_SYSTEMS: ReadonlySet<Term['type']> = new Set(['placement', 'elasticity', 'reservation', 'quota'] as const);

/** The term, or undefined when not even its type is known. */
export function parseTerm(fields: Fields, context: TermContext): Term | undefined {
  const type = fields.required('type', fields.oneOf('type', TYPES), undefined);
  const head = parseHead(fields, context);
  if (type !== undefined && ON_SYSTEMS.has(type)) requireSystems(fields, 'scope', head.scope, context);
  switch (type) {
    case 'resource':
      return parseResource(fields, head, context);
    case 'placement':
      return parsePlacement(fields, head, context);
    case 'protection':
      return parseProtection(fields, head);
    case 'objective':
      return parseObjective(fields, head, context);
    case 'elasticity':
      return parseElasticity(fields, head, context);
    case 'reservation':
      return parseReservation(fields, head);
    case 'price':
      return parsePrice(fields, head);
    case 'quota':
      return parseQuota(fields, head);
    case undefined:
      return undefined;
  }
}

const MOST_SCOPED = 5000;

function parseHead(fields: Fields, context: TermContext): TermHead {
  const scope = fields.texts('scope', MOST_SCOPED);
  scope.forEach((item, index) => {
    if (context.items.has(item)) return;
    const path = `${fields.at('scope')}/${index}`;
    fields.faults.add('sla.scope.unknown', path, 'no service has an item of that id', 'name an item', item);
  });
  const condition = parseCondition(fields, context.variables);
  return {
    id: fields.required('id', fields.text('id', /^.{1,256}$/u, 'write an id'), ''),
    scope,
    obligated: fields.oneOf('obligated', ['provider', 'customer']) ?? 'provider',
    importance: fields.integer('importance', 0, 1_000_000) ?? 0,
    ...(condition === undefined ? {} : { condition }),
    penalties: parsePenalties(fields, context.variables),
  };
}

function parseResource(fields: Fields, head: TermHead, context: TermContext): ResourceTerm {
  const metric = readMetric(fields, 'static', 'resource');
  if (metric) checkScope(fields, head, context, metric);
  const bound = readTermBound(fields, metric);
  return { ...head, type: 'resource', metric: metric?.name ?? '', bound };
}

/** The metric of a term, if it can stand in one of that type. */
function readMetric(fields: Fields, need: 'static' | 'dynamic', type: string): Metric | undefined {
  const name = fields.text('metric');
  if (fields.required('metric', name, '') === '' || name === undefined) return undefined;
  const metric = metricOf(name);
  if (metric?.[need] === true) return metric;
  const message = metric ? `${name} cannot stand in a term of type ${type}` : 'this metric is not known';
  const remedy =
    need === 'static' && metric?.dynamic === true
      ? 'it is measured while running: write a term of type objective'
      : 'name a metric of the vocabulary';
  return fields.faults.add('sla.metric', fields.at('metric'), message, remedy, name);
}

/** Notes items among `ids` that are no systems; unknown ones have been noted where they had to be known. */
function requireSystems(fields: Fields, name: string, ids: readonly string[], { items }: TermContext): void {
  for (const id of ids) {
    const kind = items.get(id)?.kind;
    if (kind !== 'Disk' && kind !== 'Network') continue;
    const remedy = 'name a VirtualSystem, a VirtualSystemCollection or the Application';
    fields.faults.add('sla.scope.kind', fields.at(name), `this cannot be said of a ${kind}`, remedy, id);
  }
}

function checkScope(fields: Fields, { scope }: TermHead, { items }: TermContext, metric: Metric): void {
  scope.forEach((id, index) => {
    const kind = items.get(id)?.kind;
    if (kind === undefined || metric.scopes.includes(kind)) return;
    const remedy = `it can be said of ${metric.scopes.join(', ')}`;
    const message = `${metric.name} cannot be said of a ${kind}`;
    fields.faults.add('sla.scope.kind', `${fields.at('scope')}/${index}`, message, remedy, id);
  });
}

const NO_BOUND: Bound = { op: 'IN', values: [] };

function readTermBound(fields: Fields, metric: Metric | undefined): Bound {
  const op = fields.required('op', fields.oneOf('op', OPERATORS), undefined);
  const value = fields.required('value', fields.raw('value'), null);
  const unit = fields.text('unit');
  if (!metric || !op || value === null) return NO_BOUND;
  const read = readBound(metric, op, value, unit);
  if ('bound' in read) return read.bound;
  fields.faults.add('sla.bound', fields.at('value'), read.complaint, read.remedy, value);
  return NO_BOUND;
}

const MOST_VALUES = 1000;
const AMONG_MACHINES: ReadonlySet<PlacementRule> = new Set([
  ...(['differentHost', 'sameHost', 'differentRack', 'sameRack', 'separateItems'] as const),
]);

function parsePlacement(fields: Fields, head: TermHead, context: TermContext): PlacementTerm {
  const rule = fields.required('rule', fields.oneOf('rule', PLACEMENT_RULES), 'differentHost');
  const values = rule === 'dedicatedHost' ? dedicated(fields) : readGroups(fields, rule);
  if (AMONG_MACHINES.has(rule)) {
    requireItems(fields, values.flat(), context);
    requireSystems(fields, 'values', values.flat(), context);
  }
  if (rule === 'country') requireCountries(fields, values.flat());
  if (rule === 'separateItems' && (values.length !== 2 || values.some((side) => side.length === 0))) {
    fields.wrong('values', 'separateItems has two sides', 'write [["a"], ["b"]]');
  }
  if (['site', 'country', 'zone', 'hostTrait'].includes(rule) && values.flat().length === 0) {
    fields.wrong('values', `${rule} says which`, 'list at least one');
  }
  const mode = fields.oneOf('mode', ['required', 'preferred']) ?? 'required';
  return { ...head, type: 'placement', rule, values, mode };
}

/** `dedicatedHost` has the value true or none. */
function dedicated(fields: Fields): readonly (readonly string[])[] {
  const value = fields.raw('values');
  const sound = value === undefined || value === true || (Array.isArray(value) && value.every((one) => one === true));
  if (!sound) fields.wrong('values', 'dedicatedHost is true or not asked for', 'write [true], or leave it out', value);
  return [];
}

/** One list of values; `separateItems` has two, each a list or a single item. */
function readGroups(fields: Fields, rule: PlacementRule): readonly (readonly string[])[] {
  if (rule !== 'separateItems') return [fields.texts('values', MOST_VALUES)];
  return fields.list('values', MOST_VALUES).map(({ value, path }) => {
    const side: readonly JsonValue[] = Array.isArray(value) ? value : [value];
    const texts = side.filter((one) => typeof one === 'string');
    if (texts.length < side.length) fields.faults.add('sla.shape', path, 'a side lists item ids', 'write ["a"]', value);
    return texts;
  });
}

function requireItems(fields: Fields, values: readonly string[], { items }: TermContext): void {
  for (const value of values) {
    if (items.has(value)) continue;
    fields.faults.add(
      'sla.scope.unknown',
      fields.at('values'),
      'no service has an item of that id',
      'name an item',
      value,
    );
  }
}

function requireCountries(fields: Fields, values: readonly string[]): void {
  for (const value of values) {
    if (/^[A-Z]{2}$/.test(value)) continue;
    fields.wrong('values', 'this is no country code', 'write ISO 3166-1 alpha-2 codes, e.g. DE', value);
  }
}

function parseProtection(fields: Fields, head: TermHead): ProtectionTerm {
  const rules = ['diskEncryption', 'imageDigest', 'networkIsolation', 'loa'] as const;
  const rule = fields.required('rule', fields.oneOf('rule', rules), 'imageDigest');
  if (rule === 'loa') {
    const level = fields.required('value', fields.integer('value', 1, 4), 1);
    return { ...head, type: 'protection', rule, level };
  }
  const wanted = rule === 'imageDigest' ? 'required' : true;
  const value = fields.required('value', fields.raw('value'), wanted);
  if (value !== wanted && value !== true) {
    fields.wrong('value', `${rule} is asked for or left out`, `write ${JSON.stringify(wanted)}`, value);
  }
  return { ...head, type: 'protection', rule };
}

function parseObjective(fields: Fields, head: TermHead, context: TermContext): ObjectiveTerm {
  const window = fields.seconds('window');
  const period = fields.seconds('period');
  const aggregate = fields.oneOf('aggregate', AGGREGATES);
  const across = fields.oneOf('across', ACROSS);
  const clearValue = fields.number('clearValue');
  const target = fields.number('target', 0, 1);
  return {
    ...head,
    type: 'objective',
    constraint: readObjective(fields, head, context),
    ...(window === undefined ? {} : { window }),
    ...(period === undefined ? {} : { period }),
    ...(aggregate === undefined ? {} : { aggregate }),
    ...(across === undefined ? {} : { across }),
    raiseAfter: fields.integer('raiseAfter', 1, 10_000) ?? 3,
    clearAfter: fields.integer('clearAfter', 1, 10_000) ?? 2,
    ...(clearValue === undefined ? {} : { clearValue }),
    staleAfter: fields.integer('staleAfter', 1, 10_000) ?? 3,
    missing: fields.oneOf('missing', ['notDetermined', 'breaching', 'clean', 'ignore']) ?? 'notDetermined',
    ...(target === undefined ? {} : { target }),
  };
}

/** An expression, or metric, operator, value and unit. */
function readObjective(fields: Fields, head: TermHead, context: TermContext): readonly Comparison[] {
  if (fields.has('constraint')) return expressionOf(fields, 'constraint', context.variables) ?? [];
  const metric = readMetric(fields, 'dynamic', 'objective');
  if (metric) checkScope(fields, head, context, metric);
  return [{ metric: metric?.name ?? '', bound: readTermBound(fields, metric) }];
}

function parseReservation(fields: Fields, head: TermHead): ReservationTerm {
  const start = fields.time('start');
  const end = fields.time('end');
  const duration = fields.duration('duration');
  if (end !== undefined && duration !== undefined) {
    fields.wrong('duration', 'end and duration say the same thing', 'leave one of them out');
  }
  if (start !== undefined && end !== undefined && end <= start) {
    fields.faults.add('sla.bounds', fields.at('end'), 'it ends before it begins', 'choose a later end');
  }
  const amount = fields.integer('amount', 1, 100_000);
  const deadline = fields.time('deadline');
  return {
    ...head,
    type: 'reservation',
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
    ...(duration === undefined ? {} : { duration }),
    ...(amount === undefined ? {} : { amount }),
    mode: fields.required('mode', fields.oneOf('mode', ['immediate', 'advance', 'bestEffort']), 'bestEffort'),
    preemptible: fields.flag('preemptible') ?? false,
    ...(deadline === undefined ? {} : { deadline }),
  };
}

function parsePrice(fields: Fields, head: TermHead): PriceTerm {
  const components = ['vm', 'cpu', 'memory', 'disk', 'ip', 'network', 'oneTime'] as const;
  const periods = ['hour', 'month', 'once'] as const;
  const amount = fields.text('amount', /^\d{1,15}(?:\.\d{1,9})?$/, 'write a decimal as text, e.g. "0.05"');
  const currency = fields.text('currency', /^[A-Z]{3}$/, 'write an ISO 4217 code, e.g. EUR');
  const billing = fields.oneOf('billing', periods);
  const validFrom = fields.time('validFrom');
  const validUntil = fields.time('validUntil');
  return {
    ...head,
    type: 'price',
    component: fields.required('component', fields.oneOf('component', components), 'vm'),
    amount: fields.required('amount', amount, '0'),
    currency: fields.required('currency', currency, ''),
    per: fields.required('per', fields.oneOf('per', periods), 'hour'),
    ...(billing === undefined ? {} : { billing }),
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validUntil === undefined ? {} : { validUntil }),
  };
}

function parseQuota(fields: Fields, head: TermHead): QuotaTerm {
  const name = fields.text('metric');
  const metric = metricOf(fields.required('metric', name, ''));
  const countable = metric && (metric.quotaOnly === true || (metric.static && metric.type !== 'country'));
  if (name !== undefined && countable !== true) {
    fields.faults.add('sla.metric', fields.at('metric'), 'there is no quota of this', 'name a countable metric', name);
  }
  const amount = (member: 'guaranteed' | 'limit'): number | undefined => {
    const value = fields.raw(member);
    if (value === undefined || metric === undefined) return undefined;
    const read = readScalar(metric, value, undefined);
    if ('complaint' in read) return fields.wrong(member, read.complaint, read.remedy, value);
    return typeof read.value === 'number' ? read.value : undefined;
  };
  const guaranteed = amount('guaranteed');
  const limit = amount('limit');
  if (!fields.has('guaranteed') && !fields.has('limit')) {
    fields.wrong('limit', 'a quota says what is guaranteed, or where it ends', 'give guaranteed or limit');
  }
  if (guaranteed !== undefined && limit !== undefined && guaranteed > limit) {
    fields.faults.add('sla.bounds', fields.at('limit'), 'less is allowed than is guaranteed', 'raise limit');
  }
  return {
    ...head,
    type: 'quota',
    metric: metric?.name ?? '',
    ...(guaranteed === undefined ? {} : { guaranteed }),
    ...(limit === undefined ? {} : { limit }),
    per: fields.oneOf('per', ['total', 'instance', 'user']) ?? 'total',
  };
}
