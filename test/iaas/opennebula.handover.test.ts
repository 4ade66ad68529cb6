/** The bytes of an image lie ready for as long as oned may read them, and not for ever. */

import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import type { ImageSpec, SiteAdapter } from '../../src/iaas/adapter.js';
import { freePort } from '../support/free-port.js';
import { Refused, refusalOf } from '../support/fake-oned/wire.js';
import { isCallOf, openNebulaHarness, openSite, optionsFor, type OpenNebulaHarness } from './opennebula-harness.js';

const BYTES = Buffer.alloc(4096, 'vep');
const [HOUR, OVER_AN_HOUR] = [3_600_000, 3_700_000];

let harness: OpenNebulaHarness;
afterEach(() => harness.close());

const spec = (id: string): ImageSpec => ({
  ...{ id, name: id, format: 'raw', sizeBytes: BYTES.byteLength },
  open: () =>
    Promise.resolve(
      (async function* () {
        yield await Promise.resolve(BYTES);
      })(),
    ),
});

const HTTP: JsonObject = { images: { handover: { listen: '127.0.0.1:0' } } };
const ways = [
  ['by a directory', {}, 'images', 'images.handover.directory'],
  ['over HTTP', HTTP, 'handover/one', 'images.handover.listen'],
] as const;

describe.each(ways)('%s', (_way, options, place, keys) => {
  beforeEach(async () => void (harness = await openNebulaHarness({}, () => options)));

  const files = (): string[] => readdirSync(join(harness.directory, place));
  const states = (): number[] => [...harness.fake.world.images.values()].map(({ state }) => state);

  /** oned has read what it was told of, or could not. */
  async function arrived(): Promise<void> {
    while (states().includes(4)) await harness.advance(2);
  }

  /** An import that was cut off while oned was at it. */
  async function cutOff(id: string): Promise<void> {
    const { adapter, fake } = harness;
    fake.world.copying = true;
    const stop = new AbortController();
    const looked = fake.called('one.image.info');
    const importing = adapter.importImage(spec(id), id, { signal: stop.signal });
    await looked;
    stop.abort();
    await expect(importing).rejects.toMatchObject({ class: 'transient' });
  }

  it('they stay where looks at the image fail, and it is found by the next try', async () => {
    const { adapter, fake, wire } = harness;
    fake.world.copying = true;
    const isLook = ({ body }: { readonly body: Buffer }): boolean => body.includes('one.image.info<');
    wire?.proxy.next({ kind: 'answer', status: 503, body: '' }, isLook, 20);
    await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject({ class: 'transient' });
    wire?.proxy.clear();
    expect([states(), files().length]).toEqual([[4], 1]);
    fake.world.copying = false;
    await adapter.importImage(spec('a'), 'a');
    expect([states(), files()]).toEqual([[1], []]);
  });

  it('they stay where the answer to the registration is lost', async () => {
    const { adapter, fake, wire } = harness;
    wire?.proxy.next({ kind: 'lose-answer' }, (request) => isCallOf('importImage', request));
    await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject({ class: 'transient' });
    await arrived();
    expect(states()).toEqual([1]);
    const calls = fake.calls.length;
    await adapter.importImage(spec('a'), 'a');
    expect([files(), fake.calls.slice(calls).map(({ method }) => method)]).toEqual([
      [],
      ['one.imagepool.info', 'one.image.info'],
    ]);
  });

  it('they go where oned refuses the image, and lie ready again where they were gone when it came to read them', async () => {
    const { adapter, fake, wire } = harness;
    const body = refusalOf('one.image.allocate', new Refused(2048, 'Not enough space in datastore'));
    wire?.proxy.next({ kind: 'answer', status: 200, body }, (request) => isCallOf('importImage', request));
    await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject({ class: 'capacity' });
    expect(files()).toEqual([]);
    await cutOff('a');
    for (const image of fake.world.images.values()) image.path = '';
    utimes(files(), OVER_AN_HOUR);
    expect([await adapter.tidy?.(), files()]).toEqual([0, []]);
    fake.world.copying = false;
    await adapter.importImage(spec('a'), 'a');
    expect(files()).toEqual([]);
    expect([...fake.world.images.values()].filter(({ name, state }) => name !== '' && state === 1)).toHaveLength(1);
  });

  it('they are named where oned does not get them, which is no fault of the image', async () => {
    const { adapter, fake, wire } = harness;
    const said = 'Cannot parse image SIZE: Failed to get image head';
    const body = refusalOf('one.image.allocate', new Refused(8192, said));
    wire?.proxy.next({ kind: 'answer', status: 200, body }, (request) => isCallOf('importImage', request));
    const unread = { class: 'transient', message: expect.stringContaining(keys) };
    await expect(adapter.importImage(spec('a'), 'a')).rejects.toMatchObject(unread);
    expect(files()).toEqual([]);
    await adapter.importImage(spec('a'), 'a');
    expect(states()).toEqual([1]);
    const { template } = fake.world.datastores.get(101)!;
    template.set('DS_MAD', 'fs');
    template.set('SAFE_DIRS', '/elsewhere');
    if (options === HTTP) return void (await adapter.importImage(spec('b'), 'b'));
    await expect(adapter.importImage(spec('b'), 'b')).rejects.toMatchObject(unread);
    template.set('SAFE_DIRS', harness.directory);
    await adapter.importImage(spec('b'), 'b');
  });

  it('they are swept when nobody needs them any more', async () => {
    const { adapter, fake } = harness;
    await cutOff('a');
    const [file = ''] = files();
    const kind = file.slice(0, 'vep-image-00000000-'.length);
    const [dead, fresh, others] = [
      `${kind}${'a'.repeat(48)}.raw`,
      `${kind}${'b'.repeat(48)}.raw`,
      'vep-image-else.raw',
    ];
    mkdirSync(join(harness.directory, place), { recursive: true });
    for (const name of [dead, fresh, others]) writeFileSync(join(harness.directory, place, name), 'half');
    utimes([file, dead, others], OVER_AN_HOUR);
    expect([await adapter.tidy?.(), files().sort()]).toEqual([2, [file, fresh, others].sort()]);
    fake.world.copying = false;
    await arrived();
    expect([await adapter.tidy?.(), files().sort()]).toEqual([1, [fresh, others].sort()]);
    utimes([fresh], HOUR - 60_000);
    expect(await adapter.tidy?.()).toBe(1);
  });

  function utimes(names: readonly string[], agoMs: number): void {
    const then = new Date(Date.now() - agoMs);
    for (const name of names) utimesSync(join(harness.directory, place, name), then, then);
  }
});

it('over HTTP they are there again after VEP has started anew', async () => {
  harness = await openNebulaHarness({}, () => ({}));
  const { fake, directory } = harness;
  const port = await freePort();
  const open = (): Promise<SiteAdapter> =>
    openSite(optionsFor(fake.url, directory, { images: { handover: { listen: `127.0.0.1:${port}` } } }), directory);
  const before = await open();
  fake.world.copying = true;
  const stop = new AbortController();
  const looked = fake.called('one.image.info');
  const importing = before.importImage(spec('a'), 'a', { signal: stop.signal });
  await looked;
  stop.abort();
  await expect(importing).rejects.toMatchObject({ class: 'transient' });
  await before.close();
  const after = await open();
  const going = after.importImage(spec('a'), 'a');
  await fake.called('one.image.info');
  fake.world.copying = false;
  await going;
  expect([...fake.world.images.values()].map(({ state }) => state)).toEqual([1]);
  // It is the first one that arrived, not another that took its place.
  expect(fake.calls.filter(({ method }) => method === 'one.image.allocate')).toHaveLength(1);
  await after.close();
});
