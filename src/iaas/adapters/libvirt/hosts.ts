/** The one host of a libvirt site: what it promises, less what every domain on it may take, VEP's or not. */

import { hostname } from 'node:os';
import type { Clock } from '../../../base/clock.js';
import { IaasError, type CallOptions, type ComputeSize } from '../../adapter.js';
import type { HostInventory } from '../../host-inventory.js';
import type { Domain } from './domains.js';
import type { LibvirtOptions } from './options.js';
import type { Virsh } from './virsh.js';
import { nonsense } from './virsh-error.js';

/** How long what libvirt says of the hardware is believed. */
const FRESH_MS = 300_000;

export class Host {
  readonly #virsh: Virsh;
  readonly #options: LibvirtOptions['host'];
  readonly #clock: Clock;
  #known: (ComputeSize & { readonly at: number }) | undefined;

  constructor(virsh: Virsh, options: LibvirtOptions['host'], clock: Clock) {
    this.#virsh = virsh;
    this.#options = options;
    this.#clock = clock;
  }

  get name(): string {
    return this.#options.name ?? hostname().replace(/[^A-Za-z0-9._-]/g, '-');
  }

  async inventory(domains: Iterable<Domain>, options: CallOptions): Promise<HostInventory> {
    const { name } = this;
    const { zone = 'default', rack = name, country } = this.#options;
    const has = await this.#promised(options);
    const free = leftOf(has, domains);
    return {
      name,
      rack,
      zone,
      country,
      up: true,
      traits: [],
      cores: has.cores,
      freeCores: Math.max(0, free.cores),
      memoryBytes: has.memoryBytes,
      freeMemoryBytes: Math.max(0, free.memoryBytes),
    };
  }

  /** @throws IaasError `capacity` where a machine, in the place of another size of its own, finds no room */
  async mustFit(size: ComputeSize, domains: Iterable<Domain>, options: CallOptions, now?: ComputeSize): Promise<void> {
    const free = leftOf(await this.#promised(options), domains);
    const more = (what: keyof ComputeSize): number => size[what] - (now?.[what] ?? 0);
    if (more('cores') > Math.max(0, free.cores) || more('memoryBytes') > Math.max(0, free.memoryBytes))
      throw new IaasError(
        'capacity',
        `the host has no room for ${size.cores} cores and ${size.memoryBytes} bytes of memory`,
      );
  }

  async #promised(options: CallOptions): Promise<ComputeSize> {
    const now = this.#clock.now();
    if (!this.#known || now - this.#known.at > FRESH_MS) {
      const said = await this.#virsh.read(['nodeinfo'], options);
      const cores = Number(/^CPU\(s\): +(\d+)$/m.exec(said)?.[1]);
      const kibibytes = Number(/^Memory size: +(\d+) KiB$/m.exec(said)?.[1]);
      if (!(cores > 0 && kibibytes > 0)) throw nonsense('virsh nodeinfo', { code: 0, out: said, err: '' });
      this.#known = { cores, memoryBytes: kibibytes * 1024, at: now };
    }
    const { cores, memoryBytes } = this.#known;
    const { coresPerCore, memoryShare } = this.#options;
    return { cores: cores * coresPerCore, memoryBytes: Math.floor(memoryBytes * memoryShare) };
  }
}

function leftOf(has: ComputeSize, domains: Iterable<Domain>): ComputeSize {
  let { cores, memoryBytes } = has;
  for (const domain of domains) {
    cores -= domain.cores;
    memoryBytes -= domain.memoryBytes;
  }
  return { cores, memoryBytes };
}
