/** The example of `docs/access/virtual-organizations.md`, run line by line. */

import { readFileSync } from 'node:fs';
import { packageRoot } from '../../src/base/package-root.js';
import { vep, type Ran } from '../cli/fake-terminal.js';
import { serverFor } from '../support/server.js';

const server = serverFor();
const page = readFileSync('docs/access/virtual-organizations.md', 'utf8');
const lines = [...page.matchAll(/^(\w*)\$ vep (.+)$/gm)].map(([, who = '', line = '']) => ({ who, line }));

function run(line: string, token?: string): Promise<Ran> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const environment = { VEP_DATA_DIR: server().directory, ...(token === undefined ? {} : { VEP_TOKEN: token }) };
  return vep(words, { environment, directory: packageRoot });
}

it('does what it says', async () => {
  await server().wait('/health/sites/sim/inventory', ({ json }) => json.hosts?.length > 0, { as: 'admin' });
  const tokens = new Map<string, string>();
  const said: string[] = [];
  for (const { who, line } of lines) {
    if (who !== '' && !tokens.has(who)) {
      const { out } = await run(`token create --admin --account ${who}`);
      tokens.set(who, out.trim());
    }
    const { code, out, err } = await run(line, tokens.get(who));
    expect([line, code, code === 0 ? '' : err]).toEqual([line, 0, '']);
    said.push(out);
  }
  expect(lines.length).toBeGreaterThan(8);
  const [keepers = '', members = ''] = said.filter((out) => out.startsWith('atlas: active'));
  expect(keepers).toMatch(/cores +64 +16 +0 +16/);
  expect(keepers).toMatch(/local:higgs +member +\/atlas\/muons/);
  expect(members).toContain('memory');

  const refused = await run('vo add other', tokens.get('keeper'));
  expect([refused.code, refused.err]).toEqual([expect.any(Number), expect.stringContaining('access.denied')]);
  const wrong = await run('vo set atlas --admin --limit cpus=3');
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('cpus=3')]);
  expect((await run('vo suspend atlas --admin')).out).toBe('atlas is suspended\n');
  expect((await run('vo resume atlas --admin')).out).toBe('atlas is active again\n');
  expect((await run('vo list --admin')).out).toMatch(/atlas +active +cores 64, memory 256, storage 1000/);
  expect((await run('vo member atlas local:higgs --remove --admin')).out).toBe('taken back\n');
  expect((await run('vo show atlas', tokens.get('higgs'))).err).toContain('cli.no-vo');
  expect((await run('vo remove atlas --admin')).out).toBe('atlas is served no more\n');

  expect((await run('user set higgs --role auditor --admin')).out).toBe('higgs is changed\n');
  expect(JSON.parse((await run('user list --admin --json')).out)).toContainEqual(
    expect.objectContaining({ name: 'higgs', roles: ['auditor'], groups: ['higgs'], disabled: false }),
  );
  expect((await run('user disable higgs --admin')).out).toBe('higgs is shut out\n');
  expect((await run('list compute', tokens.get('higgs'))).err).toContain('unauthenticated');
});
