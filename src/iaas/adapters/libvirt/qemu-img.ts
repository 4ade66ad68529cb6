/** qemu-img: makes, grows, copies and looks at disk files. The format of every file is told and never guessed by QEMU. */

import type { Asked, Programs } from './program.js';
import { nonsense, refusalOf } from './virsh-error.js';

export type DiskFormat = 'qcow2' | 'raw';

export interface DiskFile {
  readonly file: string;
  readonly format: DiskFormat;
}

export interface DiskInfo {
  readonly virtualSizeBytes: number;
  readonly backingFile: string | undefined;
}

export class QemuImg {
  readonly #programs: Programs;
  readonly #program: string;

  constructor(programs: Programs, program: string) {
    this.#programs = programs;
    this.#program = program;
  }

  /** An empty qcow2 disk, or one that is as another is and keeps only what differs from it. */
  async create(file: string, sizeBytes: number, base: DiskFile | undefined, asked: Asked): Promise<void> {
    const backing = base === undefined ? [] : ['-b', base.file, '-F', base.format];
    await this.#do('create', ['-q', '-f', 'qcow2', ...backing, file, String(sizeBytes)], asked);
  }

  /** A raw file of zeros, or of what is in another and zeros behind it. */
  async createRaw(file: string, sizeBytes: number, from: DiskFile | undefined, asked: Asked): Promise<void> {
    if (from === undefined) return this.#do('create', ['-q', '-f', 'raw', file, String(sizeBytes)], asked);
    await this.#do('convert', ['-q', '-f', from.format, '-O', 'raw', from.file, file], asked);
    await this.resize({ file, format: 'raw' }, sizeBytes, asked);
  }

  async resize({ file, format }: DiskFile, sizeBytes: number, asked: Asked): Promise<void> {
    await this.#do('resize', ['-q', '-f', format, file, String(sizeBytes)], asked);
  }

  /** A whole copy as qcow2, which refers to nothing else. */
  async convert({ file, format }: DiskFile, to: string, asked: Asked): Promise<void> {
    await this.#do('convert', ['-q', '-f', format, '-O', 'qcow2', file, to], asked);
  }

  async snapshot(file: string, name: string, asked: Asked): Promise<void> {
    await this.#do('snapshot', ['-q', '-c', name, file], asked);
  }

  async info(file: string, format: DiskFormat, asked: Asked): Promise<DiskInfo> {
    const said = await this.#programs.run(this.#program, ['info', '-f', format, '--output=json', file], asked);
    if (said.code !== 0) throw refusalOf('qemu-img info', said);
    const info = parsed(said.out);
    if (typeof info?.['virtual-size'] !== 'number') throw nonsense('qemu-img info', said);
    const backing = info['backing-filename'];
    return {
      virtualSizeBytes: info['virtual-size'],
      backingFile: typeof backing === 'string' ? backing : undefined,
    };
  }

  async #do(command: string, args: readonly string[], asked: Asked): Promise<void> {
    const said = await this.#programs.run(this.#program, [command, ...args], asked);
    if (said.code !== 0) throw refusalOf(`qemu-img ${command}`, said);
    // With -q it says nothing at all when it has done it.
    if (said.out.trim() !== '') throw nonsense(`qemu-img ${command}`, said);
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
