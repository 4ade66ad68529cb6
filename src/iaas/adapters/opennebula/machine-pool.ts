/** Machines as oned lists them: in pages, by id, and by the token or the entity they were made for. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { readMachine, type Machine } from './machine.js';
import { digestOf, numberOf } from './marks.js';
import type { Oned } from './oned.js';
import { VM } from './states.js';

/** Everybody's; DONE ones are left out. */
const ALL = -2;
const NOT_DONE = -1;
const PAGE = 200;
/** States in which a machine takes no room on a host in the eyes of oned. */
const NOWHERE = [VM.pending, VM.hold, VM.stopped, VM.undeployed, VM.cloning];

export class MachinePool {
  readonly #oned: Oned;
  readonly #realm: string;
  /** Ids of machines by the digest of their token, of all machines up to `#indexedTo`; the same by entity. */
  readonly #byToken = new Map<string, number[]>();
  readonly #byEntity = new Map<string, number[]>();
  #indexedTo = -1;
  #infoset = true;

  constructor(oned: Oned, realm: string) {
    this.#oned = oned;
    this.#realm = realm;
  }

  /** All machines that there are, or those of one state. */
  async *all(options: CallOptions = {}, state: number = NOT_DONE): AsyncIterable<Machine> {
    const seen = new Set<number>();
    for (let offset = 0; ; offset += PAGE) {
      // An end below -1 is the size of a page, and the start its offset.
      const pool = await this.#oned.document('one.vmpool.infoextended', [ALL, offset, -PAGE, state, ''], options);
      const page = pool.all('VM').map((body) => readMachine(body, this.#realm));
      for (const machine of page) {
        // A machine that is made meanwhile moves the others onto the next page.
        if (!seen.has(machine.id)) yield machine;
        seen.add(machine.id);
      }
      if (page.length < PAGE) return;
    }
  }

  /** VEP's machines that oned counts on no host yet, or no longer. */
  async undeployed(options: CallOptions): Promise<readonly Machine[]> {
    const found: Machine[] = [];
    for (const state of NOWHERE)
      for await (const machine of this.all(options, state)) if (machine.marks) found.push(machine);
    return found;
  }

  /** Those of the refs that are there, by ref. */
  async some(refs: readonly string[], options: CallOptions = {}): Promise<ReadonlyMap<string, Machine>> {
    const ids = [...new Set(refs.map(numberOf).filter((id) => id !== undefined))];
    const found = new Map<string, Machine>();
    for (let at = 0; at < ids.length; at += PAGE)
      for (const machine of await this.#set(ids.slice(at, at + PAGE), options))
        if (machine.meaning) found.set(String(machine.id), machine);
    return found;
  }

  /** The machine, if there is one that is not done. */
  async look(ref: string, options: CallOptions = {}): Promise<Machine | undefined> {
    return (await this.some([ref], options)).get(ref);
  }

  /**
   * A machine of VEP's own.
   * @throws IaasError `not-found`, or `denied` for one of somebody else
   */
  async own(ref: string, options: CallOptions = {}): Promise<Machine> {
    const machine = await this.look(ref, options);
    if (!machine) throw new IaasError('not-found', 'OpenNebula has no such machine');
    if (!machine.marks) throw new IaasError('denied', 'this machine was not made by VEP, which leaves it alone');
    return machine;
  }

  /** The machine of a token: of several, made at the same time, the first. */
  async find(token: string, options: CallOptions = {}): Promise<Machine | undefined> {
    await this.#catchUp(options);
    return (await this.#marked(this.#byToken.get(digestOf(token)) ?? [], options))[0];
  }

  /** The machines of entities. */
  async ofEntities(ids: readonly string[], options: CallOptions): Promise<readonly Machine[]> {
    if (ids.length === 0) return [];
    await this.#catchUp(options);
    return this.#marked(
      ids.flatMap((id) => this.#byEntity.get(id) ?? []),
      options,
    );
  }

  async #marked(ids: readonly number[], options: CallOptions): Promise<readonly Machine[]> {
    const live = [...(await this.some(ids.map(String), options)).values()].filter((machine) => machine.marks);
    return live.sort((one, other) => one.id - other.id);
  }

  /** Ids only grow: only machines that are younger than those of the last look have to be asked for. */
  async #catchUp(options: CallOptions): Promise<void> {
    const range = [ALL, this.#indexedTo + 1, -1, NOT_DONE, ''];
    const pool = await this.#oned.document('one.vmpool.infoextended', range, options);
    for (const body of pool.all('VM')) this.#note(body);
  }

  #note(body: Branch): void {
    const { id, marks } = readMachine(body, this.#realm);
    this.#indexedTo = Math.max(this.#indexedTo, id);
    if (!marks) return;
    for (const [index, key] of [
      [this.#byToken, marks.token],
      [this.#byEntity, marks.id],
    ] as const) {
      const known = index.get(key) ?? [];
      if (!known.includes(id)) index.set(key, [...known, id]);
    }
  }

  async #set(ids: readonly number[], options: CallOptions): Promise<readonly Machine[]> {
    if (ids.length === 0) return [];
    if (this.#infoset) {
      try {
        const pool = await this.#oned.document('one.vmpool.infoset', [ids.join(','), true], options);
        return pool.all('VM').map((body) => readMachine(body, this.#realm));
      } catch (error) {
        if (!(error instanceof IaasError) || error.class !== 'unsupported') throw error;
        // oned before 5.12 has no such call.
        this.#infoset = false;
      }
    }
    const wanted = new Set(ids);
    const found: Machine[] = [];
    for await (const machine of this.all(options)) if (wanted.has(machine.id)) found.push(machine);
    return found;
  }
}
