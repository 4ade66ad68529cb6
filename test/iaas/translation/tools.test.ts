/** Translations are valid by the tools of their makers: of the plans by hand, the examples and every descriptor of the corpus that gets a plan. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { translate, type TranslationFormat } from '../../../src/iaas/translation/index.js';
import { parseTextPlain } from '../../../src/occi/text/index.js';
import { buildPlan, inspectEnvelope, NO_INPUTS } from '../../../src/ovf/index.js';
import type { DeploymentPlan } from '../../../src/ovf/plan.js';
import { schemas } from '../../ovf/plan-support.js';
import { ODD, PLAN } from './plans.js';

const folder = mkdtempSync(join(tmpdir(), 'vep-translation-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The plans to be tried: by hand, the examples, and the corpus where it is. */
const plans = new Map<string, DeploymentPlan>([
  ['by hand', PLAN],
  ['odd', ODD],
]);
const shared = process.env['VEP_TEST_SHARED'];
const corpus = join(shared ?? '', 'data/ovf-corpus/files');
const corpusThere = shared !== undefined && existsSync(corpus);
if (!corpusThere) console.log('only the examples are translated: VEP_TEST_SHARED names no data/ovf-corpus');
for (const file of [
  ...['single-vm', 'web-shop', 'options'].map((name) => join('examples', name, `${name}.ovf`)),
  ...(corpusThere ? readdirSync(corpus).map((name) => join(corpus, name)) : []),
]) {
  const { envelope, findings } = inspectEnvelope(readFileSync(file), { mode: 'lenient', schemas });
  if (!envelope || findings.some(({ severity }) => severity === 'error')) continue;
  const { draft } = buildPlan(envelope, { ...NO_INPUTS, eulas: 'all' });
  if (draft) plans.set(file, draft);
}

/** Every document of a format in a file of its own, with the extension. */
function written(format: TranslationFormat, extension: string, every = 1): readonly string[] {
  const chosen = [...plans].filter((_, index) => index % every === 0 || index < 4);
  return chosen.flatMap(([origin, plan]) =>
    translate(plan, format).documents.map(({ text }, index) => {
      const file = join(folder, `${origin.replace(/[^A-Za-z0-9]+/g, '-').slice(-60)}-${format}-${index}.${extension}`);
      writeFileSync(file, text);
      return file;
    }),
  );
}

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const LIBVIRT_SCHEMAS = '/usr/share/libvirt/schemas';

describe('is valid by the tools of its makers', () => {
  const xmllint = has('xmllint', '--version') && existsSync(join(LIBVIRT_SCHEMAS, 'domain.rng'));
  if (!xmllint) console.log('domains are not validated: there is no virt-xml-validate, or no xmllint');
  (xmllint ? it : it.skip)('libvirt: by its schemas', () => {
    const files = written('libvirt', 'xml');
    for (const [root, schema] of [
      ['domain', 'domain.rng'],
      ['network', 'network.rng'],
    ] as const) {
      const own = files.filter((file) => readFileSync(file, 'utf8').startsWith(`<${root}`));
      const args = ['--noout', '--relaxng', join(LIBVIRT_SCHEMAS, schema), ...own];
      const { status, stderr } = spawnSync('xmllint', args, { encoding: 'utf8' });
      expect([status, stderr.split('\n').filter((line) => !line.endsWith(' validates') && line !== '')]).toEqual([
        0,
        [],
      ]);
    }
    const [first = ''] = files;
    expect(has('virt-xml-validate', first)).toBe(true);
  });

  const heat = existsSync('/usr/lib/python3/dist-packages/heat/engine');
  if (!heat) console.log('templates are not validated by Heat: there is no python3-heat');
  (heat ? it : it.skip)(
    'heat: by its engine',
    () => {
      // The engine takes its time for each.
      const files = written('heat', 'yaml', process.env['VEP_TEST_NIGHTLY'] === '1' ? 1 : 10);
      const script = join('test', 'iaas', 'translation', 'heat_check.py');
      const { stdout } = spawnSync('/usr/bin/python3', [script, ...files], { encoding: 'utf8' });
      const answers = stdout.trimEnd().split('\n').slice(-files.length);
      expect(files.map((file, index) => [file, answers[index]])).toEqual(files.map((file) => [file, 'ok']));
    },
    120_000,
  );

  it('opennebula and occi: by what reads them here', () => {
    for (const [name, plan] of plans) {
      const machines = translate(plan, 'opennebula').documents.filter(({ text }) => text.includes('VCPU = '));
      const wanted = plan.machines.reduce((sum, { instances }) => sum + instances.normal, 0);
      expect([name, machines.length]).toEqual([name, wanted]);
      for (const { text } of translate(plan, 'occi').documents) parseTextPlain(text);
    }
  });
});
