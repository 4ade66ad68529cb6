/**
 * libvirt with QEMU as a site: one machine as a cloud. The adapter's face, which puts machines, networks, volumes and
 * images together. Everything it knows stands in the definitions of libvirt's domains and in the site's own folder.
 */

import { piecesUnderAny } from '../../../base/signals.js';
import { join } from 'node:path';
import {
  IaasError,
  type AttachmentSpec,
  type CallOptions,
  type Capabilities,
  type ComputeSize,
  type ComputeSpec,
  type ImageExport,
  type ImageSpec,
  type Inventory,
  type LifecycleAction,
  type MetricSample,
  type NetworkAction,
  type NetworkSpec,
  type NicSpec,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
  type SiteEvent,
  type SiteFinding,
  type SiteRef,
  type StorageSpec,
  type VolumeAction,
} from '../../adapter.js';
import { requireCapability } from '../../capability.js';
import type { SiteSurroundings } from '../../site-type.js';
import { Accelerator, probeAccelerator } from './accelerator.js';
import { openAccount } from './account.js';
import { libvirtCapabilities } from './capabilities.js';
import { hasEfi } from './firmware.js';
import { check } from './check.js';
import { Copies } from './copies.js';
import { Domains, type Domain } from './domains.js';
import { followEvents } from './events.js';
import { Forwards } from './forwards.js';
import { Home } from './home.js';
import { Host } from './hosts.js';
import { Images } from './images.js';
import { Machines } from './machines.js';
import { Metrics } from './metrics.js';
import { Networks } from './networks.js';
import type { LibvirtOptions } from './options.js';
import { observePlugs, Plugs } from './plugs.js';
import { Programs } from './program.js';
import { QemuImg } from './qemu-img.js';
import { Shutdowns } from './shutdowns.js';
import { Turns } from './turns.js';
import { Virsh } from './virsh.js';
import { Volumes } from './volumes.js';

/** What QEMU's user mode gives a guest that asks nothing. */
const ACCESS_RANGE = '10.0.2.0/24';

/** @throws Problem `invalid` for an account that cannot be used */
export function createLibvirt(options: LibvirtOptions, surroundings: SiteSurroundings): SiteAdapter {
  return new Libvirt(options, surroundings);
}

class Libvirt implements SiteAdapter {
  readonly type = 'libvirt';
  readonly site: string;
  readonly #options: LibvirtOptions;
  readonly #surroundings: SiteSurroundings;
  readonly #capabilities: Capabilities;
  readonly #home: Home;
  readonly #programs: Programs;
  readonly #virsh: Virsh;
  readonly #domains: Domains;
  readonly #host: Host;
  readonly #accelerator: Accelerator;
  readonly #networks: Networks;
  readonly #copies: Copies;
  readonly #images: Images;
  readonly #volumes: Volumes;
  readonly #shutdowns: Shutdowns;
  readonly #machines: Machines;
  readonly #plugs: Plugs;
  readonly #metrics: Metrics;
  readonly #closed = new AbortController();

  constructor(options: LibvirtOptions, surroundings: SiteSurroundings) {
    const { clock, site, data, log } = surroundings;
    const { realm, uri, concurrency, callMs, access } = options;
    const { bridge } = options.networks;
    const account = openAccount(options.account, options.session);
    this.site = site;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#capabilities = libvirtCapabilities({ bridge, efi: hasEfi() });
    const home = new Home(options.directory ?? join(data.directory, 'libvirt', site), account);
    const programs = new Programs({ account, concurrency, callMs });
    const virsh = new Virsh({ programs, program: options.programs.virsh, uri });
    const qemuImg = new QemuImg(programs, options.programs.qemuImg);
    const turns = new Turns(join(home.directory, 'turns'), clock);
    const domains = new Domains(virsh, realm);
    this.#home = home;
    this.#programs = programs;
    this.#virsh = virsh;
    this.#domains = domains;
    this.#host = new Host(virsh, options.host, clock);
    this.#accelerator = new Accelerator(options.accelerator, (call) =>
      probeAccelerator(home, programs, options.programs.qemu, 'kvm', call),
    );
    const taken = access === false ? [] : [ACCESS_RANGE];
    this.#networks = new Networks({ home, domains, turns, realm, options: options.networks, taken });
    const copies = new Copies({ virsh, qemuImg, turns, log });
    this.#copies = copies;
    this.#images = new Images({ home, domains, copies, qemuImg, turns, realm });
    this.#volumes = new Volumes({ home, domains, images: this.#images, copies, virsh, qemuImg, turns, clock, realm });
    this.#shutdowns = new Shutdowns({
      home,
      domains,
      virsh,
      turns,
      clock,
      log,
      limitMs: options.shutdownMs,
      start: (domain, call) => this.#machines.start(domain, call),
    });
    this.#machines = new Machines({
      home,
      domains,
      networks: this.#networks,
      volumes: this.#volumes,
      images: this.#images,
      host: this.#host,
      forwards: new Forwards(virsh, access),
      shutdowns: this.#shutdowns,
      virsh,
      qemuImg,
      turns,
      clock,
      realm,
      bridge,
      access: access !== false,
      type: (call) => this.#accelerator.type(call),
    });
    this.#plugs = new Plugs({ home, domains, machines: this.#machines, networks: this.#networks, virsh, turns, clock });
    this.#metrics = new Metrics(virsh, clock, bridge !== undefined);
  }

  capabilities(): Capabilities {
    return this.#capabilities;
  }

  check(options: CallOptions = {}): Promise<readonly SiteFinding[]> {
    const freeBytes = (): Promise<number> => this.#volumes.freeBytes();
    const [home, programs, virsh, accelerator] = [this.#home, this.#programs, this.#virsh, this.#accelerator];
    return check({ home, programs, virsh, accelerator, freeBytes, options: this.#options }, options);
  }

  async inventory(options: CallOptions = {}): Promise<Inventory> {
    await this.#home.prepare();
    const domains = await this.#domains.all(options);
    const [host, networks, images, storageFreeBytes] = await Promise.all([
      this.#host.inventory(domains.values(), options),
      this.#networks.all(),
      this.#images.all(),
      this.#volumes.freeBytes(),
    ]);
    return {
      takenAt: this.#surroundings.clock.now(),
      hosts: [host],
      networks: networks.map(([ref, { name, cidr }]) => ({ ref, name, cidr, shared: false })),
      images: images
        .filter(([, { state }]) => state === 'ready')
        .map(([ref, { name, sizeBytes, format }]) => ({ ref, name, sizeBytes, format })),
      storageFreeBytes,
    };
  }

  createCompute(spec: ComputeSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#machines.create(spec, token, options);
  }

  createNetwork(spec: NetworkSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#networks.create(spec, token, options);
  }

  createStorage(spec: StorageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#volumes.create(spec, token, options);
  }

  attachNic(spec: NicSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#plugs.attachNic(spec, token, options);
  }

  attachStorage(spec: AttachmentSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#plugs.attachStorage(spec, token, options);
  }

  importImage(spec: ImageSpec, token: string, options: CallOptions = {}): Promise<SiteRef> {
    return this.#images.import(spec, token, options);
  }

  exportImage(ref: SiteRef): Promise<ImageExport> {
    return this.#images.export(ref);
  }

  delete(what: ResourceClass, ref: SiteRef, options: CallOptions = {}): Promise<void> {
    switch (what) {
      case 'compute':
        return this.#machines.remove(ref, options);
      case 'network':
        return this.#networks.remove(ref, options);
      case 'storage':
        return this.#volumes.remove(ref, options);
      case 'image':
        return this.#images.remove(ref, options);
      case 'nic':
      case 'attachment':
        return this.#plugs.remove(what, ref, options);
      case 'securitygroup':
        // Filters are an administrator's in libvirt: a session has none.
        return Promise.resolve();
    }
  }

  actCompute(
    ref: SiteRef,
    action: LifecycleAction,
    method: string | undefined,
    options: CallOptions = {},
  ): Promise<void> {
    return this.#machines.act(ref, action, method, options);
  }

  resizeCompute(ref: SiteRef, size: ComputeSize, options: CallOptions = {}): Promise<void> {
    return this.#machines.resize(ref, size, options);
  }

  saveCompute(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    options: CallOptions = {},
  ): Promise<SiteRef> {
    return this.#images.save(ref, name, method, token, options);
  }

  /** A network is always up. */
  async actNetwork(ref: SiteRef, action: NetworkAction): Promise<void> {
    requireCapability(this.#capabilities, 'network', action);
    if (!(await this.#networks.get(ref))) throw new IaasError('not-found', 'this site has no such network');
  }

  actStorage(ref: SiteRef, action: VolumeAction, options: CallOptions = {}): Promise<void> {
    return this.#volumes.act(ref, action, options);
  }

  resizeStorage(ref: SiteRef, sizeBytes: number, options: CallOptions = {}): Promise<void> {
    return this.#volumes.resize(ref, sizeBytes, options);
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    options: CallOptions = {},
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const found = new Map<SiteRef, Observed>();
    if (refs.length === 0) return found;
    const wanted = new Set(refs);
    const machines = [...new Set(refs.map((ref) => ref.split(':')[0] ?? ''))];
    for await (const observed of this.#observed(what, () => this.#domains.some(machines, options)))
      if (wanted.has(observed.ref)) found.set(observed.ref, observed);
    return found;
  }

  async *list(what: ResourceClass, options: CallOptions = {}): AsyncIterable<Observed> {
    for await (const observed of this.#observed(what, () => this.#domains.all(options)))
      if (observed.id !== undefined) yield observed;
  }

  async *#observed(what: ResourceClass, look: () => Promise<ReadonlyMap<string, Domain>>): AsyncIterable<Observed> {
    switch (what) {
      case 'network':
        for (const [ref, record] of await this.#networks.all()) yield this.#networks.observe(ref, record);
        return;
      case 'storage':
        for (const [ref, record] of await this.#volumes.all()) yield this.#volumes.observe(ref, record);
        return;
      case 'image':
        for (const [ref, record] of await this.#images.all()) yield this.#images.observe(ref, record);
        return;
      case 'compute':
        for (const domain of (await look()).values()) yield await this.#machines.observe(domain);
        return;
      case 'nic':
      case 'attachment': {
        const gateways = new Map((await this.#networks.all()).map(([ref, { gateway }]) => [ref, gateway]));
        for (const domain of (await look()).values())
          yield* observePlugs(domain, what, (network) => gateways.get(network));
        return;
      }
      case 'securitygroup':
    }
  }

  async tidy(options: CallOptions = {}): Promise<number> {
    await this.#home.prepare();
    await this.#machines.sweep(options);
    return 0;
  }

  events(signal: AbortSignal): AsyncIterable<SiteEvent> {
    const { clock } = this.#surroundings;
    const { realm, events } = this.#options;
    const services = { virsh: this.#virsh, domains: this.#domains, clock, realm, pollMs: events.pollMs };
    return piecesUnderAny([signal, this.#closed.signal], (either) => followEvents(services, either));
  }

  metrics(refs: readonly SiteRef[], options: CallOptions = {}): Promise<readonly MetricSample[]> {
    return this.#metrics.samples(refs, options);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#programs.close();
    await Promise.all([this.#shutdowns.close(), this.#copies.close()]);
  }
}
