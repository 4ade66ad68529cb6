/**
 * Real guests on a real libvirt, under VEP as a provider runs it: `examples/two-guests` is deployed by a server that is
 * killed with `kill -9` on the way, the guests boot, read their environment and the files beside it, report by their one-time URLs and answer HTTP, and
 * when the appliance is deleted there is no process and no file left. `examples/web-shop` deploys unchanged beside it.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../faults/client.js';
import { rowsOf } from '../faults/rows.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { describeWith } from '../support/counterparts.js';
import { PROGRAMS, Session } from './libvirt-harness.js';

const STATE = 'eu.contrail-project.appliance.state';
const PATIENCE_MS = 600_000;

/** Files that the guests get beside their environment: one of both, and one of the front alone. */
const FILES = [
  {
    id: 'notes',
    path: 'notes/größe & more.txt',
    bytes: Buffer.from('of both: "é" <&>\n'),
    before: '<VirtualSystem ovf:id="back">',
  },
  {
    id: 'bytes',
    path: 'a/b/c/bytes',
    bytes: Buffer.from([0, 1, 2, 255, 13, 10]),
    before: '</VirtualSystem>\n  </Virtual',
  },
];

/** Made once by `examples/images/build` and kept; nothing where the packages cannot be had. */
function guestImage(): string | undefined {
  const file = join(packageRoot, '.cache/guest.qcow2');
  if (existsSync(file)) return file;
  mkdirSync(join(packageRoot, '.cache'), { recursive: true });
  try {
    execFileSync(join(packageRoot, 'examples/images/build'), [file], { stdio: 'pipe', timeout: 240_000 });
    return file;
  } catch (error) {
    console.info(`skipped: the guest cannot be built: ${String((error as { stderr?: Buffer }).stderr ?? error)}`);
    return undefined;
  }
}

describeWith(
  ...PROGRAMS,
  'apt-get',
  'dpkg-deb',
)('with a libvirt and a guest', () => {
  let session: Session;
  let server: ServerProcess;
  let client: Client;
  let image: string | undefined;

  beforeAll(async () => {
    image = guestImage();
    build();
    session = new Session();
    const data = join(session.directory, 'd');
    mkdirSync(data, { mode: 0o700 });
    const port = await freePort();
    server = new ServerProcess(
      data,
      {
        engine: { leaseMs: 2000, reconcileMs: 2000 },
        sites: [
          {
            name: 'here',
            type: 'libvirt',
            guestUrl: `http://10.0.2.2:${port}`,
            options: session.options({ access: { forward: [80], ports: [42_000, 42_999] }, shutdownMs: 30_000 }),
          },
        ],
      },
      port,
    );
    client = new Client(data, () => server.url);
    await server.start();
  }, PATIENCE_MS);

  afterAll(async () => {
    await server.kill();
    for (const line of session.processes()) if (line.includes('qemu-system')) process.kill(Number.parseInt(line, 10));
    await session.close();
  }, PATIENCE_MS);

  it(
    'boots two guests that report and answer, through two kills, and leaves nothing behind',
    async () => {
      if (image === undefined) return;
      const location = await deploy('two-guests', readFileSync(image), 'the-guests', FILES);
      for (const what of [/./, /running/]) {
        await until(`a machine that is ${what.source}`, async () => what.test(await domains()));
        await server.kill();
        await server.start();
      }
      await until('the guests to be active', async () => (await stateOf(location)) === 'active');
      // Each started because the one before had reported: the delay is ten minutes. The last one writes that it has
      // reported only after VEP has taken its report.
      const reported = (): number => consoles().filter((text) => text.includes('VEP-REPORTED')).length;
      await until('both guests to have reported', () => Promise.resolve(reported() === 2));
      const ids = await client.ids('/compute/');
      expect(ids).toHaveLength(2);
      const pages = await Promise.all(ids.map((id) => page(id)));
      expect(pages.sort().map((text) => /^role=(.*)$/m.exec(text)?.[1])).toEqual(['store', 'web']);
      for (const text of pages) expect(text).toContain('is up');
      const found = await Promise.all(ids.map((id) => page(id, 'files')));
      const [notes, bytes] = FILES.map(
        ({ path, bytes }) => `${createHash('sha256').update(bytes).digest('hex')}  ./${path}`,
      );
      expect(found.map((text) => text.trim().split('\n').sort()).sort((a, b) => a.length - b.length)).toEqual([
        [notes],
        [notes, bytes].sort(),
      ]);
      await remove(location);
    },
    3 * PATIENCE_MS,
  );

  it(
    'takes the web shop as it is',
    async () => {
      const folder = join(packageRoot, 'examples/web-shop/images/base.qcow2');
      const location = await deploy('web-shop', readFileSync(folder), 'the-shop');
      await until('the shop to be active', async () => (await stateOf(location)) === 'active');
      expect((await domains()).match(/running/g)).toHaveLength(3);
      await remove(location);
    },
    3 * PATIENCE_MS,
  );

  async function deploy(example: string, bytes: Uint8Array, key: string, more: typeof FILES = []): Promise<string> {
    const text = readFileSync(join(packageRoot, `examples/${example}/${example}.ovf`), 'utf8');
    const files = new Map([['images/base.qcow2', Buffer.from(bytes)]]);
    for (const { id, bytes } of more) files.set(id, bytes);
    const { status, location, body } = await client.deploy({ descriptor: more.reduce(withFile, text), files }, key);
    expect({ status, body: status === 201 ? '' : body }).toEqual({ status: 201, body: '' });
    return location;
  }

  async function remove(location: string): Promise<void> {
    expect([200, 404]).toContain((await client.delete(location)).status);
    const left = "SELECT id FROM entity WHERE kind NOT LIKE '%template%'";
    await until('everything to be gone', async () => (await rows(left)).length === 0);
    expect(session.processes().filter((line) => line.includes('qemu-system'))).toEqual([]);
    for (const folder of ['machines', 'volumes', 'networks'])
      expect(readdirSync(join(session.home, folder))).toEqual([]);
    expect((await domains()).trim()).toBe('');
    expect(await rows("SELECT type, findings FROM operation WHERE state = 'dead'")).toEqual([]);
  }

  const rows = (sql: string): ReturnType<typeof rowsOf> => rowsOf(join(session.directory, 'd'), undefined, sql);
  const domains = async (): Promise<string> =>
    (await session.virsh.read(['list', '--all'])).split('\n').slice(2).join('\n');
  const stateOf = async (location: string): Promise<unknown> => (await client.entity(location))?.attributes[STATE];

  function consoles(): string[] {
    return readdirSync(join(session.home, 'machines')).map((uuid) => {
      const file = join(session.home, 'machines', uuid, 'console.log');
      return existsSync(file) ? readFileSync(file, 'latin1') : '';
    });
  }

  /** What a guest serves at the port of this machine that its state message names. */
  async function page(id: string, path = ''): Promise<string> {
    let url: string | undefined;
    await until('a port that leads to the guest', async () => {
      const message = (await client.entity(`/compute/${id}`))?.attributes['occi.compute.state.message'];
      url = /127\.0\.0\.1:\d+/.exec(String(message))?.[0];
      return url !== undefined;
    });
    return (await fetch(`http://${url}/${path}`)).text();
  }

  async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      if (await condition().catch(() => false)) return;
      if (Date.now() > end) {
        const work = await rows('SELECT type, state, step, message, findings FROM operation WHERE finished_at IS NULL');
        throw new Error(
          `waited in vain for ${what}: ${JSON.stringify(work)}; ${consoles().join('\n')}; ${server.log.slice(-2000)}`,
        );
      }
      await pause(200);
    }
  }
});

/** The descriptor with a file in its References and in an EnvironmentFilesSection of OVF 2 of the system or collection. */
function withFile(descriptor: string, { id, path, before }: (typeof FILES)[number]): string {
  const escaped = path.replaceAll('&', '&amp;');
  const section = `<o2:EnvironmentFilesSection xmlns:o2="http://schemas.dmtf.org/ovf/envelope/2" ovf:required="false">
    <Info>Files</Info><o2:File o2:fileRef="${id}" o2:path="${escaped}"/></o2:EnvironmentFilesSection>`;
  return descriptor
    .replace('</References>', `<File ovf:id="${id}" ovf:href="${id}"/></References>`)
    .replace(before, `${section}${before}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
