/**
 * What it costs to check the digests of an OVA, in bytes per second of processor time, beside `openssl dgst` on the same
 * file: for a file on disk, and for an upload over HTTP that a server unpacks into its store. And what memory it takes to
 * stream 5 GiB that nobody ever writes down. A part of `npm run bench`; `--write` puts the table into docs/images.md.
 */

import { execFileSync, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readOva } from '../dist/src/ovf/package/ova.js';
import { TAR_END, tarHeader, tarPadding } from '../dist/src/ovf/package/tar-header.js';
import { machineOf } from './ovf-report.mjs';
import { MeasuredProcess } from './measured-process.mjs';

const MIB = 2 ** 20;
const IMAGE = 512 * MIB;
const STREAM = 5 * 1024 * MIB;
/** What else the machine does only adds: the best of so many counts. */
const SLICES = 10;

const sink = {
  open: async () => ({ write: async () => undefined, close: async () => ({}), abort: async () => undefined }),
};

/** An OVA of one image of so many bytes: documents first, then the same chunk again and again. */
function* archive(bytes, chunk = Buffer.alloc(MIB, 'vep')) {
  const descriptor = Buffer.from(descriptorOf(bytes));
  const hash = createHash('sha256');
  for (let at = 0; at < bytes; at += chunk.length) hash.update(chunk);
  const sha256 = (document) => createHash('sha256').update(document).digest('hex');
  const manifest = Buffer.from(`SHA256(a.ovf)= ${sha256(descriptor)}\nSHA256(disk.img)= ${hash.digest('hex')}\n`);
  for (const [name, document] of [
    ['a.ovf', descriptor],
    ['a.mf', manifest],
  ]) {
    yield tarHeader(name, document.length);
    yield document;
    yield tarPadding(document.length);
  }
  yield tarHeader('disk.img', bytes);
  for (let at = 0; at < bytes; at += chunk.length) yield chunk;
  yield tarPadding(bytes);
  yield TAR_END;
}

function descriptorOf(bytes) {
  const text = readFileSync(new URL('../examples/single-vm/single-vm.ovf', import.meta.url), 'utf8');
  return text.replace(/ovf:href="[^"]*" ovf:size="\d+"/, `ovf:href="disk.img" ovf:size="${bytes}"`);
}

async function* streamed(chunks) {
  yield* chunks;
}

if (process.argv[2] === 'memory') {
  await measureMemory();
} else {
  await measureAll();
}

/** In a process of its own: the most it has held, over what it held before. */
async function measureMemory() {
  await readOva(streamed(archive(16 * MIB)), sink, { mode: 'lenient' });
  const before = process.resourceUsage().maxRSS;
  await readOva(streamed(archive(STREAM)), sink, { mode: 'lenient' });
  process.send((process.resourceUsage().maxRSS - before) / 1024);
}

async function memory() {
  const child = fork(fileURLToPath(import.meta.url), ['memory']);
  const [mib] = await once(child, 'message');
  return mib;
}

/** The best of several, in MiB per second of processor time. */
async function best(work) {
  const seconds = [];
  for (let slice = 0; slice < SLICES; slice++) seconds.push(await work());
  return IMAGE / MIB / Math.min(...seconds);
}

async function local(file) {
  const before = process.cpuUsage();
  await readOva(createReadStream(file, { highWaterMark: MIB }), sink, { mode: 'lenient' });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function openssl(file) {
  const output = execFileSync('bash', ['-c', 'openssl dgst -sha256 "$1" >/dev/null; times', 'bash', file], {
    encoding: 'utf8',
  });
  const times = [...(output.trim().split('\n').at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** Processor time of the server while it takes in the archive as a request; it plans, and makes nothing of it. */
async function upload(server, token, file) {
  const before = await server.cpuMs();
  const url = new URL('/appliance/?dry-run', server.url);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-tar' };
  const request = http.request(url, { method: 'POST', headers });
  const answered = once(request, 'response');
  createReadStream(file, { highWaterMark: MIB }).pipe(request);
  const [response] = await answered;
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`the server answered ${response.statusCode}`);
  return ((await server.cpuMs()) - before) / 1000;
}

async function measureAll() {
  const directory = mkdtempSync(join(tmpdir(), 'vep-bench-'));
  try {
    const file = join(directory, 'a.ova');
    const written = await open(file, 'w');
    for (const chunk of archive(IMAGE)) await written.write(chunk);
    await written.close();
    const data = join(directory, 'data');
    const environment = { VEP_PORT: '0', VEP_DATA_DIR: data, VEP_LOG_LEVEL: 'error' };
    const server = await MeasuredProcess.start('server.mjs', environment);
    const token = readFileSync(join(data, 'user.token'), 'utf8').trim();
    const reference = await best(() => openssl(file));
    const rows = [
      ['openssl dgst -sha256', reference],
      ['OVA on disk, read and checked', await best(() => local(file)), 0.8],
      ['OVA uploaded, checked and stored', await best(() => upload(server, token, file)), 0.45],
    ];
    await server.stop();
    report(rows, reference, await memory());
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function report(rows, reference, mib) {
  const verdict = (met) => (met ? 'met' : 'not yet');
  const lines = [
    '| | throughput | of openssl | mark | |',
    '|---|---:|---:|---:|---|',
    ...rows.map(([name, rate, mark]) => {
      const share = rate / reference;
      const tail = mark === undefined ? '| |' : `≥ ${mark * 100} % | ${verdict(share >= mark)} |`;
      return `| ${name} | ${rate.toFixed(0)} MiB/s | ${(share * 100).toFixed(0)} % | ${tail}`;
    }),
    `| memory for an OVA of 5 GiB as a stream | ${mib.toFixed(0)} MiB | | ≤ 100 MiB | ${verdict(mib <= 100)} |`,
  ].join('\n');
  console.log(lines);
  if (!process.argv.includes('--write')) return;
  const page = new URL('../docs/images.md', import.meta.url);
  const text = readFileSync(page, 'utf8');
  const figures = `<!-- figures -->\n\nMeasured on ${machineOf()}.\n\n${lines}\n\n<!-- end of figures -->`;
  writeFileSync(
    page,
    text.replace(/<!-- figures -->[^]*<!-- end of figures -->/, () => figures),
  );
}
