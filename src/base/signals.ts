/**
 * Work that any of several signals ends. `AbortSignal.any` leaves in each of them a reference to what it makes for as long as the
 * signal lives (Node 20), and the one that stops the process lives as long as it: loops that joined it with another at every
 * turn grew without end.
 */

/** Runs work under a signal that aborts with the first of these, and lets go of them when the work has ended. */
export async function underAny<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const either = new AbortController();
  const abort = ({ target }: { readonly target: unknown }): void => either.abort((target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) abort({ target: signal });
    else signal.addEventListener('abort', abort, { once: true });
  }
  try {
    return await work(either.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', abort);
  }
}
