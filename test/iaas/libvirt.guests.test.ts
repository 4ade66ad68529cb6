/**
 * Real guests on a real libvirt, under VEP as a provider runs it: `examples/two-guests` and `examples/web-shop`, unchanged,
 * are deployed by a server that is killed with `kill -9` on the way; the guests boot, read their environment and the files
 * beside it, report by their one-time URLs where they are waited for, and answer HTTP; when the appliance is deleted there is no process and no
 * file left.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeWith } from '../support/counterparts.js';
import { freePort } from '../support/free-port.js';
import { guestImage } from '../support/guest-image.js';
import { examplePackage, KilledServer, type ExamplePackage, type Moment } from '../support/killed-server.js';
import { PROGRAMS, Session } from './libvirt-harness.js';

const PATIENCE_MS = 600_000;
const RUNNING = /running/;

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

describeWith(
  ...PROGRAMS,
  'apt-get',
  'dpkg-deb',
)('with a libvirt and a guest', () => {
  let session: Session;
  let server: KilledServer;
  let image: Uint8Array | undefined;

  beforeAll(async () => {
    image = guestImage();
    session = new Session();
    const directory = join(session.directory, 'd');
    mkdirSync(directory, { mode: 0o700 });
    const [port, first] = [await freePort(), await freePort(100)];
    const options = session.options({ access: { forward: [80], ports: [first, first + 99] }, shutdownMs: 30_000 });
    server = await KilledServer.start({
      site: () => ({ name: 'here', type: 'libvirt', guestUrl: `http://10.0.2.2:${port}`, options }),
      reconcileMs: 2000,
      directory,
      port,
      patienceMs: PATIENCE_MS,
      tell: () => consoles().join('\n'),
    });
  }, PATIENCE_MS);

  afterAll(async () => {
    await server.close();
    for (const line of session.processes()) if (line.includes('qemu-system')) process.kill(Number.parseInt(line, 10));
    await session.close();
  }, PATIENCE_MS);

  it(
    'boots two guests that report and answer, through two kills, and leaves nothing behind',
    async () => {
      if (image === undefined) return;
      const location = await server.deploy(
        withFiles(examplePackage('two-guests', image)),
        listed(1, /./),
        listed(1, RUNNING),
      );
      // Each started because the one before had reported: the delay is ten minutes. The last one writes that it has
      // reported only after VEP has taken its report.
      const reported = (): number => consoles().filter((text) => text.includes('VEP-REPORTED')).length;
      await server.until('both guests to have reported', () => Promise.resolve(reported() === 2));
      const pages = await pagesOf(2);
      expect(pages.map((text) => /^role=(.*)$/m.exec(text)?.[1]).sort()).toEqual(['store', 'web']);
      const found = await Promise.all((await server.client.ids('/compute/')).map((id) => served(id, 'files')));
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
    'boots the web shop as it is, through four kills, and leaves nothing behind',
    async () => {
      if (image === undefined) return;
      const location = await server.deploy(
        examplePackage('web-shop', image),
        listed(1, /./),
        listed(1, RUNNING),
        listed(2, RUNNING),
      );
      await server.until('three that run', async () => (await countOf(RUNNING)) === 3);
      const names = (await pagesOf(3)).map((text) => /<title>(.*)<\/title>/.exec(text)?.[1]);
      expect(names.sort()).toEqual(['db', 'web1', 'web2']);
      await remove(location, async () => {
        await server.until('a machine to be on its way out', async () => (await countOf(RUNNING)) < 3);
      });
    },
    3 * PATIENCE_MS,
  );

  /** When so many lines of libvirt's list fit. Its daemon comes and goes: it need not answer. */
  const listed = (count: number, state: RegExp) => (): Promise<void> =>
    server.until(`${count} that are ${state.source}`, async () => (await countOf(state)) >= count);

  const countOf = (state: RegExp): Promise<number> =>
    domains().then(
      (text) => text.split('\n').filter((line) => state.test(line)).length,
      () => 0,
    );

  async function remove(location: string, ...moments: readonly Moment[]): Promise<void> {
    await server.remove(location, ...moments);
    expect(session.processes().filter((line) => line.includes('qemu-system'))).toEqual([]);
    for (const folder of ['machines', 'volumes', 'networks'])
      expect(readdirSync(join(session.home, folder))).toEqual([]);
    await server.until('a list of libvirt with nothing on it', async () => {
      const list = await domains().catch(() => 'no answer');
      return list.trim() === '';
    });
  }

  const domains = async (): Promise<string> =>
    (await session.virsh.read(['list', '--all'])).split('\n').slice(2).join('\n');

  function consoles(): string[] {
    return readdirSync(join(session.home, 'machines')).map((uuid) => {
      const file = join(session.home, 'machines', uuid, 'console.log');
      return existsSync(file) ? readFileSync(file, 'latin1') : '';
    });
  }

  /** What the guests serve, when all of them do, at the ports of this machine that their state messages name. */
  async function pagesOf(count: number): Promise<readonly string[]> {
    const ids = await server.client.ids('/compute/');
    expect(ids).toHaveLength(count);
    return Promise.all(ids.map((id) => page(id)));
  }

  async function page(id: string): Promise<string> {
    let text = '';
    await server.until('a guest that answers', async () => {
      // Not waited for, it may still be on its way up.
      text = await served(id, '').catch(() => '');
      return text.includes('is up');
    });
    return text;
  }

  async function served(id: string, path: string): Promise<string> {
    const machine = await server.again(() => server.client.entity(`/compute/${id}`));
    const url = /127\.0\.0\.1:\d+/.exec(String(machine?.attributes['occi.compute.state.message']))?.[0];
    return (await fetch(`http://${url}/${path}`, { signal: AbortSignal.timeout(10_000) })).text();
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

function withFiles({ descriptor, files, ...rest }: ExamplePackage): ExamplePackage {
  const more = FILES.map(({ id, bytes }) => [id, bytes] as const);
  return { ...rest, descriptor: FILES.reduce(withFile, descriptor), files: new Map([...files, ...more]) };
}
