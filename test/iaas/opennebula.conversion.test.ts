/** A VMDK, as most appliances have them, on a site that takes qcow2 and raw: converted on the way, or refused beforehand. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APPLIANCE_CATEGORY, OVF_TYPE, STATE, descriptor, pathOf } from '../integration/appliance-wire.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { describeWith } from '../support/counterparts.js';
import { FakeOned } from '../support/fake-oned/index.js';
import { startTestServer, type Reply, type TestServer } from '../support/server.js';
import { optionsFor } from './opennebula-harness.js';

let directory: string;
let fake: FakeOned;
let server: TestServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vep-one-conversion-'));
  fake = await FakeOned.start();
});
afterEach(() => server.close());
afterAll(async () => {
  await fake.close();
  rmSync(directory, { recursive: true });
});

async function start(images: { converter: string }): Promise<void> {
  const site = { name: 'one', type: 'opennebula', options: optionsFor(fake.url, directory) };
  server = await startTestServer({ config: { images, sites: [site] as never } });
}

const VMDK_URI = 'http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized';
const OVF = descriptor({ machines: ['m1'], image: 'disk.vmdk' }).replace(
  'http://www.gnome.org/~markmc/qcow-image-format.html',
  VMDK_URI,
);

function multipart(disk: Buffer): { body: Buffer; type: string } {
  const part = (name: string, filename: string, type: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n`;
  const chunks = [part('ovf', 'app.ovf', OVF_TYPE), OVF, '\r\n', part('file', 'disk.vmdk', 'application/octet-stream')];
  const body = Buffer.concat([...chunks, disk, '\r\n--b--\r\n'].map((chunk) => Buffer.from(chunk)));
  return { body, type: 'multipart/form-data; boundary=b' };
}

const post = (body: string | Buffer, type: string, query = ''): Promise<Reply> =>
  server.request('POST', `/appliance/${query}`, {
    headers: { 'content-type': type, accept: JSON_TYPE, Category: APPLIANCE_CATEGORY },
    body,
  });

describeWith('qemu-img')('with qemu-img', () => {
  it('the image reaches the site as qcow2', async () => {
    await start({ converter: 'qemu-img' });
    const raw = join(directory, 'disk.raw');
    execFileSync('qemu-img', ['create', '-q', '-f', 'raw', raw, '3M']);
    execFileSync('qemu-img', [
      ...['convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized'],
      ...[raw, `${raw}.vmdk`],
    ]);
    const { body, type } = multipart(readFileSync(`${raw}.vmdk`));
    const reply = await post(body, type);
    await new Client(server, '1.2').until(pathOf(reply), STATE, 'active');
    const [image] = [...fake.world.images.values()].filter(({ persistent }) => !persistent);
    expect(image?.format).toBe('qcow2');
    expect((await server.request('DELETE', '/appliance/')).status).toBe(200);
  });
});

it('without a converter the site says beforehand that it cannot take it', async () => {
  await start({ converter: '' });
  const { body, type } = multipart(Buffer.from('nobody looks at it'));
  const { json } = await post(body, type, '?dry-run');
  const [{ refusals }] = json.sites;
  expect(refusals.map(({ code }: { code: string }) => code)).toContain('site.image-format');
});
