/**
 * How long a revocation takes (a part of `npm run bench`): from the answer to `revoke` until the open event stream of whose
 * access it was ends, and until his running application is suspended. A server with the settings that are given when none
 * are, before a simulated site that does at once what it is told; users of an issuer of the benchmark's own. SQLite always,
 * PostgreSQL too when VEP_TEST_POSTGRES names a server.
 */

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { MeasuredProcess } from './measured-process.mjs';
import { postgresDatabase } from './postgres.mjs';

const ROUNDS = 10;
const MARK_MS = 5000;
/** Between two looks at the application. */
const LOOK_MS = 25;
const AUDIENCE = 'https://vep.example.org';
const SESSION = 'eu.contrail-project.session.';
const STATE = 'eu.contrail-project.appliance.state';
const REVOKE = 'http://schemas.contrail-project.eu/occi/access/session/action#revoke';
const fixtures = fileURLToPath(new URL('../test/support/pki-fixtures/', import.meta.url));
/** The smallest example without its image: the site boots what holds nothing. */
const descriptor = readFileSync(new URL('../examples/single-vm/single-vm.ovf', import.meta.url), 'utf8')
  .replace(/<File [^>]*\/>/, '')
  .replace('ovf:fileRef="base-image"', '');

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
const keys = [{ ...(await exportJWK(publicKey)), kid: 'k' }];
const tls = { cert: readFileSync(`${fixtures}eec/host.pem`), key: readFileSync(`${fixtures}eec/host.key`) };
const issuing = createServer(tls, ({ url }, response) =>
  response.end(JSON.stringify(url === '/keys' ? { keys } : { issuer, jwks_uri: `${issuer}/keys` })),
);
issuing.listen(0, '127.0.0.1');
await once(issuing, 'listening');
const issuer = `https://localhost:${issuing.address().port}`;
const vos = [
  { vo: 'atlas', group: '/atlas' },
  { vo: 'atlas', group: '/atlas/federation', roles: ['federation'] },
];

let met = true;
try {
  await measure('SQLite', undefined);
  const server = process.env.VEP_TEST_POSTGRES;
  if (server) {
    const database = await postgresDatabase(server);
    try {
      await measure('PostgreSQL', database.url);
    } finally {
      await database.drop();
    }
  }
} finally {
  issuing.closeAllConnections();
  issuing.close();
}
process.exitCode = met ? 0 : 1;

async function measure(name, database) {
  const directory = mkdtempSync(join(tmpdir(), 'vep-bench-revocation-'));
  const config = {
    sites: [{ name: 'sim', type: 'simulator', options: { timeFactor: 1e6 } }],
    access: {
      issuers: [{ issuer, audience: [AUDIENCE], vos, allow: ['localhost'], ca: `${fixtures}ca/root.pem` }],
    },
    ...(database === undefined ? {} : { data: { database } }),
  };
  const file = join(directory, 'vep.yaml');
  writeFileSync(file, JSON.stringify(config));
  const environment = { VEP_CONFIG: file, VEP_DATA_DIR: directory, VEP_PORT: '0', VEP_LOG_LEVEL: 'fatal' };
  const vep = await MeasuredProcess.start('server.mjs', environment);
  const took = { stream: [], suspended: [] };
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const { stream, suspended } = await revoked(vep.url);
      took.stream.push(stream);
      took.suspended.push(suspended);
    }
  } finally {
    await vep.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  console.log(
    `\n| Revocation, ${name} (${ROUNDS} times) | least ms | median ms | most ms | mark | |\n|---|---:|---:|---:|---:|---|`,
  );
  for (const [what, all] of [
    ['until an open event stream has ended', took.stream],
    ['until the running application is suspended', took.suspended],
  ]) {
    const sorted = all.toSorted((a, b) => a - b);
    const [least, median, most] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map(Math.round);
    met &&= most <= MARK_MS;
    console.log(`| ${what} | ${least} | ${median} | ${most} | ≤ ${MARK_MS} | ${most <= MARK_MS ? 'met' : 'not yet'} |`);
  }
}

/** One application, deployed, watched, and its session revoked: milliseconds from the answer on. */
async function revoked(url) {
  const owner = `owner-${Math.random().toString(36).slice(2)}`;
  const his = { sub: owner, 'wlcg.groups': ['/atlas'] };
  const others = { sub: 'colleague', 'wlcg.groups': ['/atlas'] };
  const federation = { sub: 'federation', 'wlcg.groups': ['/atlas', '/atlas/federation'] };
  const made = await ask(url, 'POST', '/appliance/', his, { type: 'application/ovf+xml', body: descriptor });
  const path = new URL(made.headers.get('location')).pathname;
  await until(async () => (await shown(url, path, his)).attributes[STATE] === 'active');
  const { resources } = await shown(url, '/session/', federation);
  const session = resources.find(({ attributes }) => attributes[`${SESSION}application`] === path);
  const { closed } = await watched(url, path, his);
  const body = JSON.stringify({ action: REVOKE, attributes: {} });
  const at = `/session/${session.id.replace('urn:uuid:', '')}?action=revoke`;
  await ask(url, 'POST', at, federation, { type: 'application/occi+json', body });
  const begin = performance.now();
  const [stream, suspended] = await Promise.all([
    closed.then(() => performance.now() - begin),
    until(async () => (await shown(url, path, others)).attributes[STATE] === 'suspended').then(
      () => performance.now() - begin,
    ),
  ]);
  return { stream, suspended };
}

/** Opens the event stream; `closed` resolves when the server has ended it. */
async function watched(url, path, who) {
  const headers = { authorization: `Bearer ${await tokenFor(who)}` };
  const request = http.get(`${url}/events/?subject=${path.split('/').at(-1)}`, { headers, agent: false });
  const [response] = await once(request, 'response');
  if (response.statusCode !== 200) throw new Error(`the stream answers ${response.statusCode}`);
  response.resume();
  // Whatever is not an orderly end comes as an error as well.
  response.on('error', () => undefined);
  return { closed: once(response, 'close') };
}

async function shown(url, path, who) {
  return (await ask(url, 'GET', path, who)).json();
}

async function ask(url, method, path, who, { type, body } = {}) {
  for (;;) {
    const authorization = `Bearer ${await tokenFor(who)}`;
    const headers = { authorization, accept: 'application/occi+json', ...(type ? { 'content-type': type } : {}) };
    const answer = await fetch(url + path, { method, headers, ...(body ? { body } : {}) });
    if (answer.ok) return answer;
    const text = await answer.text();
    // The keys of the issuer are fetched a moment after the start.
    if (answer.status !== 503) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`);
    await pause();
  }
}

async function tokenFor(claims) {
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: issuer, aud: AUDIENCE, iat: now, exp: now + 600, jti: '1' };
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .sign(privateKey);
}

async function until(wanted) {
  while (!(await wanted())) await pause();
}

function pause() {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
