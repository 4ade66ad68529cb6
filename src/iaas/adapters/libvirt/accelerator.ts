/**
 * Whether guests run under KVM here. That `/dev/kvm` is there proves nothing (inside other machines it often is, and
 * guests never get past their BIOS), so that something is booted under it: a boot sector of five bytes that ends QEMU
 * with a code of its own.
 */

import type { CallOptions } from '../../adapter.js';
import type { Home } from './home.js';
import { lastWords, type Programs } from './program.js';

export interface Probe {
  readonly works: boolean;
  /** Why not, in QEMU's words. */
  readonly said: string;
}

/** mov al, 0x10; out 0xf4, al; hlt: the device at that port ends QEMU with the code 2 × 0x10 + 1. */
const CODE = [0xb0, 0x10, 0xe6, 0xf4, 0xf4];
const ENDED_BY_GUEST = 33;
const LIMIT_MS = 15_000;

export async function probeAccelerator(
  home: Home,
  programs: Programs,
  qemu: string,
  accelerator: 'kvm' | 'tcg',
  options: CallOptions,
): Promise<Probe> {
  await home.prepare();
  const sector = Buffer.alloc(512);
  sector.set(CODE);
  sector.writeUInt16LE(0xaa55, 510);
  const uuid = `probe-${accelerator}`;
  await home.makeMachine(uuid);
  try {
    const disk = await home.write(uuid, 'boot.img', sector);
    const args = ['-accel', accelerator, '-machine', 'pc', '-m', '16', '-nodefaults', '-display', 'none', '-no-reboot'];
    const devices = ['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'];
    const drive = ['-drive', `file=${disk},format=raw,if=ide,readonly=off`];
    const said = await programs.run(qemu, [...args, ...devices, ...drive], { ...options, limitMs: LIMIT_MS });
    return { works: said.code === ENDED_BY_GUEST, said: lastWords(said) };
  } finally {
    await home.removeMachine(uuid);
  }
}

/** The type of domains to make, found out once. */
export class Accelerator {
  readonly #wanted: 'auto' | 'kvm' | 'qemu';
  readonly #probe: (options: CallOptions) => Promise<Probe>;
  #found: Promise<Probe> | undefined;

  constructor(wanted: 'auto' | 'kvm' | 'qemu', probe: (options: CallOptions) => Promise<Probe>) {
    this.#wanted = wanted;
    this.#probe = probe;
  }

  async type(options: CallOptions): Promise<'qemu' | 'kvm'> {
    if (this.#wanted !== 'auto') return this.#wanted;
    return (await this.probe(options)).works ? 'kvm' : 'qemu';
  }

  /** A probe that was given up, or for which QEMU is missing, has found out nothing. */
  async probe(options: CallOptions): Promise<Probe> {
    this.#found ??= this.#probe(options);
    try {
      return await this.#found;
    } catch (error) {
      this.#found = undefined;
      if (options.signal?.aborted === true) throw error;
      return { works: false, said: error instanceof Error ? error.message : 'nothing' };
    }
  }
}
