/**
 * A libvirt site for tests: the adapter, stand-ins for its programs, and a real libvirt with a session daemon of its own
 * behind them. Where the tests run as root, everything runs as `nobody`: root has no session.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import type { SiteAdapter, SiteRef } from '../../src/iaas/adapter.js';
import { openAccount } from '../../src/iaas/adapters/libvirt/account.js';
import { Programs } from '../../src/iaas/adapters/libvirt/program.js';
import { libvirt } from '../../src/iaas/adapters/libvirt/site-type.js';
import { Virsh } from '../../src/iaas/adapters/libvirt/virsh.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { saying } from '../support/boot-disks.js';
import { programAt } from '../support/counterparts.js';
import { FaultyPrograms } from '../support/faulty-programs.js';
import type { WireRequest } from '../support/faulty-proxy.js';
import { freePort } from '../support/free-port.js';
import { runLog } from '../support/run.js';

export const PROGRAMS = ['virsh', 'libvirtd', 'qemu-img', 'qemu-system-x86_64'] as const;

const ACCOUNT = process.getuid?.() === 0 ? 'nobody' : undefined;

/** A folder for a site with a session daemon of its own; short, as sockets lie below it. */
export class Session {
  readonly directory = mkdtempSync(join(tmpdir(), 'lv-'));
  readonly home = join(this.directory, 'h');
  readonly session = join(this.directory, 's');
  readonly account = openAccount(ACCOUNT, this.session);
  readonly programs = new Programs({ account: this.account, concurrency: 4, callMs: 25_000 });
  readonly virsh = new Virsh({ programs: this.programs, program: 'virsh', uri: 'qemu:///session' });

  constructor() {
    chmodSync(this.directory, 0o711);
  }

  options(more: JsonObject = {}): JsonObject {
    return {
      directory: this.home,
      session: this.session,
      ...(ACCOUNT === undefined ? {} : { account: ACCOUNT }),
      // Other tests run beside it: what is real does not matter here.
      host: { name: 'one', country: 'DE', coresPerCore: 64, memoryShare: 16 },
      ...more,
    };
  }

  /** Processes that work in the folder: daemons and machines. */
  processes(): readonly string[] {
    return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`${this.directory}/`) && /qemu|libvirt|virtlogd/.test(line));
  }

  /** Ends the daemons, and removes the folder. */
  async close(): Promise<void> {
    this.programs.close();
    for (const name of ['libvirtd', 'virtlogd']) {
      const file = join(this.session, `run/libvirt/${name}.pid`);
      if (!existsSync(file)) continue;
      const pid = Number(readFileSync(file, 'utf8'));
      process.kill(pid, 'SIGTERM');
      while (isAlive(pid)) await pause(20);
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function openSite(options: JsonObject, directory: string): Promise<SiteAdapter> {
  return libvirt.read(options)({ site: 'here', clock: systemClock, log: runLog(), data: { directory } });
}

/** A program fails in fewer ways than a service: one has no statuses, and nonsense is nonsense. */
const FAILURES: ReadonlySet<string> = new Set([
  'a connection reset before the request was read',
  'an answer that is lost after the work',
  'an answer that is cut in the middle',
  'status 503',
  'a page in the place of an answer',
  'an empty answer',
]);

/** The call that does the work of a method of the adapter. */
const CALLS: Readonly<Record<string, RegExp>> = {
  createCompute: /^virsh define /,
  createStorage: /^qemu-img create /,
  attachNic: /^virsh define /,
  attachStorage: /^virsh define /,
  importImage: /^qemu-img info /,
  saveCompute: /^virsh echo @state/,
  actCompute: /^virsh (start|shutdown|destroy|suspend|resume) /,
  delete: /^virsh (destroy|undefine) /,
  describe: /^virsh list /,
  inventory: /^virsh list /,
  metrics: /^virsh echo @stats/,
};

export function isCallOf(operation: string, { method, path }: WireRequest): boolean {
  return CALLS[operation]?.test(`${method} ${path}`) ?? false;
}

export interface LibvirtHarness extends Harness {
  readonly session: Session;
  /** The first port that machines are reached at. */
  readonly firstPort: number;
  /** How often a machine of the harness's image has been booted. */
  boots(ref: SiteRef): Promise<number>;
}

export async function libvirtHarness(more: JsonObject = {}): Promise<LibvirtHarness> {
  const session = new Session();
  // Other tests forward ports of the same machine at the same time.
  const firstPort = await freePort(100);
  const proxy = await FaultyPrograms.open(join(session.directory, 'p'), {
    virsh: programAt('virsh') ?? '',
    'qemu-img': programAt('qemu-img') ?? '',
  });
  const options = session.options({
    programs: { virsh: proxy.path('virsh'), qemuImg: proxy.path('qemu-img') },
    accelerator: 'qemu',
    shutdownMs: 100,
    events: { pollMs: 200 },
    access: { forward: [80], ports: [firstPort, firstPort + 99] },
    ...more,
  });
  const open = (): Promise<SiteAdapter> => openSite(options, session.directory);
  const adapter = await open();
  const wire: Wire = { proxy, isRequestOf: isCallOf, silent: new Set(['createNetwork']), failures: FAILURES };
  return {
    adapter,
    session,
    firstPort,
    wire,
    advance: (ms) => pause(ms),
    pace: { stepMs: 20, patienceMs: 30_000 },
    image: { format: 'qcow2', bytes: bootDisk(session.directory), virtualSizeBytes: 2 ** 20 },
    boots: (ref) => Promise.resolve(bootsIn(join(session.home, 'machines', ref, 'console.log'))),
    second: open,
    faults: faultsOnTheWire(wire, {
      failLater: () =>
        Promise.resolve(
          proxy.next({ kind: 'lose-file', name: 'boot.qcow2' }, (request) => isCallOf('createCompute', request)),
        ),
      doNothing: () => {
        // The guest does not hear, and switching it off comes to nothing.
        const pretend = (command: string, done: string): void =>
          proxy.next({ kind: 'pretend', out: `Domain 'it' ${done}\n` }, ({ path }) => path.startsWith(`${command} `));
        pretend('shutdown', 'is being shutdown');
        pretend('destroy', 'destroyed');
        return Promise.resolve();
      },
      clear: () => Promise.resolve(),
    }),
    rename: async (ref, name) => void (await session.virsh.read(['domrename', ref, name])),
    foreign: { createMachine: () => foreignMachine(session) },
    close: async () => {
      await adapter.close();
      const left = session.processes().filter((line) => line.includes('qemu-system'));
      await proxy.close();
      await session.close();
      expect(left).toEqual([]);
    },
  };
}

/** A disk that says on the console that it was booted, and hears no power button. */
function bootDisk(directory: string): Uint8Array {
  const [raw, file] = [join(directory, 'boot.raw'), join(directory, 'boot.qcow2')];
  writeFileSync(raw, saying('up\n'));
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
  return readFileSync(file);
}

function bootsIn(console: string): number {
  return existsSync(console) ? readFileSync(console, 'latin1').split('up\n').length - 1 : 0;
}

async function foreignMachine({ directory, account, virsh }: Session): Promise<string> {
  const uuid = newUuid();
  const file = join(directory, 'foreign.xml');
  writeFileSync(
    file,
    `<domain type='qemu'><name>theirs</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>` +
      `<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`,
  );
  await account.own(file);
  await virsh.do('define', [file]);
  return uuid;
}
