/**
 * An image on its way from one cloud to another, of a different kind: what arrives is what the first one has, or nothing. From
 * a fake OpenStack always, and from the Glance of a real one where `VEP_TEST_OPENSTACK` names it.
 */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '../../src/base/clock.js';
import type { SiteRef } from '../../src/iaas/adapter.js';
import { Sites } from '../../src/iaas/sites.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { openTransfer, type Transfer } from '../../src/transfer/transfer.js';
import { SiteImages } from '../../extensions/infrastructure/images.js';
import type { Harness } from '../support/adapter-suite.js';
import { describeWith } from '../support/counterparts.js';
import { parseConfig } from '../../src/base/config-file.js';
import { removeTemporaryFolders, temporaryFolder } from '../transfer/support.js';
import { libvirtHarness, PROGRAMS } from './libvirt-harness.js';
import { realOpenStack } from '../support/real-openstack/keystone.js';
import { fakeHarness, realHarness } from './openstack-harness.js';

const CLOUDS: readonly (readonly [string, () => Promise<Harness>])[] = [
  ['a fake OpenStack', () => fakeHarness('admin')],
  ...(realOpenStack ? [['a real OpenStack', () => realHarness('member')] as const] : []),
];

const PATIENCE_MS = 300_000;

describeWith(...PROGRAMS).each(CLOUDS)('from %s to libvirt', (_name, open) => {
  let stack: Harness;
  let here: Harness;
  let sites: Sites;
  let dialler: GuardedDialler;
  let images: SiteImages;
  let transfer: Transfer;
  let image: SiteRef;
  let folder: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    [stack, here] = [await open(), await libvirtHarness()];
    sites = new Sites({ clock: systemClock });
    sites.add(stack.adapter);
    sites.add(here.adapter);
    dialler = new GuardedDialler({});
    const config = parseConfig(JSON.stringify({ data: { directory: folder } }), {});
    transfer = await openTransfer({
      config,
      clock: systemClock,
      dialler,
      siteImages: (site, image, signal) => sites.adapter(site).exportImage(image, { signal }),
      referenced: () => Promise.resolve([]),
    });
    images = new SiteImages(sites, transfer.fetcher, transfer.blobs, undefined);
    const { bytes, format, virtualSizeBytes } = here.image;
    const spec = { id: 'golden', name: 'golden', format, sizeBytes: bytes.byteLength, virtualSizeBytes };
    image = await stack.adapter.importImage({ ...spec, open: () => Promise.resolve(pieces(bytes)) }, 'golden');
  }, PATIENCE_MS);

  afterAll(async () => {
    await stack.adapter.delete('image', image);
    await dialler.close();
    await here.close();
    await stack.close();
    removeTemporaryFolders();
  }, PATIENCE_MS);

  const brought = (to: string): Promise<SiteRef> => {
    const source = { from: { site: 'stack', image }, owner: 'alice' };
    return images.ensure(to, { key: `golden ${to}`, name: 'golden', source }, AbortSignal.timeout(PATIENCE_MS));
  };

  it(
    'arrives whole, makes disks, and is used as it is where it lies',
    async () => {
      const ref = await brought('here');
      const arrived = await sites.adapter('here').exportImage(ref);
      expect((await buffer(await arrived.open())).equals(here.image.bytes)).toBe(true);
      const disk = { id: 'disk', name: 'disk', sizeBytes: 2 ** 30, image: ref };
      const volume = await here.adapter.createStorage(disk, disk.id);
      expect((await here.adapter.describe('storage', [volume])).get(volume)).toMatchObject({ state: 'online' });
      await here.adapter.delete('storage', volume);
      await here.adapter.delete('image', ref);
      expect(await brought('stack')).toBe(image);
    },
    PATIENCE_MS,
  );

  it(
    'is worth another try where the line breaks, and arrives with it',
    async () => {
      const isFile = ({ method, path }: { method: string; path: string }): boolean =>
        method === 'GET' && /\/images\/[^/]+\/file$/.test(path);
      for (const kind of ['reset', 'lose-answer', 'cut-answer'] as const) {
        // What is here already is not fetched.
        const { sha256 } = await transfer.fetcher.fetch({ from: { site: 'stack', image }, owner: 'alice' });
        rmSync(join(folder, 'blobs/sha256', sha256.slice(0, 2)), { recursive: true });
        stack.wire?.proxy.next({ kind }, isFile);
        await expect(brought('here')).rejects.toMatchObject({ class: 'transient' });
        await here.adapter.delete('image', await brought('here'));
      }
    },
    PATIENCE_MS,
  );
});

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield await Promise.resolve(bytes.subarray(at, at + 65_536));
}
