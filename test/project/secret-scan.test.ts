/** The scan at the end of every run finds what it is there to find, and fails the run (issue 6, point 7). */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import end from '../support/run/end.mjs';
import { formsOf, scan } from '../support/run/scan.mjs';

const SECRET = 'hünter2/"+ä~?>correct';
const CLEAN = `${'a line of a log that says nothing of interest\n'.repeat(5_000)}`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vep-scan-'));
  for (const part of ['secrets', 'said']) mkdirSync(join(directory, part));
  for (let index = 0; index < 500; index++)
    writeFileSync(join(directory, 'secrets', '1'), `${JSON.stringify([`another secret ${index}`, 'x'])}\n`, {
      flag: 'a',
    });
  writeFileSync(join(directory, 'secrets', '2'), `${JSON.stringify([SECRET, 'a password'])}\n`);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const said = (text: string): void => writeFileSync(join(directory, 'said', 'server.log'), text);

it.each([
  ['plain', `"msg":"it is ${SECRET}!"`],
  ['plain', JSON.stringify({ msg: SECRET })],
  ['percent', `/?token=${encodeURIComponent(SECRET)}&x`],
  ['hex', Buffer.from(SECRET).toString('hex')],
  ['base64', Buffer.from(SECRET).toString('base64')],
  ['base64', Buffer.from(`a:${SECRET}`).toString('base64')],
  ['base64', Buffer.from(`ab:${SECRET}:more`).toString('base64url')],
  ['base64', Buffer.from(`x${SECRET}`).toString('base64url')],
])('finds a leak in %s: %s', async (how, leak) => {
  said(`${CLEAN}${leak}\n${CLEAN}`);
  const { hits, secrets } = await scan(directory);
  expect(secrets).toBe(501);
  expect(hits).toContainEqual(expect.objectContaining({ what: 'a password', how, file: 'server.log' }));
  expect(JSON.stringify(hits)).not.toContain(leak);
});

it('finds what lies across the pieces in which a file is read, and at its very end', async () => {
  const piece = 2 ** 22;
  said(`${'x'.repeat(piece - 7)}${SECRET}${'x'.repeat(piece)}${SECRET}`);
  expect((await scan(directory)).hits).toHaveLength(2);
});

it('finds nothing where nothing is', async () => {
  said(`${CLEAN}${SECRET.slice(0, -2)} ${formsOf(SECRET)[2]?.[1].slice(1) ?? ''}`);
  expect((await scan(directory)).hits).toEqual([]);
});

it('fails the run, says where, and does not say the secret', async () => {
  const run = process.env['VEP_TEST_RUN'];
  try {
    process.env['VEP_TEST_RUN'] = directory;
    said(`${CLEAN}${SECRET}`);
    const failed = end();
    await expect(failed).rejects.toThrow(/501 secrets .* 1 found; kept in .*\n {2}a password \(plain\) in server\.log/);
    await expect(failed).rejects.not.toThrow(SECRET);
  } finally {
    process.env['VEP_TEST_RUN'] = run;
  }
});

it('takes no secret that is too short to be told from chance', async () => {
  writeFileSync(join(directory, 'secrets', '3'), `${JSON.stringify(['short', 'a password'])}\n`);
  await expect(scan(directory)).rejects.toThrow('too short');
});
