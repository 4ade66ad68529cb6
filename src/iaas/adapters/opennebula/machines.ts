/**
 * Machines on oned: found, made, moved through their states and removed. A machine is made on HOLD, where nothing boots
 * it, and is deployed by VEP on the host it has chosen. As oned would make any number of machines for one token, the
 * one with the lowest id counts and whoever finds that it has made a higher one removes it: ids only grow.
 */

import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type ComputeSize,
  type ComputeSpec,
  type LifecycleAction,
  type NicSpec,
} from '../../adapter.js';
import { isWhole, shownName } from '../../kept-text.js';
import { asOwner } from './as-owner.js';
import type { MachinePool } from './machine-pool.js';
import { isRunning, type Machine } from './machine.js';
import { marksOf, numberOf, plugMarks } from './marks.js';
import type { Networks } from './networks.js';
import { OneError } from './one-error.js';
import type { Call, Oned } from './oned.js';
import type { Patience } from '../../patience.js';
import type { Choice, Placement } from './placement.js';
import { VM } from './states.js';
import { templateXml, type Template, type Vector } from './template.js';
import type { Owner, Tenants } from './tenants.js';

export interface MachineSettings {
  readonly realm: string;
  readonly liveResize: boolean;
  /** What EFI is called in a template. */
  readonly efi?: string;
  readonly systemDatastore: number;
}

const MIB = 2 ** 20;

const STOP_METHODS: Readonly<Record<string, string>> = {
  graceful: 'poweroff',
  acpioff: 'poweroff',
  poweroff: 'poweroff-hard',
  undeploy: 'undeploy',
};
const RESTART_METHODS: Readonly<Record<string, string>> = { graceful: 'reboot', warm: 'reboot', cold: 'reboot-hard' };
/** `stop` of oned keeps memory on disk and frees the host: what OCCI calls hibernating. */
const SUSPEND_METHODS: Readonly<Record<string, string>> = { suspend: 'suspend', hibernate: 'stop' };

export class Machines {
  readonly #oned: Oned;
  readonly #pool: MachinePool;
  readonly #tenants: Tenants;
  readonly #networks: Networks;
  readonly #placement: Placement;
  readonly #patience: Patience;
  readonly #settings: MachineSettings;

  constructor(
    oned: Oned,
    pool: MachinePool,
    tenants: Tenants,
    networks: Networks,
    placement: Placement,
    patience: Patience,
    settings: MachineSettings,
  ) {
    this.#oned = oned;
    this.#pool = pool;
    this.#tenants = tenants;
    this.#networks = networks;
    this.#placement = placement;
    this.#patience = patience;
    this.#settings = settings;
  }

  async create(spec: ComputeSpec, token: string, options: CallOptions): Promise<Machine> {
    checkSpec(spec);
    const earlier = await this.#pool.find(token, options);
    if (earlier) return earlier;
    const made = await this.#tenants.acting(spec.owner, options, async (owner) => {
      if (spec.image !== undefined) await this.#tenants.mayUseImage(owner, spec.image, options);
      return this.#placement.choose(spec, options, (choice) => this.#allocate(spec, token, owner, choice, options));
    });
    const first = (await this.#pool.find(token, options)) ?? (await this.#pool.own(String(made), options));
    // Somebody else was at it with the same token at the same time, and was earlier.
    if (first.id !== made) await this.#oned.id('one.vm.action', ['terminate-hard', made], options);
    return first;
  }

  async #allocate(
    spec: ComputeSpec,
    token: string,
    owner: Owner,
    choice: Choice,
    options: CallOptions,
  ): Promise<number> {
    const nics: Vector[] = [];
    // One with a MAC address of its own is not a user's to make: it is plugged in later, by VEP.
    for (const nic of (spec.nics ?? []).filter(({ mac }) => mac === undefined)) {
      const network = await this.#networks.look(nic.network, options);
      if (!network) throw new IaasError('not-found', 'OpenNebula has no such network');
      nics.push({ ...nicVector(nic, nic.id), ...this.#networks.openTo(network, nic.securityGroups) });
    }
    const template: Template = {
      NAME: shownName(spec.name),
      CPU: spec.cores,
      VCPU: spec.cores,
      MEMORY: Math.ceil(spec.memoryBytes / MIB),
      ...(spec.architecture === undefined && spec.firmware === undefined
        ? {}
        : { OS: systemOf(spec, this.#settings.efi) }),
      DISK: [
        ...(spec.image === undefined ? [] : [{ IMAGE_ID: spec.image }]),
        ...(spec.volumes ?? []).map((volume) => diskVector(volume, volume.id)),
      ],
      NIC: nics,
      CONTEXT: contextOf(spec),
      GRAPHICS: { TYPE: 'VNC', LISTEN: '127.0.0.1' },
      ...choice.attributes,
      ...marksOf(this.#settings.realm, spec, token),
    };
    return this.#oned.id('one.vm.allocate', [templateXml(template), true], { ...options, as: owner.as });
  }

  async act(ref: string, action: LifecycleAction, method: string | undefined, options: CallOptions): Promise<void> {
    const name = actionOf(action, method);
    const machine = await this.#pool.own(ref, options);
    const { meaning } = machine;
    if (meaning?.state === 'error') {
      throw new IaasError(
        'conflict',
        `the machine has failed (${machine.message ?? meaning.name}): delete it, or recover it in OpenNebula`,
      );
    }
    const target = { start: 'active', stop: 'inactive', restart: 'active', suspend: 'suspended' }[action];
    if (action !== 'restart' && leadsTo(machine, target)) return;
    try {
      await this.#move(machine, action, name, options);
    } catch (error) {
      if (!(error instanceof OneError) || !error.isWrongState) throw error;
      // It was seen before an earlier wish showed: perhaps it is on its way there, perhaps elsewhere.
      const now = await this.#pool.own(ref, options);
      if (action !== 'restart' && leadsTo(now, target)) return;
      if (now.meaning?.busy) return this.#later(now, action, options);
      throw error;
    }
  }

  async #move(machine: Machine, action: LifecycleAction, name: string, options: CallOptions): Promise<void> {
    const { meaning, state } = machine;
    if (meaning?.busy || machine.priming) return this.#later(machine, action, options);
    if (action === 'start') return this.#start(machine, options);
    if (!isRunning(machine) && action !== 'stop')
      throw new IaasError('conflict', `a machine that is ${meaning?.state ?? 'gone'} cannot ${action}`);
    // From SUSPENDED and STOPPED there is no way to POWEROFF that does not wake the guest.
    if (!isRunning(machine) && state !== VM.hold)
      throw new IaasError('conflict', `OpenNebula stops no machine that is ${meaning?.name ?? 'gone'}: start it first`);
    await this.do(machine, name, options);
  }

  /** Someone still works on the machine: only a start may take over one that was switched on for plugging. */
  async #later(machine: Machine, action: string, options: CallOptions): Promise<void> {
    if (machine.priming && !machine.meaning?.busy) {
      if (action === 'stop' && machine.state === VM.poweroff) return;
      if (action === 'start') {
        await this.note(machine, { VEP_PRIMING: 'NO' }, options);
        return isRunning(machine) ? undefined : this.#start(machine, options);
      }
    }
    throw onItsWay(machine);
  }

  async #start(machine: Machine, options: CallOptions): Promise<void> {
    switch (machine.state) {
      case VM.hold:
      case VM.stopped:
      case VM.undeployed:
        return this.deploy(machine, options);
      default:
        return this.do(machine, 'resume', options);
    }
  }

  /** Puts a machine that is nowhere onto its host; where VEP has chosen none, oned's scheduler does. */
  async deploy(machine: Machine, options: CallOptions): Promise<void> {
    if (machine.host) {
      const { systemDatastore } = this.#settings;
      await this.#changing(machine, options, () =>
        this.#oned.id('one.vm.deploy', [machine.id, machine.host?.id ?? -1, true, systemDatastore, ''], options),
      );
      return;
    }
    await this.do(machine, machine.state === VM.hold ? 'release' : 'resume', options);
  }

  /** An action of oned, in the owner's name; answers when the machine has begun to change. */
  async do(machine: Machine, action: string, options: CallOptions): Promise<void> {
    const work = (): Promise<number> =>
      asOwner(this.#oned, machine, options, (call) => this.#oned.id('one.vm.action', [action, machine.id], call));
    if (action.startsWith('reboot')) await work();
    else await this.#changing(machine, options, work);
  }

  async resize(ref: string, { cores, memoryBytes }: ComputeSize, options: CallOptions): Promise<void> {
    checkSize(cores, memoryBytes);
    const machine = await this.#pool.own(ref, options);
    const memory = Math.ceil(memoryBytes / MIB);
    if (machine.cores === cores && machine.memoryBytes === memory * MIB) return;
    if (machine.meaning?.busy) return this.#later(machine, 'resize', options);
    const running = isRunning(machine);
    if (running && !this.#settings.liveResize) {
      throw new IaasError('conflict', 'this OpenNebula resizes no machine that runs: stop it first');
    }
    if (!running && ![VM.hold, VM.poweroff, VM.undeployed].includes(machine.state as 2 | 8 | 9)) {
      throw new IaasError('conflict', `OpenNebula resizes no machine that is ${machine.meaning?.name ?? 'gone'}`);
    }
    await this.#placement.mustFit(machine, { cores, memoryBytes }, options);
    const template = templateXml({ CPU: cores, VCPU: cores, MEMORY: memory });
    await this.atRest(machine, options, (call) => this.#oned.id('one.vm.resize', [machine.id, template, true], call));
  }

  /**
   * Does in the owner's name what oned refuses while a machine is on its way.
   * @throws IaasError `transient` where it is, and was seen before that showed
   */
  async atRest(machine: Machine, options: CallOptions, work: (call: Call) => Promise<unknown>): Promise<void> {
    try {
      await asOwner(this.#oned, machine, options, work);
    } catch (error) {
      const refused = error instanceof OneError && error.isWrongState;
      const now = refused ? await this.#pool.look(String(machine.id), options) : undefined;
      if (now?.meaning?.busy) throw onItsWay(now);
      throw error;
    }
  }

  /** Removes a machine. One that is on its way is waited for: oned removes only what has come to rest. */
  async remove(ref: string, options: CallOptions): Promise<void> {
    const first = await this.#pool.look(ref, options);
    if (!first) return;
    if (!first.marks) throw new IaasError('denied', 'this machine was not made by VEP, which leaves it alone');
    await this.patiently(options, async () => {
      const machine = await this.#pool.look(ref, options);
      if (!machine || isGoing(machine)) return true;
      try {
        await asOwner(this.#oned, machine, options, (call) =>
          this.#oned.id('one.vm.action', ['terminate-hard', machine.id], call),
        );
        return true;
      } catch (error) {
        if (error instanceof OneError && (error.isWrongState || error.class === 'not-found')) return undefined;
        throw error;
      }
    });
    // Whatever rest state oned shows now was before: what it shows lags behind what it does.
    await this.#patience.settled(options, async () => {
      const now = await this.#pool.look(ref, options);
      return !now || isGoing(now) || (now.meaning?.state === 'error' && first.meaning?.state !== 'error');
    });
    await this.#placement.leave(first, options);
  }

  /** Writes into what the machine carries of VEP. */
  async note(machine: Machine, attributes: Vector, options: CallOptions): Promise<void> {
    await this.#oned.id('one.vm.update', [machine.id, templateXml(attributes), 1], options);
  }

  /** Asks until there is an answer. @throws IaasError `transient` when there is none within the patience of one call */
  patiently<T>(options: CallOptions, ask: () => Promise<T | undefined>): Promise<T> {
    return this.#patience.until(options, 'the machine is still on its way to another state', ask);
  }

  /** Does something and waits until it shows: oned reports the old state for a while. It may also come to nothing. */
  async #changing(machine: Machine, options: CallOptions, work: () => Promise<unknown>): Promise<void> {
    await work();
    await this.#settled(machine, options);
  }

  #settled(machine: Machine, options: CallOptions): Promise<void> {
    return this.#patience.settled(options, async () => {
      const now = await this.#pool.look(String(machine.id), options);
      return now?.state !== machine.state || now.lifeCycle !== machine.lifeCycle;
    });
  }
}

const onItsWay = ({ meaning }: Machine): IaasError =>
  new IaasError('transient', `the machine is on its way (${meaning?.name ?? 'gone'})`, meaning?.name);

const isGoing = ({ meaning }: Machine): boolean => meaning?.heading === 'gone';

/** Whether it is in a state, or on its way there. */
function leadsTo({ meaning, priming }: Machine, state: string): boolean {
  return !priming && (meaning?.busy ? meaning.heading === state : meaning?.state === state);
}

function actionOf(action: LifecycleAction, method: string | undefined): string {
  const [methods, usual] = {
    start: [{}, 'resume'] as const,
    stop: [STOP_METHODS, 'poweroff'] as const,
    restart: [RESTART_METHODS, 'reboot'] as const,
    suspend: [SUSPEND_METHODS, 'suspend'] as const,
  }[action];
  if (method === undefined || action === 'start') return usual;
  const name = (methods as Readonly<Record<string, string>>)[method];
  if (name !== undefined) return name;
  throw new IaasError(
    'invalid',
    `OpenNebula knows no ${action} by this method; it knows: ${Object.keys(methods).join(', ')}`,
  );
}

function checkSpec(spec: ComputeSpec): void {
  checkSize(spec.cores, spec.memoryBytes);
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  if (spec.image === undefined && (spec.volumes ?? []).length === 0)
    throw new IaasError('invalid', 'OpenNebula boots machines from an image or a volume, and none is named');
  if (spec.image !== undefined && numberOf(spec.image) === undefined)
    throw new IaasError('not-found', 'OpenNebula has no such image');
  if (spec.hostname !== undefined && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(spec.hostname))
    throw new IaasError('invalid', 'the host name is none: letters, digits, dots and hyphens make one');
}

function checkSize(cores: number, memoryBytes: number): void {
  if (!Number.isInteger(cores) || cores < 1)
    throw new IaasError('invalid', 'a machine has one core or more, and whole ones');
  if (!(memoryBytes > 0)) throw new IaasError('invalid', 'a machine needs memory');
}

/** Kind of processor, and what it starts with. */
function systemOf({ architecture, firmware }: ComputeSpec, efi: string | undefined): Vector {
  return {
    ARCH: architecture && (architecture === 'x86' ? 'i686' : 'x86_64'),
    FIRMWARE: firmware && efi,
  };
}

/**
 * What the guest finds on its context disk. Everything that people write is Base64: oned would expand `$NAME` and the
 * like, and the shell of the guest reads the file (S-100).
 */
function contextOf(spec: ComputeSpec): Vector {
  const base64 = (text: string): string => {
    if (!isWhole(text)) throw new IaasError('invalid', 'a document for the guest holds half of a character');
    return Buffer.from(text, 'utf8').toString('base64');
  };
  const keys = spec.sshKeys?.join('\n');
  return {
    NETWORK: 'YES',
    ...(spec.hostname === undefined ? {} : { SET_HOSTNAME: spec.hostname }),
    ...(keys === undefined ? {} : { SSH_PUBLIC_KEY: checkedKeys(keys) }),
    ...(spec.userData === undefined ? {} : { USER_DATA: base64(spec.userData), USERDATA_ENCODING: 'base64' }),
    ...(spec.ovfEnvironment === undefined ? {} : { OVF_ENV_BASE64: base64(spec.ovfEnvironment) }),
  };
}

function checkedKeys(keys: string): string {
  if (!/[$"`\\]/.test(keys)) return keys;
  throw new IaasError('invalid', 'an SSH key holds characters that no key has');
}

export function nicVector(nic: Omit<NicSpec, 'compute'>, token: string): Vector {
  return {
    NETWORK_ID: nic.network,
    ...(nic.address === undefined ? {} : { IP: nic.address }),
    ...(nic.mac === undefined ? {} : { MAC: nic.mac }),
    ...plugMarks(nic.id, token),
  };
}

export function diskVector(disk: Omit<AttachmentSpec, 'compute'>, token: string): Vector {
  const target = disk.device?.replace(/^\/dev\//, '');
  return {
    IMAGE_ID: disk.storage,
    ...(target !== undefined && /^(vd|sd|hd)[a-z]$/.test(target)
      ? { TARGET: target, DEV_PREFIX: target.slice(0, 2) }
      : {}),
    ...(disk.readOnly === true ? { READONLY: 'YES' } : {}),
    ...plugMarks(disk.id, token),
  };
}
