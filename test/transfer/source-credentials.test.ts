/** Credentials for the servers of images: how they are written, which one fits a URL, and what the server sees. */

import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { Problem } from '../../src/base/errors.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { download } from '../../src/transfer/download.js';
import { accessTo, checkCredentials, credentialsFor } from '../../src/transfer/source-credentials.js';
import {
  basicConstraints,
  certificate,
  ecKeys,
  name,
  pem,
  plainContext,
  seq,
  type Keys,
  type TestExtension,
} from '../support/pki.js';
import { refusal, textOf } from './support.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('how they are written', () => {
  it('takes every kind, and leaves alone what is no server of images', () => {
    const keys = ecKeys();
    checkCredentials({
      'images.example.org': 'bearer abc.def-_~+/==',
      'images.example.org:8443': 'Basic alice:pass:word with spaces',
      'https://s3.example.org/bucket/': 's3 eu-west-1 AKID secret',
      '[2001:db8::1]:8443': 's3 eu-west-1 AKID secret token',
      'https://grid.example.org': pemOf(keys),
      'site:cloud': 'whatever the site wants',
    });
  });

  it('says everything that is wrong with them, and repeats no value', () => {
    const bad = {
      'https://example.org/a?b': 'bearer token',
      'not a host': 'bearer token',
      'a.example.org': 'bearer two words',
      'b.example.org': 'basic nopassword',
      'c.example.org': 's3 region key',
      'd.example.org': 'digest sesame',
      'e.example.org': '-----BEGIN CERTIFICATE-----\nsesame\n-----END CERTIFICATE-----',
      'f.example.org': pemOf(ecKeys(), ecKeys()),
      'g.example.org': '',
    };
    const problem = thrown(() => checkCredentials(bad));
    expect(problem.faults.map(({ place }) => place?.path)).toEqual(
      Object.keys(bad).map((key) => `/credentials/${key.replaceAll('/', '~1')}`),
    );
    expect(JSON.stringify(problem.faults)).not.toMatch(/sesame|nopassword|two words/);
  });
});

describe('which one fits', () => {
  const credentials = {
    'example.org': 'bearer host',
    'example.org:8443': 'bearer port',
    'https://example.org/vo': 'bearer vo',
    'https://example.org/vo/private/': 'bearer private',
  };

  it.each([
    ['https://example.org/else', 'host'],
    ['https://example.org:8443/vo', 'port'],
    ['https://example.org/vo', 'vo'],
    ['https://example.org/vo/disk', 'vo'],
    ['https://example.org/vo-other/disk', 'host'],
    ['https://example.org/vo/private/disk', 'private'],
    ['https://EXAMPLE.org/vo/%70rivate', 'vo'],
    ['http://example.org/vo/disk', 'host'],
    ['https://sub.example.org/vo', undefined],
    ['https://example.org.evil.example/vo', undefined],
  ])('%s', async (url, token) => {
    const { headers, confidential } = await accessTo(url, credentials);
    expect(headers?.['authorization']).toBe(token && `Bearer ${token}`);
    expect(confidential).toBe(token && true);
  });

  it('keeps those of other servers away from whoever does the transfer', () => {
    expect(credentialsFor('https://example.org/vo/disk', { ...credentials, other: 'bearer other' })).toEqual({
      'example.org': 'bearer host',
      'https://example.org/vo': 'bearer vo',
    });
  });
});

describe('what the server sees', () => {
  it('a user and a password', async () => {
    const access = await accessTo('https://dav.example.org/x', { 'dav.example.org': 'basic ålice:a b:c' });
    expect(access.headers).toEqual({ authorization: `Basic ${Buffer.from('ålice:a b:c').toString('base64')}` });
  });

  it('a signature of version 4 that holds, for an odd key of an object too', async () => {
    const url = 'https://s3.example.org/bucket/a%20disk%2B%28v1%29/%C3%BC.img?versionId=7';
    const credentials = { 's3.example.org': 's3 eu-west-1 AKIDEXAMPLE wJalrXUtnFEMI/K7MDENG session' };
    const { headers = {} } = await accessTo(url, credentials, new Date('2026-11-29T12:00:00Z'));
    expect(headers['x-amz-date']).toBe('20261129T120000Z');
    expect(headers['x-amz-security-token']).toBe('session');
    expect(headers['authorization']).toContain('Credential=AKIDEXAMPLE/20261129/eu-west-1/s3/aws4_request');
    expect(signatureIn(headers)).toBe(signatureOf(new URL(url), headers, 'wJalrXUtnFEMI/K7MDENG'));
  });

  it('a client certificate, and nobody whom it redirects to sees it', async () => {
    const authority = { keys: ecKeys(), name: name('CN=Test CA') };
    const issue = (subject: string, ...extensions: TestExtension[]): string => {
      const keys = ecKeys();
      return pemOf(
        keys,
        keys,
        certificate({ subject: name(subject), keys, issuer: authority, extensions, ...today() }),
      );
    };
    const root = certificate({
      subject: authority.name,
      keys: authority.keys,
      issuer: authority,
      extensions: [basicConstraints(true)],
      ...today(),
    });
    const seen: string[] = [];
    const serve = async (to?: string): Promise<string> => {
      const own = issue('CN=server', LOOPBACK);
      const server = https.createServer({ cert: own, key: own, requestCert: true, rejectUnauthorized: false });
      server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
        const peer = (request.socket as TLSSocket).getPeerCertificate() as Partial<PeerCertificate>;
        seen.push(`${request.url} ${String(peer.subject?.CN)}`);
        if (to === undefined) response.end('the image');
        else response.writeHead(302, { location: `${to}/moved` }).end();
      });
      await listening(server);
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const url = await serve(await serve());
    const dialler = new GuardedDialler({ allow: ['127.0.0.0/8'], ca: [pem('CERTIFICATE', root)] });
    closers.push(() => dialler.close());
    const credentials = { [new URL(url).host]: issue('CN=alice') };
    const fetched = await download(dialler, `${url}/disk`, { ...plain(), credentials });
    expect(await textOf(fetched.bytes)).toBe('the image');
    await textOf((await download(dialler, `${url}/open`, plain())).bytes);
    expect(seen).toEqual(['/disk alice', '/moved undefined', '/open undefined', '/moved undefined']);
  });

  it('nothing over http, unless an operator listed the host', async () => {
    const server = http.createServer((request, response) => response.end(request.headers.authorization));
    await listening(server);
    const { port } = server.address() as AddressInfo;
    const credentials = { 'images.test': 'bearer sesame', '127.0.0.1': 'bearer sesame' };
    const resolver = async (): Promise<string[]> => Promise.resolve(['127.0.0.1']);
    const dialler = new GuardedDialler({ allow: ['127.0.0.0/8'], resolver });
    closers.push(() => dialler.close());
    const fetched = (url: string): ReturnType<typeof download> => download(dialler, url, { ...plain(), credentials });
    expect(await refusal(fetched(`http://images.test:${port}/`))).toBe('net.unprotected');
    expect(await textOf((await fetched(`http://127.0.0.1:${port}/`)).bytes)).toBe('Bearer sesame');
  });
});

async function listening(server: http.Server | https.Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

function plain(): { maxBytes: number; signal: AbortSignal } {
  return { maxBytes: 1000, signal: new AbortController().signal };
}

/** The subject alternative name of a server on loopback. */
const LOOPBACK: TestExtension = { oid: '2.5.29.17', value: seq(plainContext(7, Buffer.from([127, 0, 0, 1]))) };

function today(): { notBefore: number; notAfter: number } {
  return { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 };
}

function pemOf(certified: Keys, owned: Keys = certified, der?: Buffer): string {
  const issuer = { name: name('CN=self'), keys: certified };
  const bytes = der ?? certificate({ subject: name('CN=self'), keys: certified, issuer, ...today() });
  const key = owned.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return `${pem('CERTIFICATE', bytes)}\n${key}`;
}

function thrown(work: () => void): Problem {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('accepted');
}

function signatureIn(headers: Readonly<Record<string, string>>): string {
  return /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '';
}

/** The signature as a server computes it from the request it got (AWS Signature Version 4). */
function signatureOf(url: URL, headers: Readonly<Record<string, string>>, secret: string): string {
  const all: Record<string, string> = { host: url.host, ...headers };
  const named = /SignedHeaders=([^,]+)/.exec(headers['authorization'] ?? '')?.[1] ?? '';
  const scope = /Credential=[^/]+\/([^,]+)/.exec(headers['authorization'] ?? '')?.[1] ?? '';
  const path = url.pathname
    .split('/')
    .map((part) =>
      encodeURIComponent(decodeURIComponent(part)).replace(
        /[!'()*]/g,
        (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');
  const canonical = [
    'GET',
    path,
    url.search.slice(1),
    ...named.split(';').map((each) => `${each}:${all[each]?.trim()}`),
    '',
    named,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const hashed = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hashed].join('\n');
  const key = scope
    .split('/')
    .reduce<Buffer>(
      (secretSoFar, part) => createHmac('sha256', secretSoFar).update(part).digest(),
      Buffer.from(`AWS4${secret}`),
    );
  return createHmac('sha256', key).update(text).digest('hex');
}
