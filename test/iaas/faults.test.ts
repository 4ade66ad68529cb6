/** Fault rules: what they look at, when they strike, and that chance repeats itself. */

import { isWatched, strike, type ArmedFault, type FaultRule } from '../../src/iaas/adapters/simulator/faults.js';

/** Which of so many calls are struck: `x` for each that is. */
function pattern(rules: readonly FaultRule[], calls: readonly (readonly [string, string?])[], seed = 1): string {
  let armed: readonly ArmedFault[] = rules.map((rule) => ({ rule, seen: 0, struck: 0 }));
  let marks = '';
  for (const [operation, detail] of calls) {
    const outcome = strike(armed, seed, operation, detail);
    armed = outcome.armed;
    marks += outcome.struck ? 'x' : '.';
  }
  return marks;
}

const times = (count: number, operation = 'delete', detail?: string): [string, string?][] =>
  Array.from({ length: count }, () => (detail === undefined ? [operation] : [operation, detail]));
const kind = 'transient';

describe('fault rules', () => {
  it.each<[string, FaultRule, string]>([
    ['the nth call', { operation: 'delete', kind, nth: 3 }, '..x...'],
    ['from the nth on as often as told', { operation: 'delete', kind, nth: 3, times: 2 }, '..xx..'],
    ['every call without a number', { operation: 'delete', kind }, 'xxxxxx'],
    ['every call until enough', { operation: 'delete', kind, times: 4 }, 'xxxx..'],
    ['calls on one kind of thing', { operation: 'delete:network', kind }, '......'],
    ['any call', { operation: '*', kind, nth: 2 }, '.x....'],
    ['never at probability 0', { operation: 'delete', kind, probability: 0 }, '......'],
    ['always at probability 1', { operation: 'delete', kind, probability: 1 }, 'xxxxxx'],
  ])('strike %s', (_what, rule, expected) => {
    expect(pattern([rule], times(6, 'delete', 'compute'))).toBe(expected);
  });

  it('strike by chance about as often as told, the same way for one seed', () => {
    const rule: FaultRule = { operation: 'delete', kind, probability: 0.3 };
    const marks = pattern([rule], times(2000), 7);
    expect(marks).toBe(pattern([rule], times(2000), 7));
    expect(marks).not.toBe(pattern([rule], times(2000), 8));
    const share = (marks.split('x').length - 1) / 2000;
    expect(share).toBeGreaterThan(0.25);
    expect(share).toBeLessThan(0.35);
  });

  it('strike one at a time, the first that is due, while all of them count', () => {
    const rules: FaultRule[] = [
      { operation: 'delete', kind: 'refuse', nth: 2 },
      { operation: '*', kind: 'slow', nth: 2 },
    ];
    const { armed } = strike(
      rules.map((rule) => ({ rule, seen: 1, struck: 0 })),
      1,
      'delete',
      undefined,
    );
    expect(armed.map(({ seen, struck }) => ({ seen, struck }))).toEqual([
      { seen: 2, struck: 1 },
      { seen: 2, struck: 0 },
    ]);
  });

  it('are watched for only while they can strike', () => {
    const rule: FaultRule = { operation: 'list:compute', kind, nth: 1 };
    expect(isWatched([{ rule, seen: 0, struck: 0 }], 'list', 'compute')).toBe(true);
    expect(isWatched([{ rule, seen: 0, struck: 0 }], 'list', 'network')).toBe(false);
    expect(isWatched([{ rule, seen: 1, struck: 1 }], 'list', 'compute')).toBe(false);
  });
});
