import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Problem, type Fault } from '../../src/base/errors.js';
import { Findings } from '../../src/ovf/envelope/findings.js';
import { inspectEnvelope, type Mode } from '../../src/ovf/envelope/read.js';
import { checkCompleteness } from '../../src/ovf/package/completeness.js';
import { parseManifest } from '../../src/ovf/package/manifest.js';
import { readOva } from '../../src/ovf/package/ova.js';
import type { MemberSink } from '../../src/ovf/package/reader.js';
import { schemas, sharedFolder } from './schema-support.js';

const corpus = sharedFolder('ovf-corpus');
const onCorpus = corpus === undefined ? describe.skip : describe;
const MODES: readonly Mode[] = ['strict', 'lenient'];

const codesOf = (findings: readonly Fault[], severity: string): ReadonlySet<string> =>
  new Set(findings.filter((fault) => (fault.severity ?? 'error') === severity).map((fault) => fault.code));

onCorpus('the corpus of real descriptors', () => {
  const files = join(corpus ?? '', 'files');
  const index = readIndex(corpus ?? '');

  it('O-081 gets an answer for every file, never a crash', () => {
    const accepted = { strict: 0, lenient: 0 };
    const refused: Record<string, number> = {};
    const repaired: Record<string, number> = {};
    inspectEnvelope(readFileSync(join(files, '019-ascetictoolbox-myservice.ovf')), { mode: 'strict', schemas });
    for (const name of readdirSync(files)) {
      const bytes = readFileSync(join(files, name));
      for (const mode of MODES) {
        const { envelope, findings, schemaValid } = inspectEnvelope(bytes, { mode, schemas });
        const errors = codesOf(findings, 'error');
        expect(envelope !== undefined || errors.size > 0).toBe(true);
        if (errors.size === 0) accepted[mode]++;
        const official = index.get(name);
        if (mode === 'strict' && schemaValid !== undefined && official !== undefined)
          expect([name, schemaValid]).toEqual([name, official]);
        if (mode === 'strict') continue;
        for (const code of errors) refused[code] = (refused[code] ?? 0) + 1;
        for (const code of codesOf(findings, 'warning')) repaired[code] = (repaired[code] ?? 0) + 1;
      }
    }
    console.log(
      'descriptors accepted',
      accepted,
      'refused in lenient mode, by code',
      refused,
      'warnings in lenient mode, by code',
      repaired,
    );
    expect(accepted.strict).toBeGreaterThanOrEqual(60);
    expect(accepted.lenient).toBeGreaterThanOrEqual(120);
  });
});

/** File name to the verdict of the official schema of OVF 1.1. */
function readIndex(folder: string): ReadonlyMap<string, boolean> {
  if (folder === '') return new Map();
  const [header = '', ...rows] = readFileSync(join(folder, 'index.tsv'), 'utf8').split('\n');
  const column = header.split('\t').indexOf('valid_xsd_1.1');
  return new Map(
    rows
      .map((row) => row.split('\t'))
      .filter((cells) => cells[column] === 'valid' || cells[column] === 'invalid')
      .map((cells) => [(cells[0] ?? '').replace('files/', ''), cells[column] === 'valid']),
  );
}

const nowhere: MemberSink = {
  open: () =>
    Promise.resolve({
      write: () => Promise.resolve(),
      close: () => Promise.resolve({}),
      abort: () => Promise.resolve(),
    }),
};

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

async function answer(bytes: Uint8Array): Promise<string> {
  try {
    const ova = await readOva(whole(bytes), nowhere, { mode: 'lenient' });
    const { envelope, findings } = inspectEnvelope(ova.descriptor.bytes, { mode: 'lenient', schemas });
    const missing =
      envelope === undefined ? [] : checkCompleteness(envelope, { ...ova, descriptor: ova.descriptor.name }, 'lenient');
    const errors = codesOf([...ova.findings, ...findings, ...missing], 'error');
    return errors.size === 0 ? `${ova.members.length} members` : [...errors].join(' ');
  } catch (error) {
    if (error instanceof Problem) return error.faults.map((fault) => fault.code).join(' ');
    throw error;
  }
}

onCorpus('the corpus of real packages', () => {
  const packages = join(corpus ?? '', 'packages');

  it.each([
    ['glance-testserver.ova', '2 members'],
    ['glance-testserver-bad-ovf.ova', 'xml.not-well-formed'],
    ['glance-testserver-not-tar.ova', 'ovf.O-023'],
    ['vcd-vapp_with_3_vms.ova', '5 members'],
    ['vcd-template_without_vmdk_size.ova', '2 members'],
    ['ganeti-ova-gzipped-tar.ova', '2 members'],
  ])('%s: %s', async (name, expected) => {
    expect(await answer(readFileSync(join(packages, name)))).toBe(expected);
  });

  it.each([
    ['cot-input.mf', 4],
    ['ganeti-ganeti.mf', 2],
    ['govmomi-ttylinux-pc_i486-16.1.mf', 2],
  ])('%s lists %i files', (name, count) => {
    const findings = new Findings('strict');
    expect(parseManifest(readFileSync(join(packages, name)), name, findings).entries.size).toBe(count);
    expect(findings.errors).toBe(0);
  });
});
