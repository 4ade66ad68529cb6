/**
 * `npm run bench`: what requests cost the server, in milliseconds of its processor time and as a multiple of what a bare
 * `node:http` server spends on a body of the same size in the same run. Every request carries a token and is answered in
 * full. SQLite always; PostgreSQL too when VEP_TEST_POSTGRES names a server. Then what 100,000 entities cost, and what
 * reading text does. Prints tables; `--write` puts them into docs/performance.md.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPUTES, CREATE, NEW_COMPUTE, READS } from './cases.mjs';
import { Load } from './load.mjs';
import { FILTERS, SIZES, fill, openStoreOf, ownerIn, planOf } from './many.mjs';
import { MeasuredProcess } from './measured-process.mjs';
import { postgresDatabase } from './postgres.mjs';
import { documentOf, filterTable, growthTable, memoryTable, tableOf } from './report.mjs';
import { growth, throughput } from './text.mjs';

/** Each case is measured so many times, ours and bare in turn. What else the machine does only adds: the least counts. */
const SLICES = 7;
/** Requests before the first slice: the compiler has seen the path by then. */
const WARM_UP = 1500;

/** Sites for the two halves: one that has room for everything at once, one that does not answer. */
const ROOMY = {
  timeFactor: 1e6,
  hosts: [{ name: 'host', rack: 'rack', zone: 'zone', country: 'DE', cores: 1e6, memoryBytes: 2 ** 50 }],
};
const SILENT = { ...ROOMY, faults: [{ operation: '*', kind: 'time-out' }] };

const load = new Load();
const bare = await MeasuredProcess.start('bare.mjs');
const many = await measureMany();
const results = new Map([['SQLite', await measure(undefined)]]);
const text = { ...throughput(), growth: growth() };
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
console.log(`\n${filterTable(many.filters)}\n\n${memoryTable(many.lists)}\n\n${growthTable(text)}`);
if (process.argv.includes('--write')) {
  writeFileSync(new URL('../docs/performance.md', import.meta.url), documentOf(results, many, text));
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

/** What lists cost among ten and a hundred thousand computes, on SQLite. */
async function measureMany() {
  const directory = mkdtempSync(join(tmpdir(), 'vep-bench-'));
  const environment = environmentOf(directory);
  const costs = FILTERS.map(() => []);
  let [lists, plans, filled] = [[], [], 1];
  try {
    await withServer(directory, undefined, SILENT, (vep, headers) =>
      load.run(`${vep.url}/compute/`, creation(headers), 1),
    );
    for (const size of SIZES) {
      const store = await openStoreOf(environment);
      const owner = await ownerIn(store);
      await fill(store, owner, filled, size);
      filled = size;
      plans = [];
      for (const { query } of FILTERS) plans.push(await planOf(store, owner, query));
      await store.close();
      await withServer(directory, undefined, SILENT, async (vep, headers) => {
        for (const [index, { headers: filter }] of FILTERS.entries()) {
          const request = { headers: { ...headers, ...filter, Accept: 'text/uri-list' } };
          const { ms, bytes } = await compare(vep, `${vep.url}/compute/`, request, 300);
          if (bytes === 0) throw new Error('a filter has found nothing');
          costs[index].push(ms);
        }
        lists = await measureLists(vep, headers);
      });
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return { filters: FILTERS.map(({ name }, index) => ({ name, ms: costs[index], plan: plans[index] })), lists };
}

/** How much more memory the server has while it answers all there are. */
async function measureLists(vep, headers) {
  const lists = [];
  for (const accept of ['text/plain', 'application/occi+json']) {
    const request = { headers: { ...headers, Accept: accept } };
    await load.send(`${vep.url}/compute/?page=1&number=1000`, request);
    await vep.peakBytes();
    const before = await vep.peakBytes();
    const body = await load.send(`${vep.url}/compute/`, request);
    lists.push({ accept, bytes: body.length, extra: (await vep.peakBytes()) - before });
  }
  return lists;
}

function environmentOf(directory) {
  return { VEP_CONFIG: join(directory, 'vep.yaml'), VEP_DATA_DIR: directory, VEP_PORT: '0', VEP_LOG_LEVEL: 'error' };
}

function creation(headers) {
  return {
    method: 'POST',
    headers: { ...headers, 'Content-Type': 'text/plain' },
    body: NEW_COMPUTE,
    status: 201,
  };
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
  const vep = await MeasuredProcess.start('server.mjs', environmentOf(directory), options);
  try {
    const token = readFileSync(join(directory, 'user.token'), 'utf8').trim();
    return await work(vep, { Authorization: `Bearer ${token}`, 'User-Agent': 'OCCI/1.2' });
  } finally {
    await vep.stop();
  }
}

async function measureReads(vep, headers) {
  await load.run(`${vep.url}/compute/`, creation(headers), COMPUTES);
  const list = await load.send(`${vep.url}/compute/`, { headers: { ...headers, Accept: 'text/uri-list' } });
  const [first] = list.split(/\r?\n/);
  await untilIdle(vep);
  const rows = [];
  for (const { name, accept, agent, path, count, mark } of READS) {
    const request = { headers: { ...headers, Accept: accept, ...(agent ? { 'User-Agent': agent } : {}) } };
    const url = path === undefined ? first : `${vep.url}${path}`;
    rows.push({ name, mark, ...(await compare(vep, url, request, count)) });
  }
  return rows;
}

/** Waits until the work of the creations is done: it must not count as that of the reads. */
async function untilIdle(vep) {
  for (let idle = 0; idle < 3;) {
    const before = await vep.cpuMs();
    await new Promise((resolve) => setTimeout(resolve, 500));
    idle = (await vep.cpuMs()) - before < 20 ? idle + 1 : 0;
  }
}

/** Creations on a site that does not answer: the work they file is not done meanwhile. */
async function measureCreate(vep, headers) {
  const { name, count, mark } = CREATE;
  return { name, mark, ...(await compare(vep, `${vep.url}/compute/`, creation(headers), count)) };
}

async function compare(vep, url, request, count) {
  const warmUp = Math.min(WARM_UP, 5 * count);
  const bytes = await load.run(url, request, warmUp);
  const floor = `${bare.url}/${bytes}`;
  const floorRequest = { headers: request.headers };
  await load.run(floor, floorRequest, warmUp);
  const ours = [];
  const floors = [];
  for (let slice = 0; slice < SLICES; slice++) {
    ours.push(await cost(vep, () => load.run(url, request, count), count));
    floors.push(await cost(bare, () => load.run(floor, floorRequest, count), count));
  }
  const ratio = median(ours.map((ms, slice) => ms / floors[slice]));
  return { bytes, ms: Math.min(...ours), bareMs: Math.min(...floors), ratio };
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

async function cost(server, work, count) {
  const before = await server.cpuMs();
  await work();
  return ((await server.cpuMs()) - before) / count;
}
