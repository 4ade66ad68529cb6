/** Rules of security groups in EC2's words, and back. EC2 shows rules of one protocol and its ports as one permission. */

import type { IpPermission, SecurityGroup } from '@aws-sdk/client-ec2';
import { IaasError } from '../../adapter.js';
import { normalRules, protocolNumber, type NormalRule } from '../../security-groups.js';

/** A rule as EC2 has it, with what takes it back. */
export type HeldRule = NormalRule & { readonly permission: IpPermission };

const EVERYWHERE = { ipv4: '0.0.0.0/0', ipv6: '::/0' } as const;
const EVERY_PROTOCOL = '-1';
/** Protocols that EC2 knows by name, and what it takes for all their ports or types. */
const NAMED: Readonly<Record<string, readonly [first: number, last: number]>> = {
  tcp: [0, 65_535],
  udp: [0, 65_535],
  icmp: [-1, -1],
  icmpv6: [-1, -1],
};

/** @throws IaasError `unsupported` for a protocol that EC2 has no number for, or whose ports it does not tell apart */
export function permissionOf({ version, protocol, ports, range }: NormalRule): IpPermission {
  const cidr = range ?? EVERYWHERE[version];
  const addresses = version === 'ipv4' ? { IpRanges: [{ CidrIp: cidr }] } : { Ipv6Ranges: [{ CidrIpv6: cidr }] };
  if (protocol === undefined) return { IpProtocol: EVERY_PROTOCOL, ...addresses };
  const all = NAMED[protocol];
  const IpProtocol = all === undefined ? protocolNumber(protocol) : protocol;
  if (IpProtocol === undefined) throw new IaasError('unsupported', `EC2 knows no protocol ${protocol.slice(0, 40)}`);
  if (all === undefined && ports !== undefined)
    throw new IaasError('unsupported', `EC2 does not tell the ports of ${protocol.slice(0, 40)} apart`);
  const [FromPort, ToPort] = ports ?? all ?? [-1, -1];
  return { IpProtocol, FromPort, ToPort, ...addresses };
}

export function rulesIn({ IpPermissions, IpPermissionsEgress }: SecurityGroup): readonly HeldRule[] {
  return [
    ...(IpPermissions ?? []).flatMap((permission) => rulesOf('inbound', permission)),
    ...(IpPermissionsEgress ?? []).flatMap((permission) => rulesOf('outbound', permission)),
  ];
}

/** What one permission stands for. What speaks of other groups or lists means nothing to VEP, and is like none of its rules. */
function rulesOf(direction: NormalRule['direction'], permission: IpPermission): HeldRule[] {
  const { IpProtocol = EVERY_PROTOCOL, FromPort, ToPort } = permission;
  const isNamed = IpProtocol !== EVERY_PROTOCOL;
  const ported = isNamed && FromPort !== undefined && FromPort >= 0 && ToPort !== undefined;
  const common = {
    direction,
    ...(isNamed ? { protocol: IpProtocol } : {}),
    ...(ported ? { ports: [FromPort, ToPort] as const } : {}),
  };
  const bare = {
    IpProtocol,
    ...(FromPort === undefined ? {} : { FromPort }),
    ...(ToPort === undefined ? {} : { ToPort }),
  };
  const read = (range: string | undefined, version: NormalRule['version'], addresses: IpPermission): HeldRule[] =>
    normalRules([{ ...common, version, ...(range === undefined ? {} : { range }) }]).map((rule) => ({
      ...rule,
      permission: { ...bare, ...addresses },
    }));
  const foreign = (name: string | undefined, addresses: IpPermission): HeldRule => ({
    direction,
    version: 'ipv4',
    protocol: `of ${name}`,
    permission: { ...bare, ...addresses },
  });
  return [
    ...(permission.IpRanges ?? []).flatMap(({ CidrIp }) => read(CidrIp, 'ipv4', { IpRanges: [{ CidrIp }] })),
    ...(permission.Ipv6Ranges ?? []).flatMap(({ CidrIpv6 }) => read(CidrIpv6, 'ipv6', { Ipv6Ranges: [{ CidrIpv6 }] })),
    ...(permission.UserIdGroupPairs ?? []).map(({ GroupId }) => foreign(GroupId, { UserIdGroupPairs: [{ GroupId }] })),
    ...(permission.PrefixListIds ?? []).map(({ PrefixListId }) =>
      foreign(PrefixListId, { PrefixListIds: [{ PrefixListId }] }),
    ),
  ];
}
