/** `vep access sessions`, `delegate`, `redeem`, `end`, `revoke`, as `docs/access/sessions.md` shows them, against a server. */

import { descriptor, OVF_TYPE, APPLIANCE_CATEGORY } from '../integration/appliance-wire.js';
import { serverFor, type Part } from '../support/server.js';
import { vep, type Ran } from './fake-terminal.js';

const server = serverFor();
const as = (part: Part, line: string): Promise<Ran> =>
  vep(line.split(' '), {
    directory: server().directory,
    environment: { VEP_ENDPOINT: server().url, VEP_TOKEN: server().tokens[part] },
  });

it('delegates an application by a one-time token, and takes it back', async () => {
  const headers = { 'content-type': OVF_TYPE, category: APPLIANCE_CATEGORY };
  const made = await server().request('POST', '/appliance/', { headers, body: descriptor({ machines: ['m1'] }) });
  const path = new URL(made.headers.location ?? '').pathname;
  const id = path.split('/').at(-1) ?? '';
  expect((await as('stranger', `show ${id}`)).code).toBe(6);

  const delegated = await as('user', `access delegate ${id} --verbs read --for 30m`);
  expect(delegated.code).toBe(0);
  const token = delegated.out.trim();
  expect(token).toMatch(/^vepd_[\w-]{43}$/);
  expect((await as('stranger', `access redeem ${token}`)).out).toMatch(new RegExp(`^${path}: read until 20`));
  expect((await as('stranger', `access redeem ${token}`)).code).toBe(4);
  expect((await as('stranger', `show ${id}`)).code).toBe(0);

  const listed = await as('user', `access sessions ${id}`);
  expect(listed.out).toContain('redeemed by stranger');
  const session = /active +delegation .* ([0-9a-f-]{36})$/m.exec(listed.out)?.[1] ?? '';
  expect((await as('user', `access revoke ${session} --reason done`)).out).toBe('revoked\n');
  expect((await as('stranger', `show ${id}`)).code).toBe(6);
  expect((await as('stranger', 'access sessions')).out).toBe('no sessions\n');
});

it('delegates to somebody by name, who gives it up', async () => {
  const headers = { 'content-type': OVF_TYPE, category: APPLIANCE_CATEGORY };
  const made = await server().request('POST', '/appliance/', { headers, body: descriptor({ machines: ['m1'] }) });
  const id = (made.headers.location ?? '').split('/').at(-1) ?? '';
  const delegated = await as('user', `--json access delegate ${id} --to local:stranger`);
  const { path } = JSON.parse(delegated.out) as { path: string };
  expect((await as('stranger', `access end ${path}`)).out).toBe('ended\n');
  expect((await as('stranger', `show ${id}`)).code).toBe(6);
  expect((await as('user', `access delegate ${id} --for ever`)).code).toBe(2);
  expect((await as('user', `access delegate ${id} --verbs govern`)).code).toBe(1);
});
