/** What each call of oned does in its world, and what it refuses, in the words that were recorded: a file for each noun. */

import { datastoresXml, hostXml } from './bodies.js';
import { newest, pool, type Handlers, type Stage } from './call.js';
import { imageCalls } from './images.js';
import { machineCalls } from './machines.js';
import { networkCalls } from './networks.js';
import { plugCalls } from './plugs.js';
import { securityGroupCalls } from './security-groups.js';
import { tenantCalls } from './tenants.js';
import { vmGroupCalls } from './vm-groups.js';

export function handlersOf(stage: Stage, version: string): Handlers {
  const { world } = stage;
  return {
    'one.system.version': () => version,
    'one.hostpool.info': () =>
      pool(
        'HOST_POOL',
        newest(world.hosts).map((host) => hostXml(world, host)),
      ),
    'one.clusterpool.info': () =>
      pool(
        'CLUSTER_POOL',
        [...world.clusters].map(
          ([id, { name, template }]) =>
            `<CLUSTER><ID>${id}</ID><NAME>${name}</NAME><HOSTS></HOSTS><DATASTORES></DATASTORES><VNETS></VNETS>${template.xml('TEMPLATE')}</CLUSTER>`,
        ),
      ),
    'one.datastorepool.info': () => datastoresXml(world),
    ...tenantCalls(stage),
    ...imageCalls(stage),
    ...networkCalls(stage),
    ...securityGroupCalls(stage),
    ...vmGroupCalls(stage),
    ...machineCalls(stage),
    ...plugCalls(stage),
  };
}
