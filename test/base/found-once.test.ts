/** What is found out once for all who ask. */

import { FoundOnce } from '../../src/base/found-once.js';

function searching(): {
  readonly once: FoundOnce<string>;
  readonly searches: { readonly signal: AbortSignal; find: (value: string) => void; fail: (error: Error) => void }[];
} {
  const searches: { signal: AbortSignal; find: (value: string) => void; fail: (error: Error) => void }[] = [];
  const once = new FoundOnce(
    ({ signal }) => new Promise<string>((find, fail) => void searches.push({ signal, find, fail })),
  );
  return { once, searches };
}

it('is looked for once, however many ask, and then known', async () => {
  const { once, searches } = searching();
  const asked = [once.get(), once.get()];
  searches[0]?.find('it');
  expect([...(await Promise.all(asked)), await once.get(), searches.length]).toEqual(['it', 'it', 'it', 1]);
});

it('is looked for again after a failure', async () => {
  const { once, searches } = searching();
  const first = once.get();
  searches[0]?.fail(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  const second = once.get();
  searches[1]?.find('it');
  expect(await second).toBe('it');
});

it('is still found for others when the first gives up, and not looked for when all have', async () => {
  const { once, searches } = searching();
  const [first, second] = [new AbortController(), new AbortController()];
  const [one, other] = [once.get(first), once.get(second)];
  first.abort(new Error('enough'));
  await expect(one).rejects.toThrow('enough');
  expect(searches[0]?.signal.aborted).toBe(false);
  second.abort(new Error('enough too'));
  await expect(other).rejects.toThrow('enough too');
  expect(searches[0]?.signal.aborted).toBe(true);
});
