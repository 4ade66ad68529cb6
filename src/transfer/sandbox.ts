/**
 * The command line round a program that reads what strangers made: bubblewrap with a file system of system programs, libraries
 * and one folder to write to; no network, no other process, nobody's rights. What users and VEP itself keep is not there.
 */

import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { basename, delimiter, dirname, join, resolve, sep } from 'node:path';

const SYSTEM = [
  ...['/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/bin', '/lib', '/lib32', '/lib64'],
  ...['/etc/ld.so.cache', '/etc/alternatives'],
];
/** Where Nix keeps every program and library, each for everybody to read. */
const NIX = '/nix/store';

/** Where a program lies; undefined where there is none to run. */
export async function programAt(command: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter);
  const places = command.includes(sep) ? [resolve(command)] : folders.map((folder) => join(folder, command));
  for (const place of places) {
    const runs = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return place;
  }
  return undefined;
}

/** What a program needs to see besides the system's own: itself, and the libraries installed beside it. */
export async function neededBy(program: string): Promise<string[]> {
  const real = await realpath(program);
  if (real.startsWith(NIX + sep)) return [program, NIX];
  const folder = dirname(real);
  return basename(folder) === 'bin' ? [program, join(folder, '../lib'), join(folder, '../lib64')] : [program];
}

/** What comes before the program on the command line. `folder` is the working directory, and all that can be written to. */
export function sandboxed(sandbox: string, seen: readonly string[], folder: string): string[] {
  return [
    ...[sandbox, '--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...[...SYSTEM, ...seen].flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--proc', '/proc', '--dev', '/dev', '--bind', folder, folder, '--chdir', folder],
  ];
}
