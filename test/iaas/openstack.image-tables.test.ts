/** Images and snapshots of volumes at OpenStack, each of their turns in a row of a table. */

import { systemClock, type Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import { digestOf, readRef, uniqueName } from '../../src/iaas/adapters/openstack/marks.js';
import type { Json } from '../support/fake-openstack/answers.js';
import type { FakeOpenStack } from '../support/fake-openstack/index.js';
import { IMAGE_BYTES, imageSpec, OpenStackBench, rest, volumeOf } from './openstack-bench.js';

const bench = OpenStackBench.forEachTest();
let fake: FakeOpenStack;
beforeEach(() => void (fake = bench.fake));

describe('images', () => {
  it.each([
    ['with other bytes', (body: Json) => Object.assign(body, { os_hash_value: 'ab'.repeat(64) })],
    ['with fewer bytes', (body: Json) => Object.assign(body, { size: 1 })],
  ])('that arrive %s are not kept', async (_what, spoil) => {
    const site = await bench.site();
    const answer = fake.answer.bind(fake);
    fake.answer = (service, request) => {
      const answered = answer(service, request);
      if (request.method === 'PUT') for (const { body } of fake.world.images.values()) spoil(body);
      return answered;
    };
    await expect(site.importImage(imageSpec(), newUuid())).rejects.toMatchObject({
      class: 'transient',
      message: 'the image has not arrived at Glance as it was sent',
    });
    expect(fake.world.images.size).toBe(0);
  });

  it('that another process brings in with the same token are waited for', async () => {
    const site = await bench.site();
    const id = newUuid();
    const name = uniqueName('vep', digestOf('vep', id));
    // Its upload has begun.
    const theirs = { name, vep_id: id, status: 'saving', size: null, owner: fake.project.id, id: newUuid() };
    fake.world.images.set(theirs.id, { id: theirs.id, project: fake.project.id, body: theirs });
    bench.before('GET', new RegExp(`/images/${theirs.id}$`), () =>
      Object.assign(theirs, { status: 'active', size: IMAGE_BYTES.length }),
    );
    const ref = await site.importImage(imageSpec(id), id);
    expect(await rest(site, 'image', ref)).toMatchObject({ state: 'active', id });
    expect(fake.world.images.size).toBe(1);
  });

  it.each(['brought in', 'saved'])(
    'that were %s are used in the projects that need them, again and again',
    async (how) => {
      const site = await bench.site({ tenants: { others: 'create' } });
      const brought = await site.importImage(imageSpec(), newUuid());
      let ref = brought;
      if (how === 'saved') {
        const saved = await bench.running(site, { image: brought });
        ref = await site.saveCompute(saved, 'golden', undefined, newUuid());
        await rest(site, 'image', ref);
      }
      const owner = { user: 'alice', group: 'biomed' };
      const seen = bench.watch();
      for (let count = 0; count < 2; count++) {
        const vm = await bench.running(site, { image: ref, owner });
        expect(await rest(site, 'compute', vm)).toMatchObject({ state: 'active' });
        expect(readRef(vm)?.project).not.toBe(fake.project.id);
      }
      const asked = seen.filter(({ path }) => path.endsWith('/members'));
      expect(asked.map(({ body }) => JSON.parse(body.toString()))).toEqual(
        [1, 2].map(() => ({ member: [...fake.world.servers.values()].at(-1)?.project })),
      );
    },
  );
});

describe('snapshots of a volume', () => {
  it('that are asked for again at once are the same one, and later another', async () => {
    let later = 0;
    const clock: Clock = { now: () => Date.now() + later, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
    const site = await bench.site({}, clock);
    const [ref, other] = [await volumeOf(site), await volumeOf(site)];
    for (let count = 0; count < 2; count++) await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(1);
    await site.actStorage(other, 'snapshot');
    expect(fake.world.snapshots.size).toBe(2);
    // Past the time in which it is the same, on the slowest of machines too.
    later = 3_600_000;
    await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(3);
    for (const each of [ref, other]) await site.delete('storage', each);
    await rest(site, 'storage', ref);
    await rest(site, 'storage', other);
    expect(fake.contents()).toEqual({});
  });

  it('of somebody else are none of VEP’s, and keep the volume', async () => {
    const site = await bench.site();
    const ref = await volumeOf(site);
    const [volume = ''] = [...fake.world.volumes.keys()];
    const theirs = {
      id: newUuid(),
      volume_id: volume,
      name: 'theirs',
      created_at: new Date().toISOString().slice(0, -1),
    };
    fake.world.snapshots.set(theirs.id, { id: theirs.id, project: fake.project.id, body: theirs });
    await site.actStorage(ref, 'snapshot');
    expect(fake.world.snapshots.size).toBe(2);
    await expect(site.delete('storage', ref)).rejects.toMatchObject({ class: 'conflict' });
  });
});
