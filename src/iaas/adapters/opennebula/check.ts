/** What is missing at an OpenNebula site: each finding with the words of oned and what an administrator does about it. */

import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type SiteFinding } from '../../adapter.js';
import type { Branch } from '../../document.js';
import type { Handover } from './handover.js';
import type { Hosts } from './hosts.js';
import type { Networks } from './networks.js';
import type { Oned } from './oned.js';
import type { HandoverOptions, OpenNebulaOptions } from './options.js';
import { isSince, type Release, type Version } from './version.js';

export interface CheckServices {
  readonly oned: Oned;
  readonly version: Version;
  readonly hosts: Hosts;
  readonly networks: Networks;
  readonly handover: Handover;
  readonly datastore: (options: CallOptions) => Promise<number>;
  readonly options: OpenNebulaOptions;
}

/** The first version with the calls that are used; what newer ones have is found out call by call. */
const OLDEST: Release = [5, 12];
const SYSTEM_DS = '1';

export async function check(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const version = await asking(() => services.version.ask(call), 'opennebula.endpoint', {
    denied: 'see to user and password under credentials; serveradmin is in the sunstone_auth file of oned',
    otherwise: 'see to the endpoint, oned itself and the way to it; its URL ends in /RPC2',
  });
  if (typeof version !== 'string') return [version];
  const findings = await Promise.all([
    Promise.resolve(versionFindings(version)),
    administrator(services, call),
    hosts(services, call),
    datastores(services, call),
    networks(services, call),
    sharing(services, call),
    services.handover.check(),
  ]);
  return findings.flat();
}

function versionFindings(version: string): SiteFinding[] {
  if (isSince(version, OLDEST)) return [];
  return [
    {
      code: 'opennebula.version',
      message: `oned is of version ${version.slice(0, 20)}, older than ${OLDEST.join('.')}`,
      remedy: 'upgrade OpenNebula: VEP knows 5.12 to 7.x',
    },
  ];
}

/** Deploying on a host of VEP's choice, users and rules are for the group oneadmin (id 0). */
async function administrator({ oned }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const user = await asking(() => oned.document('one.user.info', [-1], call), 'opennebula.account', {
    denied: 'see to user and password under credentials',
    otherwise: 'see what oned logs',
  });
  if ('code' in user) return [user];
  const groups = [user.value('GID'), ...(user.child('GROUPS')?.all('ID') ?? []).map((id) => id.text)];
  if (groups.includes('0')) return [];
  return [
    {
      code: 'opennebula.rights',
      message: `the account ${user.value('NAME') ?? ''} is not in the group oneadmin: it may neither choose hosts nor make users and groups`,
      remedy: 'use serveradmin with credentials.administrator oneadmin, or an account of the group oneadmin',
    },
  ];
}

async function hosts(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const remedies = { denied: 'give the account the right to see hosts', otherwise: 'see what oned logs' };
  const found = await asking(() => services.hosts.list(call), 'opennebula.hosts', remedies);
  if ('code' in found) return [found];
  const { clusters } = services.options.hosts;
  if (found.length === 0) {
    const where = clusters.length === 0 ? 'OpenNebula has no host' : `the clusters ${clusters.join(', ')} have no host`;
    return [
      { code: 'opennebula.hosts', message: where, remedy: 'add a host (onehost create), or see to hosts.clusters' },
    ];
  }
  if (found.some((host) => host.up)) return [];
  return [
    {
      code: 'opennebula.hosts',
      message: 'no host is monitored',
      remedy: 'see onehost list and the drivers of the hosts',
    },
  ];
}

async function datastores(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const findings: SiteFinding[] = [];
  const remedies = {
    denied: 'give the account the right to use datastores',
    otherwise: 'name one under images.datastore (onedatastore list)',
  };
  const chosen = await asking(() => services.datastore(call), 'opennebula.datastore', remedies);
  if (typeof chosen !== 'number') findings.push(chosen);
  const pool = await asking(
    () => services.oned.document('one.datastorepool.info', [], call),
    'opennebula.datastore',
    remedies,
  );
  if ('code' in pool) return [...findings, pool];
  const images = pool.all('DATASTORE').find((each) => each.number(-1, 'ID') === chosen);
  findings.push(...closedTo(services.options.images.handover, images));
  const systems = pool.all('DATASTORE').filter((each) => each.value('TYPE') === SYSTEM_DS);
  if (!systems.some((each) => each.number(0, 'FREE_MB') > 0 || each.value('TEMPLATE', 'SHARED') === 'NO')) {
    findings.push({
      code: 'opennebula.system-datastore',
      message: 'no system datastore has room: machines would wait for ever',
      remedy: 'see onedatastore list; a datastore that is not monitored has 0 MB',
    });
  }
  return findings;
}

/** Drivers read no file in RESTRICTED_DIRS that is not in SAFE_DIRS (`check_restricted` of oned); `dummy` reads none at all. */
function closedTo(handover: HandoverOptions, datastore: Branch | undefined): readonly SiteFinding[] {
  if (!('directory' in handover) || !datastore || datastore.value('TEMPLATE', 'DS_MAD') === 'dummy') return [];
  const path = handover.seenAs ?? handover.directory;
  const lists = (name: string): boolean =>
    (datastore.value('TEMPLATE', name) ?? '')
      .split(/\s+/)
      .filter(Boolean)
      .some((directory) => path.startsWith(directory));
  if (lists('SAFE_DIRS') || !lists('RESTRICTED_DIRS')) return [];
  const name = datastore.value('NAME') ?? '';
  return [
    {
      code: 'opennebula.safe-dirs',
      message: `the datastore ${name} takes no image from ${path}: SAFE_DIRS does not list it`,
      remedy: `add it to SAFE_DIRS (onedatastore update ${name}), or name a directory under images.handover that is there`,
    },
  ];
}

async function networks(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { reserveFrom, publicFrom, isolated } = services.options.networks;
  const named = Object.entries({ reserveFrom, publicFrom }).flatMap(([option, names]) =>
    names.map((name) => ({ option, name })),
  );
  const all = await asking(() => services.networks.all(call), 'opennebula.networks', {
    denied: 'give the account the right to see networks',
    otherwise: 'see what oned logs',
  });
  if ('code' in all) return [all];
  const lacking = named
    .filter(({ name }) => !all.some((each) => each.value('NAME') === name || each.value('ID') === name))
    .map(({ name, option }) => ({
      code: 'opennebula.networks',
      message: `OpenNebula has no virtual network ${name}, which networks.${option} names`,
      remedy: 'make it (onevnet create) or name another (onevnet list)',
    }));
  return isolated ? [...lacking, ...(await driver(services, isolated.driver, call))] : lacking;
}

/** Whether oned has the driver of networks that have a wire of their own. */
async function driver({ oned }: CheckServices, name: string, call: CallOptions): Promise<readonly SiteFinding[]> {
  const config = await asking(() => oned.document('one.system.config', [], call), 'opennebula.isolated', {
    denied:
      'networks of their own are made by an account of the group oneadmin: use one, or leave networks.isolated out',
    otherwise: 'see what oned logs',
  });
  if ('code' in config) return [config];
  if (config.all('VN_MAD_CONF').some((each) => each.value('NAME') === name)) return [];
  return [
    {
      code: 'opennebula.isolated',
      message: `oned has no driver ${name}, which networks.isolated names`,
      remedy: 'add its VN_MAD_CONF to oned.conf, or name another driver',
    },
  ];
}

/** Whether machines can share volumes: by a hypervisor that oned knows to do so, on a system datastore that all hosts see. */
async function sharing({ oned, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  if (!options.volumes.shared) return [];
  const code = 'opennebula.shared-volumes';
  const remedies = {
    denied: 'use an account of the group oneadmin, or leave volumes.shared out',
    otherwise: 'see what oned logs',
  };
  const config = await asking(() => oned.document('one.system.config', [], call), code, remedies);
  if ('code' in config) return [config];
  const findings: SiteFinding[] = [];
  if (!config.all('VM_MAD').some((each) => each.value('SUPPORT_SHAREABLE')?.toUpperCase() === 'YES'))
    findings.push({
      code,
      message: 'no hypervisor of oned lets machines share volumes, which volumes.shared wants',
      remedy:
        'see SUPPORT_SHAREABLE of the VM_MADs in oned.conf (OpenNebula 6.0 and later), or leave volumes.shared out',
    });
  const pool = await asking(() => oned.document('one.datastorepool.info', [], call), code, remedies);
  if ('code' in pool) return [...findings, pool];
  const { systemDatastore } = options;
  const used = pool
    .all('DATASTORE')
    .filter((each) => each.value('TYPE') === SYSTEM_DS)
    .filter((each) => systemDatastore === -1 || each.number(-1, 'ID') === systemDatastore);
  const own = used.filter((each) => each.value('TEMPLATE', 'SHARED') !== 'YES').map((each) => each.value('NAME') ?? '');
  if (own.length > 0)
    findings.push({
      code,
      message: `disks on the system datastores ${own.join(', ')} are their host's alone, and volumes.shared is wanted`,
      remedy: 'name one that all hosts see (SHARED=YES) as systemDatastore, or leave volumes.shared out',
    });
  return findings;
}

async function asking<T extends object | string | number>(
  ask: () => Promise<T>,
  code: string,
  remedies: { readonly denied: string; readonly otherwise: string },
): Promise<T | SiteFinding> {
  try {
    return await ask();
  } catch (error) {
    const denied = error instanceof IaasError && error.class === 'denied';
    return { code, message: messageOf(error), remedy: denied ? remedies.denied : remedies.otherwise };
  }
}
