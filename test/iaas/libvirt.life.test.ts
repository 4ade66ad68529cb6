/**
 * What a machine on a real libvirt lives through beyond being on and off: restarts, sleep on disk, states of its volumes, more
 * interfaces than fit; and how its life is followed, also where the follower is killed. Its disk tells of each boot on the console.
 */

import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { compiledSources } from '../support/compiled-sources.js';
import { describeWith, programAt } from '../support/counterparts.js';
import { libvirtHarness, openSite, type LibvirtHarness, PROGRAMS } from './libvirt-harness.js';

const PATIENCE_MS = 600_000;
const MIB = 2 ** 20;

/** Follows the events of a site until it is killed. */
const CHILD = `
import { systemClock } from './src/base/clock.js';
import { silentLog } from './src/base/log.js';
import { libvirt } from './src/iaas/adapters/libvirt/site-type.js';
const { options, directory } = JSON.parse(process.argv[2]);
const site = await libvirt.read(options)({ site: 'here', clock: systemClock, log: silentLog, data: { directory } });
for await (const event of site.events(new AbortController().signal)) process.send(event);
`;

describeWith(...PROGRAMS)('on a libvirt', () => {
  let harness: LibvirtHarness;
  let site: SiteAdapter;
  let image: string;

  beforeAll(async () => {
    harness = await libvirtHarness({ access: false });
    site = harness.adapter;
    const { format, bytes } = harness.image;
    const id = newUuid();
    const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve([bytes] as never);
    image = await site.importImage({ id, name: 'boots', format, sizeBytes: bytes.byteLength, open }, id);
  }, PATIENCE_MS);
  afterAll(async () => {
    for await (const { ref } of site.list('compute')) await site.delete('compute', ref);
    await harness.close();
  }, PATIENCE_MS);

  /** Another adapter on the same site. */
  const withOptions = (more: JsonObject): Promise<SiteAdapter> =>
    openSite(
      harness.session.options({ accelerator: 'qemu', access: false, shutdownMs: 100, ...more }),
      harness.session.directory,
    );

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await holds())) await pause(50);
  }
  const booted = (ref: string, times: number): Promise<void> => until(async () => (await harness.boots(ref)) === times);
  const file = (ref: string, name: string): string => join(harness.session.home, 'machines', ref, name);
  const stateOf = async (ref: string, at = site): Promise<string> => {
    const seen = (await at.describe('compute', [ref])).get(ref);
    return seen?.class === 'compute' ? `${seen.state}${seen.busy ? ', busy' : ''}` : 'gone';
  };
  const reaches = (ref: string, state: string, at = site): Promise<void> =>
    until(async () => (await stateOf(ref, at)) === state);

  /** A machine of the image that has been booted once. */
  async function running(): Promise<string> {
    const id = newUuid();
    const ref = await site.createCompute({ id, name: 'one', cores: 1, memoryBytes: 64 * MIB, image }, id);
    await site.actCompute(ref, 'start', undefined);
    await booted(ref, 1);
    return ref;
  }

  it(
    'restarts a machine whose guest does not hear, or is gone before its time, whoever has to see to it',
    async () => {
      const ref = await running();
      await site.actCompute(ref, 'restart', 'graceful');
      await reaches(ref, 'active');
      await booted(ref, 2);
      await site.actCompute(ref, 'restart', 'cold');
      await booted(ref, 3);

      // One that listens goes off by itself: it does not wait for the end of a time that never comes.
      const patient = await withOptions({ shutdownMs: 3_600_000 });
      await patient.actCompute(ref, 'restart', undefined);
      expect(await stateOf(ref, patient)).toBe('active, busy');
      await patient.actCompute(ref, 'restart', 'warm');
      for (const action of ['start', 'stop', 'suspend'] as const)
        await expect(patient.actCompute(ref, action, undefined)).rejects.toMatchObject({ class: 'transient' });
      await patient.close();
      await harness.session.virsh.do('destroy', [ref]);
      // Whoever asked has ended: the next one finds it off.
      await reaches(ref, 'active');
      await booted(ref, 4);

      // It was started, and whoever did it was killed before that was noted.
      writeFileSync(file(ref, 'leaving.json'), JSON.stringify({ since: 1, again: true, off: true }));
      await reaches(ref, 'active');
      expect(existsSync(file(ref, 'leaving.json'))).toBe(false);
      expect(await harness.boots(ref)).toBe(4);

      // What cannot be started again is shown to be off, and why.
      rmSync(file(ref, 'boot.qcow2'));
      writeFileSync(file(ref, 'leaving.json'), JSON.stringify({ since: 1, again: true }));
      await reaches(ref, 'error');
      await until(() => !existsSync(file(ref, 'leaving.json')));
      expect((await harness.session.virsh.read(['domstate', ref])).trim()).toBe('shut off');
    },
    PATIENCE_MS,
  );

  it(
    'wakes a machine that sleeps on disk where it was, and boots one whose sleep was ended by a stop',
    async () => {
      const ref = await running();
      await site.actCompute(ref, 'suspend', 'hibernate');
      await reaches(ref, 'suspended');
      expect((await harness.session.virsh.read(['domstate', ref, '--reason'])).trim()).toBe('shut off (saved)');
      for (const refused of [
        site.resizeCompute(ref, { cores: 2, memoryBytes: 64 * MIB }),
        site.actCompute(ref, 'restart', undefined),
      ])
        await expect(refused).rejects.toMatchObject({ class: 'conflict' });
      await site.actCompute(ref, 'suspend', undefined);
      await site.actCompute(ref, 'start', undefined);
      await reaches(ref, 'active');
      await site.actCompute(ref, 'suspend', 'hibernate');
      await site.actCompute(ref, 'stop', undefined);
      await reaches(ref, 'inactive');
      await site.actCompute(ref, 'start', undefined);
      await booted(ref, 2);
    },
    PATIENCE_MS,
  );

  it(
    'plugs in interfaces until there is no more room for one, and forgets of that one',
    async () => {
      const [ref, id] = [await running(), newUuid()];
      const network = await site.createNetwork({ id, name: 'lan' }, id);
      const plugged: string[] = [];
      const plug = async (): Promise<boolean> => {
        const nic = newUuid();
        plugged.push(await site.attachNic({ id: nic, network, compute: ref }, nic));
        return false;
      };
      const refusal: unknown = await until(plug).catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        class: 'capacity',
        said: expect.stringContaining('No more available PCI slots'),
      });
      const listed: string[] = [];
      for await (const nic of site.list('nic')) listed.push(nic.ref);
      expect(listed.sort()).toEqual(plugged.sort());
      await site.delete('compute', ref);
      await site.delete('network', network);
    },
    PATIENCE_MS,
  );

  it(
    'keeps a state of a volume that one can go back to, while no machine runs from it',
    async () => {
      const [id, machine] = [newUuid(), newUuid()];
      const storage = await site.createStorage({ id, name: 'data', sizeBytes: MIB }, id);
      const disk = join(harness.session.home, 'volumes', `${storage}.qcow2`);
      const io = (command: string): string => execFileSync('qemu-io', ['-f', 'qcow2', '-c', command, disk]).toString();
      io('write -P 1 0 512');
      await site.actStorage(storage, 'snapshot');
      io('write -P 2 0 512');
      const [kept = ''] = /vep-\d+/.exec(execFileSync('qemu-img', ['snapshot', '-l', disk]).toString()) ?? [];
      execFileSync('qemu-img', ['snapshot', '-a', kept, disk]);
      expect(io('read -P 1 0 512')).not.toContain('Pattern verification failed');
      const volumes = [{ id: newUuid(), storage }];
      const spec = { id: machine, name: 'one', cores: 1, memoryBytes: 64 * MIB, volumes };
      const ref = await site.createCompute(spec, machine);
      await site.actCompute(ref, 'start', undefined);
      await expect(site.actStorage(storage, 'snapshot')).rejects.toMatchObject({ class: 'conflict' });
      await site.delete('compute', ref);
      await site.delete('storage', storage);
    },
    PATIENCE_MS,
  );

  /** Has a machine suspended and resumed, by somebody else, until it is told of by an adapter with these options. */
  async function isTold(options: JsonObject): Promise<void> {
    const ref = await running();
    const follower = await withOptions(options);
    const stop = new AbortController();
    let told = false;
    const following = (async () => {
      for await (const event of follower.events(stop.signal)) told ||= event.ref === ref;
    })();
    await until(async () => {
      await harness.session.virsh.do('suspend', [ref]);
      await pause(100);
      await harness.session.virsh.do('resume', [ref]);
      return told;
    });
    stop.abort();
    await following;
    await follower.close();
    await site.delete('compute', ref);
  }

  it(
    'is told of changes by libvirt, though it would not look for ten minutes',
    () => isTold({ events: { pollMs: 600_000 } }),
    PATIENCE_MS,
  );

  it(
    'finds changes by looking, where libvirt tells nothing',
    async () => {
      const virsh = join(harness.session.directory, 'mute');
      const script = `#!/bin/sh\ncase " $* " in *" event "*) exit 1;; esac\nexec ${programAt('virsh') ?? ''} "$@"\n`;
      writeFileSync(virsh, script, { mode: 0o755 });
      await isTold({ programs: { virsh }, events: { pollMs: 20 } });
    },
    PATIENCE_MS,
  );

  it(
    'leaves nobody behind who follows it, when VEP is killed, and ends nobody else who does',
    async () => {
      const folder = await compiledSources(CHILD);
      const followers = (pid: number): readonly number[] =>
        execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
          .split('\n')
          .filter((line) => / event --event /.test(line) && Number(line.trim().split(/ +/)[1]) === pid)
          .map((line) => Number.parseInt(line, 10));
      const { directory } = harness.session;
      const options = harness.session.options({ accelerator: 'qemu', events: { pollMs: 600_000 } });
      const stop = new AbortController();
      const mine = (async () => {
        for await (const event of site.events(stop.signal)) void event;
      })();
      const child = fork(join(folder, 'child.mjs'), [JSON.stringify({ options, directory })], { execArgv: [] });
      try {
        const pids = [child.pid ?? 0, process.pid];
        await until(() => child.exitCode !== null || pids.every((pid) => followers(pid).length === 1));
        const [theirs, own] = pids.map((pid) => followers(pid)[0] ?? 0);
        const [gone] = [once(child, 'exit'), child.kill('SIGKILL')];
        await gone;
        await until(() => !isFollowing(theirs ?? 0));
        expect(isFollowing(own ?? 0)).toBe(true);
      } finally {
        child.kill('SIGKILL');
        stop.abort();
        await mine;
        rmSync(folder, { recursive: true });
      }
    },
    PATIENCE_MS,
  );
});

function isFollowing(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('event');
  } catch {
    return false;
  }
}
