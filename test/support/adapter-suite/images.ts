/** Images come in whole or not at all, are what they say they are, and make machines; so do machines that were saved. */

import { createHash } from 'node:crypto';
import type { Bench } from './bench.js';
import { inPieces } from './bench.js';

export function describeImages(bench: Bench): void {
  describe('takes images in', () => {
    it('from a stream, and boots them', async () => {
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
      const { bytes } = bench.harness.image;
      const spec = bench.imageSpec({ sha256: createHash('sha256').update(bytes).digest('hex') });
      const image = bench.own('image', await bench.adapter.importImage(spec, spec.id));
      expect(await bench.reaches('image', image, 'active')).toMatchObject({ id: spec.id, sizeBytes: bytes.byteLength });
      expect((await bench.adapter.inventory()).images.map((each) => each.ref)).toContain(image);
      await bench.running({ image });
    });

    it('as content of a volume', async () => {
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
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
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
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
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
      const spec = bench.imageSpec({ open: () => Promise.reject(new Error('no such file')) });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'transient', 'invalid');
    });

    it.each([
      ['shorter than it says', -7],
      ['longer than it says', 7],
    ])('and refuses one that is %s', async (_what, difference) => {
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
      const before = (await bench.listed('image')).length;
      const spec = bench.imageSpec({ sizeBytes: bench.harness.image.bytes.byteLength - difference });
      await bench.refused(bench.adapter.importImage(spec, spec.id), 'invalid', 'transient');
      expect((await bench.listed('image')).length).toBe(before);
    });

    it('and gives up one when asked to', async () => {
      if (bench.can.imageFormats.length === 0) return bench.skip('no images');
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

  describe('saves machines', () => {
    it.each(['hot', 'deferred', undefined])('by method %s, as an image that boots', async (method) => {
      if (!bench.can.compute.has('save')) return bench.skip('no save');
      if (bench.harness.savesNothing !== undefined) return bench.skip(bench.harness.savesNothing);
      const machine = await bench.running({ image: await bench.image() });
      const saved = bench.own('image', await bench.adapter.saveCompute(machine, 'golden', method, bench.id()));
      await bench.reaches('image', saved, 'active');
      expect(['active', 'inactive']).toContain((await bench.reaches('compute', machine)).state);
      await bench.running({ image: saved });
    });

    it('but not by a method nobody knows', async () => {
      if (!bench.can.compute.has('save')) return bench.skip('no save');
      const machine = await bench.running({ image: await bench.image() });
      await bench.refused(bench.adapter.saveCompute(machine, 'golden', 'by-magic', bench.id()), 'invalid');
    });
  });
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
