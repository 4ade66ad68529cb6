/** Waiting for what a site has accepted ends with the patience of a call, however it is spent. */

import type { Clock } from '../../src/base/clock.js';
import { growingPauses, Patience } from '../../src/iaas/patience.js';

let now = 0;
const clock: Clock = {
  now: () => now,
  sleep: (ms) => {
    now += ms;
    return Promise.resolve();
  },
};
const patience = new Patience(clock, { pollMs: 500, settleMs: 8000 });
beforeEach(() => (now = 0));

/** Asks of a service that takes its time and gives an answer at the last of so many, and tells how often that was. */
async function asked(
  tookMs: number,
  answersAt = Infinity,
): Promise<{ readonly times: number; readonly error: unknown }> {
  let times = 0;
  const ask = (): Promise<true | undefined> => {
    times += 1;
    now += tookMs;
    return Promise.resolve(times >= answersAt ? true : undefined);
  };
  const error = await patience.until({}, 'it is on its way', ask).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { times, error };
}

it.each([
  ['at once', 0, 6],
  ['slowly', 1500, 4],
  ['later than there is patience', 9000, 1],
])('asks one that answers %s for no longer than that', async (_how, tookMs, times) => {
  expect(await asked(tookMs)).toMatchObject({ times, error: { class: 'transient', message: 'it is on its way' } });
  expect(now).toBeLessThanOrEqual(8000 + tookMs);
});

it('asks less and less often, and looks once more when its time is up', async () => {
  const pauses = growingPauses(500);
  expect(Array.from({ length: 8 }, () => pauses.next().value)).toEqual([
    500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000,
  ]);
  const at: number[] = [];
  await patience.settled({}, () => Promise.resolve(at.push(now) < 0));
  expect(at).toEqual([0, 500, 1500, 3500, 7500, 8000]);
});

it('takes an answer whenever it comes, and for a change that may come to nothing lets it be', async () => {
  expect(await asked(1500, 3)).toEqual({ times: 3, error: undefined });
  await patience.settled({}, () => Promise.resolve(false));
  await expect(patience.settled({}, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
});

it('ends with the wish for it', async () => {
  const signal = AbortSignal.abort();
  let times = 0;
  const ask = (): Promise<undefined> => Promise.resolve(void (times += 1));
  await expect(patience.until({ signal }, 'given up', ask)).rejects.toMatchObject({ class: 'transient' });
  expect(times).toBe(1);
});
