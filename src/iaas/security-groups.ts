/**
 * Groups of rules that filter what machines send and receive (`spec/occi.md` §4). A group is an allow-list in both
 * directions: what no rule lets pass is dropped, answers to what passed excepted. Clouds write such rules in different
 * ways; {@link normalRules} is the one form in which they are compared.
 */

import ipaddr from 'ipaddr.js';
import { stringAt, type JsonObject } from '../base/json.js';
import type { CallOptions, Owner, SiteRef } from './adapter.js';

/** Traffic that may pass. */
export interface SecurityRule {
  readonly direction: 'inbound' | 'outbound';
  /** Protocol of IP (IANA): a name in lower case, or a number as text. Absent: every one. */
  readonly protocol?: string;
  /** First and last port at the machine (inbound) or at the other end (outbound). Absent: every one. */
  readonly ports?: readonly [first: number, last: number];
  /** Addresses of the other end in CIDR notation. Absent: every one. */
  readonly range?: string;
  /** Version of IP. Absent: the range's, else both. */
  readonly version?: 'ipv4' | 'ipv6';
}

export interface SecurityGroupSpec {
  readonly id: string;
  readonly name: string;
  readonly rules: readonly SecurityRule[];
  readonly application?: string;
  readonly owner?: Owner;
}

/** What a site can do that filters traffic ({@link Capabilities.securityGroups}). */
export interface SecurityGroupSite {
  /** Answers the ref of the one group that carries `token`, making it only if there is none. */
  create(spec: SecurityGroupSpec, token: string, options?: CallOptions): Promise<SiteRef>;
  /** Replaces the rules of a group; the machines that it guards follow. */
  update(ref: SiteRef, rules: readonly SecurityRule[], options?: CallOptions): Promise<void>;
  /** Lets exactly these groups guard every interface of a machine. None: the machine is as it was before any did. */
  guard(compute: SiteRef, groups: readonly SiteRef[], options?: CallOptions): Promise<void>;
}

/** A rule as OCCI writes it (rOCCI): `type`, `protocol`, `port`, `range`, `ipversion`. */
export function readRule(rule: JsonObject): SecurityRule {
  const [protocol, port, range, version] = ['protocol', 'port', 'range', 'ipversion'].map((name) =>
    stringAt(rule, name),
  );
  const [first = 0, last = first] = (port ?? '').split('-').map(Number);
  return {
    direction: rule['type'] === 'outbound' ? 'outbound' : 'inbound',
    ...(protocol === undefined ? {} : { protocol: protocol.toLowerCase() }),
    ...(port === undefined ? {} : { ports: [first, last] }),
    ...(range === undefined ? {} : { range }),
    ...(version === 'ipv4' || version === 'ipv6' ? { version } : {}),
  };
}

export function writeRule({ direction, protocol, ports, range, version }: SecurityRule): JsonObject {
  return {
    type: direction,
    ...(protocol === undefined ? {} : { protocol }),
    ...(ports === undefined ? {} : { port: ports[0] === ports[1] ? `${ports[0]}` : ports.join('-') }),
    ...(range === undefined ? {} : { range }),
    ...(version === undefined ? {} : { ipversion: version }),
  };
}

/** A rule of one version of IP. */
export type NormalRule = SecurityRule & { readonly version: 'ipv4' | 'ipv6' };

/** Protocols by their numbers (IANA), which some clouds want and others give back. */
const BY_NUMBER: Readonly<Record<string, string>> = {
  '1': 'icmp',
  '2': 'igmp',
  '4': 'ipip',
  '6': 'tcp',
  '17': 'udp',
  '33': 'dccp',
  '47': 'gre',
  '50': 'esp',
  '51': 'ah',
  '58': 'icmpv6',
  '89': 'ospf',
  '132': 'sctp',
  '136': 'udplite',
};
const NUMBERS = new Map(Object.entries(BY_NUMBER).map(([number, name]) => [name, number]));
const NAMES: Readonly<Record<string, string>> = { ...BY_NUMBER, 'ipv6-icmp': 'icmpv6', icmp6: 'icmpv6' };
const ALL_PORTS = '0-65535';

/** The number of a protocol that is named, or given by number. */
export function protocolNumber(protocol: string): string | undefined {
  return /^\d+$/.test(protocol) ? protocol : NUMBERS.get(protocol);
}

/** Protocols that only one version of IP has. */
const VERSION: Readonly<Record<string, string>> = { icmp: 'ipv4', icmpv6: 'ipv6' };

/** One form for rules that mean the same: a version each, the network's first address in a range, sorted, no two alike. */
export function normalRules(rules: readonly SecurityRule[]): readonly NormalRule[] {
  const found = new Map(rules.flatMap(eachVersion).map((rule) => [keyOf(rule), rule]));
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, rule]) => rule);
}

function eachVersion(rule: SecurityRule): NormalRule[] {
  const protocol = rule.protocol === undefined ? undefined : (NAMES[rule.protocol] ?? rule.protocol);
  const range = rule.range === undefined ? undefined : networkOf(rule.range);
  const versions = (['ipv4', 'ipv6'] as const).filter((version) =>
    [rule.version, range?.version, VERSION[protocol ?? '']].every((one) => one === undefined || one === version),
  );
  return versions.map((version) => ({
    direction: rule.direction,
    version,
    ...(protocol === undefined ? {} : { protocol }),
    ...(rule.ports === undefined || rule.ports.join('-') === ALL_PORTS ? {} : { ports: rule.ports }),
    ...(range === undefined || range.all ? {} : { range: range.cidr }),
  }));
}

function networkOf(range: string): { cidr: string; version: 'ipv4' | 'ipv6'; all: boolean } {
  const [, prefix] = ipaddr.parseCIDR(range);
  if (ipaddr.IPv4.isValidCIDR(range)) {
    const cidr = `${ipaddr.IPv4.networkAddressFromCIDR(range).toString()}/${prefix}`;
    return { cidr, version: 'ipv4', all: prefix === 0 };
  }
  const cidr = `${ipaddr.IPv6.networkAddressFromCIDR(range).toString()}/${prefix}`;
  return { cidr, version: 'ipv6', all: prefix === 0 };
}

/** What tells a normal rule from others. */
export function keyOf({ direction, version, protocol, ports, range }: NormalRule): string {
  return JSON.stringify([direction, version, protocol ?? '', ports ?? [], range ?? '']);
}

/** Which rules are to be added and which to go, so that `present` becomes `wanted`. */
export function differenceOf<T extends NormalRule>(
  present: readonly T[],
  wanted: readonly NormalRule[],
): { readonly missing: readonly NormalRule[]; readonly surplus: readonly T[] } {
  const [has, needs] = [new Set(present.map(keyOf)), new Set(wanted.map(keyOf))];
  return {
    missing: wanted.filter((rule) => !has.has(keyOf(rule))),
    surplus: present.filter((rule) => !needs.has(keyOf(rule))),
  };
}
