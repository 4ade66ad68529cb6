/** What is libvirt's own: words that are read, documents that are written, and one life of a machine on the real thing. */

import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { newUuid } from '../../src/base/ids.js';
import { systemClock } from '../../src/base/clock.js';
import { Accelerator, probeAccelerator } from '../../src/iaas/adapters/libvirt/accelerator.js';
import { uuidInLine } from '../../src/iaas/adapters/libvirt/events.js';
import { hasEfi } from '../../src/iaas/adapters/libvirt/firmware.js';
import { Home } from '../../src/iaas/adapters/libvirt/home.js';
import { modelText, readModel, uuidOf, type MachineModel } from '../../src/iaas/adapters/libvirt/marks.js';
import { Programs, type Asked, type Said } from '../../src/iaas/adapters/libvirt/program.js';
import { readLibvirtOptions } from '../../src/iaas/adapters/libvirt/options.js';
import { meaningOf } from '../../src/iaas/adapters/libvirt/virsh-error.js';
import { meaningOf as stateOf } from '../../src/iaas/adapters/libvirt/states.js';
import { Turns } from '../../src/iaas/adapters/libvirt/turns.js';
import type { Observed, SiteAdapter } from '../../src/iaas/adapter.js';
import { describeWith } from '../support/counterparts.js';
import { libvirtHarness, openSite, type LibvirtHarness, PROGRAMS, Session } from './libvirt-harness.js';

describe('the words of virsh and QEMU', () => {
  it.each([
    ["failed to get domain 'x'", 'not-found'],
    ['Requested operation is not valid: domain is already running', 'conflict'],
    ["operation failed: domain 'x' already exists with uuid 1", 'conflict'],
    ['Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatch)', 'transient'],
    ["Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory", 'transient'],
    ['internal error: client socket is closed', 'transient'],
    ['Failed to set up memory: Cannot allocate memory', 'capacity'],
    ['error while writing: No space left on device', 'capacity'],
    ['internal error: No more available PCI slots', 'capacity'],
    ['invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: 3 > 2', 'capacity'],
    ["could not set up host forwarding rule 'tcp:127.0.0.1:80-:80'", 'conflict'],
    ["Could not open '/x': Permission denied", 'denied'],
    ["unsupported configuration: machine type 'q36' is not known", 'unsupported'],
    ['(domain_definition):1: Document is empty', 'invalid'],
    ['internal error: process exited while connecting to monitor', 'fatal'],
    ['something nobody has seen', 'fatal'],
  ] as const)('%s', (words, meaning) => expect(meaningOf(words)).toBe(meaning));

  it('tells a pause for want of room from one that was asked for', () => {
    expect(stateOf(3, 1)).toEqual({ state: 'suspended' });
    expect(stateOf(3, 5)).toMatchObject({ state: 'error', message: expect.stringContaining('full') });
    expect(stateOf(5, 3)).toMatchObject({ state: 'inactive', message: expect.stringContaining('died') });
    expect(stateOf(99, 0)).toMatchObject({ state: 'error' });
  });

  it('finds machines of its own realm in events', () => {
    const uuid = uuidOf('vep', 'token');
    const line = (name: string): string =>
      `2026-11-22 10:57:13.913+0000: event 'lifecycle' for domain '${name}': Suspended Paused`;
    expect(uuidInLine(line(`vep-${uuid}`), 'vep')).toBe(uuid);
    expect(uuidInLine(line(`other-${uuid}`), 'vep')).toBeUndefined();
    expect(uuidInLine('events received: 1', 'vep')).toBeUndefined();
  });
});

it('remembers whatever a machine is called, in ASCII', () => {
  const id = 'a\u0000"<]]>\ud800\u202e💩';
  const model: MachineModel = { realm: 'vep', id, token: 't', name: id, cores: 1, memoryBytes: 1, nics: [], disks: [] };
  expect(modelText(model)).toMatch(/^[\x20-\x7e]*$/);
  expect(readModel(modelText(model), 'vep')).toEqual(model);
  expect(readModel(modelText(model), 'other')).toBeUndefined();
  expect(readModel('<b>', 'vep')).toBeUndefined();
});

it('names every key of its options that is wrong', () => {
  const wrong = { uri: 'qemu+ssh://x/', host: {}, access: { ports: [1] }, more: 1 };
  const faults = (): void => void readLibvirtOptions(wrong);
  expect(faults).toThrow(expect.objectContaining({ faults: expect.arrayContaining([expect.anything()]) }));
  expect(readLibvirtOptions({ host: { country: 'DE' }, access: { forward: [80] } })).toMatchObject({
    uri: 'qemu:///session',
    access: { forward: [80], listen: '127.0.0.1', ports: [20_000, 29_999] },
  });
});

it('refuses the libvirt of the system, whose QEMU gets at no disk of the site', () => {
  const read = (): void => void readLibvirtOptions({ uri: 'qemu:///system', host: { country: 'DE' } });
  const fault = { code: 'libvirt.system', place: { path: 'uri' }, remedy: expect.stringContaining('account') };
  expect(read).toThrow(expect.objectContaining({ faults: [expect.objectContaining(fault)] }));
});

describeWith(...PROGRAMS)('on a libvirt', () => {
  let harness: LibvirtHarness;
  let site: SiteAdapter;
  const machineDirectory = (ref: string): string => `${harness.session.home}/machines/${ref}`;

  beforeAll(async () => {
    harness = await libvirtHarness({ shutdownMs: 300 });
    site = harness.adapter;
  });
  afterAll(() => harness.close());

  async function reached(
    what: 'compute' | 'nic' | 'attachment' | 'image',
    ref: string,
    state: string,
  ): Promise<Observed> {
    for (;;) {
      const seen = (await site.describe(what, [ref])).get(ref);
      if (seen && !seen.busy && seen.state === state) return seen;
      await harness.advance(50);
    }
  }

  const efi = hasEfi();
  if (!efi) console.info('skipped: no EFI for guests here (the Debian package ovmf)');
  (efi ? it : it.skip)('starts a machine with EFI, and leaves nothing of its variables', async () => {
    expect(site.capabilities().firmwares).toEqual(new Set(['efi']));
    const [id, volume] = [newUuid(), newUuid()];
    const storage = await site.createStorage({ id: volume, name: 'root', sizeBytes: 2 ** 20 }, volume);
    const volumes = [{ id: newUuid(), storage }];
    const spec = { id, name: 'efi', cores: 1, memoryBytes: 128 * 2 ** 20, firmware: 'efi' as const, volumes };
    const ref = await site.createCompute(spec, id);
    await site.actCompute(ref, 'start', undefined);
    await reached('compute', ref, 'active');
    const document = await harness.session.virsh.read(['dumpxml', ref]);
    expect(document).toMatch(/<loader [^>]*type='pflash'/);
    const variables = /<nvram[^>]*>([^<]+)</.exec(document)?.[1] ?? '';
    expect(existsSync(variables)).toBe(true);
    await site.delete('compute', ref);
    while ((await site.describe('compute', [ref])).has(ref)) await harness.advance(50);
    expect(existsSync(variables)).toBe(false);
    await site.delete('storage', storage);
  });

  it('leads a machine through one life: plugged, started, reached, stopped in time, gone', async () => {
    expect(await site.check()).toEqual([]);
    const ids = { volume: newUuid(), network: newUuid(), machine: newUuid(), disk: newUuid(), nic: newUuid() };
    const storage = await site.createStorage({ id: ids.volume, name: 'root', sizeBytes: 2 ** 20 }, ids.volume);
    const network = await site.createNetwork({ id: ids.network, name: 'lan' }, ids.network);
    const secret = 'only-for-the-guest';
    const spec = {
      id: ids.machine,
      name: 'one',
      hostname: 'one',
      cores: 1,
      memoryBytes: 64 * 2 ** 20,
      ovfEnvironment: `<Environment>${secret}</Environment>`,
      nics: [{ id: ids.nic, network }],
      volumes: [{ id: ids.disk, storage }],
    };
    // The port that it would get is taken by somebody else.
    const taken = createServer().listen(harness.firstPort, '127.0.0.1');
    await once(taken, 'listening');
    const ref = await site.createCompute(spec, ids.machine);
    await site.actCompute(ref, 'start', undefined);
    expect(await reached('compute', ref, 'active')).toMatchObject({
      id: ids.machine,
      message: expect.stringContaining(`127.0.0.1:${harness.firstPort + 1} (port 80)`),
    });
    taken.close();
    const nic = await site.attachNic({ id: ids.nic, network, compute: ref }, ids.nic);
    expect(await reached('nic', nic, 'active')).toMatchObject({ address: '10.77.0.15', interface: 'eth1' });
    await reached('attachment', await site.attachStorage({ id: ids.disk, storage, compute: ref }, ids.disk), 'active');
    const cd = readFileSync(`${machineDirectory(ref)}/seed.iso`, 'latin1');
    expect(cd).toContain(secret);
    expect(cd).toContain('10.77.0.15/24');
    expect(harness.session.processes().join('\n')).not.toContain(secret);
    expect((await site.metrics([ref])).map(({ metric }) => metric)).toEqual(site.capabilities().metrics);

    // What a machine left that libvirt no longer has goes; what one has stays.
    mkdirSync(machineDirectory(newUuid()));
    expect(await site.tidy?.()).toBe(0);
    expect(readdirSync(`${harness.session.home}/machines`)).toEqual([ref]);

    // Another process of VEP has asked it to stop, and was killed: whoever looks sees to it.
    const other = await harness.second?.();
    await other?.actCompute(ref, 'stop', 'graceful');
    await other?.close();
    await reached('compute', ref, 'inactive');
    await site.delete('compute', ref);
    await site.delete('storage', storage);
    await site.delete('network', network);
    expect(existsSync(machineDirectory(ref))).toBe(false);
    expect(['machines', 'volumes', 'networks'].map((each) => readdirSync(`${harness.session.home}/${each}`))).toEqual([
      [],
      [],
      [],
    ]);
    expect(harness.session.processes().filter((line) => line.includes('qemu-system'))).toEqual([]);
  });

  it('believes in KVM only what has run: the probe ends by its own code where it is emulated', async () => {
    const { home, account, programs } = harness.session;
    const probe = await probeAccelerator(new Home(home, account), programs, 'qemu-system-x86_64', 'tcg', {});
    expect(probe).toMatchObject({ works: true });
  });

  it('asks once whether KVM works, though QEMU dies of it', async () => {
    const { directory, home, account, programs } = harness.session;
    const [stand, asked] = [`${directory}/dying`, `${directory}/asked`];
    writeFileSync(stand, `#!/bin/sh\necho "$*" >>${asked}\nkill -ABRT $$\n`, { mode: 0o755 });
    writeFileSync(asked, '', { mode: 0o666 });
    chmodSync(asked, 0o666);
    const kvm = new Accelerator('auto', (call) =>
      probeAccelerator(new Home(home, account), programs, stand, 'kvm', call),
    );
    expect([await kvm.type({}), await kvm.type({})]).toEqual(['qemu', 'qemu']);
    expect(await kvm.probe({})).toMatchObject({ works: false, said: expect.stringContaining('SIGABRT') });
    expect(readFileSync(asked, 'utf8').trim().split('\n')).toEqual([expect.stringContaining('-accel kvm -cpu host')]);
  });

  it('gives up a probe that hangs, and leaves nothing of it behind', async () => {
    const { directory, home, account } = harness.session;
    const [stand, pid] = [`${directory}/hanging`, `${directory}/hanging-pid`];
    writeFileSync(stand, `#!/bin/sh\necho $$ >${pid}\nexec sleep 86400\n`, { mode: 0o755 });
    writeFileSync(pid, '', { mode: 0o666 });
    chmodSync(pid, 0o666);
    const limits: (number | undefined)[] = [];
    // Its time is over as soon as it hangs.
    class Hurried extends Programs {
      override async run(program: string, args: readonly string[], asked: Asked = {}): Promise<Said> {
        limits.push(asked.limitMs);
        for (;;) {
          const said = await super.run(program, args, { ...asked, limitMs: 2000 }).catch((error: unknown) => error);
          if (readFileSync(pid, 'utf8') === '') continue;
          if (said instanceof Error) throw said;
          return said as Said;
        }
      }
    }
    const programs = new Hurried({ account, concurrency: 1, callMs: 25_000 });
    const kvm = new Accelerator('auto', (call) =>
      probeAccelerator(new Home(home, account), programs, stand, 'kvm', call),
    );
    expect([await kvm.type({}), await kvm.type({})]).toEqual(['qemu', 'qemu']);
    expect(await kvm.probe({})).toMatchObject({ works: false, said: expect.stringContaining('did not end') });
    expect(limits).toEqual([15_000]);
    while (existsSync(`/proc/${readFileSync(pid, 'utf8').trim()}`)) await harness.advance(20);
    expect(readdirSync(`${home}/machines`).filter((name) => name.startsWith('probe'))).toEqual([]);
    programs.close();
  }, 120_000);

  it('lets one after the other, whoever they are', async () => {
    const turns = [1, 2].map(() => new Turns(`${harness.session.directory}/t`, systemClock));
    const seen: string[] = [];
    await Promise.all(
      turns.map((each, index) =>
        each.site({}, async () => {
          seen.push(`in ${index}`);
          await harness.advance(30);
          seen.push(`out ${index}`);
        }),
      ),
    );
    expect(seen.map((word) => word.split(' ')[0])).toEqual(['in', 'out', 'in', 'out']);
  });
});

describe('what is missing', () => {
  it('is said, program by program', async () => {
    const session = new Session();
    const programs = { virsh: '/no/virsh', qemuImg: '/no/qemu-img', qemu: '/no/qemu' };
    const { PATH } = process.env;
    process.env['PATH'] = '/no';
    const site = await openSite(session.options({ programs }), session.directory);
    process.env['PATH'] = PATH;
    const findings = await site.check();
    expect(findings.map(({ code }) => code)).toEqual([
      'libvirt.virsh',
      'libvirt.qemu-img',
      'libvirt.qemu',
      'libvirt.setpriv',
    ]);
    expect(findings.map(({ remedy }) => remedy).join(' ')).toContain('libvirt-clients');
    await site.close();
    await session.close();
  });
});
