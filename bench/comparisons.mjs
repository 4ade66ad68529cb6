/**
 * Whether the time of a refusal tells how much of a token was right (S-068; part of `npm run bench`): tokens with the first
 * digit wrong and tokens with the last digit wrong, in turns drawn by chance, looked up as every request does it. Five
 * standard errors between the means would be a leak.
 */

import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAccount } from '../dist/src/access/accounts.js';
import { createToken, digestOfToken, findToken } from '../dist/src/access/tokens.js';
import { silentLog } from '../dist/src/base/log.js';
import { openStore } from '../dist/src/store/open-store.js';

const TRIES = 20_000;
const directory = mkdtempSync(join(tmpdir(), 'vep-comparisons-'));
const store = await openStore({
  at: { sqlite: join(directory, 'vep.db') },
  entitySchemas: [],
  migrations: [],
  log: silentLog,
});
const token = await store.write(async (tx) => {
  const { id } = await createAccount(tx, { name: 'alice', roles: ['user'], groups: ['alice'] }, 0);
  return createToken(tx, { principal: id, name: 'bench', createdAt: 0 });
});

const other = (digit) => (digit === 'A' ? 'B' : 'A');
const prefix = 'vep_'.length;
const wrong = {
  first: token.slice(0, prefix) + other(token[prefix]) + token.slice(prefix + 1),
  last: token.slice(0, -1) + other(token.at(-1)),
};
const times = { first: [], last: [] };
for (let index = -500; index < TRIES; index++) {
  const which = randomInt(2) === 0 ? 'first' : 'last';
  const begin = process.hrtime.bigint();
  if (await findToken(store, digestOfToken(wrong[which]))) throw new Error('a wrong token was found');
  const took = Number(process.hrtime.bigint() - begin);
  if (index >= 0) times[which].push(took);
}

/** The slowest tenth is the machine's doing: collections of garbage, other programs. */
function trimmed(of) {
  const sorted = of.toSorted((a, b) => a - b).slice(0, Math.floor(of.length * 0.9));
  const mean = sorted.reduce((sum, each) => sum + each, 0) / sorted.length;
  const variance = sorted.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (sorted.length - 1);
  return { mean, variance, count: sorted.length };
}
const [first, last] = [trimmed(times.first), trimmed(times.last)];
const error = Math.sqrt(first.variance / first.count + last.variance / last.count);
console.log(`\n| Wrong token (${TRIES} tries) | refused after, µs |\n|---|---:|`);
console.log(`| in its first digit | ${(first.mean / 1000).toFixed(2)} |`);
console.log(`| in its last digit | ${(last.mean / 1000).toFixed(2)} |`);
console.log(`\nThe means are ${(Math.abs(first.mean - last.mean) / error).toFixed(1)} standard errors apart.`);
await store.close();
rmSync(directory, { recursive: true, force: true });
