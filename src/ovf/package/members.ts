/**
 * Which member of a package a reference means (DSP0243 §7.1): an href is relative to the descriptor, and escaped. Packers
 * that put descriptor and files into different folders, or names into archives as the href writes them, are understood too.
 * Lines of the manifest are resolved in the same way, so that what a reference finds is what was held to its digest.
 */

import { decode } from '../envelope/href.js';

export class Members<T> {
  readonly byName: ReadonlyMap<string, T>;
  /** By the path that a reference leads to, the better readings of it first. */
  readonly #readings: readonly Map<string, T>[] = [new Map(), new Map(), new Map(), new Map()];
  readonly #bareNames: boolean;

  /**
   * @param descriptor name of the descriptor in the package
   * @param bareNames whether a file may be known by the last step of its path alone
   */
  constructor(descriptor: string, files: ReadonlyMap<string, T>, bareNames = false) {
    this.byName = files;
    this.#bareNames = bareNames;
    const folder = descriptor.slice(0, descriptor.lastIndexOf('/') + 1);
    for (const [name, file] of files) {
      const relative = name.startsWith(folder) ? name.slice(folder.length) : undefined;
      const paths = [relative, relative === undefined ? undefined : decode(relative), name, decode(name)];
      for (const [index, reading] of this.#readings.entries()) {
        const path = paths[index];
        if (path !== undefined && !reading.has(path)) reading.set(path, file);
      }
    }
  }

  /** @param path that an href leads to: decoded and normalised */
  get(path: string): T | undefined {
    const found = this.#readings.find((reading) => reading.has(path))?.get(path);
    if (found !== undefined || !this.#bareNames) return found;
    return this.byName.get(path.slice(path.lastIndexOf('/') + 1));
  }
}
