/**
 * How long VEP waits and how much it takes: a time limit on one answer, and a body that ends with a problem when it is
 * too large, falls silent or drips (S-095). Only the time spent waiting for the other side counts, never our own.
 */

import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.js';
import { Problem, problem } from '../base/errors.js';

/** Bytes per second below which a body counts as dripping. */
const SLOWEST = 1024;

/** The result of `work`, or a Problem `unavailable` (`net.timeout`) after `ms`; `giveUp` then stops the work. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>, giveUp: () => void): Promise<T> {
  const settled = new AbortController();
  const limit = clock.sleep(ms, settled.signal).then(() => {
    if (settled.signal.aborted) return undefined as never;
    giveUp();
    throw timedOut(ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    // With a reason of its own: the one that is made otherwise carries a stack, which costs more than all the rest of this.
    settled.abort('settled');
    // Whoever loses the race must not be left with an unhandled rejection.
    work.catch(() => undefined);
    limit.catch(() => undefined);
  }
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** Longest silence in milliseconds; in each such stretch of waiting {@link SLOWEST} bytes per second must arrive. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly tooLarge: (maxBytes: number) => Problem;
}

/** The chunks of a body as they come, under limits. `broken` names an error of the connection. */
export async function* boundedBody(
  body: Readable,
  limits: BodyLimits,
  broken: (error: unknown) => Problem,
): AsyncGenerator<Uint8Array> {
  const { maxBytes, timeoutMs, clock } = limits;
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let total = 0;
  let waited = 0;
  let arrived = 0;
  try {
    for (;;) {
      const from = clock.now();
      const next = await within(clock, timeoutMs, chunks.next(), () => body.destroy());
      if (next.done) return;
      waited += clock.now() - from;
      total += next.value.length;
      arrived += next.value.length;
      if (total > maxBytes) throw limits.tooLarge(maxBytes);
      if (waited >= timeoutMs) {
        if (arrived < (waited / 1000) * SLOWEST) throw timedOut(timeoutMs);
        waited = arrived = 0;
      }
      yield next.value;
    }
  } catch (error) {
    throw error instanceof Problem ? error : broken(error);
  } finally {
    body.destroy();
  }
}

function timedOut(ms: number): Problem {
  return problem(
    'unavailable',
    'net.timeout',
    `the other side was too slow: nothing, or next to nothing, in ${ms} ms`,
    {
      remedy: 'try again later or use a faster server',
    },
  );
}
