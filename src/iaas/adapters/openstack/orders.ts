/**
 * Orders that Nova has taken and not shown yet. 202 says only that an order was taken: it may wait in a queue while the
 * server looks as before, and it may fail and leave the server as it was, without a fault. What became of it is in the
 * server's instance actions, under the id of the request that gave the order; of a restart nothing else tells.
 */

import { stringAt } from '../../../base/json.js';
import type { CallOptions, LifecycleAction } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { itemsOf, membersOf } from './marks.js';
import { leadsTo, type Server } from './server.js';
import { missing } from './service.js';
import type { MachineState } from './states.js';

export interface Order {
  readonly action: LifecycleAction | 'resize';
  /** The state it leads to. */
  readonly target: MachineState;
  /** Id of the request that gave it. */
  readonly requestId: string | undefined;
}

interface Given extends Order {
  failed: boolean;
  /** Looks that found the order done and the server as before. */
  vain: number;
}

export interface Outcome {
  /** The order is still to be carried out. */
  readonly waiting: boolean;
  /** The order was not carried out, and what to tell of it. */
  readonly failed?: Order['action'];
  readonly message?: string;
}

const NOTHING: Outcome = { waiting: false };
/** Nova has said that it is done: so often may a server look as before. */
const MOST_VAIN = 3;

export class Orders {
  readonly #given = new Map<string, Given>();

  /** Notes an order; an earlier one of the same server is over. */
  give(server: Server, order: Order): void {
    if (order.requestId === undefined) this.#given.delete(server.id);
    else this.#given.set(server.id, { ...order, failed: false, vain: 0 });
  }

  /** Where the last order of a server leads, as long as it has not failed. */
  target(server: Server): MachineState | undefined {
    const order = this.#given.get(server.id);
    return order && !order.failed ? order.target : undefined;
  }

  /** Of an order that failed nobody wants to hear any more. */
  forgive(server: Server): void {
    if (this.#given.get(server.id)?.failed) this.#given.delete(server.id);
  }

  forget(server: Server): void {
    this.#given.delete(server.id);
  }

  /** What became of the last order of a server, as it is seen now. */
  async outcome(cloud: Cloud, server: Server, options: CallOptions): Promise<Outcome> {
    const order = this.#given.get(server.id);
    if (!order) return NOTHING;
    if (order.failed) return failed(order);
    // Nova itself says where it is.
    if (server.busy) return NOTHING;
    if (hasReached(server, order) || server.state === 'error') {
      this.#given.delete(server.id);
      return NOTHING;
    }
    const path = `/servers/${server.id}/os-instance-actions/${order.requestId}`;
    const action = await cloud.compute.one('GET', path, 'instanceAction', options).catch(missing);
    if (!action) return this.#inVain(server, order);
    if (stringAt(action, 'message') !== undefined) {
      order.failed = true;
      return failed(order);
    }
    const events = itemsOf(action['events']).map(membersOf);
    const ended = events.length > 0 && events.every((event) => stringAt(event, 'finish_time') !== undefined);
    return ended ? this.#inVain(server, order) : { waiting: true };
  }

  /** Done, by what Nova says: the server follows, or somebody has moved it since. */
  #inVain(server: Server, order: Given): Outcome {
    order.vain += 1;
    if (order.vain < MOST_VAIN) return { waiting: true };
    this.#given.delete(server.id);
    return NOTHING;
  }
}

/** Whether the server itself shows that an order was carried out: one that restarts looks as before. */
function hasReached(server: Server, { action, target }: Order): boolean {
  if (action === 'resize') return server.asked;
  return action !== 'restart' && leadsTo(server, target);
}

function failed({ action, requestId }: Order): Outcome {
  const message = `OpenStack took the order to ${action} and failed to carry it out (${requestId})`;
  return { waiting: false, failed: action, message };
}
