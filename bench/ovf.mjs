/**
 * What it costs to validate and plan a descriptor, in milliseconds of processor time; a part of `npm run bench`. A typical
 * descriptor of 20 KB stands beside `xmllint --schema`, which only validates, with the start of its process taken off; a
 * thousand machines beside a hundred show whether the cost is linear. `node bench/ovf.mjs --write` puts the table into
 * docs/ovf.md.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readOverlaid } from '../dist/src/base/file-overlay.js';
import { createOvfSchemas, NO_INPUTS, planAppliance, SCHEMA_FILES } from '../dist/src/ovf/index.js';
import { machineOf, tableFrom } from './ovf-report.mjs';
import { descriptorOf } from './ovf-descriptor.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const grammars = join(root, 'ovf-schema');
const schemas = createOvfSchemas(readOverlaid(SCHEMA_FILES, grammars, undefined));

/** What else the machine does only adds: the least of so many slices counts. */
const SLICES = 7;
/** How often xmllint is started: it takes as long as the slices do. */
const TRIES = 20;
/** Milliseconds of work before the first slice: the compiler goes on for seconds, at the expense of the same processors. */
const WARM_UP = 6000;

function cost(machines, mode, count) {
  const bytes = Buffer.from(descriptorOf(machines));
  const run = () => {
    const { plan } = planAppliance(bytes, NO_INPUTS, { mode, schemas });
    if (plan?.machines.length !== machines) throw new Error('the descriptor of the benchmark was not planned');
  };
  for (const began = process.cpuUsage(); spentSince(began) < WARM_UP;) run();
  const slices = Array.from({ length: SLICES }, () => {
    const before = process.cpuUsage();
    for (let n = 0; n < count; n++) run();
    return spentSince(before) / count;
  });
  return { bytes: bytes.length, ms: Math.min(...slices) };
}

/** Milliseconds of processor time, all threads together. */
function spentSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Processor time of xmllint for one more document, by our own grammar; undefined where there is no xmllint. */
function xmllint(machines) {
  const folder = mkdtempSync(join(tmpdir(), 'vep-bench-'));
  try {
    const file = join(folder, 'descriptor.ovf');
    writeFileSync(file, descriptorOf(machines));
    writeFileSync(join(folder, 'catalog.xml'), catalog());
    const some = 100;
    const least = (copies) => Math.min(...Array.from({ length: TRIES }, () => spent(folder, Array(copies).fill(file))));
    return Math.max(0, (least(some + 1) - least(1)) / some);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function spent(folder, files) {
  const grammar = join(grammars, 'dsp8023_1.1.0.xsd');
  const script = 'xmllint --nonet --noout --schema "$@" >/dev/null 2>&1; times';
  const output = execFileSync('bash', ['-c', script, 'bash', grammar, ...files], {
    env: { ...process.env, XML_CATALOG_FILES: join(folder, 'catalog.xml') },
    encoding: 'utf8',
  });
  // The last line: user and system time of the children, each as 0m0.000s.
  const times = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000, 0);
}

/** Where our grammar's imports are found on disk. */
function catalog() {
  const imports = readFileSync(join(grammars, 'dsp8023_1.1.0.xsd'), 'utf8').matchAll(/schemaLocation="([^"]+)"/g);
  const entries = [...imports].map(([, url]) => {
    const local = pathToFileURL(join(grammars, url.slice(url.lastIndexOf('/') + 1))).href;
    return `<uri name="${url}" uri="${local}"/><system systemId="${url}" uri="${local}"/>`;
  });
  return `<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">${entries.join('')}</catalog>`;
}

const TYPICAL = 7;
const typical = cost(TYPICAL, 'lenient', 150);
const peer = xmllint(TYPICAL);
const hundred = cost(100, 'lenient', 10);
const thousand = cost(1000, 'lenient', 1);
const rows = [
  { name: 'typical descriptor, 7 machines', ...typical, mark: 3 },
  { name: 'the same, strictly', ...cost(TYPICAL, 'strict', 150), mark: 3 },
  ...(peer === undefined ? [] : [{ name: 'the same by xmllint --schema, validation alone', ...typical, ms: peer }]),
  { name: '100 machines', ...hundred },
  { name: '1,000 machines', ...thousand, mark: 400 },
];
const ratios = [
  ...(peer === undefined ? [] : [['typical descriptor against xmllint', typical.ms / peer, 4]]),
  ['1,000 machines against ten times 100', thousand.ms / (10 * hundred.ms), 1.5],
];
const report = tableFrom(rows, ratios);
console.log(report);
if (process.argv.includes('--write')) {
  const page = new URL('../docs/ovf.md', import.meta.url);
  const text = readFileSync(page, 'utf8');
  const figures = `<!-- figures -->\n\nMeasured on ${machineOf()}.\n\n${report}\n\n<!-- end of figures -->`;
  writeFileSync(
    page,
    text.replace(/<!-- figures -->[^]*<!-- end of figures -->/, () => figures),
  );
}
