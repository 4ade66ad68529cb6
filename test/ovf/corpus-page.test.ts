/** docs/ovf-compatibility.md says what VEP makes of the corpus now, not what it once did. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { sharedFolder } from './schema-support.js';

const corpus = sharedFolder('ovf-corpus');
const onCorpus = corpus === undefined ? it.skip : it;

onCorpus('the page of compatibility is the one that the corpus gives', () => {
  const folder = join(corpus ?? '', 'files');
  const script = join(process.cwd(), 'scripts', 'ovf-compatibility', 'run.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, folder, '--check'], {
    encoding: 'utf8',
    timeout: 500_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
