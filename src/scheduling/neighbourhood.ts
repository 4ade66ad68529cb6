/**
 * Constraints between machines (`spec/scheduling.md` §17: affinity and anti-affinity on topology levels) as counters
 * that a search keeps up to date: how many machines of a group are where, and whether one more may join them.
 */

/** One rule among the machines of a group. Hosts are indices; a rack is an index as well, looked up by host. */
export interface Neighbourhood {
  readonly hard: boolean;
  /** Whether a machine of that side would break the rule on that host, as the others are now. */
  clashes(host: number, side: Side): boolean;
  put(host: number, side: Side): void;
  take(host: number, side: Side): void;
}

/** Which of the two groups a machine belongs to, where a rule has two. */
export type Side = 0 | 1;

/** No more machines of the group in one place than it keeps apart by itself: one, where it is a single host (`differentHost`, `differentRack`). */
export class Apart implements Neighbourhood {
  readonly hard: boolean;
  readonly #places: Int32Array;
  readonly #counts: Int32Array;
  readonly #most: Int32Array;

  /** @param most how many a place keeps apart, by host */
  constructor(hard: boolean, places: Int32Array, most: Int32Array) {
    this.hard = hard;
    this.#places = places;
    this.#counts = new Int32Array(places.length);
    this.#most = most;
  }

  clashes(host: number): boolean {
    return this.room(host) <= 0;
  }

  /** How many more its place may take. */
  room(host: number): number {
    return at(this.#most, host) - at(this.#counts, at(this.#places, host));
  }

  put(host: number): void {
    count(this.#counts, at(this.#places, host), 1);
  }

  take(host: number): void {
    count(this.#counts, at(this.#places, host), -1);
  }
}

/** All machines of the group in one place (`sameRack`; `sameHost` where it is only a wish). */
export class Together implements Neighbourhood {
  readonly hard: boolean;
  readonly #places: Int32Array;
  readonly #counts: Int32Array;
  #members = 0;

  constructor(hard: boolean, places: Int32Array) {
    this.hard = hard;
    this.#places = places;
    this.#counts = new Int32Array(places.length);
  }

  /** The next machine decides where the group goes. */
  get open(): boolean {
    return this.#members === 0;
  }

  clashes(host: number): boolean {
    return this.#members > 0 && at(this.#counts, at(this.#places, host)) === 0;
  }

  put(host: number): void {
    count(this.#counts, at(this.#places, host), 1);
    this.#members += 1;
  }

  take(host: number): void {
    count(this.#counts, at(this.#places, host), -1);
    this.#members -= 1;
  }
}

/** No machine of one side on a host with one of the other (`separateItems`). */
export class Separate implements Neighbourhood {
  readonly hard: boolean;
  readonly #counts: readonly [Int32Array, Int32Array];

  constructor(hard: boolean, hosts: number) {
    this.hard = hard;
    this.#counts = [new Int32Array(hosts), new Int32Array(hosts)];
  }

  clashes(host: number, side: Side): boolean {
    return at(this.#counts[side === 0 ? 1 : 0], host) > 0;
  }

  put(host: number, side: Side): void {
    count(this.#counts[side], host, 1);
  }

  take(host: number, side: Side): void {
    count(this.#counts[side], host, -1);
  }
}

function at(list: Int32Array, index: number): number {
  return list[index] ?? 0;
}

function count(list: Int32Array, index: number, by: 1 | -1): void {
  list[index] = at(list, index) + by;
}
