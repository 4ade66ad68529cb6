/** The documents of oned 6.10, element by element in its order. */

import { cdata, element, vectorXml } from './template.js';
import type {
  Datastore,
  Group,
  Host,
  Image,
  Machine,
  Network,
  Rule,
  SecurityGroup,
  Thing,
  User,
  World,
} from './world.js';

export function ipText(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
}

export function macText(ip: number): string {
  return [
    '02',
    '00',
    ...[24, 16, 8, 0].map((shift) => (Math.floor(ip / 2 ** shift) % 256).toString(16).padStart(2, '0')),
  ].join(':');
}

function ownerXml(world: World, { uid, gid }: Thing): string {
  const [user, group] = [world.names.get(uid) ?? '', world.groups.get(gid)?.name ?? ''];
  return `${element('UID', uid)}${element('GID', gid)}${element('UNAME', user)}${element('GNAME', group)}`;
}

function permissionsXml({ mode }: Thing): string {
  const bits = ['OWNER_U', 'OWNER_M', 'OWNER_A', 'GROUP_U', 'GROUP_M', 'GROUP_A', 'OTHER_U', 'OTHER_M', 'OTHER_A'];
  const set = (bit: string): number =>
    bit === 'OWNER_U' ||
    bit === 'OWNER_M' ||
    (bit === 'GROUP_U' && mode.group === true) ||
    (bit === 'OTHER_U' && mode.other)
      ? 1
      : 0;
  return `<PERMISSIONS>${bits.map((bit) => element(bit, set(bit))).join('')}</PERMISSIONS>`;
}

function historyXml(vm: Machine): string {
  if (vm.history.length === 0) return '<HISTORY_RECORDS/>';
  return `<HISTORY_RECORDS>${vm.history.map((record) => recordXml(record)).join('')}</HISTORY_RECORDS>`;
}

function recordXml(record: ReadonlyMap<string, string>, body = ''): string {
  const texts = new Set(['VM_MAD', 'TM_MAD']);
  const members = [...record].map(([name, value]) => (texts.has(name) ? cdata(name, value) : element(name, value)));
  return `<HISTORY>${members.join('')}${body}</HISTORY>`;
}

/** The records of all machines that reach into a span of seconds, each with its machine. */
export function accountingXml(world: World, from: number, until: number): string {
  const records = [...world.machines.values()].flatMap((vm) =>
    vm.history
      .filter((record) => {
        const end = Number(record.get('ETIME'));
        return (end === 0 || end > from) && (until === -1 || Number(record.get('STIME')) < until);
      })
      .map((record) => recordXml(record, vmXml(world, { ...vm, history: [] }))),
  );
  return `<HISTORY_RECORDS>${records.join('')}</HISTORY_RECORDS>`;
}

export function vmXml(world: World, vm: Machine): string {
  const running = vm.state === 3 && vm.lcm === 3;
  return [
    `<VM>${element('ID', vm.id)}${ownerXml(world, vm)}${element('NAME', vm.name)}${permissionsXml(vm)}`,
    `${element('LAST_POLL', 0)}${element('STATE', vm.state)}${element('LCM_STATE', vm.lcm)}`,
    `${element('PREV_STATE', vm.previous[0])}${element('PREV_LCM_STATE', vm.previous[1])}${element('RESCHED', 0)}`,
    `${element('STIME', vm.started)}${element('ETIME', vm.ended)}`,
    element('DEPLOY_ID', vm.host && vm.state !== 2 ? `${vm.host.name}:${vm.name}:dummy` : ''),
    running ? monitoringXml(world, vm, world.now) : '<MONITORING></MONITORING>',
    `<SCHED_ACTIONS></SCHED_ACTIONS>`,
    vm.template.xml('TEMPLATE'),
    vm.user.xml('USER_TEMPLATE'),
    historyXml(vm),
    vm.lock > 0 ? `<LOCK><LOCKED>${vm.lock}</LOCKED><OWNER>0</OWNER><TIME>0</TIME><REQ_ID>-1</REQ_ID></LOCK>` : '',
    '<BACKUPS><BACKUP_CONFIG/><BACKUP_IDS></BACKUP_IDS></BACKUPS></VM>',
  ].join('');
}

/** The short form of `one.vmpool.info`, which has nothing of what others write into a machine. */
export function vmShortXml(world: World, vm: Machine): string {
  const only = (name: string, keys: readonly string[]): string =>
    vm.template
      .vectors(name)
      .map(
        (vector) =>
          `<${name}>${keys.flatMap((key) => (vector.has(key) ? [cdata(key, vector.get(key) ?? '')] : [])).join('')}</${name}>`,
      )
      .join('');
  const size = ['CPU', 'MEMORY', 'VCPU'].map((name) => element(name, vm.template.get(name) ?? ''));
  return [
    `<VM>${element('ID', vm.id)}${ownerXml(world, vm)}${element('NAME', vm.name)}${element('LAST_POLL', 0)}`,
    `${element('STATE', vm.state)}${element('LCM_STATE', vm.lcm)}${element('RESCHED', 0)}${element('STIME', vm.started)}${element('ETIME', vm.ended)}`,
    element('DEPLOY_ID', vm.host ? `${vm.host.name}:${vm.name}:dummy` : ''),
    `<TEMPLATE>${size.join('')}`,
    only('DISK', ['DISK_ID', 'DATASTORE', 'DATASTORE_ID', 'IMAGE', 'IMAGE_ID', 'SIZE', 'TYPE', 'CLONE']),
    only('NIC', ['IP', 'MAC', 'NETWORK', 'NETWORK_ID', 'NIC_ID', 'SECURITY_GROUPS']),
    `</TEMPLATE><MONITORING/>`,
    vm.user
      .only((name) => ['SCHED_RANK', 'SCHED_REQUIREMENTS', 'SCHED_MESSAGE', 'ERROR'].includes(name))
      .xml('USER_TEMPLATE'),
    `${historyXml(vm)}</VM>`,
  ].join('');
}

export function monitoringXml(_world: World, vm: Machine, at: number): string {
  const figures = {
    CPU: 42,
    DISKRDBYTES: at * 10,
    DISKRDIOPS: at,
    DISKWRBYTES: at * 5,
    DISKWRIOPS: at,
    ID: vm.id,
    MEMORY: Number(vm.template.get('MEMORY')) * 512,
    NETRX: at * 100,
    NETTX: at * 50,
    TIMESTAMP: at,
  };
  return `<MONITORING>${Object.entries(figures)
    .map(([name, value]) => cdata(name, value))
    .join('')}</MONITORING>`;
}

export function imageXml(world: World, image: Image): string {
  const using = [...world.machines.values()].filter(
    (vm) => vm.state !== 6 && vm.template.vectors('DISK').some((disk) => disk.get('IMAGE_ID') === String(image.id)),
  );
  return [
    `<IMAGE>${element('ID', image.id)}${ownerXml(world, image)}${element('NAME', image.name)}${permissionsXml(image)}`,
    `${element('TYPE', image.type)}${element('DISK_TYPE', 0)}${element('PERSISTENT', image.persistent ? 1 : 0)}${element('REGTIME', image.registered)}`,
    `${cdata('SOURCE', 'dummy_path')}${cdata('PATH', image.path)}${cdata('FORMAT', image.format)}${cdata('FS', '')}${element('SIZE', image.sizeMb)}`,
    `${element('STATE', image.state)}${element('PREV_STATE', image.state)}${element('RUNNING_VMS', using.length)}${element('CLONING_OPS', 0)}`,
    `${element('CLONING_ID', -1)}${element('TARGET_SNAPSHOT', -1)}${element('DATASTORE_ID', 101)}${element('DATASTORE', 'vep-img')}`,
    `<VMS>${using.map((vm) => element('ID', vm.id)).join('')}</VMS><CLONES></CLONES><APP_CLONES></APP_CLONES>`,
    image.template.xml('TEMPLATE'),
    `<SNAPSHOTS>${cdata('ALLOW_ORPHANS', 'NO')}${cdata('CURRENT_BASE', -1)}${cdata('NEXT_SNAPSHOT', 0)}</SNAPSHOTS>`,
    '<BACKUP_INCREMENTS></BACKUP_INCREMENTS><BACKUP_DISK_IDS></BACKUP_DISK_IDS></IMAGE>',
  ].join('');
}

export function networkXml(world: World, net: Network, withLeases: boolean): string {
  const of = (name: string): string => net.template.get(name) ?? '';
  const range = ({ id, first, size, parentRange }: Network['ranges'][number]): string => {
    const used = net.leases.filter(({ ip }) => ip >= first && ip < first + size);
    return [
      `<AR>${cdata('AR_ID', id)}${cdata('IP', ipText(first))}${cdata('MAC', macText(first))}`,
      parentRange === undefined ? '' : cdata('PARENT_NETWORK_AR_ID', parentRange),
      `${cdata('SIZE', size)}${cdata('TYPE', 'IP4')}${cdata('MAC_END', macText(first + size - 1))}${cdata('IP_END', ipText(first + size - 1))}`,
      element('USED_LEASES', used.length),
      withLeases ? leasesXml(used) : '',
      '</AR>',
    ].join('');
  };
  return [
    `<VNET>${element('ID', net.id)}${ownerXml(world, net)}${element('NAME', net.name)}${permissionsXml(net)}<CLUSTERS>${[...net.clusters].map((id) => element('ID', id)).join('')}</CLUSTERS>`,
    `${cdata('BRIDGE', of('BRIDGE'))}${cdata('BRIDGE_TYPE', 'linux')}${cdata('STATE', net.state)}${cdata('PREV_STATE', net.state)}`,
    net.parent === undefined ? '<PARENT_NETWORK_ID/>' : element('PARENT_NETWORK_ID', net.parent),
    `${cdata('VN_MAD', of('VN_MAD'))}${optional('PHYDEV', of('PHYDEV'))}${optional('VLAN_ID', net.vlan ?? '')}<OUTER_VLAN_ID/>`,
    `${element('VLAN_ID_AUTOMATIC', net.vlan === undefined ? 0 : 1)}<OUTER_VLAN_ID_AUTOMATIC>0</OUTER_VLAN_ID_AUTOMATIC>`,
    `${element('USED_LEASES', net.leases.length)}<VROUTERS></VROUTERS><UPDATED_VMS></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><UPDATING_VMS></UPDATING_VMS><ERROR_VMS></ERROR_VMS>`,
    `${net.template.xml('TEMPLATE')}<AR_POOL>${net.ranges.map(range).join('')}</AR_POOL></VNET>`,
  ].join('');
}

/** What is empty has no text at all. */
function optional(name: string, value: string | number): string {
  return value === '' ? `<${name}/>` : cdata(name, value);
}

function leasesXml(leases: Network['leases']): string {
  if (leases.length === 0) return '<LEASES/>';
  const by = (lease: Network['leases'][number]): string =>
    lease.by === 'held' ? cdata('VM', -1) : 'vm' in lease.by ? cdata('VM', lease.by.vm) : cdata('VNET', lease.by.net);
  const one = (lease: Network['leases'][number]): string =>
    `<LEASE>${cdata('IP', ipText(lease.ip))}${cdata('MAC', macText(lease.ip))}${by(lease)}</LEASE>`;
  return `<LEASES>${leases.map(one).join('')}</LEASES>`;
}

export function hostXml(world: World, host: Host): string {
  const { cpu, memory, machines } = world.usageOf(host);
  const share = {
    MEM_USAGE: memory,
    CPU_USAGE: cpu,
    TOTAL_MEM: host.memoryKib,
    TOTAL_CPU: host.cores * 100,
    MAX_MEM: host.memoryKib,
    MAX_CPU: host.cores * 100,
    RUNNING_VMS: machines,
    VMS_THREAD: 1,
  };
  const ids = [...world.machines.values()]
    .filter((vm) => vm.host === host && vm.state !== 6)
    .map((vm) => element('ID', vm.id));
  return [
    `<HOST>${element('ID', host.id)}${element('NAME', host.name)}${element('STATE', host.state)}${element('PREV_STATE', host.state)}`,
    `${cdata('IM_MAD', 'dummy')}${cdata('VM_MAD', 'dummy')}${element('CLUSTER_ID', host.cluster)}${element('CLUSTER', world.clusters.get(host.cluster)?.name ?? '')}`,
    `<HOST_SHARE>${Object.entries(share)
      .map(([name, value]) => element(name, value))
      .join('')}</HOST_SHARE>`,
    `<VMS>${ids.join('')}</VMS>${host.template.xml('TEMPLATE')}<MONITORING/></HOST>`,
  ].join('');
}

export function userXml(world: World, user: User): string {
  const [gid = 0] = user.groups;
  return [
    `<USER>${element('ID', user.id)}${element('GID', gid)}<GROUPS>${user.groups.map((id) => element('ID', id)).join('')}</GROUPS>`,
    `${element('GNAME', world.groups.get(gid)?.name ?? '')}${element('NAME', user.name)}${cdata('PASSWORD', '')}`,
    `${cdata('AUTH_DRIVER', user.driver)}${element('ENABLED', user.enabled ? 1 : 0)}${user.template.xml('TEMPLATE')}</USER>`,
  ].join('');
}

/** A group as pools show it, without its quotas. */
export function groupXml(world: World, { id, name }: Group): string {
  const users = [...world.users.values()]
    .filter((user) => user.groups.includes(id))
    .map((user) => element('ID', user.id));
  return `<GROUP>${element('ID', id)}${element('NAME', name)}<TEMPLATE></TEMPLATE><USERS>${users.join('')}</USERS><ADMINS></ADMINS></GROUP>`;
}

/** A group as `one.group.info` shows it: quotas that were set, with what is used, and those that all groups have. */
export function groupInfoXml(world: World, group: Group): string {
  const limit = (key: string): number => group.quotas.get(key) ?? -1;
  const data = (name: string, value: number | string): string => `<${name}><![CDATA[${value}]]></${name}>`;
  const pair = (vector: string, name: string, used: number): string =>
    data(name, limit(`${vector}/${name}`)) + data(`${name}_USED`, used);
  const stores = new Set([...group.quotas.keys()].flatMap((key) => /^DATASTORE\/(\d+)/.exec(key)?.[1] ?? []));
  const datastores = [...stores].map((id) => {
    const { images, sizeMb } = world.volumesOf(group.id, Number(id));
    const vector = `DATASTORE/${id}`;
    return `<DATASTORE>${data('ID', id)}${pair(vector, 'IMAGES', images)}${pair(vector, 'SIZE', sizeMb)}</DATASTORE>`;
  });
  const used: Readonly<Record<string, number>> = world.machinesOf(group.id);
  const machines = ['CPU', 'MEMORY', 'RUNNING_CPU', 'RUNNING_MEMORY', 'RUNNING_VMS', 'SYSTEM_DISK_SIZE', 'VMS'].map(
    (name) => pair('VM', name, used[name.replace('RUNNING_', '')] ?? 0),
  );
  const set = [...group.quotas.keys()].some((key) => key.startsWith('VM/'));
  const quotas = (stored: string, vms: string): string =>
    `<DATASTORE_QUOTA>${stored}</DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA>${vms}</VM_QUOTA><IMAGE_QUOTA></IMAGE_QUOTA>`;
  const own = quotas(datastores.join(''), set ? `<VM>${machines.join('')}</VM>` : '');
  const common = `<DEFAULT_GROUP_QUOTAS>${quotas('', '')}</DEFAULT_GROUP_QUOTAS>`;
  return groupXml(world, group).replace('</GROUP>', `${own}${common}</GROUP>`);
}

export function ruleXml({ id, user, resource, rights }: Rule): string {
  return `<ACL>${element('ID', id)}${element('USER', user.toString(16))}${element('RESOURCE', resource.toString(16))}${element('RIGHTS', rights.toString(16))}${element('ZONE', '400000000')}</ACL>`;
}

export function securityGroupXml(world: World, group: SecurityGroup): string {
  const using = [...world.machines.values()].filter(
    (vm) =>
      vm.state !== 6 &&
      vm.template
        .vectors('NIC')
        .some((nic) => (nic.get('SECURITY_GROUPS') ?? '').split(',').includes(String(group.id))),
  );
  const { outdated, updating, failed } = group;
  const ids = (name: string, of: Iterable<number>): string =>
    `<${name}>${[...of].map((id) => element('ID', id)).join('')}</${name}>`;
  const updated = using.map(({ id }) => id).filter((id) => ![outdated, updating, failed].some((set) => set.has(id)));
  return [
    `<SECURITY_GROUP>${element('ID', group.id)}${ownerXml(world, group)}${element('NAME', group.name)}${permissionsXml(group)}`,
    `${ids('UPDATED_VMS', updated)}${ids('OUTDATED_VMS', outdated)}${ids('UPDATING_VMS', updating)}${ids('ERROR_VMS', failed)}`,
    `${group.template.xml('TEMPLATE')}</SECURITY_GROUP>`,
  ].join('');
}

export function vmGroupXml(world: World, group: Thing & { roles: ReadonlyMap<string, string>[] }): string {
  const members = (role: string): string =>
    [...world.machines.values()]
      .filter(
        (vm) =>
          vm.state !== 6 &&
          vm.template
            .vectors('VMGROUP')
            .some((each) => each.get('VMGROUP_ID') === String(group.id) && each.get('ROLE') === role),
      )
      .map((vm) => vm.id)
      .join(',');
  const roles = group.roles.map((role, index) => {
    const vms = members(role.get('NAME') ?? '');
    return vectorXml(
      'ROLE',
      new Map([['ID', String(index)], ...role, ...(vms === '' ? [] : ([['VMS', vms]] as const))]),
    );
  });
  return `<VM_GROUP>${element('ID', group.id)}${ownerXml(world, group)}${element('NAME', group.name)}${permissionsXml(group)}<ROLES>${roles.join('')}</ROLES>${group.template.xml('TEMPLATE')}</VM_GROUP>`;
}

export function datastoresXml(world: World): string {
  const one = ([id, { name, type, state, freeMb, template }]: readonly [number, Datastore]): string =>
    `<DATASTORE>${element('ID', id)}<UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME>${element('NAME', name)}${element('TYPE', type)}${element('DISK_TYPE', 0)}${element('STATE', state)}<CLUSTERS><ID>100</ID></CLUSTERS>${element('TOTAL_MB', 1_000_000)}${element('FREE_MB', freeMb)}${element('USED_MB', 0)}<IMAGES></IMAGES>${template.xml('TEMPLATE')}</DATASTORE>`;
  return `<DATASTORE_POOL>${[...world.datastores].map(one).join('')}</DATASTORE_POOL>`;
}
