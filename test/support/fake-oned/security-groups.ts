/** Security groups of oned: what it takes as a rule, and how NICs get and lose groups (its `SecurityGroup` and `attach_sg`). */

import { securityGroupXml } from './bodies.js';
import { find as findIn, newest, number, pool, text, type Handlers, type Stage } from './call.js';
import { stateName } from './lives.js';
import { machineOf } from './machine-rights.js';
import { Template, type Vector } from './template.js';
import { Refused } from './wire.js';
import { securityGroup, type Machine, type SecurityGroup, type Thing, type User } from './world.js';

const PROTOCOLS = ['TCP', 'UDP', 'ICMP', 'ICMPV6', 'IPSEC', 'ALL'];
const RANGE = /^((\d+|\d+:\d+),)*(\d+|\d+:\d+)$/;
/** States in which the rules of a machine are being written on its host. */
const WRITING = /^(BOOT|MIGRATE|HOTPLUG_NIC|UNKNOWN)/;

export function securityGroupCalls({ world, lives }: Stage): Handlers {
  const groups = world.securityGroups;
  const find = (id: number): SecurityGroup => findIn(groups, id, 'security group');
  const managed = (user: User, id: number): SecurityGroup => {
    const group = find(id);
    world.mustManage(user, group, 'SECGROUP');
    return group;
  };
  const mayUse = (user: User, { id, uid, gid, mode }: Thing): void => {
    if (world.isAdmin(user) || uid === user.id || mode.other || (mode.group === true && user.groups.includes(gid)))
      return;
    throw new Refused(512, `User [${user.id}] : Not authorized to perform USE SECGROUP [${id}].`);
  };
  const nicOf = (user: User, vmId: number, nicId: number): { vm: Machine; nic: Vector } => {
    const vm = machineOf(world, user, vmId);
    const nic = vm.template.vectors('NIC').find((each) => each.get('NIC_ID') === String(nicId));
    if (!nic) throw new Refused(8192, `VM ${vmId} doesn't have NIC id ${nicId}`);
    if (WRITING.test(stateName(vm))) throw new Refused(2048, `VM ${vmId} is in wrong state ${stateName(vm)}`);
    return { vm, nic };
  };
  /** oned gives up on machines whose rules are being written just then. */
  const spread = ({ failed }: SecurityGroup, vm: Machine): void => {
    if (WRITING.test(stateName(vm))) failed.add(vm.id);
    else failed.delete(vm.id);
  };
  const groupsOf = (nic: Vector): string[] => (nic.get('SECURITY_GROUPS') ?? '').split(',').filter(Boolean);

  return {
    'one.secgrouppool.info': () =>
      pool(
        'SECURITY_GROUP_POOL',
        newest(groups).map((group) => securityGroupXml(world, group)),
      ),
    'one.secgroup.info': (_user, [id]) => securityGroupXml(world, find(number(id))),
    'one.secgroup.allocate': (user, [templateText]) => {
      const template = Template.parse(text(templateText));
      world.mayCreate(user, 'SECGROUP');
      for (const rule of template.vectors('RULE')) checkRule(rule);
      const name = template.get('NAME') ?? '';
      const taken = [...groups.values()].find((group) => group.name === name && group.uid === user.id);
      if (taken) throw new Refused(8192, `NAME is already taken by SecurityGroup ${taken.id}.`);
      template.remove('NAME');
      const group = securityGroup(world.thing(groups, user, name, template, 100));
      groups.set(group.id, group);
      return group.id;
    },
    'one.secgroup.update': (user, [id, templateText, append]) => {
      const group = managed(user, number(id));
      const template = Template.parse(text(templateText));
      for (const rule of template.vectors('RULE')) checkRule(rule);
      if (number(append) === 1) group.template.merge(template);
      else group.template = template;
      for (const vm of world.machines.values())
        if (vm.state !== 6 && vm.template.vectors('NIC').some((nic) => groupsOf(nic).includes(String(group.id))))
          spread(group, vm);
      return group.id;
    },
    'one.secgroup.commit': (user, [id]) => {
      const group = managed(user, number(id));
      for (const each of group.failed) {
        const vm = world.machines.get(each);
        if (vm) spread(group, vm);
      }
      return group.id;
    },
    'one.secgroup.chmod': (user, [id, ...bits]) => {
      const group = managed(user, number(id));
      if (bits[3] !== -1) group.mode.group = bits[3] === 1;
      return group.id;
    },
    'one.secgroup.delete': (user, [id]) => {
      const group = managed(user, number(id));
      if (group.id === 0) throw new Refused(2048, 'The default security group (ID 0) cannot be deleted.');
      const used = [...world.machines.values()].some(
        (vm) => vm.state !== 6 && vm.template.vectors('NIC').some((nic) => groupsOf(nic).includes(String(group.id))),
      );
      if (used) throw new Refused(2048, 'Cannot delete security group. The security group has VMs using it');
      groups.delete(group.id);
      return group.id;
    },
    'one.vm.attachsg': (user, [vmId, nicId, groupId]) => {
      const { vm, nic } = nicOf(user, number(vmId), number(nicId));
      const [id, has] = [number(groupId), groupsOf(nic)];
      const group = groups.get(id);
      if (!group) throw new Refused(2048, `Could not attach SG ${id} to VM, SG does not exist`);
      mayUse(user, group);
      if (has.includes(String(id))) throw new Refused(2048, `VM ${vm.id} SG ${id} already in NIC ${number(nicId)}`);
      nic.set('SECURITY_GROUPS', [...has, id].join(','));
      lives.tell(vm);
      return vm.id;
    },
    'one.vm.detachsg': (user, [vmId, nicId, groupId]) => {
      const { vm, nic } = nicOf(user, number(vmId), number(nicId));
      const [id, has] = [String(number(groupId)), groupsOf(nic)];
      if (!has.includes(id)) throw new Refused(2048, `VM ${vm.id} NIC ${number(nicId)} doesn't contain SG ${id}`);
      nic.set('SECURITY_GROUPS', has.filter((each) => each !== id).join(','));
      lives.tell(vm);
      return vm.id;
    },
  };
}

function checkRule(rule: Vector): void {
  const of = (name: string): string => (rule.get(name) ?? '').toUpperCase();
  const refuse = (words: string): never => {
    throw new Refused(8192, words);
  };
  if (!PROTOCOLS.includes(of('PROTOCOL')))
    refuse('Wrong PROTOCOL in rule. Valid options: TCP, UDP, ICMP, ICMPV6, IPSEC, ALL.');
  const range = of('RANGE');
  if (range !== '' && !['TCP', 'UDP'].includes(of('PROTOCOL')))
    refuse('RANGE is supported only for TCP and UDP protocols.');
  if (range !== '' && !RANGE.test(range)) refuse('Invalid RANGE specification.');
  if (!['INBOUND', 'OUTBOUND'].includes(of('RULE_TYPE')))
    refuse('Wrong RULE_TYPE in rule. Valid options: INBOUND, OUTBOUND.');
  if (of('IP') !== '' && !/^\d+$/.test(of('SIZE'))) refuse('Wrong or empty SIZE.');
}
