/**
 * Brings a clone to the point where it can run: installs the locked packages when they are missing or stale, and compiles
 * the TypeScript sources into dist/ when one of them is newer than the last build. Runs before `npm start` and
 * `npm test`, therefore needs nothing but Node and npm, writes nothing to standard output, and does nothing (in a tenth
 * of a second, and without a network) when there is nothing to do.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const inRoot = (...parts) => path.join(root, ...parts);

const PACKAGES_STAMP = inRoot('node_modules', '.vep-packages');
const BUILD_STAMP = inRoot('dist', '.built');
const BUILD_INFO = inRoot('dist', '.tsbuildinfo');
const LOCK = inRoot('.cache', 'prepare.lock');

requireNode(20, 19);
const unlock = lock();
try {
  preparePackages();
  prepareBuild();
} finally {
  unlock();
}

function preparePackages() {
  const wanted = packagesDigest();
  if (read(PACKAGES_STAMP) === wanted) return;
  if (!installedAgrees()) {
    say('installing packages and compiling native modules once, about a minute …');
    // `--include=dev`: the compiler is a development package, whatever NODE_ENV says. The level undoes .npmrc's.
    npm('ci', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error');
    say('packages installed');
  }
  fs.writeFileSync(PACKAGES_STAMP, wanted);
}

/** What the installed packages depend on: the lock file, and the Node that native modules were compiled for. */
function packagesDigest() {
  const hash = createHash('sha256').update(fs.readFileSync(inRoot('package-lock.json')));
  return hash.update(`${process.platform} ${process.arch} ${process.versions.modules}`).digest('hex');
}

/** True when somebody has run `npm ci` or `npm install` already: every locked package is there and the native one loads. */
function installedAgrees() {
  try {
    const locked = JSON.parse(read(inRoot('package-lock.json'))).packages;
    const installed = JSON.parse(read(inRoot('node_modules', '.package-lock.json'))).packages;
    const complete = Object.entries(locked).every(
      ([where, entry]) => where === '' || entry.optional || installed[where]?.version === entry.version,
    );
    if (!complete) return false;
    const Database = createRequire(import.meta.url)('better-sqlite3');
    new Database(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

function prepareBuild() {
  const sources = ['src', 'extensions', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
  const newest = Math.max(...sources.map((name) => newestChange(inRoot(name))));
  const built = fs.statSync(BUILD_STAMP, { throwIfNoEntry: false });
  if (built && built.mtimeMs > newest) return;
  say('building …');
  const started = Date.now();
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [tsc, '-p', inRoot('tsconfig.build.json'), '--incremental', '--tsBuildInfoFile', BUILD_INFO]);
  removeOrphans(inRoot('dist', 'src'), inRoot('src'));
  removeOrphans(inRoot('dist', 'extensions'), inRoot('extensions'));
  const command = inRoot('dist', 'src', 'cli', 'main.js');
  if (fs.existsSync(command)) fs.chmodSync(command, 0o755);
  fs.writeFileSync(BUILD_STAMP, '');
  // What was changed while the compiler ran counts as newer than this build.
  fs.utimesSync(BUILD_STAMP, new Date(started), new Date(started));
}

/** Latest modification below `file`, folders included: they change when a file goes away. */
function newestChange(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...fs.readdirSync(file).map((name) => newestChange(path.join(file, name))));
}

/** Deletes what an earlier build wrote for a source that is gone: it could still be imported. */
function removeOrphans(outFolder, sourceFolder) {
  if (!fs.existsSync(outFolder)) return;
  for (const entry of fs.readdirSync(outFolder, { withFileTypes: true })) {
    const out = path.join(outFolder, entry.name);
    if (entry.isDirectory()) removeOrphans(out, path.join(sourceFolder, entry.name));
    else if (!fs.existsSync(path.join(sourceFolder, entry.name.replace(/(\.d)?\.(js|ts)(\.map)?$/, '.ts'))))
      fs.rmSync(out);
  }
}

/** One preparation at a time: `npm test` in a second terminal waits for the install of `npm start` in the first. */
function lock() {
  fs.mkdirSync(path.dirname(LOCK), { recursive: true });
  for (let told = false; ;) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(LOCK, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = Number(read(LOCK));
    if (holder > 0 && !isAlive(holder)) fs.rmSync(LOCK, { force: true });
    if (!told) say('another command is preparing this clone, waiting for it …');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function requireNode(major, minor) {
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor > major || (hasMajor === major && hasMinor >= minor)) return;
  say(`needs Node ${major}.${minor} or later, this is ${process.versions.node}`);
  process.exit(1);
}

function npm(...args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) run(process.execPath, [cli, ...args]);
  else run('npm', args);
}

/** Runs a program with all its output on standard error; its failure ends the preparation with the same status. */
function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  say(error ? `cannot run ${program}: ${error.message}` : `failed: ${path.basename(program)} ${args.join(' ')}`);
  unlock();
  process.exit(status || 1);
}

function read(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}

function say(text) {
  process.stderr.write(`vep: ${text}\n`);
}
