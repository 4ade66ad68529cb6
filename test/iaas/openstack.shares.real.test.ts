/** Limits of a Virtual Organization in the quotas and rules of a real OpenStack (`VEP_TEST_OPENSTACK`). */

import { newUuid } from '../../src/base/ids.js';
import { NO_SHARE, type TenantShare } from '../../src/iaas/tenant.js';
import { realOpenStack, URLS } from '../support/real-openstack/keystone.js';
import { realHarness } from './openstack-harness.js';

// The project of a test is made and removed by several services.

const GIB = 2 ** 30;

async function shares(): Promise<void> {
  const { adapter: site, tenancy, close } = await realHarness('admin', { options: { tenants: { others: 'create' } } });
  const { admin } = tenancy;
  const vo = `vo-${newUuid().slice(-8)}`;
  const settle = async (share: TenantShare, before: TenantShare): Promise<string> => {
    const report = await site.tenants?.settle(vo, share, before);
    expect(report).toEqual({ name: expect.stringMatching(/^project /), findings: [] });
    return (report?.name ?? '').slice('project '.length);
  };
  /** What the project has, or what projects have that nothing was said about. */
  const quotas = async (of: string, usual = false): Promise<readonly number[]> => {
    const [compute, volume, network] = await Promise.all([
      admin.ask('GET', `${URLS.compute}/os-quota-sets/${of}${usual ? '/defaults' : ''}`),
      admin.ask('GET', `${URLS.volume}/${admin.project}/os-quota-sets/${of}${usual ? '/defaults' : ''}`),
      admin.ask('GET', `${URLS.network}/quotas/${of}${usual ? '/default' : ''}`),
    ]);
    const { instances, cores, ram } = compute.quota_set;
    const { volumes, gigabytes } = volume.quota_set;
    return [instances, cores, ram, volumes, gigabytes, network.quota.network];
  };
  const opened = async (to: string): Promise<number> =>
    (await admin.ask('GET', `${URLS.network}/rbac-policies?target_tenant=${to}`)).rbac_policies.length;
  const id = newUuid();
  const network = await site.createNetwork({ id, name: 'of the provider' }, id);
  let project: string | undefined;
  try {
    const share: TenantShare = {
      limits: { machines: 5, cores: 8, memoryBytes: 16 * GIB, volumes: 4, storageBytes: 40 * GIB, networks: 3 },
      ...{ hosts: [], networks: [network], volumes: [] },
    };
    project = await settle(share, NO_SHARE);
    await settle(share, share);
    expect(await quotas(project)).toEqual([5, 8, 16_384, 4, 40, 3]);
    expect(await opened(project)).toBe(1);
    await settle(NO_SHARE, share);
    expect(await quotas(project)).toEqual(await quotas(project, true));
    expect(await opened(project)).toBe(0);
  } finally {
    await site.delete('network', network);
    if (project !== undefined) await admin.ask('DELETE', `${URLS.identity}/projects/${project}`);
    await close();
  }
}

if (realOpenStack) it('are written, looked up, and taken back', shares);
else it.skip('VEP_TEST_OPENSTACK names no OpenStack', () => undefined);
