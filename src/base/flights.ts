/**
 * Work that is shared by all who ask for the same at the same time: it is done once, tells each of them how far it is, and
 * is given up when the last of them has gone.
 */

export interface FlightOptions<P> {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: P) => void;
}

interface Flight<T, P> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  readonly listeners: Set<(progress: P) => void>;
  passengers: number;
}

export class Flights<T, P> {
  readonly #flights = new Map<string, Flight<T, P>>();

  /** The result of `work`, or of the same work that is under way; the reason of the signal as soon as it is aborted. */
  async join(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
    options: FlightOptions<P> = {},
  ): Promise<T> {
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    if (onProgress) flight.listeners.add(onProgress);
    flight.passengers += 1;
    try {
      return await orAborted(flight.result, signal);
    } finally {
      if (onProgress) flight.listeners.delete(onProgress);
      flight.passengers -= 1;
      if (flight.passengers === 0) {
        this.#flights.delete(key);
        flight.stop.abort();
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>): Flight<T, P> {
    const stop = new AbortController();
    const listeners = new Set<(progress: P) => void>();
    const result = work(stop.signal, (progress) => listeners.forEach((listener) => listener(progress)));
    result.catch(() => undefined);
    const flight = { result, stop, listeners, passengers: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}

async function orAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return result;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
  }
}
