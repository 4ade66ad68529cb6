/** What is missing at an OpenStack site: each finding with the words of OpenStack and what somebody does about it. */

import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type SiteFinding } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import type { Flavors } from './flavors.js';
import { limitsOf, type Hosts } from './hosts.js';
import { diagnosticsOf, runs } from './metrics.js';
import { measures, type OpenStackOptions, type ServiceName } from './options.js';
import type { Server } from './server.js';
import type { Servers } from './servers.js';
import { MICROVERSIONS } from './service.js';
import type { Token } from './session.js';
import { NAMES } from './stack-error.js';
import type { Tenants } from './tenants.js';
import type { Versions } from './versions.js';
import { volumeTypes } from './volume-types.js';

export interface CheckServices {
  readonly tenants: Tenants;
  readonly versions: Versions;
  readonly flavors: Flavors;
  readonly hosts: Hosts;
  readonly servers: Servers;
  readonly options: OpenStackOptions;
}

interface Remedies {
  readonly denied: string;
  readonly otherwise: string;
}

const SIGN_IN: Remedies = {
  denied: 'see to credentials: user, domain, project and password, or id and secret of an application credential',
  otherwise: 'see to authUrl, Keystone itself and the way to it; its URL ends in /v3',
};

export async function check(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { tenants, options } = services;
  const token = await asking(() => tenants.home.token(call), 'openstack.sign-in', SIGN_IN);
  if (isFinding(token)) return [token];
  const absent = absentServices(token, options);
  if (absent.length > 0) return [...regionFindings(token, options), ...absent];
  const findings = await Promise.all([
    microversions(services, call),
    quotas(tenants.home, call),
    flavors(services, call),
    hosts(services, call),
    networks(services, call),
    types(services, call),
    images(tenants.home, call),
    projects(services, token, call),
    metrics(services, token, call),
  ]);
  return [...regionFindings(token, options), ...roleFindings(token), ...findings.flat()];
}

function regionFindings({ catalog }: Token, { region }: OpenStackOptions): SiteFinding[] {
  const { regions } = catalog;
  if (region === undefined && regions.length > 1)
    return [
      {
        code: 'openstack.region',
        message: `the cloud has several regions (${regions.join(', ')}) and the site names none`,
        remedy: 'name one as region',
      },
    ];
  if (region === undefined || regions.includes(region)) return [];
  return [
    {
      code: 'openstack.region',
      message: `the catalog has no region ${region}; it has ${regions.join(', ')}`,
      remedy: 'see openstack region list',
    },
  ];
}

/** Services without an endpoint that fits; Placement is asked only where hosts are chosen. */
function absentServices({ catalog, project }: Token, options: OpenStackOptions): SiteFinding[] {
  const needed: readonly ServiceName[] = ['compute', 'image', 'network', 'volume'];
  const all = options.hosts.choose ? [...needed, 'placement' as const] : needed;
  return all
    .filter((service) => catalog.url(service, project, options) === undefined)
    .map((service) => ({
      code: 'openstack.service',
      message: `the catalog has no ${options.interface} endpoint of ${NAMES[service]} (type ${service})`,
      remedy: `see openstack catalog list; choose another interface, or give endpoints.${service}`,
    }));
}

function roleFindings({ roles }: Token): SiteFinding[] {
  if (roles.length !== 1 || roles[0] !== 'reader') return [];
  return [
    {
      code: 'openstack.role',
      message: 'the account has the role reader alone in its project: it may look and make nothing',
      remedy: 'give it the role member: openstack role add --project … --user … member',
    },
  ];
}

async function microversions({ versions }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const found: SiteFinding[] = [];
  for (const service of ['compute', 'volume'] as const) {
    const needed = MICROVERSIONS[service] ?? '';
    const remedies = {
      denied: 'see what stands in front of it',
      otherwise: `see to the endpoint of ${NAMES[service]}`,
    };
    const known = await asking(() => versions.knows(service, needed, call), 'openstack.microversion', remedies);
    if (isFinding(known)) found.push(known);
    else if (!known)
      found.push({
        code: 'openstack.microversion',
        message: `${NAMES[service]} knows microversions up to ${await versions.highest(service, call)}; VEP needs ${needed}`,
        remedy: 'use an OpenStack of release Train (2019) or later',
      });
  }
  return found;
}

async function quotas(cloud: Cloud, call: CallOptions): Promise<readonly SiteFinding[]> {
  const remedies = { denied: 'give the account a role in its project', otherwise: 'see what Nova logs' };
  const limits = await asking(() => limitsOf(cloud, call), 'openstack.quota', remedies);
  if (isFinding(limits)) return [limits];
  const used = (
    [
      ['instances', limits.freeInstances],
      ['cores', limits.freeCores],
      ['ram', limits.freeMemoryMib],
    ] as const
  ).filter(([, free]) => free === 0);
  const storage = await asking(() => freeGibOf(cloud, call), 'openstack.quota', {
    ...remedies,
    otherwise: 'see Cinder',
  });
  if (isFinding(storage)) return [storage];
  const exhausted = [...used.map(([name]) => name), ...(storage > 0 ? [] : ['gigabytes'])];
  return exhausted.map((name) => ({
    code: 'openstack.quota',
    message: `nothing is left of the project's quota of ${name}`,
    remedy: `remove what is not needed, or raise it: openstack quota set --${name} …`,
  }));
}

async function freeGibOf(cloud: Cloud, call: CallOptions): Promise<number> {
  const absolute = (await cloud.volume.one('GET', '/limits', 'limits', call))['absolute'] as Record<string, unknown>;
  const limit = Number(absolute['maxTotalVolumeGigabytes'] ?? -1);
  return limit < 0 ? 1 : limit - Number(absolute['totalGigabytesUsed'] ?? 0);
}

async function flavors(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { tenants, options } = services;
  const remedies = { denied: 'give the account a role in its project', otherwise: 'see what Nova logs' };
  const found = await asking(() => services.flavors.list(tenants.home, call), 'openstack.flavors', remedies);
  if (isFinding(found)) return [found];
  const missing = options.flavors.names.filter((name) => !found.some((each) => each.name === name || each.id === name));
  const findings = missing.map((name) => ({
    code: 'openstack.flavors',
    message: `there is no flavor ${name}, which flavors.names names`,
    remedy: 'see openstack flavor list',
  }));
  if (found.length > 0 || options.flavors.create) return findings;
  const none = { code: 'openstack.flavors', message: 'there is no flavor that may be used: no machine can be made' };
  return [...findings, { ...none, remedy: 'have one made, or name another under flavors.names' }];
}

async function hosts(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { choose } = services.options.hosts;
  const found = await asking(() => services.hosts.list(services.tenants.home, call), 'openstack.hosts', {
    denied: choose
      ? 'give the account the role admin, or set hosts.choose to false'
      : 'give the account a role in its project',
    otherwise: 'see what Nova and Placement log',
  });
  if (isFinding(found)) return [found];
  if (found.some(({ up }) => up)) return [];
  const what = choose ? 'hypervisor is up' : 'availability zone is available';
  return [{ code: 'openstack.hosts', message: `no ${what}`, remedy: 'see openstack compute service list' }];
}

async function networks({ tenants, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { router, external, securityGroups } = options.networks;
  const named: readonly (readonly [path: string, member: string, what: string, names: readonly string[]])[] = [
    ['/routers', 'routers', 'router', router === undefined ? [] : [router]],
    ['/security-groups', 'security_groups', 'security group', securityGroups],
    ['/networks', 'networks', 'network', external === undefined ? [] : [external]],
  ];
  const findings: SiteFinding[] = [];
  if (external !== undefined && router === undefined)
    findings.push({
      code: 'openstack.networks',
      message: 'networks.external lends addresses, and no router joins it with the networks that VEP makes',
      remedy: 'name one that leads there as networks.router: openstack router list --external-gateway …',
    });
  for (const [path, member, what, names] of named) {
    const found = await asking(() => tenants.home.network.list(path, member, call), 'openstack.networks', {
      denied: `give the account the right to see ${what}s`,
      otherwise: 'see what Neutron logs',
    });
    if (isFinding(found)) return [found];
    const missing = names.filter((name) => !found.some((each) => each['id'] === name || each['name'] === name));
    for (const name of missing) {
      const message = `the project has no ${what} ${name}, which the options name under networks`;
      findings.push({ code: 'openstack.networks', message, remedy: `see openstack ${what} list` });
    }
  }
  return findings;
}

async function types({ tenants, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { type, sharedType } = options.volumes;
  if (type === undefined && sharedType === undefined) return [];
  const found = await asking(() => volumeTypes(tenants.home, call), 'openstack.volume-type', {
    denied: 'give the account the right to see volume types',
    otherwise: 'see what Cinder logs',
  });
  if (isFinding(found)) return [found];
  const named = Object.entries({ type, sharedType }).flatMap(([key, name]) =>
    name === undefined ? [] : [{ key, name }],
  );
  const absent = named.filter(({ name }) => !found.some((each) => each.name === name));
  const findings = absent.map(({ key, name }) => ({
    code: 'openstack.volume-type',
    message: `there is no volume type ${name}, which volumes.${key} names`,
    remedy: 'see openstack volume type list',
  }));
  if (found.find(({ name }) => name === sharedType)?.shares !== false) return findings;
  const message = `volumes of the type ${sharedType}, which volumes.sharedType names, are one machine's at a time`;
  const remedy = `name another, or openstack volume type set --property multiattach="<is> True" ${sharedType}`;
  return [...findings, { code: 'openstack.volume-type', message, remedy }];
}

async function images(cloud: Cloud, call: CallOptions): Promise<readonly SiteFinding[]> {
  const ask = { ...call, query: { limit: 1 } };
  const found = await asking(() => cloud.image.json('GET', '/images', ask), 'openstack.images', {
    denied: 'give the account a role in its project',
    otherwise: 'see what Glance logs',
  });
  return isFinding(found) ? [found] : [];
}

/** Diagnostics are tried on a machine that runs; where there is none, the role says whether they may be read. */
async function metrics(
  { tenants, servers, options }: CheckServices,
  { roles }: Token,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  if (!measures(options)) return [];
  const code = 'openstack.metrics';
  const denied = 'give the account the role admin, or set metrics.diagnostics to false';
  const otherwise = "set metrics.diagnostics to false where Nova's hypervisor has no diagnostics";
  const told = await asking(
    async () => {
      const server = await oneThatRuns(servers, tenants.home, call);
      return (server && (await diagnosticsOf(tenants.home, server, call))) ?? roles.includes('admin');
    },
    code,
    { denied, otherwise },
  );
  if (isFinding(told)) return [told];
  if (told !== false) return [];
  const message = "metrics are wanted, and the account has not the role admin that Nova's diagnostics need";
  return [{ code, message, remedy: denied }];
}

async function oneThatRuns(servers: Servers, cloud: Cloud, call: CallOptions): Promise<Server | undefined> {
  for await (const server of servers.all(cloud, call)) if (runs(server)) return server;
  return undefined;
}

/** Projects of virtual organizations: each must let VEP in. */
async function projects(
  { tenants, options }: CheckServices,
  { roles }: Token,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  const code = 'openstack.tenant';
  if (options.tenants.others === 'create' && !roles.includes('admin'))
    return [
      {
        code,
        message: 'tenants.others is create, and the account has not the role admin that making projects needs',
        remedy: 'give it that role, or name the projects of the groups under tenants.projects',
      },
    ];
  const remedy = "see that the project is enabled and VEP's account has a role in it, or to its credentials";
  const found = await asking(() => tenants.all(call), code, { denied: remedy, otherwise: SIGN_IN.otherwise });
  return isFinding(found) ? [found] : found.refused.map(({ message }) => ({ code, message, remedy }));
}

async function asking<T extends object | boolean | number>(
  ask: () => Promise<T>,
  code: string,
  remedies: Remedies,
): Promise<T | SiteFinding> {
  try {
    return await ask();
  } catch (error) {
    const denied = error instanceof IaasError && error.class === 'denied';
    return { code, message: messageOf(error), remedy: denied ? remedies.denied : remedies.otherwise };
  }
}

function isFinding(value: unknown): value is SiteFinding {
  return typeof value === 'object' && value !== null && 'code' in value && 'remedy' in value;
}
