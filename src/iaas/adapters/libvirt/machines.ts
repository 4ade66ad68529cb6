/**
 * Machines: domains that are defined, started, stopped and undefined one step at a time, each in the turn of its machine.
 * A machine's name and UUID are its token's, so that whatever was cut off in the middle is found and gone on with.
 */

import { access } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.js';
import {
  IaasError,
  type CallOptions,
  type ComputeSize,
  type ComputeSpec,
  type LifecycleAction,
  type Observed,
} from '../../adapter.js';
import { domainDocument, type DomainChoices, DISK_LETTERS } from './domain-document.js';
import { isOwn, isRunning, type Domain, type Domains, type OwnDomain } from './domains.js';
import type { Forwards } from './forwards.js';
import type { Home, Leaving, NetworkRecord, VolumeRecord } from './home.js';
import type { Host } from './hosts.js';
import type { Images } from './images.js';
import { digestOf, macOf, uuidOf, type DiskModel, type MachineModel, type NicModel } from './marks.js';
import { nicsOf, type Networks } from './networks.js';
import type { QemuImg } from './qemu-img.js';
import { seedCd } from './seed.js';
import type { Shutdowns } from './shutdowns.js';
import type { Turns } from './turns.js';
import type { Virsh } from './virsh.js';
import { newDisk, newNic } from './plug-models.js';
import type { Volumes } from './volumes.js';

export interface MachineServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly images: Images;
  readonly host: Host;
  readonly forwards: Forwards;
  readonly shutdowns: Shutdowns;
  readonly virsh: Virsh;
  readonly qemuImg: QemuImg;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly realm: string;
  readonly bridge: string | undefined;
  readonly access: boolean;
  /** `kvm` where it was proved. */
  readonly type: (options: CallOptions) => Promise<'qemu' | 'kvm'>;
}

const METHODS: Readonly<Record<LifecycleAction, readonly string[]>> = {
  start: [],
  stop: ['graceful', 'acpioff', 'poweroff'],
  restart: ['graceful', 'warm', 'cold'],
  suspend: ['suspend', 'hibernate'],
};

export class Machines {
  readonly #services: MachineServices;

  constructor(services: MachineServices) {
    this.#services = services;
  }

  async create(spec: ComputeSpec, token: string, options: CallOptions): Promise<string> {
    checkSpec(spec);
    const { home, domains, turns, realm } = this.#services;
    const uuid = uuidOf(realm, token);
    await home.prepare();
    return turns.machine(uuid, options, async () => {
      const earlier = await domains.look(uuid, options);
      if (earlier && !isOwn(earlier)) throw new IaasError('conflict', 'somebody else has a machine of this UUID');
      if (!earlier) await turns.site(options, () => this.#make(uuid, spec, token, options));
      return uuid;
    });
  }

  async #make(uuid: string, spec: ComputeSpec, token: string, options: CallOptions): Promise<void> {
    const { home, domains, host, images, networks, forwards, qemuImg, realm } = this.#services;
    const all = [...(await domains.all(options)).values()];
    this.#mustBeHere(spec, all);
    await host.mustFit(spec, all, options);
    const image = spec.image === undefined ? undefined : await images.ready(spec.image);
    const nics: NicModel[] = [];
    for (const nic of spec.nics ?? []) {
      const network = await networks.get(nic.network);
      if (!network) throw new IaasError('not-found', 'this site has no such network');
      const address = networks.lease(nic.network, network, nic.address, [...nicsOf(all), ...nics]);
      nics.push(newNic(nic, nic.id, address));
    }
    const disks: DiskModel[] = [];
    for (const volume of spec.volumes ?? []) {
      const record = await this.mustBeFree(volume.storage, options);
      disks.push(newDisk(volume, volume.id, record, { image: spec.image, disks }));
    }
    const { id, name, cores, memoryBytes, application, owner, architecture, firmware } = spec;
    const model: MachineModel = {
      realm,
      id,
      token: digestOf(token),
      name,
      cores,
      memoryBytes: wholeKib(memoryBytes),
      ...(application === undefined ? {} : { application }),
      ...(owner === undefined ? {} : { owner }),
      ...(architecture === undefined ? {} : { architecture }),
      ...(firmware === undefined ? {} : { firmware }),
      ...(spec.image === undefined ? {} : { image: spec.image }),
      ...(this.#services.access ? { access: { mac: macOf(`access ${token}`), forwards: forwards.assign(all) } } : {}),
      nics,
      disks,
    };
    await home.makeMachine(uuid);
    const { hostname, userData, sshKeys, ovfEnvironment, environmentFiles } = spec;
    await home.write(
      uuid,
      'guest.json',
      JSON.stringify({ instanceId: id, hostname, userData, sshKeys, ovfEnvironment, environmentFiles }),
    );
    if (image) {
      const disk = home.machine(uuid, 'boot.qcow2');
      const base = { file: home.image(spec.image ?? ''), format: image.format };
      await qemuImg.create(disk, image.virtualSizeBytes, base, options);
    }
    await this.define(uuid, model, options);
  }

  /** The site has one host: what asks for another one, or for none in common, is refused. */
  #mustBeHere({ host, apartFrom = [], togetherWith = [] }: ComputeSpec, all: readonly Domain[]): void {
    const { name } = this.#services.host;
    if (host !== undefined && host !== name)
      throw new IaasError('invalid', `this site has the host ${name} and no other`);
    if (togetherWith.some((id) => apartFrom.includes(id)))
      throw new IaasError('invalid', 'a machine cannot be both apart from and together with another');
    if (all.some(({ model }) => model !== undefined && apartFrom.includes(model.id)))
      throw new IaasError('capacity', 'this site has one host: it cannot keep machines apart');
  }

  /** @throws IaasError `not-found` for no volume of VEP's, `conflict` for one that another machine has */
  async mustBeFree(volume: string, options: CallOptions): Promise<VolumeRecord> {
    const record = await this.#services.volumes.usable(volume);
    if (!record.shared && (await this.#services.volumes.user(volume, options)))
      throw new IaasError('conflict', 'another machine has the volume');
    return record;
  }

  /** Tells libvirt what a machine is; a running one keeps its devices until it is started again. */
  async define(uuid: string, model: MachineModel, options: CallOptions): Promise<void> {
    const { home, virsh, domains } = this.#services;
    // libvirt refuses a second name for one UUID: one that somebody else has given it stays.
    const known = await domains.look(uuid, options);
    const choices = { ...(await this.choices(model, options)), ...(known && { name: known.name }) };
    const path = await home.write(uuid, 'domain.xml', domainDocument(uuid, model, choices));
    await virsh.do('define', [path, '--validate'], options);
  }

  async choices(model: MachineModel, options: CallOptions): Promise<DomainChoices> {
    const { home, networks, bridge, type } = this.#services;
    const ranges = new Map<string, string>();
    for (const { network } of model.nics) ranges.set(network, (await networks.get(network))?.cidr ?? '');
    return { home, bridge, type: await type(options), cidrOf: (network) => ranges.get(network) ?? '' };
  }

  async act(uuid: string, action: LifecycleAction, method: string | undefined, options: CallOptions): Promise<void> {
    if (method !== undefined && action !== 'start' && !METHODS[action].includes(method))
      throw new IaasError('invalid', `this site knows no such ${action}; it knows: ${METHODS[action].join(', ')}`);
    await this.#services.turns.machine(uuid, options, async () => {
      const domain = await this.#services.domains.own(uuid, options);
      const leaving = await this.#leaving(domain);
      if (leaving && action === (leaving.again ? 'restart' : 'stop') && method !== 'poweroff') return;
      if (leaving && (leaving.again || action !== 'stop'))
        throw new IaasError('transient', 'the machine is switching itself off', 'stopping');
      if (domain.meaning.busy === true) throw new IaasError('transient', 'the machine is on its way', 'busy');
      switch (action) {
        case 'start':
          // It was asked to switch itself off, and has.
          if (!domain.active) await this.#services.home.noteLeaving(uuid, undefined);
          return this.start(domain, options);
        case 'stop':
          return this.#stop(domain, method, options);
        case 'restart':
          if (!isRunning(domain))
            throw new IaasError('conflict', `a machine that is ${domain.meaning.state} is not restarted`);
          return method === 'cold' ? this.#do('reset', uuid, options) : this.#leave(uuid, { again: true }, options);
        case 'suspend':
          return this.#suspend(domain, method, options);
      }
    });
  }

  /** Called in the turn of the machine. */
  async start(domain: OwnDomain, options: CallOptions): Promise<void> {
    const { uuid, model, active, saved, meaning } = domain;
    const { domains, forwards, turns, volumes } = this.#services;
    if (active && meaning.state !== 'active') await this.#do('resume', uuid, options);
    if (!active) {
      const lost = await this.#lostDisk(domain);
      if (lost !== undefined) throw new IaasError('conflict', lost);
      for (const { volume } of model.disks)
        if ((await volumes.get(volume))?.state === 'backup')
          throw new IaasError('transient', 'a disk of the machine is being copied', 'being copied');
      if (!saved) await this.#writeSeed(uuid, model);
      await this.#do('start', uuid, options);
    }
    if (model.access === undefined) return;
    await turns.site(options, async () => {
      const all = (await domains.all(options)).values();
      const open = await forwards.open(domain, all, options);
      if (JSON.stringify(open) === JSON.stringify(model.access?.forwards)) return;
      await this.define(uuid, { ...model, access: { mac: model.access?.mac ?? '', forwards: open } }, options);
    });
  }

  async #writeSeed(uuid: string, model: MachineModel): Promise<void> {
    const { home, networks } = this.#services;
    const records = new Map<string, NetworkRecord | undefined>();
    for (const { network } of model.nics) records.set(network, await networks.get(network));
    const guest = (await home.readGuest(uuid)) ?? { instanceId: model.id };
    await home.write(
      uuid,
      'seed.iso',
      seedCd(guest, model, (ref) => records.get(ref)),
    );
  }

  async #stop(domain: OwnDomain, method: string | undefined, options: CallOptions): Promise<void> {
    const { uuid, active, saved } = domain;
    if (!active) return saved ? this.#do('managedsave-remove', uuid, options) : undefined;
    // A guest that is paused hears nothing.
    if (method !== 'poweroff' && isRunning(domain)) return this.#leave(uuid, {}, options);
    await this.#do('destroy', uuid, options);
    await this.#services.home.noteLeaving(uuid, undefined);
  }

  /** Asks a guest to switch itself off. */
  async #leave(uuid: string, then: Pick<Leaving, 'again'>, options: CallOptions): Promise<void> {
    const { home, virsh, clock, shutdowns } = this.#services;
    const leaving = { since: clock.now(), ...then };
    await home.noteLeaving(uuid, leaving);
    try {
      await virsh.do('shutdown', [uuid, '--mode', 'acpi'], options);
    } catch (error) {
      // It may have been asked, and one that is to be restarted would stay off.
      const isPerhapsAsked = then.again === true && error instanceof IaasError && error.class === 'transient';
      if (!isPerhapsAsked) await home.noteLeaving(uuid, undefined);
      throw error;
    }
    shutdowns.watch(uuid, leaving);
  }

  async #suspend(domain: OwnDomain, method: string | undefined, options: CallOptions): Promise<void> {
    if (domain.meaning.state === 'suspended') return;
    if (!isRunning(domain))
      throw new IaasError('conflict', `a machine that is ${domain.meaning.state} is not suspended`);
    await this.#do(method === 'hibernate' ? 'managedsave' : 'suspend', domain.uuid, options);
  }

  async #do(command: string, uuid: string, options: CallOptions): Promise<void> {
    await this.#services.virsh.do(command, [uuid], options);
  }

  async resize(uuid: string, size: ComputeSize, options: CallOptions): Promise<void> {
    checkSize(size);
    const { turns, domains, host } = this.#services;
    await turns.machine(uuid, options, async () => {
      const domain = await domains.own(uuid, options);
      const memoryBytes = wholeKib(size.memoryBytes);
      const { model, active, saved } = domain;
      if (model.cores === size.cores && model.memoryBytes === memoryBytes) return;
      if (active || saved)
        throw new IaasError('conflict', 'this site resizes no machine that runs or sleeps: stop it first');
      await turns.site(options, async () => {
        await host.mustFit(size, (await domains.all(options)).values(), options, model);
        await this.define(uuid, { ...model, cores: size.cores, memoryBytes }, options);
      });
    });
  }

  /** Takes a machine away with everything that is its own; volumes stay. */
  async remove(uuid: string, options: CallOptions): Promise<void> {
    const { turns, domains, home, virsh } = this.#services;
    const seen = await domains.look(uuid, options);
    if (!seen && !(await home.machines()).includes(uuid)) return;
    await turns.machine(uuid, options, async () => {
      const domain = await domains.look(uuid, options);
      if (domain && !isOwn(domain))
        throw new IaasError('denied', 'this machine was not made by VEP, which leaves it alone');
      if (domain?.active) await virsh.do('destroy', [uuid], options).catch(unlessGone);
      if (domain)
        await virsh
          .do('undefine', [uuid, '--managed-save', '--snapshots-metadata', '--nvram'], options)
          .catch(unlessGone);
      await home.removeMachine(uuid);
    });
  }

  /** Removes what is left of machines that libvirt no longer has. */
  async sweep(options: CallOptions): Promise<void> {
    const { turns, domains, home } = this.#services;
    const known = await domains.all(options);
    for (const uuid of await home.machines()) {
      if (known.has(uuid)) continue;
      await turns.machine(uuid, options, async () => {
        if (!(await domains.look(uuid, options))) await home.removeMachine(uuid);
      });
    }
  }

  async observe(domain: Domain): Promise<Observed> {
    const { uuid, model, meaning, name } = domain;
    const { shutdowns, forwards, host } = this.#services;
    const leaving = model ? await this.#leaving(domain) : undefined;
    if (leaving) shutdowns.watch(uuid, leaving);
    const lost = model ? await this.#lostDisk(domain) : undefined;
    const reached = meaning.state === 'active' ? forwards.sentence(model?.access?.forwards ?? []) : undefined;
    const message = lost ?? meaning.message ?? reached;
    return {
      class: 'compute',
      ref: uuid,
      ...(model === undefined ? {} : { id: model.id }),
      name,
      state: lost === undefined ? meaning.state : 'error',
      busy: lost === undefined && (meaning.busy === true || leaving !== undefined),
      cores: model?.cores ?? domain.cores,
      memoryBytes: model?.memoryBytes ?? domain.memoryBytes,
      host: host.name,
      ...(message === undefined ? {} : { message }),
    };
  }

  /** What is still to be done about a machine that was asked to switch itself off. */
  async #leaving({ uuid, active }: Domain): Promise<Leaving | undefined> {
    const leaving = await this.#services.home.leaving(uuid);
    return active || leaving?.again ? leaving : undefined;
  }

  /** What is missing, in words; nothing where all disks are there. */
  async #lostDisk({ uuid, model }: Domain): Promise<string | undefined> {
    const { home } = this.#services;
    const files = [
      ...(model?.image === undefined ? [] : [home.machine(uuid, 'boot.qcow2')]),
      ...(model?.disks ?? []).map((disk) => home.disk(disk.volume, disk)),
    ];
    for (const file of files)
      if (
        !(await access(file).then(
          () => true,
          () => false,
        ))
      )
        return 'a disk of the machine is gone from the host';
    return undefined;
  }
}

function unlessGone(error: unknown): void {
  const gone = error instanceof IaasError && (error.class === 'not-found' || /is not running/.test(error.said ?? ''));
  if (!gone) throw error;
}

const HOSTNAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

function checkSpec(spec: ComputeSpec): void {
  checkSize(spec);
  if (spec.name === '') throw new IaasError('invalid', 'a machine needs a name');
  const disks = (spec.volumes?.length ?? 0) + (spec.image === undefined ? 0 : 1);
  if (disks === 0)
    throw new IaasError('invalid', 'this site boots machines from an image or a volume, and none is named');
  if (disks > DISK_LETTERS.length) throw new IaasError('invalid', `a machine has ${DISK_LETTERS.length} disks at most`);
  if (spec.hostname !== undefined && !HOSTNAME.test(spec.hostname))
    throw new IaasError('invalid', 'the host name is none: letters, digits, dots and hyphens make one');
  for (const text of [spec.userData, spec.ovfEnvironment, ...(spec.sshKeys ?? [])])
    if (text !== undefined && /\p{Surrogate}/u.test(text))
      throw new IaasError('invalid', 'a document for the guest holds half of a character');
}

function checkSize({ cores, memoryBytes }: ComputeSize): void {
  if (!Number.isInteger(cores) || cores < 1)
    throw new IaasError('invalid', 'a machine has one core or more, and whole ones');
  if (!(memoryBytes > 0)) throw new IaasError('invalid', 'a machine needs memory');
}

/** libvirt counts memory in KiB. */
function wholeKib(bytes: number): number {
  return Math.ceil(bytes / 1024) * 1024;
}
