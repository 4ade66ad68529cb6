/** Files of a package in pieces (`ovf:chunkSize`, DSP0243 §7.1), as many as a stranger likes to write (O-078). */

import { Client, JSON_TYPE } from '../conformance/client.js';
import { serverFor } from '../support/server.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, descriptor, OVF } from './appliance-wire.js';

const server = serverFor({ config: { images: { allow: ['127.0.0.1'] } } });
const client = (): Client => new Client(server(), '1.2');
const { web, base } = webFiles();
afterEach(() => client().send('DELETE', '/appliance/'));

it.each(['4000000000', '18446744073709551615'])('%s pieces of one byte are refused at once', async (size) => {
  const text = descriptor({ machines: ['m1'], image: 'a.img' });
  web.set('/p/app.ovf', text.replace('ovf:href="a.img"', `ovf:href="a.img" ovf:size="${size}" ovf:chunkSize="1"`));
  web.set('/p/app.mf', `SHA256(a.img.000000000)= ${'0'.repeat(64)}\n`);
  const named = { kind: APPLIANCE, attributes: { [`${OVF}.url`]: `${base()}/p/app.ovf` } };
  const reply = await client().send('POST', '/appliance/', { json: named, accept: JSON_TYPE });
  expect([reply.status, reply.json.faults[0]]).toMatchObject([400, { code: 'transfer.chunks' }]);
});
