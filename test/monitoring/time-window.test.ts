/** Windows and wishes of sensors as pure functions: what holds for every one of them. */

import fc from 'fast-check';
import { bestFit } from '../../extensions/monitoring/best-fit.js';
import { timeWindowFaults, timeWindowOf } from '../../extensions/monitoring/time-window.js';
import { ACCURACY, TIMEBASE, TIMESTART, TIMESTOP } from '../../extensions/monitoring/vocabulary.js';

const NOW = Date.UTC(2026, 0, 1);
const codes = (...args: Parameters<typeof timeWindowFaults>): string[] =>
  timeWindowFaults(...args).map(({ code }) => code.replace('monitoring.window-', ''));

describe('the time window of a sensor', () => {
  it.each([
    ['no window', {}, { suspended: false }],
    ['a suspended sensor', { [TIMEBASE]: '-1', [TIMESTART]: 5 }, { suspended: true }],
    [
      'seconds since the epoch',
      { [TIMEBASE]: '1371025907', [TIMESTART]: 1 },
      { suspended: false, start: 1371025908000 },
    ],
    [
      'ISO 8601 with an offset',
      { [TIMEBASE]: '2026-01-01T02:00:00+02:00', [TIMESTOP]: 1.5 },
      { suspended: false, stop: NOW + 1500 },
    ],
    ['offsets from now', { [TIMESTART]: 1, [TIMESTOP]: 2 }, { suspended: false, start: NOW + 1000, stop: NOW + 2000 }],
  ])('reads %s', (_what, attributes, window) => {
    expect(timeWindowOf(attributes, NOW)).toEqual(window);
  });

  it('C-255 lies in the past from the accuracy of the sensor on', () => {
    const begun = (seconds: number): object => ({
      [TIMEBASE]: String(NOW / 1000 - seconds),
      [TIMESTART]: 0,
      [ACCURACY]: 30,
    });
    expect(codes({ ...begun(30) }, NOW)).toEqual([]);
    expect(codes({ ...begun(31) }, NOW)).toEqual(['past']);
  });

  it('C-255 is refused only for what an update changes', () => {
    const running = { [TIMEBASE]: String(NOW / 1000), [TIMESTART]: 0, [TIMESTOP]: 3600 };
    const later = NOW + 1_800_000;
    expect(codes({ ...running, [TIMESTOP]: 7200 }, later, running)).toEqual([]);
    expect(codes({ ...running, [TIMESTART]: 60 }, later, running)).toEqual(['past']);
    expect(codes({ ...running, [TIMESTOP]: 60 }, later, running)).toEqual(['past']);
  });

  it('C-255 is accepted when it lies ahead in order, and refused when it ends before it begins', () => {
    const offset = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(offset, offset, (first, last) => {
        const window = { [TIMESTART]: first, [TIMESTOP]: last };
        expect(codes(window, NOW)).toEqual(last < first ? ['order'] : []);
      }),
    );
  });
});

describe('period, granularity and accuracy', () => {
  const number = fc.double({ min: 0, max: 1e12, noNaN: true });

  it('C-256 are met or bettered by nothing but the nearest that can be met, and stay so', () => {
    const wishes = fc.record({ period: number, granularity: number, accuracy: number }, { requiredKeys: [] });
    fc.assert(
      fc.property(wishes, (wish) => {
        const wanted = Object.fromEntries(Object.entries(wish).map(([name, value]) => [`occi.sensor.${name}`, value]));
        const fitted = bestFit('occi.sensor', wanted);
        expect(bestFit('occi.sensor', fitted)).toEqual(fitted);
        for (const name of ['period', 'granularity', 'accuracy']) {
          const value = fitted[`occi.sensor.${name}`] as number;
          expect(value).toBeGreaterThanOrEqual(0.001);
          expect(value).toBeLessThanOrEqual(366 * 86_400);
        }
      }),
    );
  });

  it('C-256 leave other attributes alone', () => {
    expect(bestFit('occi.collector', { a: 'b' })).toMatchObject({ a: 'b' });
  });
});
