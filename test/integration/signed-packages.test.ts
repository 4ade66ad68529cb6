/** A provider that takes packages of trusted signers alone (O-030), whichever way they come: what the request cannot know, the work finds out. */

import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { packed } from '../ovf/tar-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { webFiles } from '../support/web-files.js';
import { APPLIANCE, MESSAGE, OVF, STATE, components, descriptor, pathOf } from './appliance-wire.js';

const pki = (name: string): string => join(packageRoot, 'test/support/pki-fixtures', name);
const server = serverFor({
  config: {
    images: { allow: ['127.0.0.1'] },
    ovf: { trustedSigners: [pki('ca/root.pem')], signatures: 'trusted' },
  },
});
const client = (): Client => new Client(server(), '1.2');

const { web, base } = webFiles();
afterEach(async () => {
  await client().send('DELETE', '/appliance/');
});

const DISK = Buffer.alloc(1 << 20, 'disk');
const TEXT = descriptor({ machines: ['m1'], image: 'disk.img' });
const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A package as its files; `signer` of the project's own authority, or none. */
function signedBy(signer: string | undefined): Record<string, string | Buffer> {
  const manifest = `SHA256(app.ovf)= ${digest(TEXT)}\nSHA256(disk.img)= ${digest(DISK)}\n`;
  const head = { 'app.ovf': TEXT, 'app.mf': manifest };
  if (signer === undefined) return { ...head, 'disk.img': DISK };
  const key = createPrivateKey(readFileSync(pki(`eec/${signer}.key`)));
  const signature = sign('sha256', Buffer.from(manifest), key).toString('hex');
  const certificate = `SHA256(app.mf)= ${signature}\n${readFileSync(pki(`eec/${signer}.pem`), 'utf8')}`;
  return { ...head, 'app.cert': certificate, 'disk.img': DISK };
}
const archive = (members: Readonly<Record<string, string | Buffer>>): Promise<Buffer> =>
  packed(Object.entries(members).map(([name, bytes]) => [{ name }, bytes as string]));
const named = (url: string): Promise<Reply> =>
  client().send('POST', '/appliance/', {
    json: { kind: APPLIANCE, attributes: { [`${OVF}.url`]: url } },
    accept: JSON_TYPE,
  });
const codes = (reply: Reply): string[] => reply.json.faults.map(({ code }: { code: string }) => code);

/** Waits until the appliance has come to rest; answers its state, or why it failed. */
async function outcome(reply: Reply): Promise<string> {
  const path = pathOf(reply);
  for (;;) {
    const { attributes } = (await client().get(path, JSON_TYPE)).json;
    if (attributes[STATE] === 'active') return 'active';
    if (attributes[STATE] === 'error') return attributes[MESSAGE];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const UNTRUSTED = ['mallory-samedn', 'expired', undefined] as const;

describe('packages of trusted signers alone', () => {
  it('are taken as a body, from a URL, and among their files', async () => {
    const members = signedBy('alice');
    const body = await archive(members);
    const headers = { 'content-type': 'application/x-tar', accept: JSON_TYPE };
    expect(await outcome(await server().request('POST', '/appliance/', { headers, body }))).toBe('active');
    web.set('/app.ova', body);
    expect(await outcome(await named(`${base()}/app.ova`))).toBe('active');
    for (const [name, bytes] of Object.entries(members)) web.set(`/p/${name}`, bytes);
    expect(await outcome(await named(`${base()}/p/app.ovf`))).toBe('active');
  });

  it.each(UNTRUSTED)('of %s are refused as a body, and by the work where they come from a URL', async (signer) => {
    const members = signedBy(signer);
    const body = await archive(members);
    const headers = { 'content-type': 'application/x-tar', accept: JSON_TYPE };
    const refused = await server().request('POST', '/appliance/', { headers, body });
    expect([refused.status, codes(refused)]).toEqual([400, expect.arrayContaining(['ovf.signature-required'])]);
    web.set('/app.ova', body);
    for (const [name, bytes] of Object.entries(members)) web.set(`/p/${name}`, bytes);
    for (const url of [`${base()}/app.ova`, `${base()}/p/app.ovf`]) {
      const reply = await named(url);
      if (reply.status === 201) {
        expect(await outcome(reply)).toMatch(/sign/);
        expect(await components(client(), pathOf(reply), '/compute/')).toEqual([]);
      } else expect(codes(reply)).toContain('ovf.signature-required');
    }
  });

  it('are refused where a signature stands over another manifest, or files differ from it', async () => {
    const altered: Record<string, string | Buffer> = {
      ...signedBy('alice'),
      'disk.img': Buffer.alloc(1 << 20, 'evil'),
    };
    web.set('/app.ova', await archive(altered));
    // Under a URL of their own: what was fetched before by the same digest would be taken from the store, rightly.
    for (const [name, bytes] of Object.entries(altered)) web.set(`/q/${name}`, bytes);
    expect(await outcome(await named(`${base()}/app.ova`))).toContain('digest');
    expect(await outcome(await named(`${base()}/q/app.ovf`))).toContain('digest');
    web.set('/q/app.mf', `${String(altered['app.mf'])}\n`);
    expect(await outcome(await named(`${base()}/q/app.ovf`))).toContain('not the one that was signed');
  });

  it('cannot come as a descriptor alone: nobody has signed that', async () => {
    const plain = await server().request('POST', '/appliance/', {
      headers: { 'content-type': 'application/ovf+xml', accept: JSON_TYPE },
      body: descriptor({ machines: ['m1'] }),
    });
    expect([plain.status, codes(plain)]).toEqual([400, ['ovf.signature-required']]);
    web.set('/p/app.ovf', descriptor({ machines: ['m1'] }));
    const reply = await named(`${base()}/p/app.ovf`);
    if (reply.status === 201) expect(await outcome(reply)).toMatch(/sign/);
    else expect(codes(reply)).toContain('ovf.signature-required');
  });
});
