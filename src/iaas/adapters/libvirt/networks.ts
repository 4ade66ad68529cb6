/**
 * Networks: a range of addresses of which VEP leases one to each interface. On a bridge they share its wire; in user
 * mode, which needs no rights at all, each interface is alone with its range. Records of VEP's: libvirt keeps nothing of
 * networks for accounts without rights.
 */

import { IaasError, type CallOptions, type NetworkSpec, type Observed } from '../../adapter.js';
import { addressOf, blockOf, contains, parseCidr, textOf, usable, type Range } from '../../ranges.js';
import { isOwn, type Domain, type Domains } from './domains.js';
import type { Home, NetworkRecord } from './home.js';
import { digestOf, type NicModel } from './marks.js';
import type { NetworkOptions } from './options.js';
import type { Turns } from './turns.js';

export interface NetworkServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly turns: Turns;
  readonly realm: string;
  readonly options: NetworkOptions;
  /** Ranges that are in use beside the networks, as that of the access interface. */
  readonly taken: readonly string[];
}

type Lease = Pick<NicModel, 'network' | 'address'>;

/** The first address that is leased: also the one that QEMU's DHCP gives to a guest that asks it. */
const FIRST_LEASE = 15;

export class Networks {
  readonly #services: NetworkServices;

  constructor(services: NetworkServices) {
    this.#services = services;
  }

  get(ref: string): Promise<NetworkRecord | undefined> {
    return this.#services.home.networks.get(ref);
  }

  all(): Promise<readonly (readonly [ref: string, record: NetworkRecord])[]> {
    return this.#services.home.networks.all();
  }

  async create(spec: NetworkSpec, token: string, options: CallOptions): Promise<string> {
    const { home, turns, realm } = this.#services;
    const wish = this.#wish(spec);
    const ref = digestOf(realm, 'network', token);
    await home.prepare();
    return turns.site(options, async () => {
      if (await home.networks.get(ref)) return ref;
      const cidr = wish.cidr ?? this.#free(await this.all());
      const { id, name } = spec;
      const { gateway } = wish;
      await home.networks.add(ref, { realm, id, name, cidr, ...(gateway === undefined ? {} : { gateway }) });
      return ref;
    });
  }

  /** @throws IaasError `invalid` where range and gateway are none, or do not go together */
  #wish({ name, cidr, gateway, vlan }: NetworkSpec): { readonly cidr?: string; readonly gateway?: string } {
    if (name === '') throw new IaasError('invalid', 'a network needs a name');
    if (vlan !== undefined) throw new IaasError('invalid', 'networks of this site have no VLAN of their own');
    if (cidr === undefined) {
      if (gateway !== undefined) throw new IaasError('invalid', 'a gateway needs the range that it is in');
      return {};
    }
    const { range, prefix } = parseCidr(cidr);
    if (this.#services.taken.some((each) => overlap(parseCidr(each).range, range)))
      throw new IaasError('invalid', `this range is that of the access interface: ${this.#services.taken.join(', ')}`);
    const address = gateway === undefined ? undefined : addressOf(gateway);
    if (gateway !== undefined && (address === undefined || !inside(usable(range), address)))
      throw new IaasError('invalid', 'the gateway is no address of the range of its network');
    return { cidr: `${textOf(range.first)}/${prefix}`, ...(gateway === undefined ? {} : { gateway }) };
  }

  #free(networks: readonly (readonly [string, NetworkRecord])[]): string {
    const { options, taken } = this.#services;
    const pool = parseCidr(options.pool).range;
    const used = [...networks.map(([, { cidr }]) => cidr), ...taken].map((cidr) => parseCidr(cidr).range);
    const size = 2 ** (32 - options.prefix);
    for (let block = blockOf(pool.first, options.prefix); contains(pool, block);) {
      if (!used.some((each) => overlap(each, block))) return `${textOf(block.first)}/${options.prefix}`;
      block = { first: block.first + size, last: block.last + size };
    }
    throw new IaasError('capacity', `the ranges of ${options.pool} are used up`);
  }

  /** An address for an interface: the one asked for, or the next that none of `nics` has. Within the turn of the site. */
  lease(ref: string, network: NetworkRecord, asked: string | undefined, nics: readonly Lease[]): string {
    const inner = usable(parseCidr(network.cidr).range);
    const used = new Set([network.gateway, ...nics.filter((nic) => nic.network === ref).map((nic) => nic.address)]);
    if (asked !== undefined) {
      const address = addressOf(asked);
      if (address === undefined || !inside(inner, address))
        throw new IaasError('invalid', 'the address is none that this network gives out');
      if (used.has(asked)) throw new IaasError('conflict', 'the address is in use');
      return asked;
    }
    const size = inner.last - inner.first + 1;
    const start = Math.min(FIRST_LEASE - 1, size - 1);
    for (let step = 0; step < size; step++) {
      const address = textOf(inner.first + ((start + step) % size));
      if (!used.has(address)) return address;
    }
    throw new IaasError('capacity', `the network ${network.cidr} has no address left`);
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const { home, domains, turns, realm } = this.#services;
    await turns.site(options, async () => {
      const network = await home.networks.get(ref);
      if (!network) return;
      mustBeOf(network.realm, realm);
      const users = [...(await domains.all(options)).values()]
        .filter(isOwn)
        .filter(({ model }) => model.nics.some((nic) => nic.network === ref));
      if (users.length > 0) throw new IaasError('conflict', 'machines still have addresses of this network');
      await home.networks.remove(ref);
    });
  }

  observe(ref: string, { realm, id, cidr, gateway }: NetworkRecord): Observed {
    return {
      class: 'network',
      ref,
      ...(realm === this.#services.realm ? { id } : {}),
      state: 'active',
      busy: false,
      cidr,
      ...(gateway === undefined ? {} : { gateway }),
    };
  }
}

/** The interfaces of all machines. */
export function nicsOf(domains: Iterable<Domain>): readonly NicModel[] {
  return [...domains].flatMap(({ model }) => model?.nics ?? []);
}

export function mustBeOf(realm: string, own: string): void {
  if (realm !== own) throw new IaasError('denied', `this was made by another VEP, of the realm ${realm}`);
}

function inside(range: Range, address: number): boolean {
  return contains(range, { first: address, last: address });
}

function overlap(one: Range, other: Range): boolean {
  return one.first <= other.last && other.first <= one.last;
}
