/** What is on the site, in OCCI's words: of some references, or of everything that VEP made. */

import type { CallOptions, Observed, ResourceClass, SiteRef } from '../../adapter.js';
import type { Addresses } from './addresses.js';
import type { Images } from './images.js';
import type { Instances } from './instances.js';
import type { NetworkInterfaces } from './network-interfaces.js';
import type { Networks } from './networks.js';
import type { SecurityGroups } from './security-groups.js';
import type { InstanceTypes } from './sizes.js';
import type { Volumes } from './volumes.js';

export interface ObserverServices {
  readonly types: InstanceTypes;
  readonly instances: Instances;
  readonly images: Images;
  readonly networks: Networks;
  readonly securityGroups: SecurityGroups;
  readonly addresses: Addresses;
  readonly interfaces: NetworkInterfaces;
  readonly volumes: Volumes;
}

export class Observer {
  readonly #services: ObserverServices;

  constructor(services: ObserverServices) {
    this.#services = services;
  }

  async describe(
    what: ResourceClass,
    refs: readonly SiteRef[],
    call: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const wanted = new Set(refs);
    const found = new Map<SiteRef, Observed>();
    if (refs.length === 0) return found;
    for (const observed of await this.#described(what, refs, call))
      if (wanted.has(observed.ref)) found.set(observed.ref, observed);
    return found;
  }

  async #described(what: ResourceClass, refs: readonly SiteRef[], call: CallOptions): Promise<readonly Observed[]> {
    switch (what) {
      case 'compute': {
        const [types, machines] = await Promise.all([
          this.#services.types.all(call),
          this.#services.instances.some(refs, call),
        ]);
        const shown = [...machines.values()].flatMap(
          (machine) => this.#services.instances.observe(machine, types) ?? [],
        );
        return [...shown, ...this.#services.instances.unborn(refs, machines)];
      }
      case 'network':
        return [
          ...(await this.#services.networks.some(refs, call)).map((subnet) => this.#services.networks.observe(subnet)),
          ...(await this.#services.addresses.observe(refs, call)),
        ];
      case 'storage':
        return (await this.#services.volumes.some(refs, call)).flatMap((volume) =>
          this.#services.volumes.observe(volume),
        );
      case 'image':
        return (await this.#services.images.some(refs, call))
          .filter(({ ImageId }) => !this.#services.images.hasLeft(ImageId))
          .map((image) => this.#services.images.observe(image));
      case 'nic':
        return [
          ...(await this.#services.interfaces.observe(await this.#services.interfaces.some(refs, call), call)),
          ...(await this.#services.addresses.observeLent(refs, call)),
        ];
      case 'securitygroup':
        return this.#services.securityGroups.describe(refs, call);
      case 'attachment': {
        const volumes = await this.#services.volumes.some(
          refs.map((ref) => ref.split(':')[0] ?? ''),
          call,
        );
        return this.#services.volumes.observeLinks(volumes, call);
      }
    }
  }

  async *list(what: ResourceClass, call: CallOptions): AsyncIterable<Observed> {
    switch (what) {
      case 'compute': {
        const types = await this.#services.types.all(call);
        for await (const machine of this.#services.instances.ours(call)) {
          const observed = this.#services.instances.observe(machine, types);
          if (observed) yield observed;
        }
        return;
      }
      case 'network':
        for (const subnet of await this.#services.networks.ours(call)) yield this.#services.networks.observe(subnet);
        yield* await this.#services.addresses.observe(undefined, call);
        return;
      case 'storage':
        for (const volume of await this.#services.volumes.ours(call)) yield* this.#services.volumes.observe(volume);
        return;
      case 'image':
        for (const image of await this.#services.images.ours(call)) yield this.#services.images.observe(image);
        return;
      case 'nic':
        yield* await this.#services.interfaces.observe(await this.#services.interfaces.ours(call), call);
        yield* await this.#services.addresses.observeLent(undefined, call);
        return;
      case 'securitygroup':
        yield* await this.#services.securityGroups.ours(call);
        return;
      case 'attachment':
        yield* await this.#services.volumes.observeLinks(await this.#services.volumes.ours(call), call);
    }
  }
}
