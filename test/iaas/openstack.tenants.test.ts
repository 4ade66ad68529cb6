/** Virtual Organizations in OpenStack: whose project is whose, and what becomes of the others where one cannot be asked. */

import { newUuid } from '../../src/base/ids.js';
import { readRef } from '../../src/iaas/adapters/openstack/marks.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import { OpenStackBench, rest } from './openstack-bench.js';

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
});
