/** What is missing at a libvirt site: each finding with the words of the program and what an administrator does about it. */

import { access, constants, stat } from 'node:fs/promises';
import { messageOf } from '../../../base/errors.js';
import type { CallOptions, SiteFinding } from '../../adapter.js';
import type { Accelerator } from './accelerator.js';
import { checkBridge } from './bridge.js';
import type { Home } from './home.js';
import type { LibvirtOptions } from './options.js';
import { LEASH, lastWords, type Programs } from './program.js';
import type { Virsh } from './virsh.js';

export interface CheckServices {
  readonly home: Home;
  readonly programs: Programs;
  readonly virsh: Virsh;
  readonly accelerator: Accelerator;
  readonly freeBytes: () => Promise<number>;
  readonly options: LibvirtOptions;
}

/** The first version with aliases of one's own and `--validate` for what is used here. */
const OLDEST = [7, 2] as const;
/** Less room than this is not worth calling it a site. */
const ROOM_BYTES = 2 ** 30;

export async function check(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const folder = await folders(services);
  if (folder.length > 0) return folder;
  const programs = (
    await Promise.all([
      program(services, 'virsh'),
      program(services, 'qemuImg'),
      program(services, 'qemu'),
      leash(services, call),
    ])
  ).flat();
  const connection = programs.some(({ code }) => code === 'libvirt.virsh') ? [] : await connected(services, call);
  const usable = programs.length === 0 && connection.length === 0;
  const bridge = usable ? checkBridge(services, call) : [];
  const rest = await Promise.all([room(services), bridge, kvm(services, call)]);
  return [...programs, ...connection, ...rest.flat()];
}

const PACKAGES = { virsh: 'libvirt-clients', qemuImg: 'qemu-utils', qemu: 'qemu-system-x86' } as const;

async function program(
  { programs, options }: CheckServices,
  name: keyof typeof PACKAGES,
): Promise<readonly SiteFinding[]> {
  try {
    await programs.run(options.programs[name], ['--version'], {});
    return [];
  } catch (error) {
    const code = name === 'virsh' ? 'libvirt.virsh' : name === 'qemuImg' ? 'libvirt.qemu-img' : 'libvirt.qemu';
    const remedy = `install it (on Debian: apt install ${PACKAGES[name]}), or say under programs.${name} where it is`;
    return [{ code, message: messageOf(error), remedy }];
  }
}

async function leash({ programs }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const [name = '', ...args] = [...LEASH, 'true'];
  const why = await programs.run(name, args, call).then(
    (said) => (said.code === 0 ? undefined : lastWords(said)),
    (error: unknown) => messageOf(error),
  );
  if (why === undefined) return [];
  const message = `changes of machines cannot be followed: ${why}`;
  return [
    { code: 'libvirt.setpriv', message, remedy: 'install setpriv of util-linux (on Debian: apt install util-linux)' },
  ];
}

async function folders({ home, options }: CheckServices): Promise<readonly SiteFinding[]> {
  try {
    await home.prepare();
    await access(home.directory, constants.W_OK);
  } catch (error) {
    return [
      {
        code: 'libvirt.directory',
        message: `the folder of the site cannot be used: ${messageOf(error)}`,
        remedy: 'name a folder under directory that VEP may write',
      },
    ];
  }
  if (options.account === undefined) return [];
  const closed = await closedAbove(home.directory);
  return closed === undefined
    ? []
    : [
        {
          code: 'libvirt.directory',
          message: `the account ${options.account} does not get to ${home.directory}: ${closed} lets nobody through`,
          remedy: `chmod o+x ${closed}, or name another folder under directory`,
        },
      ];
}

/** The first folder on the way that others may not pass. */
async function closedAbove(path: string): Promise<string | undefined> {
  const parts = path.split('/').filter((part) => part !== '');
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = `/${parts.slice(0, depth).join('/')}`;
    if (((await stat(folder)).mode & 0o001) === 0) return folder;
  }
  return undefined;
}

async function connected({ virsh, programs }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  if (programs.account.uid === 0)
    return [
      {
        code: 'libvirt.account',
        message: 'VEP runs as root, and root has no session: libvirt would take the system for it',
        remedy: 'run VEP as an ordinary account, or name one under account',
      },
    ];
  try {
    const said = await virsh.read(['version'], call);
    const version = /^Using library: libvirt ([\d.]+)$/m.exec(said)?.[1] ?? '0';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
    const message = `libvirt is of version ${version}, older than ${OLDEST.join('.')}`;
    return [{ code: 'libvirt.version', message, remedy: 'upgrade libvirt' }];
  } catch (error) {
    return [{ code: 'libvirt.connection', message: messageOf(error), remedy: remedyOf(error) }];
  }
}

function remedyOf(error: unknown): string {
  const words = messageOf(error);
  if (/unix socket path|too long/i.test(words)) return 'name a shorter folder under session';
  if (/no connection driver|could not find|emulator|qemu driver/i.test(words))
    return 'install the driver (on Debian: apt install libvirt-daemon-driver-qemu qemu-system-x86)';
  return 'install the daemon (on Debian: apt install libvirt-daemon), and see that the account has a home or a session folder';
}

async function room({ freeBytes }: CheckServices): Promise<readonly SiteFinding[]> {
  const free = await freeBytes();
  if (free >= ROOM_BYTES) return [];
  const message = `there are ${Math.floor(free / 2 ** 20)} MiB left for disks beside what is promised`;
  return [{ code: 'libvirt.space', message, remedy: 'make room, or name a folder on a larger disk under directory' }];
}

/** Emulation is no fault where KVM was not asked for. */
async function kvm({ accelerator, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  if (options.accelerator !== 'kvm') return [];
  const { works, said } = await accelerator.probe(call);
  if (works) return [];
  const message = `nothing boots under KVM here: ${said}`;
  const remedy =
    'switch virtualization on in the firmware, put the account into the group kvm, or take accelerator auto';
  return [{ code: 'libvirt.kvm', message, remedy }];
}
