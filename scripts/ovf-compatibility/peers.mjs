/**
 * Other readers of OVF, run on the same descriptors: virt-v2v (`virt-v2v -i ova <folder> --print-source`, with dummy files
 * in the place of the images) and COT (`cot info`). Each reading is `{machine}` with the numbers it gives, or `{refused}`
 * with what it says.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { gzipSync } from 'node:zlib';

const PLAIN = {
  encoding: 'utf8',
  timeout: 120_000,
  env: { ...process.env, LC_ALL: 'C.UTF-8', LIBGUESTFS_BACKEND: 'direct' },
};
/** virt-v2v's answer where it has found no memory: it has not found the machine at all. */
const NOT_FOUND = 2 ** 40;

export function virtV2v() {
  const version = spawnSync('virt-v2v', ['--version'], PLAIN);
  return {
    name: 'virt-v2v',
    version: /\d+\.[\d.]+/.exec(version.stdout ?? '')?.[0],
    there: version.status === 0,
    missing: 'it is not installed',
    read: (path) =>
      inFolder((folder) => {
        copyFileSync(path, join(folder, 'appliance.ovf'));
        writeDummies(folder, readFileSync(path, 'latin1'));
        const { status, stdout, stderr } = spawnSync('virt-v2v', ['-i', 'ova', folder, '--print-source'], PLAIN);
        if (status !== 0) return { refused: lastLine(stderr, /virt-v2v: error: (.*)/) };
        const number = (pattern) => Number(pattern.exec(stdout)?.[1]);
        const memoryBytes = number(/memory: (\d+) \(bytes\)/);
        if (memoryBytes === NOT_FOUND) return { refused: 'it finds no machine, and makes up one of 1 TiB' };
        return {
          machine: {
            cores: number(/nr vCPUs: (\d+)/),
            memoryBytes,
            disks: section(stdout, 'disks').length,
            adapters: section(stdout, 'NICs').length,
          },
        };
      }),
  };
}

export function cot(command) {
  const version = command === undefined ? undefined : spawnSync(command, ['--version'], PLAIN);
  return {
    name: 'COT',
    version: /\d+\.[\d.]+/.exec(version?.stdout ?? '')?.[0],
    there: version?.status === 0,
    missing: 'VEP_COT does not name the command that starts it',
    read: (path) => {
      const { status, stdout, stderr } = spawnSync(command, ['info', path], PLAIN);
      if (status !== 0) return { refused: lastLine(stderr, /^(?:\w+Error|Exception|ERROR).*/) };
      const row = /\(default\) +(\d+) +([\d.]+) (\w+) +(\d+) +\d+ +(\d+) \//.exec(stdout);
      if (!row) return { refused: 'it prints no hardware' };
      const [, cores, amount, unit, adapters, disks] = row;
      const factor = 1024 ** ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit);
      return {
        machine: {
          cores: Number(cores),
          memoryBytes: Number(amount) * factor,
          disks: Number(disks),
          adapters: Number(adapters),
        },
      };
    },
  };
}

function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'vep-compatibility-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Something to open under the name of every file that the descriptor refers to, as far as it stays inside the folder. */
function writeDummies(folder, text) {
  for (const [, href] of text.matchAll(/\bhref="([^"]{1,200})"/g)) {
    const path = normalize(decoded(href));
    if (/^(?:\.\.|\/|[a-z]+:)|[\\\0]/i.test(path) || path === '.') continue;
    const bytes = Buffer.alloc(65_536);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(
      join(folder, path),
      /compression="gzip"/.test(text) || path.endsWith('.gz') ? gzipSync(bytes) : bytes,
    );
  }
}

function decoded(href) {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

/** Lines below a heading, up to the next one. */
function section(text, heading) {
  const [, rest = ''] = text.split(`\n${heading}:\n`);
  const lines = rest.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('\t'));
  return lines.slice(0, end < 0 ? undefined : end);
}

function lastLine(text, pattern) {
  const lines = text.split('\n').map((line) => pattern.exec(line));
  const found = lines.filter((match) => match !== null).at(-1);
  return (found?.[1] ?? found?.[0] ?? 'it fails without a word').slice(0, 100);
}
