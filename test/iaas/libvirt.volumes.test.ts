/** Copies of volumes on a real libvirt: made in the background, of machines that run too, whatever an earlier one has left. */

import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { newUuid } from '../../src/base/ids.js';
import type { Observed, SiteAdapter } from '../../src/iaas/adapter.js';
import { describeWith, programAt } from '../support/counterparts.js';
import { libvirtHarness, openSite, type LibvirtHarness, PROGRAMS } from './libvirt-harness.js';

const PATIENCE_MS = 300_000;
const SIZE = 2 ** 20;

describeWith(...PROGRAMS)('copies on a libvirt', () => {
  let harness: LibvirtHarness;
  let site: SiteAdapter;
  let gate: Gate;

  beforeAll(async () => {
    harness = await libvirtHarness({ access: false });
    gate = new Gate(harness.session.directory);
    site = await openSite(
      harness.session.options({ programs: gate.programs, accelerator: 'qemu', access: false }),
      harness.session.directory,
    );
  }, PATIENCE_MS);
  afterAll(async () => {
    gate.open();
    await site.close();
    await harness.close();
  }, PATIENCE_MS);

  async function rested(ref: string, state: string, at = site): Promise<Observed> {
    for (;;) {
      const seen = (await at.describe('storage', [ref])).get(ref);
      if (seen && !seen.busy) {
        expect(seen).toMatchObject({ state });
        return seen;
      }
      await harness.advance(20);
    }
  }

  /** A volume of its own that is an image's, and the machine that runs from it. */
  async function running(): Promise<{ readonly image: string; readonly storage: string; readonly machine: string }> {
    const [image, storage] = [await imported(), newUuid()];
    const volume = await site.createStorage({ id: storage, name: 'root', sizeBytes: SIZE, image }, storage);
    const [id, disk] = [newUuid(), newUuid()];
    const volumes = [{ id: disk, storage: volume }];
    const machine = await site.createCompute({ id, name: 'one', cores: 1, memoryBytes: 64 * 2 ** 20, volumes }, id);
    await site.actCompute(machine, 'start', undefined);
    return { image, storage: volume, machine };
  }

  async function imported(): Promise<string> {
    const id = newUuid();
    const bytes = Buffer.alloc(SIZE, 'image');
    return site.importImage(
      { id, name: 'i', format: 'raw', sizeBytes: SIZE, open: () => Promise.resolve([bytes]) } as never,
      id,
    );
  }

  const file = (folder: string, name: string): string => join(harness.session.home, folder, name);
  const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const contentOf = (qcow2: string): string => {
    const raw = join(harness.session.directory, 'content');
    execFileSync('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', qcow2, raw]);
    return digest(raw);
  };
  const isAsked = async (): Promise<void> => {
    while (!gate.asked) await harness.advance(20);
  };

  it(
    'backs a volume up while its machine runs and other things are done, and leaves the image as it was',
    async () => {
      const { image, storage, machine } = await running();
      const before = digest(file('images', `${image}.img`));
      gate.shut('blockcopy');
      await site.actStorage(storage, 'backup');
      await isAsked();
      expect((await site.describe('storage', [storage])).get(storage)).toMatchObject({ state: 'backup', busy: true });
      // The turn of the site is free, and the same wish is granted already.
      const other = newUuid();
      await site.delete('storage', await site.createStorage({ id: other, name: 'o', sizeBytes: SIZE }, other));
      await site.actStorage(storage, 'backup');
      await expect(site.resizeStorage(storage, 2 * SIZE)).rejects.toMatchObject({ class: 'transient' });
      gate.open();
      expect(await rested(storage, 'online')).not.toHaveProperty('message');
      expect(contentOf(file('volumes', `${storage}.backup.qcow2`))).toBe(before);
      expect(digest(file('images', `${image}.img`))).toBe(before);
      expect(existsSync(file('volumes', `${storage}.copy.draft`))).toBe(false);
      await site.delete('compute', machine);
      await site.delete('storage', storage);
      await site.delete('image', image);
    },
    PATIENCE_MS,
  );

  it(
    'is not held up by a copy that was cut off and goes on in QEMU',
    async () => {
      const { image, storage, machine } = await running();
      const { session } = harness;
      await session.virsh.read(['blockcopy', machine, 'sda', '--dest', file('volumes', 'left'), '--transient-job']);
      await site.actStorage(storage, 'backup');
      expect(await rested(storage, 'online')).not.toHaveProperty('message');
      expect(contentOf(file('volumes', `${storage}.backup.qcow2`))).toBe(digest(file('images', `${image}.img`)));
      await site.delete('compute', machine);
      await site.delete('storage', storage);
      await site.delete('image', image);
    },
    PATIENCE_MS,
  );

  it(
    'fills a shared volume in the background, and goes on with it where the process has ended',
    async () => {
      const image = await imported();
      const id = newUuid();
      gate.shut('convert');
      const spec = { id, name: 'both', sizeBytes: 2 * SIZE, image, shared: true } as const;
      const storage = await site.createStorage(spec, id);
      await isAsked();
      expect((await site.describe('storage', [storage])).get(storage)).toMatchObject({ state: 'offline', busy: true });
      await expect(site.delete('image', image)).rejects.toMatchObject({ class: 'conflict' });
      await site.close();
      site = await openSite(
        harness.session.options({ programs: gate.programs, accelerator: 'qemu', access: false }),
        harness.session.directory,
      );
      gate.open();
      await rested(storage, 'online');
      const content = readFileSync(file('volumes', `${storage}.raw`));
      expect(content).toHaveLength(2 * SIZE);
      expect(content.subarray(0, SIZE).equals(Buffer.alloc(SIZE, 'image'))).toBe(true);
      await site.delete('storage', storage);
      await site.delete('image', image);
    },
    PATIENCE_MS,
  );

  it(
    'lets the removal of an image win that is still being copied from a machine',
    async () => {
      const [image, id, token] = [await imported(), newUuid(), newUuid()];
      const machine = await site.createCompute({ id, name: 'one', cores: 1, memoryBytes: 64 * 2 ** 20, image }, id);
      gate.shut('convert');
      const saved = await site.saveCompute(machine, 'copy', undefined, token);
      await isAsked();
      await site.delete('image', saved);
      gate.open();
      while (existsSync(file('turns', `copy-${saved}.lock`))) await harness.advance(20);
      expect((await site.describe('image', [saved])).size).toBe(0);
      await site.delete('compute', machine);
      await site.delete('image', image);
      expect(readdirSync(join(harness.session.home, 'images'))).toEqual([]);
    },
    PATIENCE_MS,
  );
});

/** Stand-ins for virsh and qemu-img that wait at a command until the test lets them go. */
class Gate {
  readonly #directory: string;
  readonly programs: { readonly virsh: string; readonly qemuImg: string };

  constructor(directory: string) {
    this.#directory = directory;
    this.programs = { virsh: this.#standIn('virsh'), qemuImg: this.#standIn('qemu-img') };
    const asked = join(directory, 'asked');
    writeFileSync(asked, '');
    // The account of the site writes it.
    chmodSync(asked, 0o666);
  }

  #standIn(name: string): string {
    const path = join(this.#directory, `gate-${name}`);
    const [shut, asked] = [join(this.#directory, 'shut'), join(this.#directory, 'asked')];
    const script = [
      '#!/bin/sh',
      `if [ -e ${shut} ] && case " $* " in *" $(cat ${shut}) "*) true;; *) false;; esac; then`,
      `  echo "$*" >>${asked}`,
      `  while [ -e ${shut} ]; do sleep 0.05; done`,
      'fi',
      `exec ${programAt(name) ?? ''} "$@"`,
    ];
    writeFileSync(path, `${script.join('\n')}\n`, { mode: 0o755 });
    return path;
  }

  get asked(): boolean {
    return readFileSync(join(this.#directory, 'asked'), 'utf8') !== '';
  }

  shut(command: string): void {
    writeFileSync(join(this.#directory, 'asked'), '');
    writeFileSync(join(this.#directory, 'shut'), command);
  }

  open(): void {
    rmSync(join(this.#directory, 'shut'), { force: true });
  }
}
