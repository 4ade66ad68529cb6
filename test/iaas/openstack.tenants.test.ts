/** Virtual Organizations in OpenStack: whose project is whose, and what becomes of the others where one cannot be asked. */

import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import { IaasError, PartUnasked } from '../../src/iaas/adapter.js';
import { readRef } from '../../src/iaas/adapters/openstack/marks.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import type { Project } from '../support/fake-openstack/world.js';
import { listed, OpenStackBench, rest, volumeOf } from './openstack-bench.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

describe('virtual organizations', () => {
  const owner = { user: 'alice', group: 'biomed vo' };

  it('get a project of their own at first sight, which the next process finds again', async () => {
    const site = await bench.site({ tenants: { others: 'create' } });
    const id = newUuid();
    const ref = await site.createStorage({ id, name: 'v', sizeBytes: 2 ** 30, owner }, id);
    const project = readRef(ref)?.project ?? '';
    expect(fake.world.projects.get(project)?.name).toMatch(/^vep-biomed_vo-/);
    const second = await bench.site({ tenants: { others: 'create' } });
    expect(await rest(second, 'storage', ref)).toMatchObject({ id });
    const listed: string[] = [];
    for await (const each of second.list('storage')) listed.push(each.ref);
    expect(listed).toEqual([ref]);
  });

  it('have what is theirs once, though an administrator is shown the networks and images of all projects', async () => {
    const site = await bench.site({ tenants: { others: 'create' } });
    const [mine, theirs, stranger] = [newUuid(), newUuid(), newUuid()];
    const refs = [
      await site.createNetwork({ id: mine, name: 'mine' }, mine),
      await site.createNetwork({ id: theirs, name: 'theirs', owner }, theirs),
    ];
    // Of another VEP, whose realm has the same name.
    const other = fake.world.addProject('elsewhere');
    fake.user.roles.set(other.id, ['member']);
    const elsewhere = await bench.site({ credentials: bench.credentialsFor(other.name) });
    await elsewhere.createNetwork({ id: stranger, name: 'stranger' }, stranger);
    const [name] = [...fake.world.networks.values()].map(({ body }) => body.name);
    fake.foreignImage();
    const image = { name, vep_id: stranger, status: 'active', size: 1 };
    fake.world.images.set(stranger, {
      id: stranger,
      project: other.id,
      body: { ...image, id: stranger, owner: other.id },
    });
    const listed: string[] = [];
    for (const what of ['network', 'image'] as const) for await (const each of site.list(what)) listed.push(each.ref);
    expect(listed.sort()).toEqual(refs.sort());
    const { networks, images } = await site.inventory();
    expect(networks.map((each) => each.name)).toEqual(['mine']);
    expect(images.map((each) => each.name)).toEqual(['dummy']);
  });

  it('are mapped to projects by name, or refused', async () => {
    const project = fake.world.addProject('biomed');
    fake.user.roles.set(project.id, ['member']);
    const projects = [{ group: 'biomed vo', project: 'biomed' }];
    const site = await bench.site({ tenants: { projects, others: 'refuse' } });
    const id = newUuid();
    const ref = await site.createStorage({ id, name: 'v', sizeBytes: 2 ** 30, owner }, id);
    expect(readRef(ref)?.project).toBe(project.id);
    const other = { id: newUuid(), name: 'v', sizeBytes: 2 ** 30, owner: { user: 'x', group: 'strangers' } };
    await expect(site.createStorage(other, other.id)).rejects.toMatchObject({ class: 'denied' });
    expect(await site.check()).toEqual([]);
  });

  /** Sites of two groups, each with a volume in a project of its own. */
  async function two(tenants: JsonObject): Promise<{ readonly good: string; readonly bad: string }> {
    const site = await bench.site({ tenants });
    const good = await volumeOf(site, { user: 'x', group: 'good' });
    return { good, bad: await volumeOf(site, { user: 'x', group: 'bad' }) };
  }

  const projectOf = (ref: string): Project => fake.world.projects.get(readRef(ref)?.project ?? '') as Project;

  const byName = {
    projects: ['good', 'bad'].map((group) => ({ group, project: `of-${group}` })),
    others: 'refuse',
  };

  /** Keystone takes its tokens back with the role. */
  const letGo = (project: Project): void => {
    fake.user.roles.delete(project.id);
    fake.revokeTokens();
  };
  const disable = (project: Project): Project => Object.assign(project, { enabled: false });

  it.each([
    ['disabled, by name', byName, disable],
    ['without a role, by name', byName, letGo],
    ['disabled, made by VEP', { others: 'create' }, disable],
    ['without a role, made by VEP', { others: 'create' }, letGo],
  ])('lose nothing by the project of another one that is %s', async (_how, tenants, shutOut) => {
    for (const name of ['of-good', 'of-bad']) fake.user.roles.set(fake.world.addProject(name).id, ['member']);
    const { good, bad } = await two(tenants);
    const early = await bench.site({ tenants });
    await early.describe('storage', [good, bad]);
    shutOut(projectOf(bad));
    // One that has worked in it, and one that never has.
    for (const site of [early, await bench.site({ tenants })]) {
      expect((await site.describe('storage', [good])).get(good)).toMatchObject({ state: 'online' });
      const seen: string[] = [];
      const listing = (async () => {
        for await (const each of site.list('storage')) seen.push(each.ref);
      })();
      await expect(listing).rejects.toMatchObject({ class: 'transient', said: expect.any(String) });
      expect(seen).toEqual([good]);
      // What lies there is not gone.
      const asked = site.describe('storage', [good, bad]);
      await expect(asked).rejects.toBeInstanceOf(PartUnasked);
      const error = await asked.catch((thrown: unknown) => thrown);
      expect([good, bad].map((ref) => (error as PartUnasked).hides(ref))).toEqual([false, true]);
      await expect(site.delete('storage', bad)).rejects.toBeInstanceOf(IaasError);
      const name = projectOf(bad).name.startsWith('of-') ? 'the project of bad' : `project ${projectOf(bad).name}`;
      const message = expect.stringContaining(`${name}: Keystone does not take`);
      expect(await site.check()).toEqual([expect.objectContaining({ code: 'openstack.tenant', message })]);
    }
    Object.assign(projectOf(bad), { enabled: true });
    fake.user.roles.set(projectOf(bad).id, ['member']);
    expect((await early.describe('storage', [good, bad])).size).toBe(2);
  });

  it('get another project, and have lost what lay in it, when somebody deletes theirs in Keystone', async () => {
    const site = await bench.site({ tenants: { others: 'create' } });
    const [good, bad] = ['good', 'bad'].map((group) => ({ user: 'x', group }));
    const [kept, lost] = [await volumeOf(site, good), await volumeOf(site, bad)];
    const gone = projectOf(lost);
    fake.removeProject(gone);
    // Whoever is the first to be told asks again, as the engine does.
    const told = expect.objectContaining({ class: 'transient', message: expect.stringContaining(gone.name) });
    await expect(volumeOf(site, bad)).rejects.toEqual(told);
    const again = await volumeOf(site, bad);
    expect(readRef(again)?.project).not.toBe(gone.id);
    expect([...(await site.describe('storage', [kept, lost, again])).keys()].sort()).toEqual([kept, again].sort());
    expect((await listed(site, 'storage')).map(({ ref }) => ref).sort()).toEqual([kept, again].sort());
    await site.delete('storage', lost);
    expect(await site.check()).toEqual([]);
    expect([...fake.world.projects.values()].map((each) => (each as { more?: JsonObject }).more?.['egi.VO'])).toEqual(
      expect.arrayContaining(['good', 'bad']),
    );
  });

  it('of which one has lost its project take nothing from the others, who look at all of them', async () => {
    const site = await bench.site({ tenants: { others: 'create' } });
    const [kept, lost] = [await volumeOf(site, owner), await volumeOf(site, { user: 'x', group: 'bad' })];
    fake.removeProject(projectOf(lost));
    fake.revokeTokens();
    // The first look is told that something is not there to be asked, and of whom; the next one knows.
    await expect(site.describe('storage', [kept, lost])).rejects.toBeInstanceOf(PartUnasked);
    expect((await listed(site, 'storage')).map(({ ref }) => ref)).toEqual([kept]);
    expect((await site.describe('storage', [kept, lost])).size).toBe(1);
    expect(await site.check()).toEqual([]);
  });

  it('named by their project say so while it is gone, and go on in the next of that name', async () => {
    fake.user.roles.set(fake.world.addProject('of-bad').id, ['member']);
    const site = await bench.site({ tenants: { projects: [{ group: 'bad', project: 'of-bad' }], others: 'own' } });
    const owner = { user: 'x', group: 'bad' };
    const lost = await volumeOf(site, owner);
    fake.removeProject(projectOf(lost));
    await expect(volumeOf(site, owner)).rejects.toMatchObject({ class: 'denied' });
    expect(await site.check()).toMatchObject([
      { code: 'openstack.tenant', message: expect.stringContaining('the project of bad') },
    ]);
    fake.user.roles.set(fake.world.addProject('of-bad').id, ['member']);
    const again = await volumeOf(site, owner);
    expect([...(await site.describe('storage', [lost, again])).keys()]).toEqual([again]);
  });

  it('get the project that an earlier version made for them, whatever it is called', async () => {
    const more = { description: 'vep group biomed vo', tags: ['vep-realm-vep'] };
    const old = Object.assign(fake.world.addProject('vep-biomed'), { more });
    const site = await bench.site({ tenants: { others: 'create' } });
    expect(readRef(await volumeOf(site, owner))?.project).toBe(old.id);
  });

  it("share no project with those of another VEP, and take none that is somebody else's", async () => {
    const [one, other] = [
      await bench.site({ realm: 'one', tenants: { others: 'create' } }),
      await bench.site({ realm: 'two', tenants: { others: 'create' } }),
    ];
    const refs = [await volumeOf(one, owner), await volumeOf(other, owner)];
    const made = refs.map(projectOf);
    expect(new Set(made.map(({ id }) => id)).size).toBe(2);
    // Theirs has lost its tags: it may be anybody's by now.
    for (const project of made) Object.assign(project, { more: {} });
    const again = await bench.site({ realm: 'one', tenants: { others: 'create' } });
    await expect(volumeOf(again, owner)).rejects.toMatchObject({
      class: 'conflict',
      message: expect.stringContaining('tenants.prefix'),
    });
  });

  it.each([
    [{ others: 'create' }, 'tenants.others'],
    [{ projects: [{ group: 'biomed', project: 'biomed' }] }, 'tenants.projects.0.project'],
  ])('need more than an application credential for %j', async (tenants, path) => {
    const credentials = { method: 'application_credential', id: 'cred', secret: { env: 'NONE' } };
    const reading = bench.site({ credentials, tenants });
    await expect(reading).rejects.toMatchObject({ faults: [{ code: 'openstack.one-project', place: { path } }] });
  });
});
