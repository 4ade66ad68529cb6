/** Scripted load: shapes over time, and machines that are relieved by help and by size. */

import fc from 'fast-check';
import {
  matchesName,
  measure,
  shapeAt,
  type LoadRule,
  type LoadShape,
} from '../../src/iaas/adapters/simulator/load.js';

const machine = (name: string, cores = 2, application = 'shop') => ({
  ref: name,
  name,
  cores,
  memoryBytes: 2 ** 30,
  application,
});
const cpu = (name: string, machines: ReturnType<typeof machine>[], rules: readonly LoadRule[], seconds = 0): number => {
  const one = machines.find((each) => each.name === name);
  if (!one) throw new Error(name);
  return measure(one, machines, { rules, seconds, seed: 1 }).get('vm.cpu.utilization') ?? Number.NaN;
};

describe('scripted load', () => {
  it.each<[LoadShape, number, number]>([
    [{ kind: 'constant', value: 3 }, 99, 3],
    [{ kind: 'constant', value: -3 }, 99, 0],
    [{ kind: 'ramp', from: 1, to: 3, startSeconds: 10, endSeconds: 20 }, 0, 1],
    [{ kind: 'ramp', from: 1, to: 3, startSeconds: 10, endSeconds: 20 }, 15, 2],
    [{ kind: 'ramp', from: 1, to: 3, startSeconds: 10, endSeconds: 20 }, 99, 3],
    [{ kind: 'ramp', from: 1, to: 3, startSeconds: 10, endSeconds: 10 }, 10, 3],
    [{ kind: 'sine', mean: 2, amplitude: 1, periodSeconds: 40 }, 10, 3],
    [{ kind: 'sine', mean: 2, amplitude: 1, periodSeconds: 40 }, 30, 1],
    [
      {
        kind: 'steps',
        steps: [
          { atSeconds: 5, value: 1 },
          { atSeconds: 9, value: 4 },
        ],
      },
      4,
      0,
    ],
    [
      {
        kind: 'steps',
        steps: [
          { atSeconds: 5, value: 1 },
          { atSeconds: 9, value: 4 },
        ],
      },
      8,
      1,
    ],
    [
      {
        kind: 'steps',
        steps: [
          { atSeconds: 5, value: 1 },
          { atSeconds: 9, value: 4 },
        ],
      },
      9,
      4,
    ],
  ])('follows %j: at %d s it is %d', (shape, seconds, value) => {
    expect(shapeAt(shape, seconds)).toBeCloseTo(value, 9);
  });

  it('weighs less on a bigger machine', () => {
    const rules: LoadRule[] = [{ machines: 'web', metric: 'cpu', shape: { kind: 'constant', value: 1 } }];
    expect(cpu('web', [machine('web', 2)], rules)).toBe(0.5);
    expect(cpu('web', [machine('web', 4)], rules)).toBe(0.25);
    expect(
      cpu('web', [machine('web', 1)], [{ machines: 'web', metric: 'cpu', shape: { kind: 'constant', value: 5 } }]),
    ).toBe(1);
  });

  it('is shared by the machines of one application, and of no other', () => {
    const rules: LoadRule[] = [
      { machines: 'web-*', metric: 'cpu', shared: true, shape: { kind: 'constant', value: 2 } },
    ];
    const others = [machine('web-9', 2, 'elsewhere'), machine('db', 2)];
    expect(cpu('web-1', [machine('web-1'), ...others], rules)).toBe(1);
    expect(cpu('web-1', [machine('web-1'), machine('web-2'), ...others], rules)).toBe(0.5);
    expect(
      cpu(
        'web-1',
        [1, 2, 3, 4].map((index) => machine(`web-${index}`)),
        rules,
      ),
    ).toBe(0.25);
  });

  it('takes the last rule that fits', () => {
    const rules: LoadRule[] = [
      { machines: '*', metric: 'cpu', shape: { kind: 'constant', value: 2 } },
      { machines: 'db*', metric: 'cpu', shape: { kind: 'constant', value: 1 } },
    ];
    expect(cpu('db', [machine('db')], rules)).toBe(0.5);
    expect(cpu('web', [machine('web')], rules)).toBe(1);
  });

  it('is small and repeatable where nothing is scripted', () => {
    const one = measure(machine('idle'), [machine('idle')], { rules: [], seconds: 100, seed: 4 });
    expect(one).toEqual(measure(machine('idle'), [machine('idle')], { rules: [], seconds: 101, seed: 4 }));
    expect(one).not.toEqual(measure(machine('idle'), [machine('idle')], { rules: [], seconds: 100, seed: 5 }));
    expect(one.get('vm.cpu.utilization')).toBeLessThan(0.1);
  });

  it('finds names by patterns as a glob would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 });
    const asRegExp = (pattern: string): RegExp =>
      new RegExp(
        `^${pattern
          .split('*')
          .map((part) => part.replaceAll('.', '\\.'))
          .join('.*')}$`,
      );
    fc.assert(
      fc.property(text, text, (pattern, name) => {
        expect(matchesName(pattern, name)).toBe(asRegExp(pattern).test(name));
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});
