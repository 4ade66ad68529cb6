/** Security groups and their rules, as the fake EC2 has them: a new group lets everything out. */

import { Refusal, type Answer, type Parameters } from './query.js';
import {
  ACCOUNT,
  VPC,
  checkTags,
  passes,
  tagSet,
  tagsFor,
  type SecurityGroup,
  type SecurityRule,
  type World,
} from './world.js';

/** Protocols that EC2 takes by name; all others by number. */
const NAMED = new Set(['-1', 'tcp', 'udp', 'icmp', 'icmpv6']);

export function createGroup(world: World, asked: Parameters): Answer {
  const [name, vpc] = [asked.text('GroupName') ?? '', asked.text('VpcId') ?? VPC];
  if ([...world.groups.values()].some((each) => each.name === name && each.vpc === vpc))
    throw new Refusal('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpc}'`);
  const tags = tagsFor(asked, 'security-group');
  checkTags(tags);
  const rules: SecurityRule[] = [{ id: world.id('sgr'), egress: true, protocol: '-1', cidr: '0.0.0.0/0' }];
  const group: SecurityGroup = { id: world.id('sg'), tags, vpc, name, rules };
  world.groups.set(group.id, group);
  return { return: true, groupId: group.id, tagSet: tagSet(tags) };
}

/** AuthorizeSecurityGroupIngress, or Egress. */
export function authorize(egress: boolean) {
  return (world: World, asked: Parameters): Answer => {
    const group = groupOf(world, asked);
    const rules = rulesIn(asked, egress).map((rule) => ({ ...rule, id: world.id('sgr') }));
    for (const rule of rules)
      if (group.rules.some((each) => keyOf(each) === keyOf(rule)))
        throw new Refusal('InvalidPermission.Duplicate', `the specified rule "${keyOf(rule)}" already exists`);
    group.rules.push(...rules);
    return { return: true, securityGroupRuleSet: rules.map((rule) => ruleItem(group, rule)) };
  };
}

/** RevokeSecurityGroupIngress, or Egress. */
export function revoke(egress: boolean) {
  return (world: World, asked: Parameters): Answer => {
    const group = groupOf(world, asked);
    for (const rule of rulesIn(asked, egress)) {
      const at = group.rules.findIndex((each) => keyOf(each) === keyOf(rule));
      if (at < 0) throw new Refusal('InvalidPermission.NotFound', 'The specified rule does not exist in this group.');
      group.rules.splice(at, 1);
    }
    return { return: true };
  };
}

function rulesIn(asked: Parameters, egress: boolean): Omit<SecurityRule, 'id'>[] {
  const rules = asked.list('IpPermissions').flatMap((permission) => {
    const protocol = permission.text('IpProtocol') ?? '';
    if (!NAMED.has(protocol) && !/^\d{1,3}$/.test(protocol))
      throw new Refusal('InvalidParameterValue', `Invalid value '${protocol}' for IP protocol. Unknown protocol.`);
    const [from, to] = [permission.number('FromPort'), permission.number('ToPort')];
    if ((protocol === 'tcp' || protocol === 'udp') && (from === undefined || to === undefined || from > to))
      throw new Refusal('InvalidParameterValue', 'Invalid TCP/UDP port range');
    // The ports of other protocols are not looked at.
    const ported = NAMED.has(protocol) && protocol !== '-1' ? { from, to } : {};
    const common = { egress, protocol, ...ported };
    return [
      ...permission.list('IpRanges').map((each) => ({ ...common, cidr: each.text('CidrIp') ?? '' })),
      ...permission.list('Ipv6Ranges').map((each) => ({ ...common, cidr6: each.text('CidrIpv6') ?? '' })),
      ...permission.list('Groups').map((each) => ({ ...common, group: each.text('GroupId') ?? '' })),
    ];
  });
  if (rules.length === 0) throw new Refusal('MissingParameter', 'The request must contain the parameter ipPermissions');
  return rules;
}

const keyOf = ({ egress, protocol, from, to, cidr, cidr6, group }: Omit<SecurityRule, 'id'>): string =>
  [egress ? 'out' : 'in', protocol, from ?? '', to ?? '', cidr ?? cidr6 ?? group ?? ''].join(' ');

function ruleItem(group: SecurityGroup, rule: SecurityRule): Answer {
  return {
    securityGroupRuleId: rule.id,
    groupId: group.id,
    groupOwnerId: ACCOUNT,
    isEgress: rule.egress,
    ipProtocol: rule.protocol,
    fromPort: rule.from,
    toPort: rule.to,
    cidrIpv4: rule.cidr,
    cidrIpv6: rule.cidr6,
  };
}

function groupOf(world: World, asked: Parameters): SecurityGroup {
  const group = world.groups.get(asked.text('GroupId') ?? '');
  if (!group) throw new Refusal('InvalidGroup.NotFound', 'The security group does not exist');
  return group;
}

export function describeGroups(world: World, asked: Parameters): Answer {
  return {
    securityGroupInfo: [...world.groups.values()]
      .filter((each) => passes(asked, each.tags, { 'group-id': each.id, 'group-name': each.name, 'vpc-id': each.vpc }))
      .map((each) => ({
        ownerId: world.account,
        groupId: each.id,
        groupName: each.name,
        groupDescription: each.name,
        vpcId: each.vpc,
        ipPermissions: permissionsOf(each, false),
        ipPermissionsEgress: permissionsOf(each, true),
        tagSet: tagSet(each.tags),
      })),
  };
}

/** Rules of one protocol and its ports are shown together. */
function permissionsOf(group: SecurityGroup, egress: boolean): Answer[] {
  const together = new Map<string, SecurityRule[]>();
  for (const rule of group.rules.filter((each) => each.egress === egress)) {
    const key = `${rule.protocol} ${rule.from} ${rule.to}`;
    together.set(key, [...(together.get(key) ?? []), rule]);
  }
  return [...together.values()].map((rules) => ({
    ipProtocol: rules[0]?.protocol,
    fromPort: rules[0]?.from,
    toPort: rules[0]?.to,
    groups: rules.flatMap((rule) => (rule.group === undefined ? [] : [{ userId: ACCOUNT, groupId: rule.group }])),
    ipRanges: rules.flatMap((rule) => (rule.cidr === undefined ? [] : [{ cidrIp: rule.cidr }])),
    ipv6Ranges: rules.flatMap((rule) => (rule.cidr6 === undefined ? [] : [{ cidrIpv6: rule.cidr6 }])),
    prefixListIds: [],
  }));
}

export function deleteGroup(world: World, asked: Parameters): Answer {
  const group = groupOf(world, asked);
  if ([...world.interfaces.values()].some(({ groups }) => groups.includes(group.id)))
    throw new Refusal('DependencyViolation', `resource ${group.id} has a dependent object`);
  world.groups.delete(group.id);
  return { return: true };
}
