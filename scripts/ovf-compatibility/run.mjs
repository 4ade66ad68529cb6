/**
 * `npm run compatibility`: reads every descriptor of a corpus the way a deployment does, has virt-v2v and COT read the same
 * files where they can be had, and prints the comparison; `--write` puts it into docs/ovf-compatibility.md, `--check` only
 * says (in its exit status too) whether that page still tells what VEP makes of the files. The corpus is
 * the folder given, else `data/ovf-corpus` of VEP_TEST_SHARED. COT is found through VEP_COT, the command that starts it.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readByVep } from './vep.mjs';
import { cot, virtV2v } from './peers.mjs';
import { pageOf, stalenessOf } from './page.mjs';

const folder =
  process.argv.slice(2).find((argument) => !argument.startsWith('--')) ??
  join(process.env.VEP_TEST_SHARED ?? '', 'data', 'ovf-corpus', 'files');
if (!existsSync(folder)) {
  console.error(`there is no corpus at ${folder}: name a folder of descriptors, or set VEP_TEST_SHARED`);
  process.exit(2);
}

const checking = process.argv.includes('--check');
const peers = checking ? [] : [virtV2v(), cot(process.env.VEP_COT)];
for (const peer of peers) if (!peer.there) console.error(`without ${peer.name}: ${peer.missing}`);
const present = peers.filter((peer) => peer.there);

const files = [];
for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name);
  const ours = readByVep(readFileSync(path));
  const theirs = Object.fromEntries(present.map((peer) => [peer.name, peer.read(path)]));
  files.push({ name, ours, theirs });
}

const place = new URL('../../docs/ovf-compatibility.md', import.meta.url);
if (checking) {
  const stale = stalenessOf(readFileSync(place, 'utf8'), files);
  for (const line of stale) console.error(line);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else if (process.argv.includes('--write')) writeFileSync(place, pageOf(files, present));
else console.log(pageOf(files, present));
