/**
 * Networks as reservations: a slice of the addresses of a network that the administrator names, as a virtual network of
 * its own that belongs to the user. It shares the wire of its parent, and its mask and gateway as long as nothing else
 * is asked. oned puts security group 0, which lets everything pass, into every network and unites it with those of the
 * NIC: a network of VEP's has none, and each NIC says for itself.
 */

import { IaasError, type CallOptions, type NetworkSpec, type Observed } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import type { Branch } from '../../document.js';
import { marksIn, marksOf, numberOf, uniqueName } from './marks.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import { addressOf, blockOf, contains, maskOf, parseCidr, textOf, usable, type Range } from '../../ranges.js';
import { NETWORK, NETWORK_DONE, NETWORK_GOING } from './states.js';
import { templateXml, type Template } from './template.js';
import type { Tenants } from './tenants.js';

export interface NetworkSettings {
  readonly realm: string;
  /** Names or ids. */
  readonly reserveFrom: readonly string[];
  readonly prefix: number;
  /** Names or ids of networks whose addresses outsiders reach: each is reserved by itself. */
  readonly publicFrom: readonly string[];
}

interface AddressRange {
  readonly parent: number;
  readonly body: Branch;
  readonly number: number;
  readonly range: Range;
  /** Addresses that are leased or reserved. */
  readonly used: ReadonlySet<number>;
}

/** Blocks that are tried when somebody else takes one after the other. */
const TRIES = 8;

export class Networks {
  readonly #oned: Oned;
  readonly #tenants: Tenants;
  readonly #settings: NetworkSettings;

  constructor(oned: Oned, tenants: Tenants, settings: NetworkSettings) {
    this.#oned = oned;
    this.#tenants = tenants;
    this.#settings = settings;
  }

  /** All virtual networks, VEP's and others. */
  async all(options: CallOptions = {}): Promise<readonly Branch[]> {
    const pool = await this.#oned.document('one.vnpool.info', [-2, -1, -1], options);
    return pool.all('VNET').filter((each) => each.number(1, 'STATE') !== NETWORK_DONE);
  }

  /** A virtual network with its leases, if there is one. */
  async look(ref: string, options: CallOptions): Promise<Branch | undefined> {
    const id = numberOf(ref);
    if (id === undefined) return undefined;
    return this.#oned.document('one.vn.info', [id], options).catch(missing);
  }

  isParent(body: Branch, names: readonly string[] = this.#settings.reserveFrom): boolean {
    return names.some((name) => name === body.value('NAME') || name === body.value('ID'));
  }

  async create(spec: NetworkSpec, token: string, options: CallOptions): Promise<string> {
    const name = uniqueName(this.#settings.realm, token);
    const wish = readWish(spec);
    const known = await this.#named(name, options);
    const id = known ?? (await this.#reserve(spec, wish, name, options));
    const body = await this.look(String(id), options);
    if (!body) throw new IaasError('transient', 'the network is gone again', 'gone');
    if (!marksIn(body.child('TEMPLATE'), this.#settings.realm)) await this.#finish(body, spec, wish, token, options);
    return String(id);
  }

  async #named(name: string, options: CallOptions): Promise<number | undefined> {
    return (await this.all(options)).find((each) => each.value('NAME') === name)?.number(-1, 'ID');
  }

  async #reserve(spec: NetworkSpec, wish: Wish, name: string, options: CallOptions): Promise<number> {
    const owner = await this.#tenants.owner(spec.owner, options);
    const { parents, prefix } = this.#source(spec);
    const ranges = await this.#addressRanges(parents, options);
    const slices = wish.range ? [sliceAsked(wish.range, wish, ranges)] : slicesFree(prefix, ranges);
    let last: unknown;
    for (const slice of slices) {
      const template = templateXml({
        NAME: name,
        SIZE: slice.last - slice.first + 1,
        AR_ID: slice.addressRange,
        IP: textOf(slice.first),
      });
      try {
        return await this.#oned.id('one.vn.reserve', [slice.parent, template], { ...options, as: owner.user });
      } catch (error) {
        if (!(error instanceof OneError)) throw error;
        // Another process with the same token was faster.
        const made = error.isNameTaken ? await this.#named(name, options) : undefined;
        if (made !== undefined) return made;
        if (error.class !== 'capacity') throw error;
        last = error;
      }
    }
    if (wish.range)
      throw new IaasError('conflict', 'addresses of this range are in use by another network', saidBy(last));
    throw new IaasError(
      'capacity',
      `no network that VEP may reserve from has a free block of /${prefix}`,
      saidBy(last),
    );
  }

  /** Where a network comes from, and how large it is unless somebody says so. */
  #source({ reservation }: NetworkSpec): { readonly parents: readonly string[]; readonly prefix: number } {
    const { reserveFrom, publicFrom, prefix } = this.#settings;
    if (reservation !== true || publicFrom.length === 0) return { parents: reserveFrom, prefix };
    return { parents: publicFrom, prefix: 32 };
  }

  /** What distinguishes the reservation from its parent, and VEP's marks, at once and last: then it is complete. */
  async #finish(body: Branch, spec: NetworkSpec, wish: Wish, token: string, options: CallOptions): Promise<void> {
    const template = body.child('TEMPLATE');
    const first = addressOf(body.value('AR_POOL', 'AR', 'IP') ?? '') ?? 0;
    const { prefix } = this.#source(spec);
    const range = wish.range ?? { ...blockOf(first, prefix), prefix };
    const gateway = wish.gateway === undefined ? undefined : textOf(wish.gateway);
    if (gateway !== undefined && leasable(body, wish.gateway ?? 0)) {
      await this.#oned
        .id('one.vn.hold', [body.number(-1, 'ID'), templateXml({ LEASES: { IP: gateway } })], options)
        .catch((error: unknown) => {
          if (!(error instanceof OneError) || error.class !== 'conflict') throw error;
        });
    }
    const alone = template?.value('NETWORK_ADDRESS') === undefined && range.prefix < 32;
    const attributes: Template = {
      ...marksOf(this.#settings.realm, spec, token),
      VEP_NAME: kept(spec.name),
      VEP_CIDR: `${textOf(range.first)}/${range.prefix}`,
      SECURITY_GROUPS: '',
      ...(alone ? { NETWORK_ADDRESS: textOf(range.first), NETWORK_MASK: maskOf(range.prefix) } : {}),
      ...(gateway === undefined ? {} : { GATEWAY: gateway }),
    };
    await this.#oned.id('one.vn.update', [body.number(-1, 'ID'), templateXml(attributes), 1], options);
  }

  async #addressRanges(names: readonly string[], options: CallOptions): Promise<readonly AddressRange[]> {
    const parents = (await this.all(options)).filter((each) => this.isParent(each, names));
    if (parents.length < names.length || parents.length === 0)
      throw new IaasError('fatal', `OpenNebula lacks a network that VEP shall reserve from: ${names.join(', ')}`);
    const found: AddressRange[] = [];
    for (const parent of parents) {
      // The pool tells no leases.
      const body = (await this.look(parent.value('ID') ?? '', options)) ?? parent;
      for (const ar of body.child('AR_POOL')?.all('AR') ?? []) {
        const first = addressOf(ar.value('IP') ?? '');
        if (first === undefined) continue;
        found.push({
          parent: body.number(-1, 'ID'),
          body,
          number: ar.number(-1, 'AR_ID'),
          range: { first, last: first + ar.number(1, 'SIZE') - 1 },
          used: new Set(
            (ar.child('LEASES')?.all('LEASE') ?? []).flatMap((lease) => addressOf(lease.value('IP') ?? '') ?? []),
          ),
        });
      }
    }
    return found;
  }

  async remove(ref: string, options: CallOptions): Promise<void> {
    const body = await this.look(ref, options);
    if (!body || isGoing(body)) return;
    if (!marksIn(body.child('TEMPLATE'), this.#settings.realm))
      throw new IaasError('denied', 'this network was not made by VEP, which leaves it alone');
    const id = body.number(-1, 'ID');
    const leases = leasesOf(body);
    const held = leases.filter((lease) => lease.value('VM') === '-1').map((lease) => lease.value('IP') ?? '');
    if (leases.length > held.length) throw new IaasError('conflict', 'machines still have addresses of this network');
    // The gateway that VEP keeps from being given away counts as an address in use.
    for (const address of held)
      await this.#oned.id('one.vn.release', [id, templateXml({ LEASES: { IP: address } })], options);
    await this.#oned.id('one.vn.delete', [id], options).catch(async (error: unknown) => {
      // oned lets go of a network in its own time; somebody else may have asked for that meanwhile.
      const left = error instanceof IaasError && (await this.look(ref, options));
      if (left === false || (left && !isGoing(left))) throw error;
    });
  }

  /** What a NIC says for itself: what guards it, and on a network of VEP's, which has no security group, that everything may pass. */
  openTo(body: Branch, guards: readonly string[] = []): { readonly SECURITY_GROUPS?: string } {
    if (guards.length > 0) return { SECURITY_GROUPS: guards.join(',') };
    return marksIn(body.child('TEMPLATE'), this.#settings.realm) ? { SECURITY_GROUPS: '0' } : {};
  }

  /** The network in OCCI's words. */
  observe(body: Branch): Extract<Observed, { readonly class: 'network' }> {
    const template = body.child('TEMPLATE');
    const marks = marksIn(template, this.#settings.realm);
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
      state: meaning.state,
      busy: 'busy' in meaning,
      ...(cidr === undefined ? {} : { cidr }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(Number.isNaN(vlan) ? {} : { vlan }),
      ...(meaning.state === 'error' ? { message: template?.value('ERROR') ?? meaning.name } : {}),
    };
  }
}

interface Wish {
  readonly range: (Range & { readonly prefix: number }) | undefined;
  readonly gateway: number | undefined;
}

/** @throws IaasError `invalid` where range and gateway are none, or do not go together */
function readWish({ cidr, gateway, vlan, name }: NetworkSpec): Wish {
  if (name === '') throw new IaasError('invalid', 'a network needs a name');
  if (vlan !== undefined) throw new IaasError('invalid', 'a reservation has the VLAN of the network it is cut from');
  const parsed = cidr === undefined ? undefined : parseCidr(cidr);
  const address = gateway === undefined ? undefined : addressOf(gateway);
  if (gateway === undefined) return { range: parsed && { ...parsed.range, prefix: parsed.prefix }, gateway: undefined };
  if (!parsed || address === undefined || !contains(usable(parsed.range), { first: address, last: address }))
    throw new IaasError('invalid', 'the gateway is no address of the range of its network');
  return { range: { ...parsed.range, prefix: parsed.prefix }, gateway: address };
}

interface Cut extends Range {
  readonly parent: number;
  readonly addressRange: number;
}

/** The addresses to reserve for a range: a gateway at either end stays outside. */
function sliceAsked(range: Range, { gateway }: Wish, ranges: readonly AddressRange[]): Cut {
  const inner = usable(range);
  const first = inner.first === gateway && inner.last > inner.first ? inner.first + 1 : inner.first;
  const last = inner.last === gateway && inner.last > inner.first ? inner.last - 1 : inner.last;
  const from = ranges.find((each) => contains(each.range, { first, last }));
  if (from) return { first, last, parent: from.parent, addressRange: from.number };
  const offered = ranges.map((each) => `${textOf(each.range.first)} to ${textOf(each.range.last)}`).join(', ');
  throw new IaasError('invalid', `OpenNebula has no network with these addresses to reserve from; it has ${offered}`);
}

/** Free blocks, from the first on. */
function slicesFree(prefix: number, ranges: readonly AddressRange[]): Cut[] {
  const size = 2 ** (32 - prefix);
  const found: Cut[] = [];
  for (const { parent, number, range, used } of ranges) {
    let block = blockOf(range.first, prefix);
    for (
      ;
      block.first <= range.last && found.length < TRIES;
      block = { first: block.first + size, last: block.last + size }
    ) {
      const inner = usable(block);
      if (!contains(range, inner)) continue;
      if (![...used].some((address) => contains(inner, { first: address, last: address })))
        found.push({ ...inner, parent, addressRange: number });
    }
  }
  return found;
}

export function leasesOf(body: Branch): readonly Branch[] {
  return (body.child('AR_POOL')?.all('AR') ?? []).flatMap((ar) => ar.child('LEASES')?.all('LEASE') ?? []);
}

/** Whether an address is one that the network gives out. */
export function leasable(body: Branch, address: number): boolean {
  return (body.child('AR_POOL')?.all('AR') ?? []).some((ar) => {
    const first = addressOf(ar.value('IP') ?? '');
    return first !== undefined && address >= first && address < first + ar.number(1, 'SIZE');
  });
}

export function cidrOf(body: Branch): string | undefined {
  const own = body.value('TEMPLATE', 'VEP_CIDR');
  const [address, mask] = [body.value('TEMPLATE', 'NETWORK_ADDRESS'), body.value('TEMPLATE', 'NETWORK_MASK')];
  if (own !== undefined || address === undefined) return own;
  const bits = addressOf(mask ?? '255.255.255.0');
  return bits === undefined ? undefined : `${address}/${32 - Math.log2(2 ** 32 - bits)}`;
}

function missing(error: unknown): undefined {
  if (error instanceof IaasError && error.class === 'not-found') return undefined;
  throw error;
}

function saidBy(error: unknown): string | undefined {
  return error instanceof IaasError ? error.said : undefined;
}

function isGoing(body: Branch): boolean {
  return NETWORK_GOING.has(body.number(1, 'STATE'));
}
