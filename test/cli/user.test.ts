/** `vep user` and `vep token` as `docs/access/local-users.md` shows them, on the data directory of a server that runs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { serverFor } from '../support/server.js';
import { vep, type Ran } from './fake-terminal.js';

const server = serverFor();
const run = (line: string): Promise<Ran> =>
  vep(
    [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? ''),
    { directory: server().directory, environment: { VEP_DATA_DIR: server().directory } },
  );

const asks = async (token: string): Promise<number> =>
  (await server().request('GET', '/compute/', { as: null, headers: { authorization: `Bearer ${token}` } })).status;

it('does what the page shows, and the server takes notice at once', async () => {
  const page = readFileSync(join(packageRoot, 'docs/access/local-users.md'), 'utf8');
  const commands = [...page.matchAll(/^\$ vep (.*)$/gm)].map((match) => match[1] ?? '');
  expect(commands).toHaveLength(7);
  let token = '';
  for (const command of commands) {
    const { code, out } = await run(command);
    expect([command, code]).toEqual([command, 0]);
    if (command.startsWith('token create')) token = out.trim();
    if (command.startsWith('user disable')) expect(await asks(token)).toBe(401);
    if (command.startsWith('user enable')) expect(await asks(token)).toBe(200);
  }
  const listed = (await run('--json user list --admin')).out;
  const alice = (JSON.parse(listed) as { id: string }[]).find(({ id }) => id === 'local:alice');
  const holder = (JSON.parse(listed) as { id: string }[]).find(({ id }) => id.startsWith('oidc:'));
  expect(holder).toMatchObject({ roles: ['viewer'], groups: ['physics'], password: false });
  expect((await run(`user disable "${holder?.id ?? ''}" --admin`)).code).toBe(0);
  expect((await run('user register alice --group physics --admin')).code).toBe(2);
  expect((await run('user register oidc:x --admin')).code).toBe(2);
  expect(alice).toMatchObject({ roles: ['user', 'auditor'], groups: ['physics'], disabled: false });
});
