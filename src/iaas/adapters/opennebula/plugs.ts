/**
 * What is plugged into machines: NICs and disks. oned plugs only into machines that run or are powered off. One that
 * waits on HOLD is switched on once, off again, and plugged into then ("priming"): a guest that is to see everything at
 * its first boot gets it with the machine itself, see {@link Machines.create}. What is let go of on a machine that
 * sleeps is unplugged when it wakes, and counts as gone from the moment it was let go of.
 */

import { Mutex } from '../../../base/mutex.js';
import { IaasError, type AttachmentSpec, type CallOptions, type NicSpec, type Observed } from '../../adapter.js';
import { asOwner } from './as-owner.js';
import { isRunning, type Machine, type Plug } from './machine.js';
import type { MachinePool } from './machine-pool.js';
import { diskVector, nicVector, type Machines } from './machines.js';
import { digestOf } from './marks.js';
import { leasable } from './network-pool.js';
import type { Networks } from './networks.js';
import { OneError } from './one-error.js';
import { groupsIn } from './security-groups.js';
import type { Oned } from './oned.js';
import { addressOf } from '../../ranges.js';
import { VM } from './states.js';
import { templateXml, type Vector } from './template.js';
import type { Volumes } from './volumes.js';

type Kind = 'nic' | 'attachment';

/** The security group that lets everything pass. */
const EVERYTHING = 0;

const CALLS = {
  nic: { attach: 'one.vm.attachnic', detach: 'one.vm.detachnic', vector: 'NIC' },
  attachment: { attach: 'one.vm.attach', detach: 'one.vm.detach', vector: 'DISK' },
} as const;

export interface PlugServices {
  readonly oned: Oned;
  readonly pool: MachinePool;
  readonly machines: Machines;
  readonly networks: Networks;
  readonly volumes: Volumes;
}

export class Plugs {
  readonly #services: PlugServices;
  /** One change at a time on each machine. */
  readonly #turns = new Map<number, Mutex>();

  constructor(services: PlugServices) {
    this.#services = services;
  }

  async attachNic(spec: NicSpec, token: string, options: CallOptions): Promise<string> {
    const network = await this.#services.networks.look(spec.network, options);
    if (!network) throw new IaasError('not-found', 'OpenNebula has no such network');
    const address = spec.address === undefined ? undefined : addressOf(spec.address);
    if (spec.address !== undefined && (address === undefined || !leasable(network, address)))
      throw new IaasError('invalid', 'the address is none that this network gives out');
    const vector = { ...nicVector(spec, token), ...this.#services.networks.openTo(network, spec.securityGroups) };
    return this.#attach('nic', spec.compute, vector, token, options).catch((error: unknown) => {
      if (spec.address === undefined || !(error instanceof OneError) || error.class !== 'capacity') throw error;
      throw new IaasError('conflict', 'the address is in use', error.said);
    });
  }

  async attachStorage(spec: AttachmentSpec, token: string, options: CallOptions): Promise<string> {
    const volume = await this.#services.volumes.look(spec.storage, options);
    if (!volume) throw new IaasError('not-found', 'OpenNebula has no such volume');
    return this.#attach('attachment', spec.compute, diskVector(spec, token), token, options, () =>
      this.#services.volumes.mustBeFree(spec.storage, spec.compute, options),
    );
  }

  #attach(
    kind: Kind,
    compute: string,
    vector: Vector,
    token: string,
    options: CallOptions,
    check: () => Promise<void> = () => Promise.resolve(),
  ): Promise<string> {
    return this.#turn(compute, async () => {
      const digest = digestOf(token);
      const { oned } = this.#services;
      for (;;) {
        const machine = await this.#services.pool.own(compute, options);
        if (plugsOf(machine, kind).some((plug) => plug.marks?.token === digest)) break;
        try {
          await check();
          const ready = await this.#ready(machine, options);
          const call = CALLS[kind];
          const template = templateXml({ [call.vector]: vector });
          const work = (asked: CallOptions): Promise<number> => oned.id(call.attach, [ready.id, template], asked);
          // A MAC address is not a user's to choose in OpenNebula.
          if ('MAC' in vector) await work(options);
          else await asOwner(oned, ready, options, work);
          break;
        } catch (error) {
          const isRefused = error instanceof OneError || (error instanceof IaasError && error.class === 'conflict');
          if (!isRefused) throw error;
          // Another process plugs into the same machine, perhaps the same thing: look again when it has done.
          const now = await this.#services.pool.own(compute, options);
          if (plugsOf(now, kind).some((plug) => plug.marks?.token === digest)) break;
          if (!(error instanceof OneError) || !error.isWrongState) throw error;
        }
      }
      await this.#onlyOne(kind, compute, digest, options);
      return `${compute}:${digest}`;
    });
  }

  /** Two processes may have plugged the same thing in at the same time: the first stays. */
  async #onlyOne(kind: Kind, compute: string, digest: string, options: CallOptions): Promise<void> {
    const machine = await this.#services.pool.look(compute, options);
    if (!machine) return;
    const [, ...surplus] = plugsOf(machine, kind)
      .filter((plug) => plug.marks?.token === digest)
      .sort((one, other) => one.number - other.number);
    for (const plug of surplus) await this.#unplug(kind, compute, plug.number, options);
  }

  async remove(kind: Kind, ref: string, options: CallOptions): Promise<void> {
    const [compute = '', digest = ''] = ref.split(':');
    const found = await this.#services.pool.look(compute, options);
    if (!found) return;
    await this.#turn(compute, async () => {
      const machine = await this.#services.pool.look(compute, options);
      const plug = machine && plugsOf(machine, kind).find((each) => each.marks?.token === digest);
      if (!machine?.marks || !plug || machine.left.has(digest)) return;
      if (machine.meaning?.heading === 'gone') return;
      if (sleeps(machine)) {
        return this.#services.machines.note(machine, { VEP_LEFT: [...machine.left, digest].join(',') }, options);
      }
      await this.#unplug(kind, compute, plug.number, options);
    });
  }

  /** Unplugs what was let go of while the machine slept; called when it is awake. */
  async settle(machine: Machine, options: CallOptions): Promise<void> {
    if (machine.left.size === 0) return;
    const ref = String(machine.id);
    await this.#turn(ref, async () => {
      for (const kind of ['nic', 'attachment'] as const)
        for (const plug of plugsOf(machine, kind))
          if (plug.marks && machine.left.has(plug.marks.token)) await this.#unplug(kind, ref, plug.number, options);
      await this.#services.machines.note(machine, { VEP_LEFT: '' }, options);
    });
  }

  async #unplug(kind: Kind, compute: string, number: number, options: CallOptions): Promise<void> {
    const { oned, pool } = this.#services;
    for (;;) {
      const machine = await pool.look(compute, options);
      const plug = machine && plugsOf(machine, kind).find((each) => each.number === number);
      if (!machine || !plug || plug.busy) return;
      const ready = await this.#ready(machine, options);
      try {
        await asOwner(oned, ready, options, (call) => oned.id(CALLS[kind].detach, [ready.id, number], call));
        return;
      } catch (error) {
        if (!(error instanceof OneError)) throw error;
        if (error.class === 'not-found') return;
        if (!error.isWrongState) throw error;
      }
    }
  }

  /** What changes the disks of a machine that runs or is off, one at a time with what plugs and unplugs them. */
  onReady<T>(compute: string, options: CallOptions, work: (machine: Machine) => Promise<T>): Promise<T> {
    return this.#turn(compute, async () =>
      work(await this.#ready(await this.#services.pool.own(compute, options), options)),
    );
  }

  /** Waits until the machine is one that oned plugs into, and brings it there from HOLD. */
  async #ready(first: Machine, options: CallOptions): Promise<Machine> {
    const { machines, pool } = this.#services;
    return machines.patiently(options, async () => {
      const machine = await pool.own(String(first.id), options);
      const busy = machine.meaning?.busy === true || [...machine.nics, ...machine.disks].some((plug) => plug.busy);
      if (busy) return undefined;
      if (machine.state === VM.hold) {
        if (!machine.priming) await machines.note(machine, { VEP_PRIMING: 'YES' }, options);
        await machines.deploy(machine, options).catch(unlessMoved);
        return undefined;
      }
      if (isRunning(machine)) {
        if (!machine.priming) return machine;
        await machines.do(machine, 'poweroff-hard', options).catch(unlessMoved);
        return undefined;
      }
      if (machine.state === VM.poweroff) {
        if (machine.priming) await machines.note(machine, { VEP_PRIMING: 'NO' }, options);
        return machine;
      }
      const { name } = machine.meaning ?? { name: 'gone' };
      throw new IaasError(
        'conflict',
        `OpenNebula changes no disks and interfaces of a machine that is ${name}: start or stop it first`,
      );
    });
  }

  #turn<T>(compute: string, work: () => Promise<T>): Promise<T> {
    const key = Number(compute);
    const turn = this.#turns.get(key) ?? new Mutex();
    this.#turns.set(key, turn);
    return turn.run(work);
  }
}

/** Another process was faster with the same step. */
function unlessMoved(error: unknown): void {
  if (!(error instanceof OneError) || !error.isWrongState) throw error;
}

export function plugsOf(machine: Machine, kind: Kind): readonly Plug[] {
  return kind === 'nic' ? machine.nics : machine.disks;
}

const sleeps = (machine: Machine): boolean =>
  [VM.suspended, VM.stopped, VM.undeployed].includes(machine.state as 5 | 4 | 9) || machine.meaning?.state === 'error';

/** The plugs of a machine in OCCI's words, by ref. */
export function observePlugs(machine: Machine, kind: Kind): readonly Observed[] {
  return plugsOf(machine, kind).flatMap((plug): Observed[] => {
    if (!plug.marks || machine.left.has(plug.marks.token) || !machine.meaning) return [];
    const { vector, marks } = plug;
    const base = {
      ref: `${machine.id}:${marks.token}`,
      id: marks.id,
      state: isRunning(machine) && !machine.priming ? ('active' as const) : ('inactive' as const),
      busy: plug.busy || machine.meaning.busy === true,
    };
    if (kind === 'attachment')
      return [{ ...base, class: 'attachment', device: vector.value('TARGET') ?? `disk${plug.number}` }];
    const [address, gateway] = [vector.value('IP'), vector.value('GATEWAY')];
    return [
      {
        ...base,
        class: 'nic',
        interface: `eth${plug.number}`,
        mac: (vector.value('MAC') ?? '').toLowerCase(),
        ...(address === undefined ? {} : { address }),
        ...(gateway === undefined ? {} : { gateway }),
        securityGroups: groupsIn(vector.value('SECURITY_GROUPS'))
          .filter((id) => id !== EVERYTHING)
          .map(String),
      },
    ];
  });
}
