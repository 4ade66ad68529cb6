/** What a test orders of the next server or action: each order is carried out once. */

export type Order = 'fail-create' | 'late-quota' | 'slow-create' | 'ignore-action';

export class Orders {
  readonly #given: Order[] = [];

  give(order: Order): void {
    this.#given.push(order);
  }

  clear(): void {
    this.#given.length = 0;
  }

  /** Whether this was ordered; it is carried out with that. */
  take(order: Order): boolean {
    const at = this.#given.indexOf(order);
    if (at === -1) return false;
    this.#given.splice(at, 1);
    return true;
  }
}
