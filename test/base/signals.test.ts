/** Work under several signals: ended by any of them, and leaving nothing behind in those that live on. */

import { underAny } from '../../src/base/signals.js';

/** How many listeners a signal has now: Node tells by adding and removing. */
class Counted extends EventTarget {
  readonly aborted = false;
  listeners = 0;
  override addEventListener(...of: Parameters<EventTarget['addEventListener']>): void {
    this.listeners += 1;
    super.addEventListener(...of);
  }
  override removeEventListener(...of: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners -= 1;
    super.removeEventListener(...of);
  }
}

describe('underAny', () => {
  const until = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve) => {
      if (signal.aborted) resolve(signal.reason);
      else signal.addEventListener('abort', () => resolve(signal.reason));
    });

  it.each([0, 1])('aborts with the one that aborts, for its reason (%i)', async (which) => {
    const some = [new AbortController(), new AbortController()];
    const reason = underAny(
      some.map(({ signal }) => signal),
      until,
    );
    some[which]?.abort('why');
    expect(await reason).toBe('why');
  });

  it('begins aborted under one that is', async () => {
    expect(await underAny([new AbortController().signal, AbortSignal.abort('before')], until)).toBe('before');
  });

  it('lets go of all when the work ends or fails', async () => {
    const lasting = new Counted();
    const signals = [lasting as unknown as AbortSignal, new AbortController().signal];
    expect(await underAny(signals, () => Promise.resolve(lasting.listeners))).toBe(1);
    expect(lasting.listeners).toBe(0);
    await expect(underAny(signals, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(lasting.listeners).toBe(0);
  });
});
