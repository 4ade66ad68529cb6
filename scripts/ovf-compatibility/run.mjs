/**
 * `npm run compatibility`: reads every descriptor of a corpus the way a deployment does, has virt-v2v and COT read the same
 * files where they can be had, and prints the comparison; `--write` puts it into docs/ovf-compatibility.md. The corpus is
 * the folder given, else `data/ovf-corpus` of VEP_TEST_SHARED. COT is found through VEP_COT, the command that starts it.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readByVep } from './vep.mjs';
import { cot, virtV2v } from './peers.mjs';
import { pageOf } from './page.mjs';

const folder =
  process.argv.slice(2).find((argument) => !argument.startsWith('--')) ??
  join(process.env.VEP_TEST_SHARED ?? '', 'data', 'ovf-corpus', 'files');
if (!existsSync(folder)) {
  console.error(`there is no corpus at ${folder}: name a folder of descriptors, or set VEP_TEST_SHARED`);
  process.exit(2);
}

const peers = [virtV2v(), cot(process.env.VEP_COT)];
for (const peer of peers) if (!peer.there) console.error(`without ${peer.name}: ${peer.missing}`);
const present = peers.filter((peer) => peer.there);

const files = [];
for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name);
  const ours = readByVep(readFileSync(path));
  const theirs = Object.fromEntries(present.map((peer) => [peer.name, peer.read(path)]));
  files.push({ name, ours, theirs });
}

const page = pageOf(files, present);
if (process.argv.includes('--write')) writeFileSync(new URL('../../docs/ovf-compatibility.md', import.meta.url), page);
else console.log(page);
