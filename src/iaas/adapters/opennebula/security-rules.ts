/**
 * Rules of security groups in oned's words, and back (its `SecurityGroup::is_valid` says what it takes). A rule of oned without
 * addresses holds for both versions of IP; one that shall hold for IPv4 alone is marked so, which is exact where there is
 * nothing but IPv4: in the networks that VEP makes.
 */

import { IaasError } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { addressOf, blockOf, textOf } from '../../ranges.js';
import { keyOf, normalRules, type NormalRule } from '../../security-groups.js';
import type { Vector } from './template.js';

const PROTOCOLS: Readonly<Record<string, string>> = { tcp: 'TCP', udp: 'UDP', icmp: 'ICMP', icmpv6: 'ICMPV6' };
/** Protocols that are of one version of IP by themselves. */
const OF_VERSION = new Set(['icmp', 'icmpv6']);
const VERSION = 'VEP_VERSION';

/** @throws IaasError `unsupported` for a rule that oned would let more pass with than it says, or does not know */
export function vectorsOf(rules: readonly NormalRule[]): readonly Vector[] {
  const keys = new Set(rules.map(keyOf));
  const twin = (rule: NormalRule, version: NormalRule['version']): boolean => keys.has(keyOf({ ...rule, version }));
  return rules
    .filter((rule) => rule.version === 'ipv4' || rule.range !== undefined || !twin(rule, 'ipv4'))
    .map((rule) => vectorOf(rule, rule.range === undefined && rule.version === 'ipv4' && twin(rule, 'ipv6')));
}

function vectorOf(rule: NormalRule, both: boolean): Vector {
  const { direction, version, protocol, ports, range } = rule;
  const name = protocol === undefined ? 'ALL' : PROTOCOLS[protocol];
  if (name === undefined)
    throw new IaasError('unsupported', `OpenNebula has no rules for the protocol ${protocol?.slice(0, 40)}`);
  const alone = !both && range === undefined && !OF_VERSION.has(protocol ?? '');
  if (version === 'ipv6' && (alone || range !== undefined))
    throw new IaasError('unsupported', 'networks of VEP in OpenNebula have no IPv6, and rules for it alone neither');
  return {
    PROTOCOL: name,
    RULE_TYPE: direction,
    ...(ports === undefined ? {} : { RANGE: ports[0] === ports[1] ? `${ports[0]}` : `${ports[0]}:${ports[1]}` }),
    ...(range === undefined ? {} : addressesOf(range)),
    ...(alone ? { [VERSION]: version } : {}),
  };
}

function addressesOf(range: string): Vector {
  const [address = '', prefix = '32'] = range.split('/');
  const { first, last } = blockOf(addressOf(address) ?? 0, Number(prefix));
  return { IP: textOf(first), SIZE: last - first + 1 };
}

/** What the rules of a group let pass. One that means nothing to VEP is like none of its own. */
export function rulesIn(template: Branch | undefined): readonly NormalRule[] {
  return normalRules((template?.all('RULE') ?? []).flatMap(rulesOf));
}

function rulesOf(vector: Branch): NormalRule[] {
  const text = (name: string): string | undefined => vector.value(name)?.toLowerCase();
  const protocol = text('PROTOCOL') ?? 'all';
  const direction = text('RULE_TYPE') === 'outbound' ? ('outbound' as const) : ('inbound' as const);
  const range = rangeOf(vector.value('IP'), vector.value('SIZE'));
  const [version, ports] = [text(VERSION), text('RANGE')];
  const strange = ['NETWORK_ID', 'ICMP_TYPE', 'ICMPV6_TYPE'].some((name) => vector.value(name) !== undefined);
  if (strange || range === 'none')
    return [{ direction, version: 'ipv4', protocol: `of ${JSON.stringify(vector.text)}` }];
  const common = {
    direction,
    ...(protocol === 'all' ? {} : { protocol }),
    ...(range === undefined ? {} : { range }),
    ...(version === 'ipv4' ? { version: 'ipv4' as const } : {}),
  };
  const pieces = ports === undefined ? [undefined] : ports.split(',');
  return pieces.flatMap((piece) => {
    const [first = 0, last = first] = (piece ?? '').split(':').map(Number);
    return [...normalRules([{ ...common, ...(piece === undefined ? {} : { ports: [first, last] as const }) }])];
  });
}

/** Addresses from one on, as a range of CIDR; `none` where they are no such range. */
function rangeOf(ip: string | undefined, size: string | undefined): string | undefined {
  if (ip === undefined) return undefined;
  const [first, bits] = [addressOf(ip), Math.log2(Number(size ?? 1))];
  const fits = first !== undefined && Number.isInteger(bits) && first % 2 ** bits === 0;
  return fits ? `${textOf(first)}/${32 - bits}` : 'none';
}
