/**
 * `examples/web-shop` on a VEP whose site is a VEP, unchanged and by configuration alone, both in processes of their own: whole,
 * and split between that site and a cloud of the front's own. The front is killed with `kill -9` when it has handed over what goes
 * there, then the back while it deploys, and the front again. Everything comes up once, and nothing is left behind.
 */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { CAPACITY } from './occi-harness.js';

const HOST = { name: 'h1', rack: 'r1', zone: 'z1', country: 'DE', cores: 5, memoryBytes: 64 * 2 ** 30 };

describe.each([
  { way: 'whole', beside: [], cores: CAPACITY.cores, there: 3 },
  {
    way: 'in parts',
    // The database goes here, the web servers there: `backend` reaches over both.
    beside: [{ name: 'home', type: 'simulator', connects: ['backend'], options: { timeFactor: 50, hosts: [HOST] } }],
    cores: 5,
    there: 2,
  },
])('$way', ({ beside, cores, there }) => {
  let front: KilledServer;
  let back: KilledServer;
  let line: Server;

  beforeAll(async () => {
    back = await KilledServer.start({
      site: () => ({ name: 'sim', type: 'simulator', options: { timeFactor: 50 } }),
    });
    // The back comes back on another port: the front goes on asking at this one.
    line = createServer((socket) => {
      socket.on('error', () => undefined);
      back.url.then(
        (url) => {
          const further = connect(Number(new URL(url).port), '127.0.0.1');
          further.on('error', () => socket.destroy()).on('close', () => socket.destroy());
          socket.on('close', () => further.destroy());
          socket.pipe(further).pipe(socket);
        },
        () => socket.destroy(),
      );
    }).listen(0, '127.0.0.1');
    await once(line, 'listening');
    const endpoint = `http://127.0.0.1:${(line.address() as AddressInfo).port}/`;
    front = await KilledServer.start({
      beside,
      site: (directory) => {
        const options = optionsFor(endpoint, directory, join(back.directory, 'user.token'), cores);
        return { name: 'partner', type: 'occi', connects: ['backend'], options };
      },
    });
  });

  afterAll(async () => {
    await front.close();
    await back.close();
    line.close();
  });

  it('comes up once though both are killed on the way, and goes without a trace', async () => {
    const idsOf = (server: KilledServer, collection: string): Promise<string[]> =>
      server.again(() => server.client.ids(collection));
    const arrived = (): Promise<void> =>
      front.until('the shop to be at the back', async () => (await idsOf(back, '/appliance/')).length > 0);
    const location = await front.deploy(examplePackage('web-shop'), arrived, async () => {
      await front.url;
      await back.killAt(arrived);
    });
    expect(await idsOf(back, '/appliance/')).toHaveLength(1);
    expect(await idsOf(front, '/compute/')).toHaveLength(3);
    expect(await idsOf(back, '/compute/')).toHaveLength(there);

    await front.remove(location);
    await back.gone();
  });
});

function optionsFor(endpoint: string, directory: string, tokenOfBack: string, cores: number): object {
  const token = join(directory, 'back.token');
  writeFileSync(token, readFileSync(tokenOfBack));
  return {
    endpoint,
    credentials: { kind: 'bearer', token: { file: token } },
    capacity: { ...CAPACITY, cores },
    templateless: true,
    patience: { pollMs: 50 },
  };
}
