/**
 * Completes package-lock.json after a change of dependencies: adds the optional packages of other platforms that the
 * registry in use did not offer (`npm ci` refuses a lock file that lacks them), and drops the addresses of the registry,
 * so that the lock file installs from whichever registry a machine is set up for. Run it, then commit the lock file.
 */

import fs from 'node:fs';

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32'];

const lock = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
let added = 0;
for (const [where, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  if (where === '') continue;
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(where, name)) continue;
    const os = SYSTEMS.find((system) => name.includes(system));
    const cpu = PROCESSORS.find((processor) => new RegExp(`(^|[-_/])${processor}`).test(name.replace(/.*\//, '')));
    if (!os && !cpu) continue;
    added += 1;
    lock.packages[`node_modules/${name}`] = {
      version: range.replace(/^[\^~]/, ''),
      optional: true,
      ...(entry.dev && { dev: true }),
      ...(os && { os: [os] }),
      ...(cpu && { cpu: [cpu] }),
    };
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
fs.writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added} packages of other platforms added\n`);

/** Looks for a package the way Node does: in the folder of the package that wants it, then in each one above. */
function isLocked(from, name) {
  for (let base = from; ;) {
    if (lock.packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`]) return true;
    if (base === '') return false;
    const above = base.lastIndexOf('node_modules/');
    base = above <= 0 ? '' : base.slice(0, above - 1);
  }
}
