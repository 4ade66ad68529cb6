/**
 * The lint rule `vep/floors`: holds the order of the floors (CONTRACT.md K38), the purity of the pure ones (K39) and the
 * absence of circles between modules.
 *
 * - A module may import from its own floor's folder and from floors below, never from above or from a neighbour.
 * - `http`, `cli` and `conformance` do not know `extensions/*`; only the root, `src/server.ts` and `src/server/`, may name
 *   concrete classes of all.
 * - Extensions may use `infrastructure`; every other arrow between two of them is listed in {@link EXTENSION_ARROWS}.
 * - `conformance` uses `base` alone, so that no parser is judged by itself.
 * - Pure floors import no module with effects and use no clock, chance or timer.
 * - No circles among modules. `import type` is exempt: it leaves nothing behind at run time, and between folders the order
 *   of the floors refuses such circles anyway.
 */

import fs from 'node:fs';
import path from 'node:path';

/** Height of each floor. Neighbours of equal height do not see each other. */
const HEIGHT = new Map([
  ['base', 0],
  ['occi', 1],
  ['ledger', 1],
  ['ovf', 2],
  ['scheduling', 3],
  ['sla', 4],
  ['store', 5],
  ['net', 6],
  ['access', 7],
  ['client', 8],
  ['transfer', 9],
  ['iaas', 9],
  ['bus', 9],
  ['engine', 10],
  ['extension', 11],
  ['extensions', 12],
  ['http', 12],
  ['cli', 12],
  ['conformance', 12],
  ['server', 13],
]);

/** Neighbours that may be seen all the same. The command `vep serve` starts the server, `vep conformance` the suite. */
const EXCEPTIONS = new Set(['cli > conformance', 'cli > server']);

/** Floors that see the ground alone: a suite that reads with the server's own parsers would judge them by themselves. */
const GROUND_ONLY = new Set(['conformance']);

/** Arrows between extensions, `from > to`, besides those to `infrastructure`. */
const EXTENSION_ARROWS = new Set(['ovf-deployment > sla']);

const PURE = new Set(['occi', 'ledger', 'ovf', 'scheduling', 'sla']);

/** Built-in modules with effects: files, sockets, processes, timers. */
const IMPURE_MODULES = new Set(
  [
    ...['child_process', 'cluster', 'dgram', 'dns', 'dns/promises', 'fs', 'fs/promises', 'http', 'http2', 'https'],
    ...['inspector', 'net', 'os', 'process', 'readline', 'repl', 'timers', 'timers/promises', 'tls', 'worker_threads'],
  ].flatMap((name) => [name, `node:${name}`]),
);

/** Packages with effects that a pure floor might be tempted by. */
const IMPURE_PACKAGES = new Set([
  'undici',
  'pg',
  'better-sqlite3',
  'typeorm',
  'express',
  'pino',
  'croner',
  'prom-client',
]);

const IMPURE_GLOBALS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'process', 'performance']);
const IMPURE_MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.getRandomValues',
  'performance.now',
]);
const IMPURE_CRYPTO = new Set([
  'randomBytes',
  'randomUUID',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
]);

/** Base modules that pure floors may not use: their values have effects. Their types are welcome. */
const IMPURE_BASE = new Set(['clock', 'config', 'ids', 'log', 'package-root']);
const PURE_NAMES_OF_IMPURE_BASE = new Set(['isUuid']);

export const floors = {
  meta: {
    type: 'problem',
    schema: [{ type: 'object', properties: { root: { type: 'string' } }, additionalProperties: false }],
    messages: {
      upward: '{{from}} may not import {{to}}: floors import only from below (docs/architecture.md).',
      groundOnly: '{{from}} may import nothing but base: it judges a server by readers of its own.',
      neighbour:
        'extension {{from}} may not import extension {{to}}: list the arrow in scripts/eslint-floors.js if it is meant.',
      impureImport: 'the pure floor {{from}} may not import {{name}}: hand the value in from above.',
      impureUse: 'the pure floor {{from}} may not use {{name}}: hand the value in from above.',
      circle: 'circle of imports: {{circle}}.',
    },
  },
  create(context) {
    const root = context.options[0]?.root ?? context.cwd;
    const file = context.filename;
    const from = floorOf(path.relative(root, file));
    if (!from) return {};
    const pure = PURE.has(from.floor);
    const modules = new Modules(root);

    function checkSource(node, isType, names) {
      const source = node.source?.value;
      if (typeof source !== 'string') return;
      if (!source.startsWith('.')) {
        if (pure && isImpureModule(source)) report(node.source, 'impureImport', { name: source });
        if (pure && /^(node:)?crypto$/.test(source))
          for (const name of names.filter((each) => IMPURE_CRYPTO.has(each)))
            report(node.source, 'impureUse', { name });
        return;
      }
      const target = path.resolve(path.dirname(file), source).replace(/\.js$/, '.ts');
      const to = floorOf(path.relative(root, target));
      if (!to) return;
      const verdict = judge(from, to);
      if (verdict) report(node.source, verdict, { from: from.name, to: to.name });
      if (pure && to.floor === 'base' && !isType && IMPURE_BASE.has(to.module)) {
        const impure = names.filter((name) => !PURE_NAMES_OF_IMPURE_BASE.has(name));
        if (impure.length > 0)
          report(node.source, 'impureImport', { name: `${impure.join(', ')} of base/${to.module}` });
      }
      const circle = isErased(node) ? undefined : modules.circleThrough(file, target);
      if (circle)
        report(node.source, 'circle', { circle: circle.map((each) => path.relative(root, each)).join(' → ') });
    }

    function report(node, messageId, data) {
      context.report({ node, messageId, data: { from: from.floor, ...data } });
    }

    return {
      ImportDeclaration: (node) => checkSource(node, ...importedNames(node)),
      ExportNamedDeclaration: (node) => checkSource(node, isErased(node), ['*']),
      ExportAllDeclaration: (node) => checkSource(node, isErased(node), ['*']),
      TSImportType: (node) =>
        checkSource({ source: node.source ?? node.argument.literal, importKind: 'type' }, true, []),
      ImportExpression: (node) => checkSource(node, false, ['import()']),
      ...(pure && {
        MemberExpression(node) {
          if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return;
          const name = `${node.object.name}.${node.property.name}`;
          if (IMPURE_MEMBERS.has(name)) report(node, 'impureUse', { name });
        },
        NewExpression(node) {
          if (node.callee.name === 'Date' && node.arguments.length === 0)
            report(node, 'impureUse', { name: 'new Date()' });
        },
        'Program:exit'(node) {
          for (const reference of context.sourceCode.getScope(node).through)
            if (IMPURE_GLOBALS.has(reference.identifier.name) && !reference.isTypeReference)
              report(reference.identifier, 'impureUse', { name: reference.identifier.name });
        },
      }),
    };
  },
};

export default { meta: { name: 'vep' }, rules: { floors } };

/** The floor that a path relative to the root belongs to; undefined for tests, scripts and what else is no floor. */
function floorOf(relative) {
  const [top, folder, ...rest] = relative.split(path.sep);
  if (relative.endsWith('.test.ts')) return undefined;
  const module = (rest.length > 0 ? rest.join('/') : (folder ?? '')).replace(/\.ts$/, '');
  if (top === 'extensions' && folder)
    return { floor: 'extensions', name: `extensions/${folder}`, extension: folder, module };
  if (top !== 'src' || !folder) return undefined;
  if (rest.length === 0) return { floor: 'server', name: relative, module };
  return { floor: folder, name: folder, module };
}

/** The message id of what is wrong with an import, if anything is. */
function judge(from, to) {
  if (from.extension && to.extension) {
    if (from.extension === to.extension || to.extension === 'infrastructure') return undefined;
    return EXTENSION_ARROWS.has(`${from.extension} > ${to.extension}`) ? undefined : 'neighbour';
  }
  if (from.floor === to.floor || EXCEPTIONS.has(`${from.floor} > ${to.floor}`)) return undefined;
  if (GROUND_ONLY.has(from.floor)) return to.floor === 'base' ? undefined : 'groundOnly';
  const above = HEIGHT.get(from.floor) ?? Number.NEGATIVE_INFINITY;
  const below = HEIGHT.get(to.floor) ?? Number.POSITIVE_INFINITY;
  return below < above ? undefined : 'upward';
}

function isImpureModule(source) {
  return IMPURE_MODULES.has(source) || IMPURE_PACKAGES.has(source.split('/')[0]);
}

/** True for `import type` and `export type`; `import { type A }` still loads the module. */
function isErased(node) {
  return node.importKind === 'type' || node.exportKind === 'type';
}

/** Whether an import brings types only, and the names of the values it brings (`*` for all of them). */
function importedNames(node) {
  const values = isErased(node) ? [] : node.specifiers.filter((each) => each.importKind !== 'type');
  const names = values.map((each) =>
    each.type === 'ImportSpecifier' ? (each.imported.name ?? each.imported.value) : '*',
  );
  return [names.length === 0 && (isErased(node) || node.specifiers.length > 0), names];
}

/** Imports of each module, read from the sources once per run and again when a file has changed. */
const edgesOf = new Map();

class Modules {
  constructor(root) {
    this.root = root;
  }

  /** The circle that the import of `target` in `file` closes, shortest first found, or undefined. */
  circleThrough(file, target) {
    const cameFrom = new Map([[target, undefined]]);
    const queue = [target];
    for (let module = queue.shift(); module !== undefined; module = queue.shift()) {
      if (module === file) {
        const way = [];
        for (let step = module; step !== undefined; step = cameFrom.get(step)) way.unshift(step);
        return [file, ...way];
      }
      for (const next of this.importsOf(module)) {
        if (cameFrom.has(next)) continue;
        cameFrom.set(next, module);
        queue.push(next);
      }
    }
    return undefined;
  }

  importsOf(module) {
    const stat = fs.statSync(module, { throwIfNoEntry: false });
    if (!stat?.isFile()) return [];
    const known = edgesOf.get(module);
    if (known?.mtimeMs === stat.mtimeMs) return known.imports;
    const text = fs.readFileSync(module, 'utf8');
    const imports = [...text.matchAll(/^(?:import|export)\b(?!\s+type\b)[^'"`;]*?['"](\.[^'"]+)\.js['"]/gm)]
      .map((match) => path.resolve(path.dirname(module), `${match[1]}.ts`))
      .filter((target) => !path.relative(this.root, target).startsWith('..'));
    edgesOf.set(module, { mtimeMs: stat.mtimeMs, imports });
    return imports;
  }
}
