/** Volumes that several servers of OpenStack have at a time: whose turn it is, what is noted of each, and types that do not let it be. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import {
  IaasError,
  type ComputeSpec,
  type Observed,
  type ResourceClass,
  type SiteAdapter,
} from '../../src/iaas/adapter.js';
import { CALL_LIMITS, GuardedSite } from '../../src/iaas/guarded-site.js';
import type { Json } from '../support/fake-openstack/answers.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { openSite, optionsFor } from './openstack-harness.js';

let directory: string;
let fake: FakeOpenStack;
let site: SiteAdapter;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vep-openstack-'));
  fake = await FakeOpenStack.start({ stepMs: 20 });
  site = await siteOf('multiattach');
});

afterEach(async () => {
  await site.close();
  await fake.close();
  rmSync(directory, { recursive: true });
});

function siteOf(sharedType: string): Promise<SiteAdapter> {
  const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
  const more = { endpoints: {}, volumes: { sharedType } };
  return openSite(optionsFor({ ...wish, more }, directory), directory);
}

async function rest(what: ResourceClass, ref: string): Promise<Observed | undefined> {
  for (;;) {
    const seen = (await site.describe(what, [ref])).get(ref);
    if (!seen?.busy) return seen;
    await pause(5);
  }
}

async function volume(shared: boolean): Promise<string> {
  const id = newUuid();
  const spec = { id, name: 'quorum', sizeBytes: 2 ** 30, ...(shared ? { shared } : {}) } as const;
  const ref = await site.createStorage(spec, id);
  await rest('storage', ref);
  return ref;
}

const machine = (...volumes: readonly { readonly id: string; readonly storage: string }[]): ComputeSpec => {
  const id = newUuid();
  return { id, name: 'vm', cores: 1, memoryBytes: 512 * 2 ** 20, volumes };
};

/** With a disk of its own to boot from, and the shared one. */
async function member(storage: string): Promise<{ readonly spec: ComputeSpec; readonly link: string }> {
  const link = newUuid();
  return { spec: machine({ id: newUuid(), storage: await volume(false) }, { id: link, storage }), link };
}

/** Asks as the engine does: what is answered with "later" is asked again. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  for (let waited = 0; ; waited += 1)
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof IaasError) || error.class !== 'transient' || waited > 500) throw error;
      await pause(5);
    }
}

/** Lets nothing come about until it is called. */
function hold(): () => void {
  const { world } = fake;
  const [held, after] = [[] as (() => void)[], world.after.bind(world)];
  world.after = (_ms, then) => void held.push(then);
  return () => {
    world.after = after;
    for (const then of held) then();
  };
}

const bodyOf = (name: (body: Json) => boolean): Json =>
  [...fake.world.volumes.values()].map(({ body }) => body).find(name);
const shared = (): Json => bodyOf(({ multiattach }) => multiattach);
const notes = (): string[] => Object.keys(shared().metadata).filter((name) => name.startsWith('vep_plug_'));

it('gives it to machines that are made at the same time one after the other', async () => {
  const storage = await volume(true);
  const members = [await member(storage), await member(storage), await member(storage)];
  const release = hold();
  const first = await Promise.allSettled(members.map(({ spec }) => site.createCompute(spec, spec.id)));
  const refusals = first.flatMap((each) => (each.status === 'rejected' ? [each.reason as IaasError] : []));
  expect(refusals.map((each) => each.class)).toEqual(['transient', 'transient']);
  release();
  const made = await Promise.all(members.map(({ spec }) => asked(() => site.createCompute(spec, spec.id))));
  const links = await Promise.all(
    members.map(async ({ link }, index) => {
      const compute = made[index] ?? '';
      await rest('compute', compute);
      return site.attachStorage({ id: link, compute, storage }, link);
    }),
  );
  expect(new Set(links).size).toBe(3);
  const seen = await Promise.all(links.map((link) => rest('attachment', link)));
  expect(seen.map((each) => each?.state)).toEqual(['active', 'active', 'active']);
  expect(shared().attachments).toHaveLength(3);
  expect(fake.world.servers.size).toBe(3);
});

it('waits for an earlier try that Nova has not shown yet, and makes no second machine', async () => {
  const storage = await volume(true);
  const { spec } = await member(storage);
  fake.order('slow-create');
  await site.createCompute(spec, spec.id);
  expect(fake.world.servers.size).toBe(0);
  await expect(site.createCompute(spec, spec.id)).rejects.toMatchObject({ class: 'transient' });
  fake.hurry();
  await site.createCompute(spec, spec.id);
  expect(fake.world.servers.size).toBe(1);
});

it('gives back what Nova had reserved when it refused a machine, as somebody else was faster', async () => {
  const storage = await volume(true);
  const { spec } = await member(storage);
  const [{ reservations }, body] = [fake.world, shared()];
  const answer = fake.answer.bind(fake);
  fake.answer = (service, request) => {
    if (service === 'compute' && request.method === 'POST' && request.path.endsWith('/servers')) {
      body.status = 'reserved';
      reservations.set(body.id, { id: 'theirs', server: 'another' });
    }
    return answer(service, request);
  };
  await expect(site.createCompute(spec, spec.id)).rejects.toMatchObject({ class: 'transient' });
  // Nova has taken nothing back; the volume that the other one waits for stays its own.
  expect([...reservations.values()]).toEqual([{ id: 'theirs', server: 'another' }]);
  expect(bodyOf(({ multiattach }) => !multiattach)).toMatchObject({ status: 'available' });
  fake.answer = answer;
  reservations.clear();
  body.status = 'available';
  await site.createCompute(spec, spec.id);
  expect(fake.world.servers.size).toBe(1);
});

describe('with two machines that have it', () => {
  let storage: string;
  let machines: string[];
  let links: string[];

  beforeEach(async () => {
    storage = await volume(true);
    [machines, links] = [[], []];
    for (const { spec, link } of [await member(storage), await member(storage)]) {
      const compute = await asked(() => site.createCompute(spec, spec.id));
      await rest('compute', compute);
      machines.push(compute);
      links.push(await site.attachStorage({ id: link, compute, storage }, link));
    }
    for (const link of links) await rest('attachment', link);
  });

  it('takes it from one after the other, and forgets of those that it has left when another one comes', async () => {
    const [one = '', other = ''] = links;
    const release = hold();
    await site.delete('attachment', one);
    await expect(site.delete('attachment', other)).rejects.toMatchObject({ class: 'transient' });
    // Asked for once more, it is what is under way.
    await site.delete('attachment', one);
    expect((await site.describe('attachment', links)).get(one)).toMatchObject({ busy: true });
    expect((await site.describe('attachment', links)).get(other)).toMatchObject({ busy: false, state: 'active' });
    release();
    expect(await rest('attachment', one)).toBeUndefined();
    await site.delete('attachment', other);
    expect(await rest('attachment', other)).toBeUndefined();

    const id = newUuid();
    const again = await site.attachStorage({ id, compute: machines[0] ?? '', storage }, id);
    expect(await rest('attachment', again)).toMatchObject({ id, state: 'active' });
    expect(notes().filter((name) => !name.startsWith('vep_plug_id'))).toHaveLength(1);
  });

  it('makes it larger, and copies it, for both', async () => {
    await site.resizeStorage(storage, 3 * 2 ** 30);
    expect(await rest('storage', storage)).toMatchObject({ state: 'online', sizeBytes: 3 * 2 ** 30 });
    await site.actStorage(storage, 'snapshot');
    for (const link of links) expect(await rest('attachment', link)).toMatchObject({ state: 'active' });
    await expect(site.delete('storage', storage)).rejects.toMatchObject({ class: 'conflict' });
  });

  it('keeps what a machine boots from until that goes, for each', async () => {
    const [boot] = [newUuid()];
    const spec = machine({ id: boot, storage });
    const compute = await asked(() => site.createCompute(spec, spec.id));
    await rest('compute', compute);
    const link = await site.attachStorage({ id: boot, compute, storage }, boot);
    await rest('attachment', link);
    await site.delete('attachment', link);
    expect(await rest('attachment', link)).toBeUndefined();
    expect(shared().attachments).toHaveLength(3);
    for (const each of links) expect(await rest('attachment', each)).toMatchObject({ state: 'active' });
    await site.delete('compute', compute);
    await rest('compute', compute);
    expect(shared().attachments).toHaveLength(2);
  });
});

it('is given to no machine twice', async () => {
  const storage = await volume(true);
  const twice = machine({ id: newUuid(), storage }, { id: newUuid(), storage });
  const guarded = new GuardedSite(site, systemClock, CALL_LIMITS, () => undefined);
  await expect(guarded.createCompute(twice, twice.id)).rejects.toMatchObject({ class: 'invalid' });
  expect(fake.world.servers.size).toBe(0);
});

it('leaves every other volume to one machine', async () => {
  const storage = await volume(false);
  const first = await member(storage);
  const compute = await site.createCompute(first.spec, first.spec.id);
  await rest('compute', compute);
  const second = await member(storage);
  await expect(site.createCompute(second.spec, second.spec.id)).rejects.toMatchObject({ class: 'conflict' });
});

it.each([
  ['that is not there', 'no-such', 'there is no volume type no-such, which volumes.sharedType names', 'not-found'],
  ['that does not let it be', '__DEFAULT__', expect.stringContaining('one machine'), 'unsupported'],
])('tells of a type %s, and makes nothing of it', async (_what, type, message, refused) => {
  await site.close();
  site = await siteOf(type);
  expect(await site.check()).toEqual([expect.objectContaining({ code: 'openstack.volume-type', message })]);
  await expect(volume(true)).rejects.toMatchObject({ class: refused });
  expect(fake.contents()).toEqual({});
});

it('is offered where such a type is named, and nowhere else', async () => {
  expect([site.capabilities().sharesVolumes, await site.check()]).toEqual([true, []]);
  await site.close();
  const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
  site = await openSite(optionsFor({ ...wish, more: { endpoints: {} } }, directory), directory);
  expect(site.capabilities().sharesVolumes).toBe(false);
  await expect(volume(true)).rejects.toMatchObject({ class: 'unsupported' });
});
