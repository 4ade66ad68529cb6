/**
 * What a chain of certificates costs (the second part of `npm run bench`): verdicts a second of processor time, each from
 * the bytes of the chain with nothing remembered.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { certificatesIn } from '../dist/src/access/x509/certificate.js';
import { validateChain } from '../dist/src/access/x509/chain.js';
import { readTrust } from '../dist/src/access/x509/trust-directory.js';

const fixtures = fileURLToPath(new URL('../test/support/pki-fixtures/', import.meta.url));
const now = Date.UTC(2026, 10, 23);
const trust = await readTrust(
  { directory: `${fixtures}certificates`, vomsdir: `${fixtures}vomsdir`, minRsaBits: 2048 },
  now,
);
const options = { trust, now, crl: () => 'required', hosts: [] };

const SECONDS = 2;
/** Verdicts a second, of each. */
const MARK = 1000;
const cases = {
  'end entity': ['eec/alice.pem'],
  'proxy of a proxy': ['proxy/ok-child.chain.pem'],
  'proxy with VOMS attributes': ['voms/good.pem'],
  'refused: another key': ['eec/mallory-samedn.pem', 'ca/evil.pem'],
};

let met = true;
console.log('\n| Chain | verdicts a second | mark | |\n|---|---:|---:|---|');
for (const [name, files] of Object.entries(cases)) {
  const chain = files.flatMap((file) => certificatesIn(readFileSync(fixtures + file)).map(({ raw }) => raw));
  for (let warm = 0; warm < 300; warm++) validateChain(chain, options);
  let count = 0;
  const begin = process.cpuUsage();
  const until = performance.now() + SECONDS * 1000;
  while (performance.now() < until) {
    validateChain(chain, options);
    count += 1;
  }
  const { user, system } = process.cpuUsage(begin);
  const rate = Math.round((count * 1e6) / (user + system));
  met &&= rate >= MARK;
  console.log(`| ${name} | ${rate} | ≥ ${MARK} | ${rate >= MARK ? 'met' : 'not yet'} |`);
}
process.exitCode = met ? 0 : 1;
