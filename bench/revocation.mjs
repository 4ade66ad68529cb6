/**
 * How long revocation takes (part of `npm run bench`): a user of a federation has {@link STREAMS} event streams open on an
 * application; an administrator revokes the session, and the clock runs until every stream has ended, until the next request is
 * refused, and until the machine of the application is suspended. With the pause between two looks that is the default.
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { parseConfig } from '../dist/src/base/config-file.js';
import { silentLog } from '../dist/src/base/log.js';
import { start } from '../dist/src/server.js';

const STREAMS = 200;
const ROUNDS = 5;
const fixtures = fileURLToPath(new URL('../test/support/pki-fixtures/', import.meta.url));
const AUDIENCE = 'https://vep.example.org';
const STATE = 'eu.contrail-project.appliance.state';

const pair = await generateKeyPair('ES256', { extractable: true });
const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }];
const tls = { cert: readFileSync(`${fixtures}eec/host.pem`), key: readFileSync(`${fixtures}eec/host.key`) };
const issuing = createServer(tls, (request, response) => {
  const metadata = { issuer, jwks_uri: `${issuer}/keys` };
  response.end(JSON.stringify(request.url === '/keys' ? { keys } : metadata));
});
await new Promise((resolve) => issuing.listen(0, '127.0.0.1', resolve));
const issuer = `https://localhost:${issuing.address().port}`;
const now = Math.floor(Date.now() / 1000);
const token = await new SignJWT({
  ...{ iss: issuer, sub: 'alice', aud: AUDIENCE, iat: now, exp: now + 3600, jti: '1', 'wlcg.groups': ['/atlas'] },
})
  .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
  .sign(pair.privateKey);

const directory = mkdtempSync(join(tmpdir(), 'vep-revocation-'));
const trusted = { allow: ['localhost'], ca: `${fixtures}ca/root.pem` };
const server = await start({
  log: silentLog,
  config: parseConfig(
    JSON.stringify({
      server: { port: 0 },
      data: { directory },
      access: { issuers: [{ issuer, audience: [AUDIENCE], vos: [{ vo: 'atlas', group: '/atlas' }], ...trusted }] },
      sites: [{ name: 'sim', type: 'simulator', options: { timeFactor: 1000 } }],
    }),
    {},
  ),
});
const admin = readFileSync(join(directory, 'admin.token'), 'utf8').trim();

async function ask(path, { as = token, method = 'GET', type = 'application/occi+json', body } = {}) {
  const headers = { authorization: `Bearer ${as}`, accept: 'application/occi+json', 'content-type': type };
  const response = await fetch(server.url + path, { method, headers, body });
  return { status: response.status, location: response.headers.get('location'), text: await response.text() };
}

async function until(what, path, wanted, as = admin) {
  for (let tries = 0; tries < 6000; tries++) {
    const answer = await ask(path, { as });
    if (wanted(answer)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} has not happened`);
}
const inState = (state) => (answer) => answer.status === 200 && JSON.parse(answer.text).attributes[STATE] === state;

function stream(subject) {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    http
      .get(`${server.url}/events/?subject=${subject}`, { headers, agent: false }, (response) => {
        response.resume();
        resolve(new Promise((ended) => response.on('close', ended)));
      })
      .on('error', reject);
  });
}

const descriptor = readFileSync(fileURLToPath(new URL('../examples/single-vm/single-vm.ovf', import.meta.url)), 'utf8')
  .replace(/<References>[^]*?<\/References>/, '<References/>')
  .replace(/ ovf:fileRef="[^"]*"/g, '')
  .replace(/ ovf:format="[^"]*"/g, '');

const times = { streams: [], refused: [], suspended: [] };
await until('sign-in', '/compute/', ({ status }) => status === 200, token);
for (let round = 0; round < ROUNDS; round++) {
  const type = 'application/ovf+xml';
  const made = await ask('/appliance/', { method: 'POST', type, body: descriptor });
  if (made.status !== 201) throw new Error(`${made.status} ${made.text}`);
  const path = new URL(made.location).pathname;
  await until('deployment', path, inState('active'));
  const open = await Promise.all(Array.from({ length: STREAMS }, () => stream(path.split('/').at(-1))));
  const { resources } = JSON.parse((await ask('/session/', { as: admin })).text);
  const session = resources.find(({ attributes }) => attributes['eu.contrail-project.session.application'] === path);
  const action = 'http://schemas.contrail-project.eu/occi/access/session/action#revoke';
  const url = `/session/${session.id.replace('urn:uuid:', '')}?action=revoke`;
  const begin = performance.now();
  await ask(url, {
    as: admin,
    method: 'POST',
    body: JSON.stringify({ action, attributes: { reason: randomBytes(4).toString('hex') } }),
  });
  const after = (work) => work.then(() => performance.now() - begin);
  const [streams, refused, suspended] = await Promise.all([
    after(Promise.all(open)),
    after(until('refusal', path, ({ status }) => status === 404, token)),
    after(until('suspension', path, inState('suspended'))),
  ]);
  times.streams.push(streams);
  times.refused.push(refused);
  times.suspended.push(suspended);
}

const worst = (of) => Math.round(Math.max(...of));
console.log(`\n| After \`revoke\`, with ${STREAMS} open streams | longest of ${ROUNDS}, ms |\n|---|---:|`);
console.log(`| the next request is refused | ${worst(times.refused)} |`);
console.log(`| every stream has ended | ${worst(times.streams)} |`);
console.log(`| the application is suspended | ${worst(times.suspended)} |`);
await server.close(0);
issuing.closeAllConnections();
issuing.close();
rmSync(directory, { recursive: true, force: true });
