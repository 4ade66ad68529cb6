/** Actions and changes of size. What has the state already is left alone; what is on its way somewhere else is waited for, as long as patience lasts. */

import { OcciRefusal } from '../../../client/occi-answers.js';
import type { OcciClient } from '../../../client/occi-client.js';
import type { Attributes } from '../../../occi/model.js';
import { IaasError, type CallOptions, type ComputeSize, type Observed, type SiteRef } from '../../adapter.js';
import type { Patience } from '../../patience.js';
import type { Offer } from './capabilities.js';
import { LEADS_TO, METHODS, actionOf } from './kinds.js';
import { expectCores, sizeAttributes } from './machines.js';
import type { Thing, Things } from './things.js';
import type { Work } from './work.js';

export interface ActionServices {
  readonly client: OcciClient;
  readonly things: Things;
  readonly work: Work;
  readonly patience: Patience;
  readonly offer: (call: CallOptions) => Promise<Offer>;
  readonly capacity: { readonly cores: number; readonly storageGiB: number };
  /** Bytes of one unit of memory. */
  readonly memoryUnit: number;
}

const GIB = 2 ** 30;

export class Actions {
  readonly #services: ActionServices;

  constructor(services: ActionServices) {
    this.#services = services;
  }

  async compute(
    ref: SiteRef,
    action: keyof typeof LEADS_TO,
    method: string | undefined,
    call: CallOptions,
  ): Promise<void> {
    if (method !== undefined && METHODS[action]?.includes(method) !== true) {
      throw new IaasError('invalid', `${action} knows the methods ${METHODS[action]?.join(', ') || 'none'}`);
    }
    const { observed } = await this.#services.things.own('compute', ref, call);
    if (observed.state === 'error' && !observed.busy) {
      throw new IaasError('conflict', observed.message ?? 'the machine is in error');
    }
    if (!observed.busy && action !== 'start' && action !== 'stop' && observed.state !== 'active') {
      throw new IaasError('conflict', `a machine that is ${observed.state} cannot ${action}`);
    }
    const attributes = method === undefined ? {} : { method };
    const to = action === 'restart' ? undefined : LEADS_TO[action];
    await this.#lead('compute', observed, action, attributes, to, call);
  }

  async toState(
    what: 'network' | 'storage',
    ref: SiteRef,
    action: string,
    to: string | undefined,
    call: CallOptions,
  ): Promise<void> {
    const { observed } = await this.#services.things.own(what, ref, call);
    await this.#lead(what, observed, action, {}, to, call);
  }

  async #lead(
    what: 'compute' | 'network' | 'storage',
    { ref, state, busy }: Observed,
    term: string,
    parameters: Attributes,
    to: string | undefined,
    call: CallOptions,
  ): Promise<void> {
    if (!busy && state === to) return;
    const { client, patience, offer, things } = this.#services;
    try {
      await client.act(ref, actionOf(what, term), parameters, call);
    } catch (error) {
      // It may be on its way there already, or has just arrived.
      if (!(error instanceof OcciRefusal) || ![304, 400, 409].includes(error.status) || to === undefined) throw error;
      const rest = await this.#atRest(what, ref, call);
      if (rest?.observed.state !== to) throw error;
      return;
    }
    // Any other server is not asked what it is at work on: its states have to tell.
    if ((await offer(call)).isVep || to === undefined) return;
    await patience.settled(call, async () => {
      const thing = await things.look(what, ref, call);
      return thing === undefined || thing.observed.state === to;
    });
  }

  /** @throws IaasError `transient` when it does not come to rest in time */
  async #atRest(what: 'compute' | 'network' | 'storage', ref: SiteRef, call: CallOptions): Promise<Thing | undefined> {
    const { patience, things } = this.#services;
    const { thing } = await patience.until(call, `the ${what} is still on its way to another state`, async () => {
      const found = await things.look(what, ref, call);
      return found?.observed.busy === true ? undefined : { thing: found };
    });
    return thing;
  }

  async resizeCompute(ref: SiteRef, size: ComputeSize, call: CallOptions): Promise<void> {
    expectCores(size.cores, this.#services.capacity.cores);
    const { observed } = await this.#services.things.own('compute', ref, call);
    if (observed.class !== 'compute') return;
    if (observed.cores === size.cores && observed.memoryBytes === size.memoryBytes) return;
    const { memoryUnit } = this.#services;
    await this.#resize(ref, sizeAttributes(size, memoryUnit), sizeAttributes(observed, memoryUnit), call);
  }

  async resizeStorage(ref: SiteRef, sizeBytes: number, call: CallOptions): Promise<void> {
    const { observed } = await this.#services.things.own('storage', ref, call);
    if (observed.class !== 'storage' || observed.sizeBytes === sizeBytes) return;
    if (sizeBytes < observed.sizeBytes) throw new IaasError('invalid', 'a volume cannot become smaller');
    if (sizeBytes > this.#services.capacity.storageGiB * GIB) throw new IaasError('capacity', 'the site has less room');
    const attribute = 'occi.storage.size';
    await this.#resize(ref, { [attribute]: sizeBytes / GIB }, { [attribute]: observed.sizeBytes / GIB }, call);
  }

  /** A VEP shows the size that is wanted: what its site refuses is taken back. */
  async #resize(ref: SiteRef, wanted: Attributes, before: Attributes, call: CallOptions): Promise<void> {
    const { client, work } = this.#services;
    await client.update(ref, wanted, call);
    const failure = await work.outcome(ref.slice(ref.lastIndexOf('/') + 1), call);
    if (!failure) return;
    await client.update(ref, before, call).catch(() => undefined);
    throw failure;
  }
}
