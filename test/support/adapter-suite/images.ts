/** Images come in whole or not at all, are what they say they are, and make machines; so do machines that were saved. */

import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { SiteRef } from '../../../src/iaas/adapter.js';
import { probeImage } from '../../../src/transfer/image-probe.js';
import type { Bench } from './bench.js';
import { inPieces } from './bench.js';

export function describeImages(bench: Bench): void {
  describe('takes images in', () => {
    it('from a stream, and boots them', async () => {
      if (!bench.takesImages) return bench.skip('no images');
      const { bytes } = bench.harness.image;
      const spec = bench.imageSpec({ sha256: createHash('sha256').update(bytes).digest('hex') });
      const image = bench.own('image', await bench.adapter.importImage(spec, spec.id));
      expect(await bench.reaches('image', image, 'active')).toMatchObject({ id: spec.id, sizeBytes: bytes.byteLength });
      expect((await bench.adapter.inventory()).images.map((each) => each.ref)).toContain(image);
      await bench.running({ image });
    });

    it('as content of a volume', async () => {
      if (!bench.takesImages) return bench.skip('no images');
      if (!bench.can.storage.has('create')) return bench.skip('no volumes');
      const image = await bench.image();
      const id = bench.id();
      const sizeBytes = Math.max(2 ** 30, bench.harness.image.virtualSizeBytes);
      const volume = bench.own(
        'storage',
        await bench.adapter.createStorage({ id, name: 'from-image', sizeBytes, image }, id),
      );
      await bench.reaches('storage', volume, 'online');
    });

    it('and leaves nothing of one whose stream breaks', async () => {
      if (!bench.takesImages) return bench.skip('no images');
      const before = (await bench.listed('image')).map((image) => image.ref);
      const { bytes } = bench.harness.image;
      const spec = bench.imageSpec({ open: () => Promise.resolve(broken(bytes)) });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'transient', 'invalid');
      await bench.harness.advance(bench.harness.pace.stepMs);
      expect((await bench.listed('image')).map((image) => image.ref)).toEqual(before);
      const whole = { ...spec, open: () => Promise.resolve(inPieces(bytes)) };
      await bench.reaches('image', bench.own('image', await bench.adapter.importImage(whole, spec.id)), 'active');
    });

    it('and refuses one that cannot be opened', async () => {
      if (!bench.takesImages) return bench.skip('no images');
      const spec = bench.imageSpec({ open: () => Promise.reject(new Error('no such file')) });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'transient', 'invalid');
    });

    it.each([
      ['shorter than it says', -7],
      ['longer than it says', 7],
    ])('and refuses one that is %s', async (_what, difference) => {
      if (!bench.takesImages) return bench.skip('no images');
      const before = (await bench.listed('image')).length;
      const spec = bench.imageSpec({ sizeBytes: bench.harness.image.bytes.byteLength - difference });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'invalid', 'transient');
      expect((await bench.listed('image')).length).toBe(before);
    });

    it('and gives up one when asked to', async () => {
      if (!bench.takesImages) return bench.skip('no images');
      const before = (await bench.listed('image')).length;
      const stop = new AbortController();
      const spec = bench.imageSpec({ open: () => Promise.resolve(thenAbort(bench.harness.image.bytes, stop)) });
      await bench.refused(bench.adapter.importImage(spec, spec.id, { signal: stop.signal }), 'transient');
      expect((await bench.listed('image')).length).toBe(before);
    });

    it('and does not boot what it does not have', async () => {
      const spec = bench.spec({ image: 'no-such-image' });
      await bench.refused(bench.adapter.createCompute(spec, spec.id), 'not-found', 'invalid');
    });
  });

  describe('hands images out', () => {
    it('as they came in', async () => {
      const { can, harness } = bench;
      if (can.exportsImages !== true) return bench.skip('no images for others');
      if (!bench.takesImages) return bench.skip('no images');
      const { bytes, virtualSizeBytes } = harness.image;
      const handed = await handedOut(bench, await bench.image());
      if (can.imageless) {
        // Where disks hold nothing, what is left of an image is its size.
        const read = (offset: number, length: number): Promise<Uint8Array> =>
          Promise.resolve(handed.subarray(offset, offset + length));
        expect(await probeImage({ sizeBytes: handed.byteLength, read })).toMatchObject({ virtualSizeBytes });
      } else expect(handed.equals(bytes)).toBe(true);
    });

    it('that machines were saved as, once they are finished', async () => {
      const { can, harness } = bench;
      if (can.exportsImages !== true || !can.compute.has('save')) return bench.skip('no saved images for others');
      if (harness.savesNothing !== undefined) return bench.skip(harness.savesNothing);
      const machine = await bench.running({ image: await bench.image() });
      const saved = bench.own('image', await bench.adapter.saveCompute(machine, 'golden', undefined, bench.id()));
      await bench.reaches('image', saved, 'active');
      await bench.rest('compute', machine);
      expect((await handedOut(bench, saved)).byteLength).toBeGreaterThan(0);
    });

    it('and not what it does not have', async () => {
      if (bench.can.exportsImages !== true) return bench.skip('no images for others');
      await bench.refused(handedOut(bench, 'no-such-image'), 'not-found', 'invalid');
    });
  });

  describe('saves machines', () => {
    it.each(['hot', 'deferred', undefined])('by method %s, as an image that boots', async (method) => {
      if (!bench.can.compute.has('save')) return bench.skip('no save');
      if (bench.harness.savesNothing !== undefined) return bench.skip(bench.harness.savesNothing);
      const machine = await bench.running(await bench.imaged());
      const saved = bench.own('image', await bench.adapter.saveCompute(machine, 'golden', method, bench.id()));
      await bench.reaches('image', saved, 'active');
      expect(['active', 'inactive']).toContain((await bench.reaches('compute', machine)).state);
      await bench.running({ image: saved });
    });

    it('but not by a method nobody knows', async () => {
      if (!bench.can.compute.has('save')) return bench.skip('no save');
      const machine = await bench.running(await bench.imaged());
      await bench.refused(bench.adapter.saveCompute(machine, 'golden', 'by-magic', bench.id()), 'invalid');
    });
  });
}

/** All of an image that the site hands out, which is what it announced. */
async function handedOut({ adapter }: Bench, ref: SiteRef): Promise<Buffer> {
  const exported = await adapter.exportImage?.(ref);
  if (!exported) throw new Error('an adapter that hands images out says how');
  const bytes = await buffer(await exported.open());
  expect(bytes.byteLength).toBe(exported.sizeBytes);
  const { algorithm, hex } = exported.digest ?? { algorithm: 'sha256', hex: undefined };
  if (hex !== undefined) expect(createHash(algorithm).update(bytes).digest('hex')).toBe(hex);
  return bytes;
}

async function* broken(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes.subarray(0, Math.floor(bytes.byteLength / 2));
  throw new Error('connection reset');
}

async function* thenAbort(bytes: Uint8Array, stop: AbortController): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes.subarray(0, 100);
  stop.abort();
  yield bytes.subarray(100);
}
