/** The lint rule that holds the floors (K38, K39), tried on small trees of modules. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Linter, type ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const rulePath = resolve('scripts/eslint-floors.js');
const { default: vep } = (await import(rulePath)) as { default: ESLint.Plugin };

type Tree = Readonly<Record<string, string>>;

/** Message ids of what the rule finds in `file` when the tree looks like this. */
function findings(file: string, tree: Tree): string[] {
  const root = mkdtempSync(join(tmpdir(), 'vep-floors-'));
  try {
    for (const [name, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const linter = new Linter({ cwd: root });
    const messages = linter.verify(
      tree[file]!,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser: tseslint.parser },
          plugins: { vep },
          rules: { 'vep/floors': ['error', { root }] },
        },
      ],
      { filename: join(root, file) },
    );
    return messages.map((message) => message.messageId ?? message.message);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** One module with one text, and what must be said about it. */
const cases: readonly (readonly [what: string, file: string, text: string, expected: readonly string[]])[] = [
  ['a floor imports from below', 'src/store/a.ts', "import { a } from '../occi/a.js';", []],
  ['a floor imports from above', 'src/occi/a.ts', "import { a } from '../store/a.js';", ['upward']],
  ['a type from above', 'src/occi/a.ts', "import type { A } from '../store/a.js';", ['upward']],
  ['a neighbour of equal height', 'src/occi/a.ts', "import { a } from '../ledger/a.js';", ['upward']],
  ['a type in an expression', 'src/occi/a.ts', "export type A = import('../store/a.js').A;", ['upward']],
  ['a re-export from above', 'src/net/a.ts', "export * from '../http/a.js';", ['upward']],
  ['a dynamic import from above', 'src/net/a.ts', "await import('../http/a.js');", ['upward']],
  ['a folder that is no floor', 'src/http/a.ts', "import { a } from '../misc/a.js';", ['upward']],
  ['http knows no extension', 'src/http/a.ts', "import { a } from '../../extensions/sla/a.js';", ['upward']],
  ['cli knows no extension', 'src/cli/a.ts', "import { a } from '../../extensions/sla/a.js';", ['upward']],
  ['conformance knows no http', 'src/conformance/a.ts', "import { a } from '../http/a.js';", ['groundOnly']],
  ['nor a parser of the server', 'src/conformance/a.ts', "import { a } from '../occi/a.js';", ['groundOnly']],
  [
    'the root knows all',
    'src/server.ts',
    "import { a } from '../extensions/sla/a.js'; import { b } from './http/b.js';",
    [],
  ],
  ['so does a part of the root', 'src/server/a.ts', "import { a } from '../../extensions/sla/a.js';", []],
  ['http knows no part of the root', 'src/http/a.ts', "import { a } from '../server/a.js';", ['upward']],
  ['only the command knows the root', 'src/cli/a.ts', "import { a } from '../server.js';", []],
  ['http does not know the root', 'src/http/a.ts', "import { a } from '../server.js';", ['upward']],
  ['an extension knows the floors', 'extensions/sla/a.ts', "import { a } from '../../src/engine/a.js';", []],
  ['an extension does not know http', 'extensions/sla/a.ts', "import { a } from '../../src/http/a.js';", ['upward']],
  ['infrastructure serves all', 'extensions/sla/a.ts', "import { a } from '../infrastructure/a.js';", []],
  ['no unlisted arrow', 'extensions/sla/a.ts', "import { a } from '../vo/a.js';", ['neighbour']],
  ['infrastructure needs nobody', 'extensions/infrastructure/a.ts', "import { a } from '../sla/a.js';", ['neighbour']],
  ['tests see everything', 'extensions/sla/a.test.ts', "import { a } from '../../src/http/a.js';", []],
  ['pure: files', 'src/ovf/a.ts', "import { readFileSync } from 'node:fs';", ['impureImport']],
  ['pure: sockets, old spelling', 'src/sla/a.ts', "import net from 'net';", ['impureImport']],
  ['pure: timers/promises', 'src/sla/a.ts', "import { setTimeout } from 'node:timers/promises';", ['impureImport']],
  ['pure: undici', 'src/sla/a.ts', "import { request } from 'undici';", ['impureImport']],
  [
    'pure: hashing and zlib',
    'src/ledger/a.ts',
    "import { createHash } from 'node:crypto'; import z from 'node:zlib';",
    [],
  ],
  ['pure: random bytes', 'src/ledger/a.ts', "import { randomBytes } from 'node:crypto';", ['impureUse']],
  ['pure: Date.now', 'src/sla/a.ts', 'export const a = Date.now();', ['impureUse']],
  ['pure: new Date()', 'src/sla/a.ts', 'export const a = new Date();', ['impureUse']],
  ['pure: new Date(x)', 'src/sla/a.ts', 'export const a = (x: number) => new Date(x);', []],
  ['pure: Math.random', 'src/scheduling/a.ts', 'export const a = Math.random();', ['impureUse']],
  ['pure: timers', 'src/scheduling/a.ts', 'setTimeout(() => undefined, 1);', ['impureUse']],
  ['pure: a parameter of that name', 'src/sla/a.ts', 'export const a = (fetch: () => void): void => fetch();', []],
  ['pure: the clock of base', 'src/sla/a.ts', "import { systemClock } from '../base/clock.js';", ['impureImport']],
  ['pure: the type of the clock', 'src/sla/a.ts', "import type { Clock } from '../base/clock.js';", []],
  ['pure: isUuid', 'src/sla/a.ts', "import { isUuid, type Uuid } from '../base/ids.js';", []],
  ['effects above the pure floors', 'src/store/a.ts', "import fs from 'node:fs'; export const a = Date.now();", []],
];

describe('vep/floors', () => {
  it.each(cases)('%s (%s)', (_what, file, text, expected) => {
    expect(findings(file, { [file]: text })).toEqual(expected);
  });

  it('refuses a circle of three, from each of its modules', () => {
    const tree = {
      'src/ovf/a.ts': "import { b } from './b.js';",
      'src/ovf/b.ts': "import {\n  c,\n} from './c.js';",
      'src/ovf/c.ts': "export { a } from './a.js';",
    };
    for (const file of Object.keys(tree)) expect(findings(file, tree)).toEqual(['circle']);
  });

  it('accepts a circle that import type closes', () => {
    const tree = { 'src/ovf/a.ts': "import { b } from './b.js';", 'src/ovf/b.ts': "import type { A } from './a.js';" };
    expect([...findings('src/ovf/a.ts', tree), ...findings('src/ovf/b.ts', tree)]).toEqual([]);
  });
});
