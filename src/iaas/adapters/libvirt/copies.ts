/**
 * Copies of disks, which take their time: they are made in the background, each by one process at a time, and are begun anew by
 * whoever finds one unfinished. What is inside the disk of a running machine belongs to its QEMU, which copies it itself.
 */

import { messageOf } from '../../../base/errors.js';
import type { Log } from '../../../base/log.js';
import { IaasError } from '../../adapter.js';
import type { Asked } from './program.js';
import type { DiskFile, QemuImg } from './qemu-img.js';
import type { Turns } from './turns.js';
import type { Virsh } from './virsh.js';

export interface CopyServices {
  readonly virsh: Virsh;
  readonly qemuImg: QemuImg;
  readonly turns: Turns;
  readonly log: Log;
}

/** The disk of a machine that runs, by its name there. */
export interface RunningDisk {
  readonly uuid: string;
  readonly device: string;
}

/** How long a copy may take. */
const COPY_MS = 4 * 3_600_000;

export class Copies {
  readonly #services: CopyServices;
  readonly #made = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(services: CopyServices) {
    this.#services = services;
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Does the work on what has this reference, unless somebody is at it. */
  begin(ref: string, work: (asked: Asked) => Promise<void>): void {
    if (this.#made.has(ref) || this.closed) return;
    const { turns, log } = this.#services;
    const asked = { signal: this.#closed.signal, limitMs: COPY_MS };
    const made = turns
      .alone(`copy-${ref}`, () => work(asked))
      .catch((error: unknown) => {
        if (!this.closed) log.warn({ copy: ref, error: messageOf(error) }, 'a disk could not be copied');
      })
      .then(() => void this.#made.delete(ref));
    this.#made.set(ref, made);
  }

  /** A whole copy as qcow2, which refers to nothing else. */
  async make(disk: DiskFile, to: string, running: RunningDisk | undefined, asked: Asked): Promise<void> {
    const { virsh, qemuImg, turns } = this.#services;
    if (!running) return qemuImg.convert(disk, to, asked);
    const { uuid, device } = running;
    await turns.copying(uuid, asked, async () => {
      // A copy that was cut off goes on in QEMU, and is in the way of the next.
      await virsh.read(['blockjob', uuid, device, '--abort'], asked).catch(unlessRefused);
      const how = ['--dest', to, '--format', 'qcow2', '--wait', '--finish', '--transient-job'];
      await virsh.do('blockcopy', [uuid, device, ...how], asked);
    });
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#made.values());
  }
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof IaasError) || error.class === 'transient') throw error;
}
