/**
 * `npm run bench`: what requests cost the server, in milliseconds of its processor time and as a multiple of what a bare
 * `node:http` server spends on a body of the same size in the same run. Every request carries a token and is answered in
 * full. SQLite always; PostgreSQL too when VEP_TEST_POSTGRES names a server. Prints a table; `--write` puts it into
 * docs/performance.md.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPUTES, CREATE, NEW_COMPUTE, READS } from './cases.mjs';
import { Load } from './load.mjs';
import { MeasuredProcess } from './measured-process.mjs';
import { documentOf, tableOf } from './report.mjs';
import { postgresDatabase } from './postgres.mjs';

/** Each case is measured so many times, ours and bare in turn. What else the machine does only adds: the least counts. */
const SLICES = 5;
/** Requests before the first slice: the compiler has seen the path by then. */
const WARM_UP = 400;

/** Sites for the two halves: one that has room for everything at once, one that does not answer. */
const ROOMY = {
  timeFactor: 1e6,
  hosts: [{ name: 'host', rack: 'rack', zone: 'zone', country: 'DE', cores: 1e6, memoryBytes: 2 ** 50 }],
};
const SILENT = { ...ROOMY, faults: [{ operation: '*', kind: 'time-out' }] };

const load = new Load();
const bare = await MeasuredProcess.start('bare.mjs');
const results = new Map([['SQLite', await measure(undefined)]]);
const server = process.env.VEP_TEST_POSTGRES;
if (server) {
  const database = await postgresDatabase(server);
  try {
    results.set('PostgreSQL', await measure(database.url));
  } finally {
    await database.drop();
  }
}
await bare.stop();
load.close();

for (const [database, rows] of results) console.log(`\n${database}\n\n${tableOf(rows)}`);
if (process.argv.includes('--write')) {
  writeFileSync(new URL('../docs/performance.md', import.meta.url), documentOf(results));
}

/** All cases on one database: reads first, of computes that their site has made, then creations. */
async function measure(database) {
  const directory = mkdtempSync(join(tmpdir(), 'vep-bench-'));
  try {
    const reads = await withServer(directory, database, ROOMY, measureReads);
    return [...reads, await withServer(directory, database, SILENT, measureCreate)];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function withServer(directory, database, site, work) {
  const config = {
    // Upkeep waits until the benchmark is over: what is measured is requests.
    engine: { reconcileMs: 3_600_000, concurrency: 32 },
    limits: { requestsPerSecond: 1_000_000 },
    sites: [{ name: 'sim', type: 'simulator', options: site }],
    ...(database === undefined ? {} : { data: { database } }),
  };
  writeFileSync(join(directory, 'vep.yaml'), JSON.stringify(config));
  const options = process.argv.includes('--profile') ? ['--cpu-prof', '--cpu-prof-dir=.cache/profiles'] : [];
  const vep = await MeasuredProcess.start(
    'server.mjs',
    { VEP_CONFIG: join(directory, 'vep.yaml'), VEP_DATA_DIR: directory, VEP_PORT: '0', VEP_LOG_LEVEL: 'error' },
    options,
  );
  try {
    const token = readFileSync(join(directory, 'user.token'), 'utf8').trim();
    return await work(vep, { Authorization: `Bearer ${token}`, 'User-Agent': 'OCCI/1.2' });
  } finally {
    await vep.stop();
  }
}

async function measureReads(vep, headers) {
  const create = {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'text/plain' },
    body: NEW_COMPUTE,
    status: 201,
  };
  await load.run(`${vep.url}/compute/`, create, COMPUTES);
  const list = await load.send(`${vep.url}/compute/`, { headers: { ...headers, Accept: 'text/uri-list' } });
  const [first] = list.split(/\r?\n/);
  await untilMade(first, headers);
  const rows = [];
  for (const { name, accept, agent, path, count, mark } of READS) {
    const request = { headers: { ...headers, Accept: accept, ...(agent ? { 'User-Agent': agent } : {}) } };
    const url = path === undefined ? first : `${vep.url}${path}`;
    rows.push({ name, mark, ...(await compare(vep, url, request, count)) });
  }
  return rows;
}

/** Waits until the site has made the last computes: the work of the creations must not count as that of the reads. */
async function untilMade(url, headers) {
  const request = { headers: { ...headers, Accept: 'application/occi+json' } };
  for (let quiet = 0; quiet < 3;) {
    const before = await load.send(url, request);
    await new Promise((resolve) => setTimeout(resolve, 500));
    quiet = before === (await load.send(url, request)) ? quiet + 1 : 0;
  }
}

/** Creations on a site that does not answer: the work they file is not done meanwhile. */
async function measureCreate(vep, headers) {
  const { name, count, mark } = CREATE;
  const request = {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'text/plain' },
    body: NEW_COMPUTE,
    status: 201,
  };
  return { name, mark, ...(await compare(vep, `${vep.url}/compute/`, request, count)) };
}

async function compare(vep, url, request, count) {
  const bytes = await load.run(url, request, Math.min(WARM_UP, count));
  const floor = `${bare.url}/${bytes}`;
  const floorRequest = { headers: request.headers };
  await load.run(floor, floorRequest, Math.min(WARM_UP, count));
  const ours = [];
  const floors = [];
  for (let slice = 0; slice < SLICES; slice++) {
    ours.push(await cost(vep, () => load.run(url, request, count), count));
    floors.push(await cost(bare, () => load.run(floor, floorRequest, count), count));
  }
  return { bytes, ms: Math.min(...ours), bareMs: Math.min(...floors) };
}

async function cost(server, work, count) {
  const before = await server.cpuMs();
  await work();
  return ((await server.cpuMs()) - before) / count;
}
