/**
 * Limits of Virtual Organizations in the sites' own quotas, and what is opened to them in the sites' own rules: written once,
 * taken back, enforced there, and what cannot be written said.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter, StorageSpec } from '../../src/iaas/adapter.js';
import { readRef } from '../../src/iaas/adapters/openstack/marks.js';
import { NO_SHARE, type TenantReport, type TenantShare } from '../../src/iaas/tenant.js';
import { FakeOned } from '../support/fake-oned/index.js';
import type { Group } from '../support/fake-oned/world.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { USUAL, type Project } from '../support/fake-openstack/world.js';
import * as nebula from './opennebula-harness.js';
import * as stack from './openstack-harness.js';

const GIB = 2 ** 30;
const LIMITS = { machines: 5, cores: 8, memoryBytes: 16 * GIB, volumes: 4, storageBytes: 40 * GIB };
const share = (more: Partial<TenantShare>): TenantShare => ({ ...NO_SHARE, ...more });
const owner = { user: 'local:alice', group: 'biomed' };
const storage = (sizeBytes: number, of = owner): StorageSpec & { readonly id: string } => {
  const id = newUuid();
  return { id, name: 'v', sizeBytes, owner: of };
};

let directory: string;
const closers: (() => Promise<void>)[] = [];
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'vep-shares-'))));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(directory, { recursive: true });
});

function settle(site: SiteAdapter, now: TenantShare, before = NO_SHARE): Promise<TenantReport> {
  if (!site.tenants) throw new Error('the site has no tenants');
  return site.tenants.settle(owner.group, now, before);
}

describe('OpenNebula', () => {
  let fake: FakeOned;
  async function open(more: JsonObject = {}): Promise<SiteAdapter> {
    fake = await FakeOned.start();
    closers.push(() => fake.close());
    const site = await nebula.openSite(nebula.optionsFor(fake.url, directory, more), directory);
    closers.push(() => site.close());
    return site;
  }
  const group = (): Group => {
    const found = [...fake.world.groups.values()].find(({ name }) => name === 'vep-biomed');
    if (!found) throw new Error('oned has no such group');
    return found;
  };
  const called = (method: string): number => fake.calls.filter((call) => call.method === method).length;

  it('has them as quotas of the group, written once and taken back', async () => {
    const site = await open();
    expect(await settle(site, share({ limits: LIMITS }))).toEqual({ name: 'group vep-biomed', findings: [] });
    expect(Object.fromEntries(group().quotas)).toEqual({
      'VM/VMS': 5,
      'VM/CPU': 8,
      'VM/MEMORY': 16_384,
      'DATASTORE/101/IMAGES': 4,
      'DATASTORE/101/SIZE': 40_960,
    });
    await settle(site, share({ limits: LIMITS }));
    expect(called('one.group.quota')).toBe(1);
    await settle(site, share({ limits: { machines: 5 } }), share({ limits: LIMITS }));
    expect(Object.fromEntries(group().quotas)).toEqual({ 'VM/VMS': 5 });
    expect(fake.violations).toEqual([]);
  });

  it('keeps the group within them whoever asks', async () => {
    const site = await open();
    await settle(site, share({ limits: { storageBytes: 2 * GIB } }));
    const first = storage(2 * GIB);
    await site.createStorage(first, first.id);
    const second = storage(GIB);
    await expect(site.createStorage(second, second.id)).rejects.toMatchObject({ class: 'quota' });
  });

  it('opens a network of others by a rule, and closes it', async () => {
    const site = await open();
    const id = newUuid();
    const ref = await site.createNetwork({ id, name: 'theirs', owner: { user: 'local:bob', group: 'fusion' } }, id);
    await settle(site, share({ networks: [ref] }));
    const rule = { user: 0x200000000n + BigInt(group().id), resource: 0x4100000000n + BigInt(ref), rights: 1 };
    const rules = () =>
      [...fake.world.rules.values()].map(({ user, resource, rights }) => ({ user, resource, rights }));
    expect(rules()).toContainEqual(rule);
    await settle(site, share({ networks: [ref] }), share({ networks: [ref] }));
    await settle(site, NO_SHARE, share({ networks: [ref] }));
    expect(rules()).not.toContainEqual(rule);
  });

  it('has the hosts that are set aside in a data centre of the VO, which goes with the last', async () => {
    const site = await open();
    const vdc = () => [...fake.world.vdcs.values()].find(({ name }) => name === 'vep-biomed-hosts');
    await settle(site, share({ hosts: ['node1', 'node2'] }));
    expect([[...(vdc()?.hosts ?? [])], [...(vdc()?.groups ?? [])]]).toEqual([[0, 1], [group().id]]);
    await settle(site, share({ hosts: ['node2'] }), share({ hosts: ['node1', 'node2'] }));
    expect([...(vdc()?.hosts ?? [])]).toEqual([1]);
    await settle(site, NO_SHARE, share({ hosts: ['node2'] }));
    expect(vdc()).toBeUndefined();
  });

  it('says which right is missing, and holds none where it may not act for others or shall not', async () => {
    const site = await open();
    fake.world.named('oneadmin')!.groups = [1];
    await expect(settle(site, share({ limits: LIMITS }))).rejects.toMatchObject({ class: 'denied' });
    for (const more of [
      { tenants: { limits: false } },
      { credentials: { driver: 'password', user: 'oneadmin', password: { file: join(directory, 'secret') } } },
    ])
      expect((await open(more)).capabilities().limits).toBeUndefined();
  });
});

describe('OpenStack', () => {
  let fake: FakeOpenStack;
  async function open(tenants: JsonObject = { others: 'create' }): Promise<SiteAdapter> {
    fake ??= await FakeOpenStack.start();
    const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
    const options = stack.optionsFor({ ...wish, more: { endpoints: {}, tenants } }, directory);
    const site = await stack.openSite(options, directory);
    closers.push(() => site.close());
    return site;
  }
  beforeEach(async () => {
    fake = await FakeOpenStack.start();
    closers.push(() => fake.close());
  });
  const project = (): Project => {
    const found = [...fake.world.projects.values()].find(({ name }) => name.startsWith('vep-biomed-'));
    if (!found) throw new Error('Keystone has no such project');
    return found;
  };
  const all = { ...LIMITS, networks: 3, addresses: 2 };

  it('has them as quotas of the project in three services, and gives back what is usual', async () => {
    const site = await open();
    expect(await settle(site, share({ limits: all }))).toEqual({ name: `project ${project().id}`, findings: [] });
    const quota = { instances: 5, cores: 8, ram: 16_384, volumes: 4, gigabytes: 40, network: 3, floatingip: 2 };
    expect(project().quota).toEqual(quota);
    let written = 0;
    void fake.called('PUT', /quota/).then(() => (written += 1));
    await settle(site, share({ limits: all }), share({ limits: all }));
    expect(written).toBe(0);
    await settle(site, share({ limits: { cores: 8 } }), share({ limits: all }));
    expect(project().quota).toEqual({ ...USUAL, cores: 8 });
    expect((project() as { more?: object }).more).toMatchObject({ 'egi.VO': 'biomed' });
  });

  it('keeps the project within them whoever asks, also where it has more already', async () => {
    const site = await open();
    const first = storage(2 * GIB);
    await site.createStorage(first, first.id);
    expect(await settle(site, share({ limits: { storageBytes: GIB, cores: 0 } }))).toMatchObject({ findings: [] });
    const second = storage(GIB);
    await expect(site.createStorage(second, second.id)).rejects.toMatchObject({ class: 'quota' });
  });

  it('opens a network of another project by a policy, and closes it', async () => {
    const site = await open();
    const id = newUuid();
    const ref = await site.createNetwork({ id, name: 'theirs', owner: { user: 'bob', group: 'fusion' } }, id);
    const root = storage(GIB);
    const volume = await site.createStorage(root, root.id);
    while ((await site.describe('storage', [volume])).get(volume)?.busy !== false) await pause(5);
    const image = fake.foreignImage();
    const machine = newUuid();
    const spec = {
      id: machine,
      name: 'vm',
      cores: 1,
      memoryBytes: 512 * 2 ** 20,
      owner,
      image: `${readRef(volume)?.project}:${image}`,
    };
    const compute = await site.createCompute(spec, machine);
    while ((await site.describe('compute', [compute])).get(compute)?.busy !== false) await pause(5);
    const nic = newUuid();
    const plug = () => site.attachNic({ id: nic, compute, network: ref }, nic);
    await expect(plug()).rejects.toMatchObject({ class: 'not-found' });
    await settle(site, share({ networks: [ref] }));
    await settle(site, share({ networks: [ref] }));
    expect(fake.world.rbacPolicies.size).toBe(1);
    const plugged = await plug();
    // Neutron lets nobody take back what is in use, and says so.
    expect((await settle(site, NO_SHARE, share({ networks: [ref] }))).findings).toMatchObject([
      { code: 'openstack.rbac' },
    ]);
    await site.delete('nic', plugged);
    expect((await settle(site, NO_SHARE, share({ networks: [ref] }))).findings).toEqual([]);
    expect(fake.world.rbacPolicies.size).toBe(0);
  });

  it('says what it cannot write, each with what to do', async () => {
    const site = await open({ projects: [{ group: 'biomed', project: 'project-a' }], limits: true });
    fake.user.roles.set(fake.project.id, ['member']);
    const { findings } = await settle(site, share({ limits: all, volumes: ['another'] }));
    expect(findings.map(({ code }) => code)).toEqual([
      ...Array<string>(3).fill('openstack.quota'),
      'openstack.volumes',
    ]);
    for (const { message, remedy } of findings) expect([message, remedy]).not.toContain('');
    expect(fake.project.quota).toEqual(USUAL);
  });

  it('leaves the quotas of a project alone that a VO shares with the site, and those that it shall leave', async () => {
    expect(await settle(await open({ others: 'own', limits: true }), share({ limits: all }))).toEqual({ findings: [] });
    expect(fake.project.quota).toEqual(USUAL);
    for (const tenants of [{ others: 'own' }, { others: 'create', limits: false }])
      expect((await open(tenants)).capabilities().limits).toBeUndefined();
  });
});
