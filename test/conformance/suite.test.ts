/**
 * The conformance suite (`src/conformance`) run over the wire against VEP itself, on every database: one test a statement and
 * version. What does not simply pass is explained in `explained.ts`; a MUST may be inapplicable, never failed. What the runs
 * showed is what `docs/conformance.md` says; `npm run conformance:page` writes it anew.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { CHECKS, UNOBSERVABLE } from '../../src/conformance/checks/index.js';
import { CATALOGUE, VERSIONS, exchangeText, runSuite, type Result, type Run } from '../../src/conformance/index.js';
import { forEachServer } from '../support/server.js';
import { HELD_BY, explanationOf } from './explained.js';
import { columnsIn, columnsOf, rewritten, type Columns } from './page.js';

const PAGE = new URL('../../docs/conformance.md', import.meta.url);

describe('the catalogue', () => {
  it('has each statement once, and a check for it or the reason why there is none', () => {
    const ids = CATALOGUE.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...Object.keys(CHECKS), ...Object.keys(UNOBSERVABLE)].sort()).toEqual([...ids].sort());
  });

  it.each(Object.keys(UNOBSERVABLE))('has a test for %s, which nobody outside can see', (id) => {
    const files = HELD_BY[id] ?? [];
    expect(files).not.toEqual([]);
    for (const file of files) {
      const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
      expect(text.match(/^ *(it\b|describe\b|id:).*|^\/\*\*[^]*?\*\//gm)?.join()).toContain(id);
    }
  });
});

const seen = new Map(columnsIn(readFileSync(PAGE, 'utf8')));

forEachServer({}, (server, database) => {
  // A version is a matter of parsing and rendering: for another database one of the two will do by day.
  const versions = database === 'sqlite' || process.env['VEP_TEST_NIGHTLY'] ? VERSIONS : (['1.2'] as const);
  const statements = CATALOGUE.filter(({ id }) => CHECKS[id] !== undefined)
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
      patienceMs: 120_000,
      versions,
    });
    for (const each of run.results) results.set(`${each.statement.id} ${each.version}`, each);
    const columns: Columns = columnsOf(database === 'sqlite' ? 'SQLite' : 'PostgreSQL', run);
    for (const [name, outcomes] of columns) seen.set(name, outcomes);
  });

  it.each(statements)('$id [$version] $level $says', ({ id, version, level }) => {
    const result = results.get(`${id} ${version}`);
    const explained = explanationOf(id, version);
    const said = result?.decisive === undefined ? '' : exchangeText(result.decisive);
    const found = [result?.outcome, result?.reason, result?.outcome === 'passed' ? '' : said];
    if (explained === undefined) expect(found).toEqual(['passed', undefined, '']);
    else expect(found).toEqual([explained.outcome, expect.any(String), expect.any(String)]);
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

describe('docs/conformance.md', () => {
  it('says what the runs have shown', () => {
    const page = readFileSync(PAGE, 'utf8');
    if (process.env['VEP_WRITE_PAGE']) writeFileSync(PAGE, rewritten(page, seen));
    else expect(rewritten(page, seen)).toBe(page);
  });
});
