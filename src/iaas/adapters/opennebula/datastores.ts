/** Datastores of oned: where images and volumes go, and how much room there is. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Branch } from '../../document.js';
import type { Oned } from './oned.js';

const IMAGE_DS = '0';
const ENABLED = 0;
const MIB = 2 ** 20;

export class Datastores {
  readonly #oned: Oned;
  /** Name or id; absent: the one with the most room. */
  readonly #wanted: string | undefined;

  constructor(oned: Oned, wanted: string | undefined) {
    this.#oned = oned;
    this.#wanted = wanted;
  }

  async id(options: CallOptions): Promise<number> {
    return (await this.#chosen(options)).number(-1, 'ID');
  }

  async freeBytes(options: CallOptions): Promise<number> {
    return (await this.#chosen(options)).number(0, 'FREE_MB') * MIB;
  }

  async #chosen(options: CallOptions): Promise<Branch> {
    const pool = await this.#oned.document('one.datastorepool.info', [], options);
    const fitting = pool
      .all('DATASTORE')
      .filter((each) => each.value('TYPE') === IMAGE_DS && each.number(ENABLED, 'STATE') === ENABLED)
      .filter(
        (each) =>
          this.#wanted === undefined || each.value('NAME') === this.#wanted || each.value('ID') === this.#wanted,
      )
      .sort((one, other) => other.number(0, 'FREE_MB') - one.number(0, 'FREE_MB'));
    const [chosen] = fitting;
    if (chosen) return chosen;
    const which = this.#wanted === undefined ? '' : ` called ${this.#wanted}`;
    throw new IaasError('fatal', `OpenNebula has no image datastore${which} that is enabled`);
  }
}
