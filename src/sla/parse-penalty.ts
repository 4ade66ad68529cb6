/** Penalties of a term (`spec/sla.md` §16): from JSON to the model. */

import type { Penalty, Variable } from './agreement.js';
import type { Fields } from './fields.js';
import { expressionOf } from './parse-condition.js';

const MOST_PENALTIES = 50;

export function parsePenalties(fields: Fields, variables: ReadonlyMap<string, Variable>): Penalty[] {
  return fields.objects('penalties', MOST_PENALTIES, (penalty) => parsePenalty(penalty, variables));
}

function parsePenalty(fields: Fields, variables: ReadonlyMap<string, Variable>): Penalty {
  const types = ['discount', 'credit', 'terminate', 'notify'] as const;
  const type = fields.required('type', fields.oneOf('type', types), 'notify');
  const value = fields.text('value', /^\d{1,15}(?:\.\d{1,9})?$/, 'write a decimal as text, e.g. "10"');
  const unit = fields.text('unit', /^(?:%|[A-Z]{3})$/, 'write % or an ISO 4217 code');
  if (type === 'discount' || type === 'credit') {
    fields.required('value', value, '');
    fields.required('unit', unit, '');
  }
  const assess = fields.object('assess', readAssessment);
  const after = fields.object('after', (threshold) => ({
    count: threshold.required('count', threshold.integer('count', 1, 1_000_000), 1),
    within: threshold.required('within', threshold.duration('within'), { months: 0, seconds: 1 }),
  }));
  const cap = fields.text('cap', /^\d{1,15}(?:\.\d{1,9})?(?:%|[A-Z]{3})$/, 'write for example 100% or 50EUR');
  const validity = fields.duration('validity');
  const when = expressionOf(fields, 'when', variables);
  return {
    type,
    ...(value === undefined ? {} : { value }),
    ...(unit === undefined ? {} : { unit }),
    ...(assess === undefined ? {} : { assess }),
    ...(after === undefined ? {} : { after }),
    ...(cap === undefined ? {} : { cap }),
    ...(validity === undefined ? {} : { validity }),
    ...(when === undefined ? {} : { when }),
  };
}

/** Once per interval, or once per so many violations. */
function readAssessment(fields: Fields): NonNullable<Penalty['assess']> {
  const interval = fields.duration('interval');
  const count = fields.integer('count', 1, 1_000_000);
  if (fields.has('interval') === fields.has('count')) {
    fields.wrong('interval', 'a penalty is assessed per interval or per count', 'give exactly one of them');
  }
  return interval === undefined ? { count: count ?? 1 } : { interval };
}
