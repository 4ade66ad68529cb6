/** Changes at an OpenNebula as VEP hears of them: from the hook manager, and by polling behind it. */

import { systemClock, type Clock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter, SiteEvent } from '../../src/iaas/adapter.js';
import { eventOf } from '../../src/iaas/adapters/opennebula/events.js';
import type { FakeOned } from '../support/fake-oned/index.js';
import { openNebulaHarness, openSite, optionsFor, type OpenNebulaHarness } from './opennebula-harness.js';

let harness: OpenNebulaHarness;
let fake: FakeOned;
let adapter: SiteAdapter;
let stop: AbortController;
let seen: SiteEvent[];
let following: Promise<void> | undefined;
let eager: SiteAdapter | undefined;
beforeEach(async () => {
  harness = await openNebulaHarness();
  ({ fake, adapter } = harness);
  [stop, seen, following] = [new AbortController(), [], undefined];
});
afterEach(async () => {
  stop.abort();
  await following;
  await eager?.close();
  await harness.close();
});

/** Nobody waits long before listening again. */
const impatient: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 1 : ms, signal) };

/** Follows the events of a site of its own until the end of the test. */
async function follow(events: JsonObject): Promise<void> {
  eager = await openSite(optionsFor(fake.url, harness.directory, { events }), harness.directory, impatient);
  const told = eager.events(stop.signal);
  following = (async () => {
    for await (const event of told) seen.push(event);
  })();
}

const times = (ref: string, what: SiteEvent['class']): number =>
  seen.filter((event) => event.ref === ref && event.class === what).length;
const called = (method: string): number => fake.calls.filter((call) => call.method === method).length;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(3);
}

async function volume(id: string): Promise<string> {
  const ref = await adapter.createStorage({ id, name: id, sizeBytes: 2 ** 30 }, id);
  await until(() => fake.world.images.get(Number(ref))?.state === 1);
  return ref;
}

async function machine(id: string): Promise<string> {
  const volumes = [{ id: `disk of ${id}`, storage: await volume(`boot of ${id}`) }];
  return adapter.createCompute({ id, name: id, cores: 1, memoryBytes: 2 ** 29, volumes }, id);
}

it('come from the hook manager long before the next poll, volumes as what they are', async () => {
  await follow({ publisher: fake.publishedAt, pollMs: 600_000 });
  await until(() => fake.publisher.listeners > 0);
  const ref = await machine('vm');
  await adapter.actCompute(ref, 'start', undefined);
  await until(() => times(ref, 'compute') >= 3);
  const storage = await volume('v');
  await adapter.actStorage(storage, 'offline');
  await until(() => times(storage, 'storage') >= 2);
  expect(times(storage, 'image')).toBe(0);
});

it('are found by polling where nothing is published: machines and volumes that change, come and go', async () => {
  const [ref, storage] = [await machine('vm'), await volume('v')];
  await follow({ pollMs: 5 });
  await until(() => called('one.vmpool.info') >= 2);
  await adapter.actCompute(ref, 'start', undefined);
  await until(() => times(ref, 'compute') > 0);
  await adapter.actStorage(storage, 'offline');
  await until(() => times(storage, 'storage') > 0);
  const other = await machine('other');
  await until(() => times(other, 'compute') > 0);
  const before = [times(other, 'compute'), times(storage, 'storage')];
  await adapter.delete('compute', other);
  await adapter.delete('storage', storage);
  const gone = (): boolean =>
    !fake.world.images.has(Number(storage)) && fake.world.machines.get(Number(other))?.state === 6;
  await until(gone);
  await until(() => times(other, 'compute') > (before[0] ?? 0) && times(storage, 'storage') > (before[1] ?? 0));
});

it('that were missed while nobody listened are told as soon as somebody does again', async () => {
  const [ref, storage] = [await machine('vm'), await volume('v')];
  const looks = called('one.vmpool.info');
  await follow({ publisher: fake.publishedAt, pollMs: 600_000 });
  // At first, and once more when it listens.
  await until(() => called('one.vmpool.info') === looks + 2);
  fake.publisher.silent = true;
  await adapter.actStorage(storage, 'offline');
  await adapter.actCompute(ref, 'start', undefined);
  await until(() => fake.world.machines.get(Number(ref))?.lcm === 3);
  expect(seen).toEqual([]);
  fake.publisher.silent = false;
  fake.publisher.drop();
  await until(() => times(ref, 'compute') > 0 && times(storage, 'storage') > 0);
});

describe('a message', () => {
  const image = (purpose: string): string =>
    `<HOOK_OBJECT>IMAGE</HOOK_OBJECT><RESOURCE_ID>5</RESOURCE_ID><IMAGE><ID>5</ID><TEMPLATE>${purpose}</TEMPLATE></IMAGE>`;

  it.each([
    ['a machine', '<HOOK_OBJECT>VM</HOOK_OBJECT><RESOURCE_ID>5</RESOURCE_ID>', 'compute'],
    ['a volume', image('<VEP_PURPOSE>volume</VEP_PURPOSE>'), 'storage'],
    ['an image', image('<VEP_PURPOSE>image</VEP_PURPOSE>'), 'image'],
    ['an image of somebody else', image(''), 'image'],
    ['a host', '<HOOK_OBJECT>HOST</HOOK_OBJECT><RESOURCE_ID>5</RESOURCE_ID>', undefined],
    ['nobody knows what', '<HOOK_OBJECT>VM</HOOK_OBJECT>', undefined],
    ['half a document', '<HOOK_OBJECT>', undefined],
  ])('about %s', (_what, text, what) => {
    const body = Buffer.from(Buffer.from(`<HOOK_MESSAGE>${text}</HOOK_MESSAGE>`).toString('base64'), 'latin1');
    expect(eventOf(body, 1)).toEqual(what === undefined ? undefined : { ref: '5', class: what, at: 1 });
  });
});
