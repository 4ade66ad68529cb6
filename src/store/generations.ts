/**
 * Generations (K32): one number for each thing that processes keep in memory (categories, access). Whoever changes the
 * thing raises the number in the same transaction; whoever keeps it compares before use and reads anew when it moved.
 */

import type { SqlReader, Tx } from './sql.js';

/** `access`: principals, tokens and grants. `accounts`: those of users at sites. `categories`: user mixins and minted templates. */
export type GenerationName = 'access' | 'accounts' | 'categories';

/** Where the number stands; 0 when nothing has changed yet. */
export async function generationOf(reader: SqlReader, name: GenerationName): Promise<number> {
  const [value] = await reader.pluck<number>('SELECT value FROM generation WHERE name = ?', [name]);
  return value ?? 0;
}

export type Generations = Readonly<Record<GenerationName, number>>;

/** Where all numbers stand, in one read. */
export async function generationsOf(reader: SqlReader): Promise<Generations> {
  return (await reader.get<Record<GenerationName, number>>(ALL)) ?? { access: 0, accounts: 0, categories: 0 };
}

/**
 * The same for many requests at once. Those that come while a read is under way share the next one: nobody gets an answer
 * that was asked for before they came, so each sees all that was committed by then, as if it had asked alone.
 */
export class SharedGenerations {
  readonly #reader: SqlReader;
  #current: Promise<unknown> = Promise.resolve();
  #next: Promise<Generations> | undefined;

  constructor(reader: SqlReader) {
    this.#reader = reader;
  }

  read(): Promise<Generations> {
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      const read = generationsOf(this.#reader);
      this.#current = read.catch(() => undefined);
      return read;
    });
    return this.#next;
  }
}

const ALL = `SELECT coalesce((SELECT value FROM generation WHERE name = 'access'), 0) AS access,
  coalesce((SELECT value FROM generation WHERE name = 'accounts'), 0) AS accounts,
  coalesce((SELECT value FROM generation WHERE name = 'categories'), 0) AS categories`;

export async function raiseGeneration(tx: Tx, name: GenerationName): Promise<void> {
  await tx.run(
    'INSERT INTO generation (name, value) VALUES (?, 1) ' +
      'ON CONFLICT (name) DO UPDATE SET value = generation.value + 1',
    [name],
  );
}
