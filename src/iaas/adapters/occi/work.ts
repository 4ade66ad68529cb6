/**
 * What the server is still at work on. A VEP tells (`/events/operations`), so that what was accepted and is not done yet is
 * busy, and what failed says how; of any other server only the states of its entities are known.
 */

import { OcciRefusal } from '../../../client/occi-answers.js';
import type { CallSignal, OcciClient } from '../../../client/occi-client.js';
import { IaasError } from '../../adapter.js';
import type { Patience } from '../../patience.js';
import { isErrorClass } from './refusals.js';

interface PeerOperation {
  readonly entity: string;
  readonly state: string;
  readonly message: string;
  readonly findings: readonly { readonly class?: string; readonly message?: string }[];
}

export class Work {
  readonly #client: OcciClient;
  readonly #patience: Patience;

  constructor(client: OcciClient, patience: Patience) {
    this.#client = client;
    this.#patience = patience;
  }

  /** Ids of the entities that a VEP is at work on. */
  async unfinished(call: CallSignal): Promise<ReadonlySet<string>> {
    const operations = await this.#operations('/events/operations', call);
    return new Set(operations.map(({ entity }) => entity));
  }

  /**
   * Waits until a VEP has done, or given up, what it was asked for on an entity, as long as patience lasts. Answers the
   * failure of the latest operation, if it failed.
   */
  async outcome(id: string, call: CallSignal): Promise<IaasError | undefined> {
    let failure: IaasError | undefined;
    await this.#patience.settled(call, async () => {
      const operations = await this.#operations(`/events/operations?entity=${id}`, call);
      if (operations.some(({ state }) => !ENDED.has(state))) return false;
      const last = operations.at(-1);
      failure = last && FAILED.has(last.state) ? failureOf(last) : undefined;
      return true;
    });
    return failure;
  }

  async #operations(path: string, call: CallSignal): Promise<readonly PeerOperation[]> {
    try {
      const { operations } = await this.#client.beside<{ operations?: PeerOperation[] }>({
        method: 'GET',
        path,
        ...call,
      });
      return operations ?? [];
    } catch (error) {
      // A VEP from before it told this.
      if (error instanceof OcciRefusal && error.status === 404) return [];
      throw error;
    }
  }
}

const ENDED: ReadonlySet<string> = new Set(['done', 'failed', 'dead', 'cancelled']);
const FAILED: ReadonlySet<string> = new Set(['failed', 'dead']);

function failureOf({ findings, message }: PeerOperation): IaasError {
  const last = findings.at(-1);
  const said = last?.message ?? message;
  const errorClass = isErrorClass(last?.class) ? last.class : 'fatal';
  return new IaasError(errorClass, said === '' ? 'the server could not do it' : said, said);
}
