/**
 * What is due when: a binary heap in the order of time, then of creation, so that changes due at the same instant come
 * through in the same order wherever the log is folded. Entries that a later change made void stay until their time.
 */

import type { ResourceClass, SiteRef } from '../../adapter.js';

export interface Due {
  readonly until: number;
  readonly number: number;
  readonly class: ResourceClass;
  readonly ref: SiteRef;
}

export class DueQueue {
  readonly #heap: Due[] = [];

  peek(): Due | undefined {
    return this.#heap[0];
  }

  /** Everything that waits, in no particular order. */
  entries(): readonly Due[] {
    return this.#heap;
  }

  push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && earlier(heap[at], heap[parent]); at = parent, parent = (at - 1) >> 1) {
      swap(heap, at, parent);
    }
  }

  pop(): Due | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = earlier(heap[left + 1], heap[left]) ? left + 1 : left;
      if (!earlier(heap[child], heap[at])) return top;
      swap(heap, at, child);
      at = child;
    }
  }
}

function earlier(a: Due | undefined, b: Due | undefined): boolean {
  if (!a || !b) return false;
  return a.until < b.until || (a.until === b.until && a.number < b.number);
}

function swap(heap: Due[], a: number, b: number): void {
  const held = heap[a];
  const other = heap[b];
  if (!held || !other) return;
  heap[a] = other;
  heap[b] = held;
}
