/** Machines of Nimbus as it describes them: a client token for whose they are, a type for their size, four states. */

import { IaasError, type CallOptions, type Observed, type ResourceClass } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { isCode, unlessGone } from './ec2-error.js';
import { digestOf } from './marks.js';
import type { NimbusNetwork } from './nimbus-options.js';
import type { NimbusQuery } from './nimbus-query.js';
import type { InstanceTypes } from './sizes.js';

export interface NimbusMachine {
  readonly ref: string;
  readonly clientToken: string;
  /** Entity id, where VEP of this realm made it. */
  readonly marks: { readonly id: string } | undefined;
  readonly state: 'active' | 'inactive' | 'error';
  readonly busy: boolean;
  readonly message: string | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly addresses: Readonly<Record<NimbusNetwork, string | undefined>>;
  readonly keyName: string | undefined;
}

/** Ids that a client token has room for. */
const ID = /^[A-Za-z0-9-]{1,36}$/;

/**
 * What the client tokens of one token begin with. A number follows: Nimbus answers with a machine that is gone when its
 * client token comes again, and the next one needs another.
 *
 * @throws IaasError `invalid` for an id that no client token can hold
 */
export function tokenOf(realm: string, id: string, token: string): string {
  if (!ID.test(id)) throw new IaasError('invalid', 'Nimbus keeps ids of at most 36 letters, digits and hyphens');
  return `${realm}.${id}.${digestOf(token).slice(0, 14)}.`;
}

/** The instance of an answer to RunInstances, unless it is one that is gone. */
export function launched(answer: Branch): string | undefined {
  const [instance] = items(answer, 'instancesSet');
  const state = instance?.number(-1, 'instanceState', 'code') ?? -1;
  if (state === -1) throw new IaasError('transient', 'Nimbus answers without an instance', 'no instance');
  return [0, 16].includes(state & 0xff) ? instance?.value('instanceId') : undefined;
}

export const items = (answer: Branch, set: string): readonly Branch[] => answer.child(set)?.all('item') ?? [];

export class NimbusMachines {
  readonly #query: NimbusQuery;
  readonly #types: InstanceTypes;
  readonly #realm: string;

  constructor(query: NimbusQuery, types: InstanceTypes, realm: string) {
    this.#query = query;
    this.#types = types;
    this.#realm = realm;
  }

  /** All that there are; Nimbus knows neither filters nor pages. */
  async all(call: CallOptions): Promise<readonly NimbusMachine[]> {
    const [answer, types] = await Promise.all([this.#query.ask('DescribeInstances', {}, call), this.#types.all(call)]);
    return items(answer, 'reservationSet')
      .flatMap((reservation) => items(reservation, 'instancesSet'))
      .flatMap((body) => {
        const type = types.find(({ name }) => name === body.value('instanceType'));
        const machine = read(body, this.#realm);
        return machine ? [{ ...machine, cores: type?.cores ?? 0, memoryBytes: type?.memoryBytes ?? 0 }] : [];
      });
  }

  /** @throws IaasError `not-found`, or `denied` for one of somebody else */
  async own(ref: string, call: CallOptions): Promise<NimbusMachine> {
    const machine = (await this.all(call)).find((each) => each.ref === ref);
    if (!machine) throw new IaasError('not-found', 'Nimbus has no such machine');
    if (!machine.marks) throw new IaasError('denied', 'this machine was not made by VEP, which leaves it alone');
    return machine;
  }

  async remove(ref: string, call: CallOptions): Promise<void> {
    const machine = (await this.all(call)).find((each) => each.ref === ref);
    if (!machine) return;
    await this.own(ref, call);
    await this.#query.ask('TerminateInstances', { 'InstanceId.1': ref }, call).catch(async (error: unknown) => {
      // It has no code for what is not there; it may have ended since the look.
      if (!isCode(error, /^GeneralError$/) || (await this.all(call)).some((each) => each.ref === ref)) throw error;
    });
    if (machine.keyName?.startsWith(`${this.#realm}-`) === true)
      await this.#query.ask('DeleteKeyPair', { KeyName: machine.keyName }, call).catch(unlessGone);
  }
}

type Read = Omit<NimbusMachine, 'cores' | 'memoryBytes'>;

/** Nothing for one that is gone or going. */
function read(body: Branch, realm: string): Read | undefined {
  const code = body.number(-1, 'instanceState', 'code') & 0xff;
  const reason = body.value('reason');
  const meaning = { 0: ['inactive', true], 16: ['active', false] }[code] as
    ['inactive' | 'active', boolean] | undefined;
  // What ended with a reason ended by itself.
  if (!meaning && (code === 32 || reason === undefined)) return undefined;
  const [state, busy] = meaning ?? (['error', false] as const);
  const clientToken = body.value('clientToken') ?? '';
  const [, owner, id] = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9-]+)\.[0-9a-f]{14}\.\d+$/.exec(clientToken) ?? [];
  return {
    ref: body.value('instanceId') ?? '',
    clientToken,
    marks: owner === realm && id !== undefined ? { id } : undefined,
    state,
    busy,
    message:
      state === 'error' ? (reason ?? `Nimbus reports the state ${body.value('instanceState', 'name')}`) : undefined,
    addresses: { public: body.value('ipAddress'), private: body.value('privateIpAddress') },
    keyName: body.value('keyName'),
  };
}

export function observe({ ref, marks, state, busy, cores, memoryBytes, message }: NimbusMachine): Observed {
  return {
    class: 'compute',
    ref,
    ...(marks === undefined ? {} : { id: marks.id }),
    state,
    busy,
    cores,
    memoryBytes,
    ...(message === undefined ? {} : { message }),
  };
}

/** A NIC, the disk or its attachment, as they came with the machine. */
export function observePart(
  what: Exclude<ResourceClass, 'compute' | 'network' | 'image'> | ResourceClass,
  ref: string,
  machine: NimbusMachine,
  networks: readonly NimbusNetwork[],
): Observed | undefined {
  const [, part, network] = ref.split(':');
  const { busy } = machine;
  const state = machine.state === 'active' ? 'active' : machine.state === 'error' ? 'error' : 'inactive';
  if (what !== part) return undefined;
  if (what === 'storage')
    return { class: 'storage', ref: `${machine.ref}:storage`, state: 'online', busy, sizeBytes: 0 };
  if (what === 'attachment')
    return { class: 'attachment', ref: `${machine.ref}:attachment`, state, busy, device: 'xvda1' };
  const index = networks.findIndex((name) => name === network);
  const name = networks[index];
  if (what !== 'nic' || name === undefined) return undefined;
  const address = machine.addresses[name];
  return {
    class: 'nic',
    ref: `${machine.ref}:nic:${name}`,
    state,
    busy,
    interface: `eth${index}`,
    mac: '',
    ...(address === undefined ? {} : { address }),
  };
}
