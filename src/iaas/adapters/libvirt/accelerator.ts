/**
 * Whether guests run under KVM here. That `/dev/kvm` is there proves nothing: inside other machines it may lead nowhere, run
 * the BIOS and stop at the first guest that leaves 16 bits behind, or lack what domains are given of the processor. So a
 * guest is booted under it, with the processor that domains get.
 */

import { FoundOnce } from '../../../base/found-once.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { bootSector, EXIT_CODE, EXIT_PORT } from './boot-sector.js';
import type { Home } from './home.js';
import { lastWords, type Programs } from './program.js';

export interface Probe {
  readonly works: boolean;
  /** Why not, in QEMU's words. */
  readonly said: string;
}

const LIMIT_MS = 15_000;

/** QEMU's names of the processors that `domain-document` asks libvirt for. */
const PROCESSORS = { kvm: 'host', tcg: 'max' } as const;

export async function probeAccelerator(
  home: Home,
  programs: Programs,
  qemu: string,
  accelerator: 'kvm' | 'tcg',
  options: CallOptions,
): Promise<Probe> {
  await home.prepare();
  const uuid = `probe-${accelerator}`;
  await home.makeMachine(uuid);
  try {
    const disk = await home.write(uuid, 'boot.img', bootSector());
    const processor = ['-accel', accelerator, '-cpu', PROCESSORS[accelerator]];
    const machine = ['-machine', 'pc', '-m', '16', '-nodefaults', '-display', 'none', '-no-reboot'];
    const devices = ['-device', `isa-debug-exit,iobase=${EXIT_PORT},iosize=1`];
    const drive = ['-drive', `file=${disk},format=raw,if=ide,readonly=off`];
    const args = [...processor, ...machine, ...devices, ...drive];
    const said = await programs.run(qemu, args, { ...options, limitMs: LIMIT_MS });
    return { works: said.code === EXIT_CODE, said: lastWords(said) };
  } catch (error) {
    // A QEMU that dies or hangs with the guest is an answer, and the same one each time it is asked.
    const died = error instanceof IaasError && error.class === 'transient' && options.signal?.aborted !== true;
    if (!died) throw error;
    return { works: false, said: error.message };
  } finally {
    await home.removeMachine(uuid);
  }
}

/** The type of domains to make, found out once. */
export class Accelerator {
  readonly #wanted: 'auto' | 'kvm' | 'qemu';
  readonly #probe: FoundOnce<Probe>;

  constructor(wanted: 'auto' | 'kvm' | 'qemu', probe: (options: CallOptions) => Promise<Probe>) {
    this.#wanted = wanted;
    this.#probe = new FoundOnce(probe);
  }

  async type(options: CallOptions): Promise<'qemu' | 'kvm'> {
    if (this.#wanted !== 'auto') return this.#wanted;
    return (await this.probe(options)).works ? 'kvm' : 'qemu';
  }

  /** A probe that was given up, or for which QEMU is missing, has found out nothing. */
  async probe(options: CallOptions): Promise<Probe> {
    try {
      return await this.#probe.get(options);
    } catch (error) {
      if (options.signal?.aborted === true) throw error;
      return { works: false, said: error instanceof Error ? error.message : 'nothing' };
    }
  }
}
