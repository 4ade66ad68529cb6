/**
 * Signed image lists over the whole server (S-101, S-102): what the endorser signs becomes a template of the VO and of nobody
 * else, machines are made from exactly those bytes, and whatever is wrong with a list leaves the one before it in force.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/base/config-file.js';
import { Client, INFRA, JSON_TYPE, category } from '../conformance/client.js';
import { qcow2 } from '../iaas/simulator-harness.js';
import { packed } from '../ovf/tar-support.js';
import { describeWith } from '../support/counterparts.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import type { StoreLocation } from '../../src/store/open-store.js';
import { forEachDatabase } from '../support/databases.js';
import { startTestServer, type Part, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { listDocument, listedImage } from '../transfer/image-list/list-document.js';

const folder = mkdtempSync(join(tmpdir(), 'vep-image-lists-'));
cpSync(pkiFixtures, folder, { recursive: true });

/** A disk of so many bytes with nothing on it: its tables are empty. */
const disk = (bytes: number): Buffer => qcow2(bytes, (header) => void header.writeBigUInt64BE(1024n, 40));
const DISK = disk(3 * 2 ** 30);
const OTHER = disk(4 * 2 ** 30);
const SCHEME = 'http://schemas.contrail-project.eu/occi/group/user/os_tpl#';

/** What the web server has, by path. */
const web = new Map<string, Buffer>();
const files = http.createServer((request, response) => {
  const content = request.headers.authorization === 'Bearer provider' ? web.get(request.url ?? '') : undefined;
  response.writeHead(content ? 200 : 401).end(content);
});
let base = '';
/** Has the same, elsewhere, for whoever shows no credentials. */
const elsewhere = http.createServer((request, response) => {
  const content = request.headers.authorization === undefined ? web.get(request.url ?? '') : undefined;
  response.writeHead(content ? 200 : 401).end(content);
});

function signed(document: string, signer = 'alice'): Buffer {
  const [list, cert, key] = [
    join(folder, 'list'),
    join(folder, `eec/${signer}.pem`),
    join(folder, `eec/${signer}.key`),
  ];
  writeFileSync(list, document);
  return execFileSync('openssl', ['smime', '-sign', '-md', 'sha256', '-in', list, '-signer', cert, '-inkey', key]);
}

/** An image of the list: these bytes under this path. */
function image(identifier: string, bytes: Buffer, members: Readonly<Record<string, string>> = {}): object {
  web.set(`/${identifier}`, bytes);
  return listedImage(identifier, `Image ${identifier}`, {
    'hv:uri': `${base}/${identifier}`,
    'hv:size': String(bytes.length),
    'sl:checksum:sha512': createHash('sha512').update(bytes).digest('hex'),
    ...members,
  });
}

const document = (version: string, images: readonly object[]): string =>
  listDocument({ 'ad:vo': 'user', 'hv:version': version, 'hv:images': images });

beforeAll(async () => {
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => files.close(resolve));
  rmSync(folder, { recursive: true });
});

describeWith('openssl')('S-101 S-102 image lists', () => {
  forEachDatabase((_name, database) => {
    // A block of its own: the server must be down before the database is dropped.
    describe('a server', () => suite(database.at));
  });

  function suite(at: StoreLocation): void {
    let running: TestServer;
    const server = (): TestServer => running;
    beforeAll(async () => {
      writeFileSync(join(folder, 'credential'), 'bearer provider\n', { mode: 0o600 });
      running = await startTestServer({ database: at, config: configuration() });
    });
    afterAll(() => running.close());

    const refreshed = async (): Promise<{ version?: string; faults: string[]; offered: string[] }> => {
      const reply = await server().request('POST', '/health/image-lists/refresh', { as: 'admin' });
      const [report] = reply.json;
      return {
        version: report.version,
        faults: report.faults.map(({ code }: { code: string }) => code),
        offered: report.images
          .filter(({ withdrawn }: { withdrawn: boolean }) => !withdrawn)
          .map(({ template }: { template: string }) => template.slice(SCHEME.length)),
      };
    };

    it('offers what the endorser signed to the VO, and machines are made from it', async () => {
      web.set(
        '/list',
        signed(document('1', [image('one', DISK), image('two', await ova(DISK), { 'hv:format': 'OVA' })])),
      );
      expect(await refreshed()).toEqual({ version: '1', faults: [], offered: ['listed-one', 'listed-two'] });
      expect((await discovery(server(), 'colleague')).text).toContain('listed-one');
      expect((await discovery(server(), 'stranger')).text).not.toContain('listed');

      const client = new Client(server(), '1.2');
      for (const term of ['listed-one', 'listed-two']) {
        const made = await create(client, term);
        expect(made.status).toBe(201);
        const path = new URL(made.headers.location ?? '').pathname;
        expect((await started(client, path)).status).toBe(200);
        await client.until(path, 'occi.compute.state', 'active');
      }
      expect((await create(new Client(server(), '1.2', 'stranger'), 'listed-one')).status).toBe(400);
    });

    it('keeps the list before it when another is not what was signed, or older', async () => {
      web.set('/list', signed(document('0', [])));
      expect(await refreshed()).toMatchObject({ version: '1', faults: ['image-list.rolled-back'] });
      web.set('/list', signed(document('2', []), 'bob'));
      expect(await refreshed()).toMatchObject({ version: '1', faults: ['image-list.endorser'] });
      web.set('/list', Buffer.from(signed(document('2', [])).toString('latin1').replace('"2"', '"3"'), 'latin1'));
      expect(await refreshed()).toMatchObject({
        faults: ['image-list.signature'],
        offered: ['listed-one', 'listed-two'],
      });
      web.delete('/list');
      expect(await refreshed()).toMatchObject({ version: '1', faults: ['transfer.denied'] });
    });

    it('makes no machine from bytes that are not those of the list', async () => {
      const forged = image('three', DISK);
      web.set('/three', OTHER);
      web.set('/list', signed(document('3', [image('one', DISK), forged])));
      expect(await refreshed()).toMatchObject({ version: '3', faults: [] });
      const client = new Client(server(), '1.2');
      const made = await create(client, 'listed-three');
      const path = new URL(made.headers.location ?? '').pathname;
      await client.until(path, 'occi.compute.state', 'error');
      expect((await client.get(path, JSON_TYPE)).json.attributes['occi.compute.state.message']).toContain('sha512');
    });

    it('shows the credential of the list to its own server alone', async () => {
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
      const uri = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/away`;
      web.set('/list', signed(document('3.1', [image('one', DISK), image('away', OTHER, { 'hv:uri': uri })])));
      expect(await refreshed()).toMatchObject({ version: '3.1', faults: [] });
      const client = new Client(server(), '1.2');
      const path = new URL((await create(client, 'listed-away')).headers.location ?? '').pathname;
      expect((await started(client, path)).status).toBe(200);
      await client.until(path, 'occi.compute.state', 'active');
      await new Promise((resolve) => elsewhere.close(resolve));
    });

    it('withdraws what is no longer in it: at once where nobody uses it, else for whoever is new', async () => {
      web.set('/list', signed(document('4', [])));
      expect(await refreshed()).toEqual({ version: '4', faults: [], offered: [] });
      const client = new Client(server(), '1.2');
      const again = await create(client, 'listed-one');
      const path = new URL(again.headers.location ?? '').pathname;
      await client.until(path, 'occi.compute.state', 'error');
      expect((await client.get(path, JSON_TYPE)).json.attributes['occi.compute.state.message']).toContain('no longer');
      await client.send('DELETE', '/compute/');
      await untilGone(client);
      await refreshed();
      expect((await discovery(server(), 'user')).text).not.toContain('listed');
      expect((await create(client, 'listed-one')).status).toBe(400);
    });
  }
});

function configuration(): Record<string, never> {
  const list = {
    name: 'ours',
    url: `${base}/list`,
    vo: 'user',
    endorser: { dn: '/DC=org/DC=example/O=People/CN=Alice Tester', ca: '/DC=org/DC=example/CN=Test Grid CA' },
    credentialFile: join(folder, 'credential'),
  };
  return {
    images: { allow: ['127.0.0.1'], lists: [list] },
    server: { port: 0, trustedPeers: ['127.0.0.1'] },
    access: { certificates: { directory: join(folder, 'certificates'), crl: 'optional', header: 'rfc9440' } },
  } as never;
}

const ova = (content: Buffer): Promise<Buffer> =>
  packed([
    [{ name: 'image.ovf' }, '<Envelope/>'],
    [{ name: 'image.qcow2' }, content as never],
  ]);

const discovery = (server: TestServer, as: Part): Promise<Reply> =>
  server.request('GET', '/-/', { as, headers: { accept: 'text/plain' } });

const create = (client: Client, term: string): Promise<Reply> =>
  client.send('POST', '/compute/', {
    headers: {
      'content-type': 'text/occi',
      Category: [category(`${INFRA}compute`), `${term}; scheme="${SCHEME}"; class="mixin"`].join(', '),
    },
  });

const started = (client: Client, path: string): Promise<Reply> =>
  client.send('POST', `${path}?action=start`, {
    json: { action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#start', attributes: {} },
  });

async function untilGone(client: Client): Promise<void> {
  const machines = "SELECT id FROM entity WHERE kind LIKE '%#compute'";
  await until(
    async () => (await client.server.rows(machines)).length === 0,
    () => 'machines are left',
  );
}

it('is configured as docs/access/image-lists.md shows', () => {
  const page = readFileSync('docs/access/image-lists.md', 'utf8');
  const { images } = parseConfig(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? '', {});
  expect(images.lists).toMatchObject([
    { name: 'fedcloud', vo: 'vo.example.org', endorser: { ca: expect.any(String) } },
  ]);
});
