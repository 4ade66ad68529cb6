/** Rows of rules: a descriptor that breaks one, and what strict and lenient mode make of it. */

import type { Mode } from '../../src/ovf/envelope/findings.js';
import { descriptor, judge, type Parts } from './envelope-support.js';

export type Outcome = 'error' | 'warning' | 'info' | 'none';
export type Row = readonly [rule: string, what: string, parts: Parts, strict: Outcome, lenient: Outcome];

export const product = (inside: string): Parts => ({
  systemSections: `<ProductSection><Info/>${inside}</ProductSection>`,
});
export const disks = (inside: string): Parts => ({ disks: `<DiskSection><Info/>${inside}</DiskSection>` });

function outcome(parts: Parts, mode: Mode, rule: string): Outcome {
  const code = `ovf.${rule}`;
  const { errors, warnings, notes } = judge(descriptor(parts), mode);
  if (errors.includes(code)) return 'error';
  if (warnings.includes(code)) return 'warning';
  return notes.includes(code) ? 'info' : 'none';
}

/** What each row says of its rule. */
export function judges(rows: readonly Row[]): void {
  it.each(rows)('%s %s', (rule, _what, parts, strict, lenient) => {
    expect([outcome(parts, 'strict', rule), outcome(parts, 'lenient', rule)]).toEqual([strict, lenient]);
  });
}
