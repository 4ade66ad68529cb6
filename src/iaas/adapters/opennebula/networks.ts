/**
 * Networks as users see them, whatever makes them ({@link Reservations}, {@link IsolatedNetworks}): named and marked, shown
 * and removed. oned puts security group 0, which lets everything pass, into every network and unites it with those of the
 * NIC: a network of VEP's has none, and each NIC says for itself.
 */

import { IaasError, type CallOptions, type NetworkSpec, type Observed } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import type { Branch } from '../../document.js';
import { addressOf, blockOf, maskOf, textOf } from '../../ranges.js';
import type { Hosts } from './hosts.js';
import { IsolatedNetworks } from './isolated-networks.js';
import { marksIn, marksOf, uniqueName } from './marks.js';
import { cidrOf, leasable, leasesOf, NetworkPool } from './network-pool.js';
import { readWish, type NetworkSource, type Wish } from './network-source.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import type { NetworkOptions } from './options.js';
import type { Patience } from '../../patience.js';
import { Reservations } from './reservations.js';
import { NETWORK, NETWORK_BEING_MADE, NETWORK_GOING } from './states.js';
import { templateXml, type Template } from './template.js';
import type { Tenants } from './tenants.js';

export interface NetworkServices {
  readonly oned: Oned;
  readonly tenants: Tenants;
  readonly hosts: Hosts;
  readonly patience: Patience;
  readonly realm: string;
  readonly options: NetworkOptions;
}

export class Networks {
  readonly #services: NetworkServices;
  readonly #pool: NetworkPool;
  readonly #ordinary: NetworkSource;
  /** Of addresses that are reserved one by one; nothing where an address would be on a wire that nobody is on. */
  readonly #addresses: NetworkSource | undefined;

  constructor(services: NetworkServices) {
    const { oned, hosts } = services;
    const { reserveFrom, publicFrom, isolated, prefix } = services.options;
    this.#services = services;
    this.#pool = new NetworkPool(oned);
    this.#ordinary = isolated
      ? new IsolatedNetworks(oned, this.#pool, hosts, isolated, prefix)
      : new Reservations(oned, this.#pool, reserveFrom, prefix);
    const own = isolated ? undefined : this.#ordinary;
    this.#addresses = publicFrom.length > 0 ? new Reservations(oned, this.#pool, publicFrom, 32) : own;
  }

  /** All virtual networks, VEP's and others. */
  all(options: CallOptions = {}): Promise<readonly Branch[]> {
    return this.#pool.all(options);
  }

  /** A virtual network with its leases, if there is one. */
  look(ref: string, options: CallOptions): Promise<Branch | undefined> {
    return this.#pool.look(ref, options);
  }

  async create(spec: NetworkSpec, token: string, options: CallOptions): Promise<string> {
    const { realm, tenants } = this.#services;
    const name = uniqueName(realm, token);
    const wish = readWish(spec);
    const source = spec.reservation === true ? this.#addresses : this.#ordinary;
    if (!source)
      throw new IaasError('unsupported', 'networks.publicFrom names no network whose addresses could be reserved');
    const { id, body } = await tenants.acting(spec.owner, options, async (owner) => {
      const made = (await this.#pool.named(name, options)) ?? (await source.make(name, wish, owner, options));
      const before = await this.#made(made, options);
      if (marksIn(before.child('TEMPLATE'), realm)) return { id: made, body: before };
      const own = await source.handOver(made, name, owner, options);
      return { id: own, body: own === made ? before : await this.#made(own, options) };
    });
    if (!marksIn(body.child('TEMPLATE'), realm)) await this.#finish(body, spec, wish, token, source.prefix, options);
    return String(id);
  }

  /** One that is there, when oned has done with it: before, it says that addresses are in use which are not. */
  #made(id: number, options: CallOptions): Promise<Branch> {
    return this.#services.patience.until(options, 'the network is still on its way to another state', async () => {
      const body = await this.#pool.look(String(id), options);
      if (!body) throw new IaasError('transient', 'the network is gone again', 'gone');
      return body.number(1, 'STATE') === NETWORK_BEING_MADE ? undefined : body;
    });
  }

  /** What distinguishes it from its parent or its like, and VEP's marks, at once and last: then it is complete. */
  async #finish(
    body: Branch,
    spec: NetworkSpec,
    wish: Wish,
    token: string,
    prefix: number,
    options: CallOptions,
  ): Promise<void> {
    const { oned, realm } = this.#services;
    const template = body.child('TEMPLATE');
    const first = addressOf(body.value('AR_POOL', 'AR', 'IP') ?? '') ?? 0;
    const range = wish.range ?? { ...blockOf(first, prefix), prefix };
    const gateway = wish.gateway === undefined ? undefined : textOf(wish.gateway);
    if (gateway !== undefined && leasable(body, wish.gateway ?? 0)) await this.#hold(body, gateway, options);
    const alone = template?.value('NETWORK_ADDRESS') === undefined && range.prefix < 32;
    const attributes: Template = {
      ...marksOf(realm, spec, token),
      VEP_NAME: kept(spec.name),
      VEP_CIDR: `${textOf(range.first)}/${range.prefix}`,
      SECURITY_GROUPS: '',
      ...(alone ? { NETWORK_ADDRESS: textOf(range.first), NETWORK_MASK: maskOf(range.prefix) } : {}),
      ...(gateway === undefined ? {} : { GATEWAY: gateway }),
    };
    await oned.id('one.vn.update', [body.number(-1, 'ID'), templateXml(attributes), 1], options);
  }

  /** Keeps an address from being given away, once: oned takes no second hold of it. */
  async #hold(body: Branch, address: string, options: CallOptions): Promise<void> {
    if (heldIn(body).includes(address)) return;
    const id = body.number(-1, 'ID');
    await this.#services.oned
      .id('one.vn.hold', [id, templateXml({ LEASES: { IP: address } })], options)
      .catch(async (error: unknown) => {
        // Somebody with the same token was faster.
        const now = error instanceof OneError ? await this.look(String(id), options) : undefined;
        if (!now || !heldIn(now).includes(address)) throw error;
      });
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const { oned, realm } = this.#services;
    const body = await this.look(ref, options);
    if (!body || isGoing(body)) return;
    if (!marksIn(body.child('TEMPLATE'), realm))
      throw new IaasError('denied', 'this network was not made by VEP, which leaves it alone');
    const id = body.number(-1, 'ID');
    const held = heldIn(body);
    if (leasesOf(body).length > held.length)
      throw new IaasError('conflict', 'machines still have addresses of this network');
    // The gateway that VEP keeps from being given away counts as an address in use.
    for (const address of held)
      await oned.id('one.vn.release', [id, templateXml({ LEASES: { IP: address } })], options);
    await oned.id('one.vn.delete', [id], options).catch(async (error: unknown) => {
      // oned lets go of a network in its own time; somebody else may have asked for that meanwhile.
      const left = error instanceof IaasError && (await this.look(ref, options));
      if (left === false || (left && !isGoing(left))) throw error;
    });
  }

  /** What a NIC says for itself: what guards it, and on a network of VEP's, which has no security group, that everything may pass. */
  openTo(body: Branch, guards: readonly string[] = []): { readonly SECURITY_GROUPS?: string } {
    if (guards.length > 0) return { SECURITY_GROUPS: guards.join(',') };
    return marksIn(body.child('TEMPLATE'), this.#services.realm) ? { SECURITY_GROUPS: '0' } : {};
  }

  /** The network in OCCI's words. */
  observe(body: Branch): Extract<Observed, { readonly class: 'network' }> {
    const template = body.child('TEMPLATE');
    const marks = marksIn(template, this.#services.realm);
    const meaning = NETWORK[body.number(1, 'STATE')] ?? {
      name: `STATE ${body.value('STATE')}`,
      state: 'error' as const,
    };
    const cidr = cidrOf(body);
    const gateway = template?.value('GATEWAY');
    const vlan = body.number(Number.NaN, 'VLAN_ID');
    return {
      class: 'network',
      ref: body.value('ID') ?? '',
      ...(marks === undefined ? {} : { id: marks.id }),
      name: body.value('NAME') ?? '',
      state: meaning.state,
      busy: 'busy' in meaning,
      ...(cidr === undefined ? {} : { cidr }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(Number.isNaN(vlan) ? {} : { vlan }),
      ...(meaning.state === 'error' ? { message: template?.value('ERROR') ?? meaning.name } : {}),
    };
  }
}

/** Addresses that are kept from being given away. */
function heldIn(body: Branch): readonly string[] {
  return leasesOf(body).flatMap((lease) => (lease.value('VM') === '-1' ? [lease.value('IP') ?? ''] : []));
}

function isGoing(body: Branch): boolean {
  return NETWORK_GOING.has(body.number(1, 'STATE'));
}
