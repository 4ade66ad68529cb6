/**
 * EC2 before moto, a work-alike that others have made, where it is installed (it is no package of Debian): a large image by way
 * of a bucket every time, and the behaviour suite of all adapters in the nightly run.
 */

import { jest } from '@jest/globals';
import { describeAdapter } from '../support/adapter-suite.js';
import { describeWith } from '../support/counterparts.js';
import { BUCKET, motoHarness } from './ec2-moto-harness.js';

// moto answers in tens of milliseconds where a fake answers in one.
jest.setTimeout(120_000);

describeWith('moto_server')('with a moto of its own', () => {
  it('sends a large image in parts, and leaves nothing of it in the bucket', async () => {
    const harness = await motoHarness({ partMib: 5 });
    const { adapter, moto } = harness;
    const sizeBytes = 5 * 2 ** 20 + 512;
    const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(zeros(sizeBytes));
    const spec = { id: 'large', name: 'large', format: 'raw', sizeBytes, virtualSizeBytes: sizeBytes, open };
    const ref = await adapter.importImage(spec, spec.id);
    expect((await adapter.describe('image', [ref])).get(ref)).toMatchObject({
      id: 'large',
      state: 'active',
      sizeBytes,
    });
    const parts = moto.asked.filter((line) => line.startsWith(`PUT /${BUCKET}/`));
    expect(parts.map((line) => /partNumber=\d+/.exec(line)?.[0])).toEqual(['partNumber=1', 'partNumber=2']);
    // What the front was told to import is whole: S3 has put the parts together.
    expect(moto.imported).toEqual([sizeBytes]);
    expect(await moto.objects(BUCKET)).toEqual([]);
    await adapter.delete('image', ref);
    await harness.close();
  });

  if (process.env['VEP_TEST_NIGHTLY'] === '1') describeAdapter('moto', () => motoHarness());
  else it.skip('the behaviour suite: only in npm run test:nightly', () => undefined);
});

async function* zeros(sizeBytes: number): AsyncIterable<Uint8Array> {
  const piece = new Uint8Array(2 ** 20);
  for (let left = sizeBytes; left > 0; left -= piece.byteLength) {
    await Promise.resolve();
    yield piece.subarray(0, Math.min(left, piece.byteLength));
  }
}
