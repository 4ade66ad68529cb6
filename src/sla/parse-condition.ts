/** When a term is in force (`spec/sla.md` §2, QualifyingCondition), and the expressions in members of terms. */

import type { QualifyingCondition, Variable } from './agreement.js';
import { parseExpression, type Comparison } from './expression.js';
import type { Fields } from './fields.js';

const MINUTES = /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/;

export function parseCondition(
  fields: Fields,
  variables: ReadonlyMap<string, Variable>,
): QualifyingCondition | undefined {
  return fields.object('condition', (condition) => {
    const from = readMinutes(condition, 'from');
    const until = readMinutes(condition, 'until');
    const days = condition.list('days', 7).flatMap(({ value, path }) => {
      if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 7) return [value as number];
      condition.faults.add('sla.value', path, 'this is no day of the week', 'write 1 (Monday) to 7', value);
      return [];
    });
    const timezone = readTimezone(condition, 'timezone');
    if ((from !== undefined || until !== undefined || days.length > 0) && !condition.has('timezone')) {
      condition.wrong('timezone', 'times of day need a time zone', 'write for example Europe/Paris');
    }
    const when = expressionOf(condition, 'when', variables);
    return {
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until }),
      ...(days.length === 0 ? {} : { days }),
      ...(timezone === undefined ? {} : { timezone }),
      ...(when === undefined ? {} : { when }),
    };
  });
}

/** The comparisons of an expression member; absent or wrong: undefined. */
export function expressionOf(
  fields: Fields,
  name: string,
  variables: ReadonlyMap<string, Variable>,
): readonly Comparison[] | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  const parsed = parseExpression(text, variables);
  if ('comparisons' in parsed) return parsed.comparisons;
  return fields.faults.add('sla.expression', fields.at(name), parsed.complaint, parsed.remedy, text);
}

/** A time zone of the IANA database. */
export function readTimezone(fields: Fields, name: string): string | undefined {
  const zone = fields.text(name, /^[A-Za-z0-9_+/-]{1,64}$/, 'write for example Europe/Paris');
  if (zone === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) && zone;
  } catch {
    return fields.wrong(name, 'this time zone is not known', 'write for example Europe/Paris', zone);
  }
}

function readMinutes(fields: Fields, name: string): number | undefined {
  const text = fields.text(name, MINUTES, 'write hh:mm');
  if (text === undefined) return undefined;
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}
