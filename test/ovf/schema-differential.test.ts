/**
 * Our grammars against the official ones (K37), where the shared data has them: the same verdict, on the same lines, on
 * every document of the corpus and on changes to it. `VEP_TEST_NIGHTLY` makes ten times as many.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { XmlDocument } from 'libxml2-wasm';

import { OVF_1, OVF_2 } from '../../src/ovf/envelope/vocabulary.js';
import type { OvfSchemas } from '../../src/ovf/schema/schemas.js';
import { readXml } from '../../src/ovf/xml/intake.js';
import { COMPLETE_ENVIRONMENT, completeDescriptor } from './complete-descriptor.js';
import { descriptor, ITEMS } from './envelope-support.js';
import { everyChange, mutate, random } from './mutation.js';
import { officialSchemas, schemas, sharedFolder } from './schema-support.js';

const SEED = Number(process.env['VEP_TEST_SEED'] ?? 20_100_112);
const NIGHTLY = Boolean(process.env['VEP_TEST_NIGHTLY']);
const MUTATIONS = Number(process.env['VEP_TEST_MUTATIONS'] ?? (NIGHTLY ? 20_000 : 2_000));
/** Documents above this size would take most of the time. */
const LARGEST = 40_000;

const xsd = sharedFolder('ovf-xsd');
const corpus = sharedFolder('ovf-corpus');
const onShared = xsd === undefined || corpus === undefined ? describe.skip : describe;

type Judge = (
  using: OvfSchemas,
  document: XmlDocument,
) => readonly { readonly line: number; readonly message: string }[];

interface Comparison {
  /** Ours, by the last judge. */
  readonly verdict: 'not XML' | 'valid' | 'invalid';
  readonly disagreements: readonly string[];
}

function compare(bytes: Uint8Array, official: OvfSchemas, judges: readonly Judge[]): Comparison {
  let parsed: XmlDocument;
  try {
    parsed = readXml(bytes);
  } catch {
    return { verdict: 'not XML', disagreements: [] };
  }
  using document = parsed;
  let verdict: Comparison['verdict'] = 'valid';
  const disagreements = judges.flatMap((judge, index) => {
    const ours = judge(schemas, document);
    const theirs = judge(official, document);
    verdict = ours.length === 0 ? 'valid' : 'invalid';
    if (linesOf(ours) === linesOf(theirs)) return [];
    return [`${index}: ours ${JSON.stringify(ours)}, theirs ${JSON.stringify(theirs)}`];
  });
  return { verdict, disagreements };
}

function linesOf(violations: ReturnType<Judge>): string {
  return violations.map(({ line }) => line).join(' ');
}

const ENVELOPES: readonly Judge[] = [
  (using, document) => using.envelope(document, '1.0'),
  (using, document) => using.envelope(document, '1.1'),
  (using, document) => using.envelope(document, '1.1 with VMware'),
];
const VERSION_2: Judge = (using, document) => using.envelope(document, '2.0');
const ENVIRONMENT: Judge = (using, document) => using.environment(document);

/** What the tests need of the shared data; read when the first of them runs. */
function shared(): { official: OvfSchemas; documents: readonly Buffer[]; envelopes: string[]; environments: string[] } {
  const files = join(corpus ?? '', 'files');
  const documents = readdirSync(files).map((name) => readFileSync(join(files, name)));
  const small = documents.filter((bytes) => bytes.length < LARGEST).map((bytes) => bytes.toString('utf8'));
  const envelopes = [...small.filter((text) => text.includes(`${OVF_1}"`)), descriptor({ items: ITEMS })];
  const valid = envelopes.filter((text) => isValid(text));
  return {
    official: officialSchemas(xsd ?? ''),
    documents,
    // What is invalid already can only become more so.
    envelopes: [...envelopes, ...valid, ...valid],
    environments: small.filter((text) => text.includes('http://schemas.dmtf.org/ovf/environment/1')),
  };
}

function isValid(text: string): boolean {
  return compare(Buffer.from(text), schemas, ENVELOPES).verdict === 'valid';
}

onShared('our grammars against the official ones', () => {
  const data = (): ReturnType<typeof shared> => (loaded ??= shared());
  let loaded: ReturnType<typeof shared> | undefined;

  it('K37 agree on every document of the corpus', () => {
    const { documents, official } = data();
    const verdicts = documents.map((bytes) => compare(bytes, official, [...ENVELOPES, VERSION_2, ENVIRONMENT]));
    expect(verdicts.flatMap(({ disagreements }) => disagreements)).toEqual([]);
    expect(verdicts.filter(({ verdict }) => verdict !== 'not XML').length).toBeGreaterThan(150);
  });

  const OPTIONAL_PARTS: readonly [string, readonly Judge[], string][] = [
    ['1.1 with VMware', ENVELOPES.slice(2), completeDescriptor('1.1 with VMware')],
    ['2.0', [VERSION_2], completeDescriptor('2.0')],
  ];

  it.each<[string, readonly Judge[], string]>([
    ['1.0', ENVELOPES.slice(0, 1), completeDescriptor('1.0')],
    ['1.1', ENVELOPES.slice(1, 2), completeDescriptor('1.1')],
    ['the environment', [ENVIRONMENT], COMPLETE_ENVIRONMENT],
    ...(NIGHTLY ? OPTIONAL_PARTS : []),
  ])('K37 agree on every change to a descriptor that has all there is in %s', (what, judges, complete) => {
    const { official } = data();
    expect(compare(Buffer.from(complete), official, judges)).toEqual({ verdict: 'valid', disagreements: [] });
    const mutants = [...everyChange(complete, NIGHTLY ? 1 : 16)];
    const found = mutants.flatMap((mutant) => compare(Buffer.from(mutant), official, judges).disagreements);
    console.log(`${what}: ${mutants.length} single changes, ${found.length} disagreements`);
    expect(found.slice(0, 3)).toEqual([]);
  });

  it.each<[string, () => readonly string[], readonly Judge[], number]>([
    ['envelopes of 1.0 and 1.1, VMware or not', () => data().envelopes, ENVELOPES, MUTATIONS],
    [
      'envelopes of 2.0',
      () => data().envelopes.map((text) => text.replaceAll(OVF_1, OVF_2)),
      [VERSION_2],
      MUTATIONS / 10,
    ],
    ['environments', () => data().environments, [ENVIRONMENT], MUTATIONS / 10],
  ])('K37 agree on changed %s', (what, originalsOf, judges, count) => {
    const originals = originalsOf();
    const draw = random(SEED);
    const different: string[] = [];
    const seen = { 'not XML': 0, valid: 0, invalid: 0 };
    for (let run = 0; run < count; run++) {
      const mutant = mutate(originals[draw(originals.length)] as string, draw);
      const { verdict, disagreements } = compare(Buffer.from(mutant), data().official, judges);
      seen[verdict]++;
      if (disagreements.length > 0) different.push(`${disagreements.join('\n')}\n${mutant}`);
    }
    console.log(`${what}: ${count} changes, seed ${SEED}, ${different.length} disagreements`, seen);
    expect(different.slice(0, 3)).toEqual([]);
    expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(count / 20);
  });
});
