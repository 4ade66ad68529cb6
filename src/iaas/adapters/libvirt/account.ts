/**
 * The account under which everything of a libvirt site runs. VEP's own, unless VEP runs as root: root always gets the
 * system's libvirt, so that a session needs another account, whose files and folders are then made its own.
 */

import { readFileSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { problem } from '../../../base/errors.js';

export interface Account {
  readonly uid: number;
  readonly home: string;
  /** What children are started with. */
  readonly childOptions: {
    readonly uid?: number;
    readonly gid?: number;
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  };
  /** Folders that libvirt needs and that nobody has made yet. */
  prepare(): Promise<void>;
  /** Makes a file or folder that VEP has written the account's own. */
  own(path: string): Promise<void>;
}

const PASSED_ON = ['PATH', 'HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'TMPDIR'];

/** @throws Problem `invalid` for an account that is not known, or that VEP may not act as */
export function openAccount(name: string | undefined, session: string | undefined): Account {
  const other = name === undefined ? undefined : lookUp(name);
  const mine = process.getuid?.() ?? -1;
  const switched = other !== undefined && other.uid !== mine ? other : undefined;
  if (switched && mine !== 0)
    throw problem('invalid', 'libvirt.account', `VEP does not run as root and cannot act as ${name}`, {
      place: { path: 'account' },
      remedy: 'leave account out, or run VEP as that account',
    });
  const home = other?.home ?? process.env['HOME'] ?? '/';
  const inherited = Object.fromEntries(
    PASSED_ON.flatMap((key) => {
      const value = process.env[key];
      // Another account has folders of its own.
      return value === undefined || (switched && key !== 'PATH') ? [] : [[key, value]];
    }),
  );
  const folders = session === undefined ? {} : sessionFolders(session);
  const own = async (path: string): Promise<void> => {
    if (switched) await chown(path, switched.uid, switched.gid);
  };
  return {
    uid: other?.uid ?? mine,
    home,
    childOptions: {
      ...(switched ? { uid: switched.uid, gid: switched.gid } : {}),
      cwd: '/',
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', ...inherited, HOME: home, ...folders, LC_ALL: 'C' },
    },
    prepare: async () => {
      for (const folder of session === undefined ? [] : [session, ...Object.values(folders)]) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await own(folder);
      }
    },
    own,
  };
}

/** Where a session daemon of its own keeps sockets, configuration and what it knows of QEMU. Short: sockets have long names. */
function sessionFolders(session: string): Record<string, string> {
  return {
    HOME: session,
    XDG_RUNTIME_DIR: join(session, 'run'),
    XDG_CONFIG_HOME: join(session, 'etc'),
    XDG_CACHE_HOME: join(session, 'cache'),
    XDG_DATA_HOME: join(session, 'data'),
  };
}

function lookUp(name: string): { readonly uid: number; readonly gid: number; readonly home: string } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find(([user]) => user === name);
  if (!line)
    throw problem('invalid', 'libvirt.account', `this machine has no account ${name}`, {
      place: { path: 'account' },
      remedy: `make it: adduser --system --home /var/lib/${name} ${name}`,
    });
  return { uid: Number(line[2]), gid: Number(line[3]), home: line[5] ?? '/' };
}
