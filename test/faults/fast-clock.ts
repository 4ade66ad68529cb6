/** A clock that runs many times faster than the wall: limits of half a minute and patient retries pass in a moment. */

import { systemClock, type Clock } from '../../src/base/clock.js';

export function fastClock(factor: number): Clock {
  const began = Date.now();
  const origin = performance.now();
  return {
    now: () => Math.floor(began + (performance.now() - origin) * factor),
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
