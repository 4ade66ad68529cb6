/** What has been opened, closed in the opposite order, once. */
export class Closers {
  readonly #closers: ((graceMs: number) => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  add(closer: (graceMs: number) => Promise<void>): void {
    this.#closers.push(closer);
  }

  close(graceMs = 0): Promise<void> {
    this.#closing ??= this.#closers.reduceRight<Promise<void>>(
      (earlier, closer) => earlier.then(() => closer(graceMs)),
      Promise.resolve(),
    );
    return this.#closing;
  }
}
