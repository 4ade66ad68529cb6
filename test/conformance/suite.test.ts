/**
 * The conformance suite (`src/conformance`) run over the wire against VEP itself, on every database: one test a statement and
 * version. What does not simply pass is explained in `explained.ts`; a MUST may be inapplicable, never failed.
 */

import { CHECKS } from '../../src/conformance/checks/index.js';
import { VERSIONS, exchangeText, runSuite, selected, type Result, type Run } from '../../src/conformance/index.js';
import { forEachServer } from '../support/server.js';
import { EXPLAINED } from './explained.js';

forEachServer({}, (server, database) => {
  // A version is a matter of parsing and rendering: for another database one of the two will do by day.
  const versions = database === 'sqlite' || process.env['VEP_TEST_NIGHTLY'] ? VERSIONS : (['1.2'] as const);
  const statements = selected(undefined)
    .filter(({ id }) => CHECKS[id] !== undefined)
    .flatMap((each) => each.versions.map((version) => ({ ...each, version })))
    .filter(({ version }) => versions.includes(version));
  let run: Run;
  const results = new Map<string, Result>();

  beforeAll(async () => {
    const { url, tokens } = server();
    run = await runSuite({
      endpoint: url,
      credentials: { scheme: 'bearer', token: tokens.user },
      other: { scheme: 'bearer', token: tokens.stranger },
      provider: { scheme: 'bearer', token: tokens.admin },
      patienceMs: 20_000,
      versions,
    });
    for (const each of run.results) results.set(`${each.statement.id} ${each.version}`, each);
  }, 300_000);

  it.each(statements)('$id [$version] $level $says', ({ id, version, level }) => {
    const result = results.get(`${id} ${version}`);
    const said = result?.decisive === undefined ? '' : exchangeText(result.decisive);
    const explained = EXPLAINED[`${id}@${version}`] ?? EXPLAINED[id];
    const seen = [result?.outcome, result?.reason, result?.outcome === 'passed' ? '' : said];
    if (explained === undefined) expect(seen).toEqual(['passed', undefined, '']);
    else expect(seen).toEqual([explained.outcome, expect.any(String), expect.any(String)]);
    if (level === 'MUST') expect(result?.outcome).not.toBe('failed');
  });

  it('removes all that it made', async () => {
    expect(run.left).toEqual([]);
    const { text } = await server().request('GET', '/', { headers: { accept: 'text/plain' } });
    expect(text).toBe('');
    const model = await server().request('GET', '/-/');
    expect(model.text).not.toContain('http://example.org/occi/conformance#');
  });
});
