/** `vep conformance` against a real server: its reports, what it refuses to do, and its exit codes. */

import { createServer, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMParser } from '@xmldom/xmldom';
import { serverFor } from '../support/server.js';
import { vep } from './fake-terminal.js';

describe('vep conformance', () => {
  const server = serverFor();
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'vep-conformance-'));
    writeFileSync(join(directory, 'secret'), `${server().tokens.user}\n`);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const run = (...args: string[]) => vep(['conformance', server().url, ...args], { directory });
  const signedIn = (...args: string[]) => run('--auth', 'bearer:@secret', ...args);

  it('counts by version and level, and ends with 0', async () => {
    const { code, out, err } = await signedIn('--only', 'C-001,C-084,C-103');
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`OCCI/1.1 OCCI/1.2 OCCI-CRTP/1.1 at ${server().url}/`);
    expect(out).toMatch(/^1\.1 MUST +2 +0 +0 +1 +0$/m);
    expect(out).toMatch(/^1\.2 MUST +2 +0 +0 +1 +0$/m);
    expect(out).toContain('no MUST is violated');
  });

  it('judges by one version', async () => {
    const { code, out } = await signedIn('--version', '1.1', '--only', 'C-04', '--json');
    const { versions, checks } = JSON.parse(out);
    expect([code, versions]).toEqual([0, ['1.1']]);
    expect(new Set(checks.map((check: { version: string }) => check.version))).toEqual(new Set(['1.1']));
    expect(checks.map((check: { id: string }) => check.id)).not.toContain('C-041');
  });

  it('reports every check with all that was said, and no credentials, as JSON', async () => {
    const { out } = await signedIn('--only', 'C-084', '--version', '1.2', '--report', 'json');
    const { conforms, counts, checks } = JSON.parse(out);
    expect([conforms, counts]).toEqual([true, [expect.objectContaining({ version: '1.2', level: 'MUST', passed: 1 })]]);
    const [check] = checks;
    expect(check).toMatchObject({
      id: 'C-084',
      level: 'MUST',
      outcome: 'passed',
      source: 'GFD.185 §3.4.1; GFD.223 §9.1',
    });
    const [{ request, response }] = check.exchanges;
    expect([request.method, request.url, response.status]).toEqual(['GET', `${server().url}/-/`, 200]);
    expect(request.headers).toContainEqual(['Authorization', '(hidden)']);
    expect(out).not.toContain(server().tokens.user);
  });

  it('reports as JUnit, well-formed, into a file', async () => {
    const { out, code } = await signedIn('--only', 'C-08,C-103', '--report', 'junit', '--output', 'junit.xml');
    expect([code, out]).toEqual([0, '']);
    const root = new DOMParser().parseFromString(
      readFileSync(join(directory, 'junit.xml'), 'utf8'),
      'text/xml',
    ).documentElement;
    expect(root?.getAttribute('failures')).toBe('0');
    const cases = Array.from(root?.getElementsByTagName('testcase') ?? []);
    expect(cases).toHaveLength(Number(root?.getAttribute('tests')));
    expect(cases[0]?.getElementsByTagName('system-out')[0]?.textContent).toContain('> GET');
  });

  it('reports as a page that loads nothing', async () => {
    const { out } = await signedIn('--only', 'C-084', '--report', 'html');
    expect(out).toMatch(/^<!DOCTYPE html>/);
    expect(out).toContain('&gt; GET /-/ HTTP/1.1');
    expect(out).not.toMatch(/<(script|link|img)\b/);
  });

  it('destroys nothing without credentials on the command line', async () => {
    const { code, err } = await run('--destructive', '--only', 'C-121');
    expect([code, err]).toEqual([2, expect.stringContaining('--auth')]);
    const implicit = await vep(['conformance', server().url, '--only', 'C-121', '--json', '--version', '1.1'], {
      environment: { VEP_TOKEN: server().tokens.user },
    });
    expect(JSON.parse(implicit.out).checks[0]).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('explicit credentials'),
    });
  });

  it.each([
    ['an unknown statement', ['--auth', 'none', '--only', 'X-1'], 2],
    ['an unknown version', ['--version', '2.0'], 2],
    ['credentials that cannot be read', ['--auth', 'magic'], 1],
    ['a secret that is not there', ['--auth', 'bearer:@nowhere'], 2],
    ['no credentials where some are needed', ['--auth', 'none', '--only', 'C-001'], 4],
  ])('refuses %s', async (_what, args, code) => {
    expect((await run(...args)).code).toBe(code);
  });

  it('says that nobody answers', async () => {
    expect((await vep(['conformance', 'http://127.0.0.1:1'])).code).toBe(3);
    expect((await vep(['conformance', 'nonsense'])).code).toBe(2);
  });

  it('still answers the question for its own version', async () => {
    expect((await vep(['--version'])).out).toBe('0.1.0\n');
  });

  describe('against something that is no OCCI server', () => {
    let other: Server;
    beforeAll(async () => {
      other = createServer((_request, response) => response.end('hello'));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => new Promise((resolve) => other.close(resolve)));

    it('finds MUSTs violated and ends with 1', async () => {
      const { code, out, err } = await vep([
        ...['conformance', `http://127.0.0.1:${(other.address() as AddressInfo).port}`],
        ...['--auth', 'none', '--only', 'C-001,C-002'],
      ]);
      expect([code, out]).toEqual([1, expect.stringContaining('at least one MUST is violated')]);
      expect(err).toContain('C-001 [1.1] MUST');
    });
  });
});
