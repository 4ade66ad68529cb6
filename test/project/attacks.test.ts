/**
 * Every security case has a test of its name, or a stated reason why not: `docs/security-cases.md` is that index, and is held
 * to the tests. `VEP_WRITE_PAGE=1` writes it.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CASES, OPEN } from '../attacks/cases.js';

const PAGE = 'docs/security-cases.md';

it('has a test or a reason for every security case, and the page that lists them', () => {
  const shown = testsByCase();
  const undefended = [...shown].filter(([, files]) => files.some(isUndefended)).map(([id]) => id);
  if (process.env['VEP_WRITE_PAGE'] === '1') writeFileSync(PAGE, written(shown));
  const neither = Object.keys(CASES).filter((id) => !shown.has(id) && OPEN[id] === undefined);
  expect(neither).toEqual([]);
  expect([...shown.keys()].filter((id) => CASES[id] === undefined)).toEqual([]);
  // The page may lack a test that came later; what it claims must be so.
  const rows = new Map(
    [...readFileSync(PAGE, 'utf8').matchAll(/^\| (S-\d{3}) \| (.*) \| (.*) \| (.*) \|$/gm)].map(
      ([, id = '', what = '', by = '', works = '']) => [id, { what, by, works }],
    ),
  );
  expect(Object.fromEntries([...rows].map(([id, { what }]) => [id, what]))).toEqual(CASES);
  expect([...rows].filter(([, { works }]) => works !== '').map(([id]) => id)).toEqual(undefended.sort());
  expect(undefended.length).toBeGreaterThanOrEqual(25);
  for (const [id, { by }] of rows) {
    const files = [...by.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file);
    expect([id, files.filter((file) => shown.get(id)?.includes(file) !== true)]).toEqual([id, []]);
    expect([id, files.length > 0 || OPEN[id] !== undefined, by.endsWith(OPEN[id] ?? '')]).toEqual([id, true, true]);
  }
});

it('finds cases in the names of tests, ranges among them, and nowhere else', () => {
  const text = `/* S-001 */\n// 'S-002'\nit('S-003 … S-005 and S-007 are refused', () => { /* S-008 */ });`;
  expect(casesIn(text)).toEqual(['S-003', 'S-004', 'S-005', 'S-007']);
});

/** Where the attack is shown to work first, on a server or part without the defence. */
function isUndefended(file: string): boolean {
  return file.startsWith('test/attacks/undefended/');
}

/** Files of tests by the case that they name. */
function testsByCase(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.test.ts') && !file.endsWith('attacks.test.ts'),
  );
  for (const file of files.sort())
    for (const id of new Set(casesIn(readFileSync(join('test', file), 'utf8'))))
      found.set(id, [...(found.get(id) ?? []), `test/${file}`]);
  return found;
}

/** Cases named in strings, which in a test are the names of tests; comments do not count. */
function casesIn(text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const strings = [...code.matchAll(/(['"`])((?:(?!\1)[^\n\\]|\\.)*)\1/g)].map(([, , content = '']) => content);
  return strings.flatMap((content) =>
    [...content.matchAll(/S-(\d{3})(?:\s*(?:…|to|–)\s*S-(\d{3}))?/g)].flatMap(([, first, last]) => {
      const [from, to] = [Number(first), Number(last ?? first)];
      return Array.from({ length: to - from + 1 }, (_, index) => `S-${String(from + index).padStart(3, '0')}`);
    }),
  );
}

function written(shown: ReadonlyMap<string, readonly string[]>): string {
  const rows = Object.entries(CASES).map(([id, what]) => {
    const files = (shown.get(id) ?? []).map((file) => `\`${file}\``).join(', ');
    const open = OPEN[id];
    const works = shown.get(id)?.some(isUndefended) === true ? 'yes' : '';
    return `| ${id} | ${what} | ${files}${files !== '' && open !== undefined ? '; ' : ''}${open ?? ''} | ${works} |`;
  });
  return `# Security cases

What VEP is attacked with in its tests, and where. A test shows a case by having its number in its name. This page is written and
held to the tests by \`test/project/attacks.test.ts\`; what is not shown says why. Where the last column says so, a test first shows
that the attack works on a server or part without the defence (\`test/attacks/undefended\`), so that it is the defence that stops
it. The threats behind the cases are in [security.md](security.md).

| Case | Attack | Shown by | Works without |
|---|---|---|---|
${rows.join('\n')}
`;
}
