/**
 * Files that a guest gets beside its environment document (OVF 2 EnvironmentFilesSection): those of its own section and,
 * as with properties, those of the collection round it, its own going before where both name one path.
 */

import { excerpt } from '../../base/errors.js';
import { clashingPath } from '../cd-path.js';
import type { Content, EnvironmentFile, File } from '../envelope/model.js';
import type { EnvironmentPath, PlannedImage, PlannedMachine } from '../plan.js';
import type { Findings } from './findings.js';
import { planFile } from './disks.js';

/** Files of one guest, and of all of them together; far more than anybody sends along. */
const MOST_FILES = 256;
const MOST_IN_ALL = 10_000;

/** Gives each system its files; what is too much is told once for all. */
export class EnvironmentFiles {
  readonly #files: ReadonlyMap<string, File>;
  readonly #findings: Findings;
  #left = MOST_IN_ALL;

  constructor(files: ReadonlyMap<string, File>, findings: Findings) {
    this.#files = files;
    this.#findings = findings;
  }

  of(system: Content, parent: Content | undefined): readonly EnvironmentPath[] {
    const named = [...(parent?.environmentFiles ?? []), ...system.environmentFiles];
    if (named.length === 0 || this.#left < 0) return [];
    this.#left -= named.length;
    if (named.length > MOST_FILES || this.#left < 0) return this.#tooMany(system);
    const paths = new Map<string, EnvironmentFile>();
    for (const file of named) if (this.#files.has(file.fileRef)) paths.set(file.path.toLowerCase(), file);
    const clash = clashingPath([...paths.keys()]);
    if (clash !== undefined) {
      this.#findings.error('O-012', `the environment file "${excerpt(clash)}" would lie in another file`, {
        place: (paths.get(clash) ?? system).at,
        remedy: 'give files and folders names of their own',
      });
    }
    return [...paths.values()].map(({ path, fileRef }) => ({ path, file: fileRef }));
  }

  #tooMany({ id, at }: Content): readonly EnvironmentPath[] {
    this.#left = -1;
    const message = `"${excerpt(id)}" would get more than ${MOST_FILES} environment files, or all machines ${MOST_IN_ALL}`;
    this.#findings.error('O-078', message, { place: at, remedy: 'put them into an archive, or on a disk' });
    return [];
  }
}

/** The files that the environments of the machines need, in the order of the References. */
export function planFiles(
  files: ReadonlyMap<string, File>,
  machines: readonly PlannedMachine[],
): readonly PlannedImage[] {
  const needed = new Set(machines.flatMap(({ environment }) => (environment.files ?? []).map(({ file }) => file)));
  return [...files.values()].filter(({ id }) => needed.has(id)).map(planFile);
}
