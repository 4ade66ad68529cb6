/** Whether work costs in proportion to its input, told by processor time so that it holds on a busy machine. */

import { Problem } from '../../src/base/errors.js';

/** Characters of the short input; the long one has ten times as many. */
const SHORT = 20_000;

/** Microseconds of processor time, the least of a few runs. What is refused has been read as well. */
function cost(work: () => unknown): number {
  const runs = Array.from({ length: 3 }, () => {
    const start = process.cpuUsage();
    try {
      work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    const { user, system } = process.cpuUsage(start);
    return user + system;
  });
  return Math.min(...runs);
}

/**
 * Fails unless ten times the input costs clearly less than the hundred times of what is quadratic. One quiet moment is enough
 * to show it: compilation and a busy machine only ever add. The constant covers what does not depend on the length.
 */
export function expectProportional(read: (text: string) => unknown, shape: (length: number) => string): void {
  // Flat strings, as they come from the wire.
  const [short, long] = [SHORT, SHORT * 10].map((length) => Buffer.from(shape(length), 'utf8').toString('utf8'));
  const proportional = (): boolean => cost(() => read(long ?? '')) < 25 * cost(() => read(short ?? '')) + 2_000;
  expect(Array.from({ length: 5 }).some(proportional)).toBe(true);
}
