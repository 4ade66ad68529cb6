/**
 * Where the elements of a document stand. Of most elements nobody asks, and of a document without faults of none: a place
 * is worked out when somebody does.
 */

import type { Element } from './element.js';
import { Positions, type Position } from './position.js';

/** Lines and columns of the start tags of a document, all of them found in one pass when the first one is asked for. */
export class TagPositions {
  readonly #utf8: Buffer;
  readonly #tags: readonly number[];
  #found: readonly Position[] | undefined;

  /** @param tags their offsets in `utf8`, in document order */
  constructor(utf8: Buffer, tags: readonly number[]) {
    this.#utf8 = utf8;
    this.#tags = tags;
  }

  of(index: number): Position {
    if (this.#found === undefined) {
      const positions = new Positions(this.#utf8);
      this.#found = this.#tags.map((offset) => positions.at(offset));
    }
    return this.#found[index] ?? START;
  }
}

const START: Position = { line: 1, column: 1 };

/** A path is for people: longer names are cut in it. */
const LONGEST_STEP = 80;

export class ElementPlace implements Position {
  readonly #tags: TagPositions;
  readonly #index: number;
  readonly #name: string;
  readonly #parent: Element | undefined;
  #path: string | undefined;

  /** @param index of its start tag among those of the document */
  constructor(tags: TagPositions, index: number, name: string, parent: Element | undefined) {
    this.#tags = tags;
    this.#index = index;
    this.#name = name;
    this.#parent = parent;
  }

  /** Where its start tag begins, counted in characters from 1. */
  get line(): number {
    return this.#tags.of(this.#index).line;
  }

  get column(): number {
    return this.#tags.of(this.#index).column;
  }

  /** XPath-like path of local names; the n-th sibling of one name, from the second on, has `[n]`. */
  get path(): string {
    return (this.#path ??= this.#pathFromRoot());
  }

  /** Whoever writes it down gets what it says. */
  toJSON(): Position & { readonly path: string } {
    const { line, column, path } = this;
    return { line, column, path };
  }

  #pathFromRoot(): string {
    const step = this.#name.length > LONGEST_STEP ? `${this.#name.slice(0, LONGEST_STEP)}…` : this.#name;
    if (this.#parent === undefined) return `/${step}`;
    let place = 1;
    for (const sibling of this.#parent.children) {
      if (sibling.at === this) break;
      if (sibling.name === this.#name) place++;
    }
    return `${this.#parent.at.path}/${step}${place > 1 ? `[${place}]` : ''}`;
  }
}
