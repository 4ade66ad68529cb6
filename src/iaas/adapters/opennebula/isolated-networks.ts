/**
 * Networks of their own: each has a VLAN or VXLAN that oned chooses, so that nothing else is on its wire and its addresses
 * are nobody else's business. A network is an administrator's to make in OpenNebula (`NET CREATE`, `CLUSTER ADMIN`): VEP
 * makes it by itself and gives it to the user.
 */

import { IaasError, type CallOptions } from '../../adapter.js';
import { blockOf, parseCidr, textOf, type Range } from '../../ranges.js';
import type { Hosts } from './hosts.js';
import { reachOf, type NetworkPool } from './network-pool.js';
import { givenOut, type NetworkSource, type Wish } from './network-source.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';
import type { IsolatedOptions } from './options.js';
import { templateXml } from './template.js';
import type { Owner } from './tenants.js';

export class IsolatedNetworks implements NetworkSource {
  readonly prefix: number;
  readonly #oned: Oned;
  readonly #pool: NetworkPool;
  readonly #hosts: Hosts;
  readonly #settings: IsolatedOptions;

  constructor(oned: Oned, pool: NetworkPool, hosts: Hosts, settings: IsolatedOptions, prefix: number) {
    this.#oned = oned;
    this.#pool = pool;
    this.#hosts = hosts;
    this.#settings = settings;
    this.prefix = prefix;
  }

  async make(name: string, wish: Wish, _owner: Owner, options: CallOptions): Promise<number> {
    const { driver, device, bridge } = this.#settings;
    const { first, last } = givenOut(wish.range ?? (await this.#freeBlock(options)), wish.gateway);
    const template = templateXml({
      NAME: name,
      VN_MAD: driver,
      PHYDEV: device,
      BRIDGE: bridge,
      AUTOMATIC_VLAN_ID: 'YES',
      AR: { TYPE: 'IP4', IP: textOf(first), SIZE: last - first + 1 },
    });
    const [cluster = -1] = await this.#hosts.clusters(options);
    return onlyOne(
      () => this.#oned.id('one.vn.allocate', [template, cluster], options),
      () => this.#pool.named(name, options),
    );
  }

  async handOver(id: number, name: string, owner: Owner, options: CallOptions): Promise<number> {
    const [, ...others] = await this.#hosts.clusters(options);
    for (const cluster of others) await this.#oned.id('one.cluster.addvnet', [cluster, id], options);
    if (owner.id === undefined) return id;
    // A name is taken per owner: another process has made one, and given it away, before this one was made.
    const first = await onlyOne(
      () => this.#oned.id('one.vn.chown', [id, owner.id ?? -1, owner.as?.group ?? -1], options),
      () => this.#pool.named(name, options, id),
    );
    if (first !== id) await this.#oned.id('one.vn.delete', [id], options);
    return first;
  }

  /** The first block in which no network of this OpenNebula has addresses: a machine may be in both. */
  async #freeBlock(options: CallOptions): Promise<Range> {
    const { range: within } = parseCidr(this.#settings.range);
    const taken = (await this.#pool.all(options)).flatMap(reachOf);
    let block = blockOf(within.first, this.prefix);
    while (block.last <= within.last) {
      const { first, last } = block;
      const other = taken.find((each) => each.first <= last && each.last >= first);
      if (!other) return block;
      block = blockOf(Math.max(other.last, last) + 1, this.prefix);
    }
    throw new IaasError('capacity', `networks.isolated.range has no free block of /${this.prefix} left`);
  }
}
