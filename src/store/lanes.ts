/** Lanes: at most so many tasks at once, the others wait their turn, first come first served. */

export class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a lane when one is free and answers the function that gives it back, to be called once. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#leave;
  }

  /** The same for whoever waits at most so many milliseconds: nothing when none was free by then. */
  async enterWithin(limitMs: number): Promise<(() => void) | undefined> {
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#leave;
    }
    const entered = await new Promise<boolean>((resolve) => {
      const enter = (): void => {
        clearTimeout(late);
        resolve(true);
      };
      const late = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        resolve(false);
      }, limitMs);
      this.#waiting.push(enter);
    });
    return entered ? this.#leave : undefined;
  }

  readonly #leave = (): void => {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  };
}
