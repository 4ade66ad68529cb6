/**
 * A VO's limits in the quotas of the sites: there before the first machine is, changed with the VO, and taken back with it.
 * A site that takes none holds nothing up and is told of.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import { vep } from '../cli/fake-terminal.js';
import * as nebula from '../iaas/opennebula-harness.js';
import * as stack from '../iaas/openstack-harness.js';
import { Wire } from '../infrastructure/wire.js';
import { forEachDatabase, type TestDatabase } from '../support/databases.js';
import { FakeOned } from '../support/fake-oned/index.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { USUAL, type Project } from '../support/fake-openstack/world.js';
import { startTestServer, type RequestOptions, type TestServer } from '../support/server.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const STORAGE = 'http://schemas.ogf.org/occi/infrastructure#storage';
const A = 'eu.contrail-project.vo.';
const ADMIN: RequestOptions = { as: 'admin' };
const USAGE = { headers: { accept: 'application/vnd.vep.vo-usage+json' } };

forEachDatabase((_name, database) => {
  // A block of its own: the server must be down before the database is dropped.
  describe('a server', () => suite(database));
});

function suite(database: TestDatabase): void {
  let [directory, cloud, oned]: [string, FakeOpenStack, FakeOned] = ['', undefined as never, undefined as never];
  let server: TestServer;
  let vo: string;
  const wire = new Wire(() => server);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vep-at-sites-'));
    [cloud, oned] = [await FakeOpenStack.start(), await FakeOned.start()];
    const wish = { url: cloud.url, user: cloud.user.name, password: cloud.password, project: cloud.project.name };
    const more = { endpoints: {}, tenants: { others: 'create' } };
    const sites: JsonObject[] = [
      { name: 'cloud', type: 'openstack', options: stack.optionsFor({ ...wish, more }, directory) },
      { name: 'one', type: 'opennebula', options: nebula.optionsFor(oned.url, mkdtempSync(join(directory, 'one-'))) },
    ];
    const accounts = [{ name: 'higgs', roles: ['user' as const], group: 'atlas' }];
    server = await startTestServer({ database: database.at, accounts, config: { sites: sites as never } });
  });
  afterAll(async () => {
    await server?.close();
    await Promise.all([cloud?.close(), oned?.close()]);
    rmSync(directory, { recursive: true, force: true });
  });

  const volumes: string[] = [];
  const make = async (): Promise<string> => {
    const spec = { kind: STORAGE, attributes: { 'occi.storage.size': 1 } };
    const path = await wire.make('/storage/', spec, { as: 'higgs' });
    volumes.push(path);
    return path;
  };
  const project = (): Project | undefined =>
    [...cloud.world.projects.values()].find(({ name }) => name.startsWith('vep-atlas-'));
  const quotas = (): Readonly<Record<string, number>> =>
    Object.fromEntries([...oned.world.groups.values()].find(({ name }) => name === 'vep-atlas')?.quotas ?? []);
  const vosAt = async (): Promise<readonly { readonly site: string; readonly findings: readonly object[] }[]> =>
    (await server.request('GET', vo, { ...ADMIN, ...USAGE })).json.sites;

  it('finds them there before the first thing is made', async () => {
    const attributes = { [`${A}name`]: 'atlas', [`${A}limit.cores`]: 8, [`${A}limit.storage`]: 20 };
    vo = await wire.make('/vo/', { kind: `${VO}vo`, attributes }, ADMIN);
    const volume = await make();
    await server.wait(volume, ({ json }) => json.attributes?.['occi.storage.state'] === 'online', { as: 'higgs' });
    expect(project()?.quota).toEqual({ ...USUAL, cores: 8, gigabytes: 20 });
    expect([...cloud.world.volumes.values()].map((each) => each.project)).toEqual([project()?.id]);
  });

  it('writes them at every site that the VO may come to, and tells administrators so and nobody else', async () => {
    await until(() => quotas()['VM/CPU'] === 8 && quotas()['DATASTORE/101/SIZE'] === 20_480);
    await until(async () => (await vosAt()).length === 2);
    const held = { cores: 8, storageBytes: 20 * 2 ** 30 };
    expect(await vosAt()).toMatchObject([
      { site: 'cloud', as: `project ${project()?.id}`, held, findings: [] },
      { site: 'one', as: 'group vep-atlas', held, findings: [] },
    ]);
    const member = await server.request('GET', vo, { as: 'higgs', ...USAGE });
    expect([member.status, member.json.sites]).toEqual([200, undefined]);
  });

  it('changes them with the VO, and says where that is refused', async () => {
    cloud.user.roles.set(cloud.project.id, ['member', 'reader']);
    const change = { attributes: { [`${A}limit.cores`]: 12 } };
    expect((await wire.send('POST', vo, change, ADMIN)).status).toBe(200);
    await until(() => quotas()['VM/CPU'] === 12);
    await until(async () => (await vosAt()).some(({ findings }) => findings.length > 0));
    const { json } = await server.request('GET', '/health/sites/cloud/check', ADMIN);
    const codes = (json.findings as { code: string; message: string }[]).filter(({ message }) => /atlas/.test(message));
    expect(codes).toMatchObject([{ code: 'openstack.quota' }, { code: 'openstack.quota' }]);
    expect((await server.request('GET', '/health/sites/one/check', ADMIN)).json.findings).toEqual([]);
    const { out } = await vep(['vo', 'show', 'atlas', '--admin'], {
      environment: { VEP_DATA_DIR: server.directory },
      directory: packageRoot,
    });
    expect(out).toMatch(/SITE +THERE +STATE +REMEDY/);
    expect(out).toMatch(/one +group vep-atlas +written/);
    expect(out).toMatch(/cloud +project \w+ .*os-quota-sets:show.*give the account the role admin/);
    // What VEP itself holds goes on.
    await make();
    expect(project()?.quota.cores).toBe(8);
    cloud.user.roles.set(cloud.project.id, ['member', 'reader', 'admin']);
  });

  it('takes them back when the VO goes', async () => {
    for (const volume of volumes)
      expect((await wire.send('DELETE', volume, undefined, { as: 'higgs' })).status).toBe(200);
    await until(async () => (await wire.send('DELETE', vo, undefined, ADMIN)).status === 200);
    await until(() => Object.keys(quotas()).length === 0);
    await until(() => project()?.quota.cores === USUAL.cores && project()?.quota.gigabytes === USUAL.gigabytes);
    await until(async () => (await server.rows('SELECT vo FROM vo_site')).length === 0);
  });
}

async function until(wanted: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await wanted())) await new Promise((resolve) => setTimeout(resolve, 100));
}
