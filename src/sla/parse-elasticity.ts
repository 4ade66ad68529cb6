/** Elasticity terms (`spec/sla.md` §17): from JSON to the model. */

import type { Adjustment, ElasticityRule, ElasticityTerm, Variable } from './agreement.js';
import type { Fields } from './fields.js';
import { expressionOf, readTimezone } from './parse-condition.js';
import type { TermContext, TermHead } from './parse-term.js';

const MOST_INSTANCES = 1000;
const MOST_RULES = 50;
const CRON_FIELD = '(?:[0-9a-zA-Z*?,/#L-]{1,64})';
const CRON = new RegExp(`^${CRON_FIELD}(?: ${CRON_FIELD}){4}$`);

export function parseElasticity(fields: Fields, head: TermHead, { variables }: TermContext): ElasticityTerm {
  const min = fields.required('min', fields.integer('min', 0, MOST_INSTANCES), 1);
  const max = fields.required('max', fields.integer('max', 1, MOST_INSTANCES), min);
  const initial = fields.integer('initial', 0, MOST_INSTANCES) ?? Math.max(1, min);
  if (min > max) fields.faults.add('sla.bounds', fields.at('max'), 'max is below min', 'choose min <= initial <= max');
  if (min <= max && (initial < min || initial > max)) {
    fields.faults.add(
      'sla.bounds',
      fields.at('initial'),
      'initial is outside its bounds',
      'choose min <= initial <= max',
    );
  }
  const cooldown = fields.object('cooldown', readBothWays);
  const stabilization = fields.object('stabilization', (window) => {
    const inward = window.seconds('in');
    return inward === undefined ? {} : { in: inward };
  });
  const drain = fields.seconds('drain');
  return {
    ...head,
    type: 'elasticity',
    min,
    max,
    initial,
    rules: fields.objects('rules', MOST_RULES, (rule) => readRule(rule, variables)),
    schedule: fields.objects('schedule', MOST_RULES, readSchedule),
    cooldown: cooldown ?? {},
    stabilization: stabilization ?? {},
    ...(drain === undefined ? {} : { drain }),
  };
}

function readRule(fields: Fields, variables: ReadonlyMap<string, Variable>): ElasticityRule {
  const when = expressionOf(fields, 'when', variables);
  return {
    id: fields.required('id', fields.text('id', /^.{1,256}$/u, 'write an id'), ''),
    when: fields.required('when', when, []),
    periods: fields.integer('periods', 1, 10_000) ?? 1,
    period: fields.seconds('period') ?? 60,
    adjust: readAdjustment(fields),
  };
}

function readSchedule(fields: Fields): ElasticityTerm['schedule'][number] {
  const cron = fields.text('cron', CRON, 'write five fields, e.g. "0 9 * * mon-fri"');
  return {
    cron: fields.required('cron', cron, ''),
    timezone: fields.required('timezone', readTimezone(fields, 'timezone'), 'UTC'),
    adjust: readAdjustment(fields),
  };
}

function readAdjustment(fields: Fields): Adjustment {
  const adjust = fields.object('adjust', (adjustment) => {
    const types = ['CHANGE', 'CARDINALITY', 'PERCENTAGE_CHANGE'] as const;
    const type = adjustment.required('type', adjustment.oneOf('type', types), 'CHANGE');
    const lowest = type === 'CARDINALITY' ? 0 : -MOST_INSTANCES;
    const by = adjustment.required('by', adjustment.integer('by', lowest, MOST_INSTANCES), 0);
    const minStep = adjustment.integer('minStep', 1, MOST_INSTANCES);
    return { type, by, ...(minStep === undefined ? {} : { minStep }) };
  });
  return fields.required('adjust', adjust, { type: 'CHANGE', by: 0 });
}

function readBothWays(fields: Fields): ElasticityTerm['cooldown'] {
  const out = fields.seconds('out');
  const inward = fields.seconds('in');
  return { ...(out === undefined ? {} : { out }), ...(inward === undefined ? {} : { in: inward }) };
}
