/**
 * virsh, the way to libvirt. It has no output for programs: documents and key=value lists are parsed where they are
 * wanted, and of what changes something the one sentence with which virsh says that it was done is expected, so that
 * nothing else is taken for success. Several reading commands go in one child.
 */

import type { ChildProcess } from 'node:child_process';
import type { Programs, Asked } from './program.js';
import { nonsense, refusalOf } from './virsh-error.js';

export interface VirshSettings {
  readonly programs: Programs;
  readonly program: string;
  readonly uri: string;
}

/** What virsh says when it has done it. */
const DONE: Readonly<Record<string, RegExp>> = {
  create: /^Domain '.*' created from /m,
  define: /^Domain '.*' defined from /m,
  undefine: /^Domain '?.*'? has been undefined/m,
  start: /^Domain '.*' started/m,
  suspend: /^Domain '.*' suspended/m,
  resume: /^Domain '.*' resumed/m,
  shutdown: /^Domain '.*' is being shutdown/m,
  reset: /^Domain '.*' was reset/m,
  destroy: /^Domain '.*' destroyed/m,
  managedsave: /^Domain '.*' state saved by libvirt/m,
  'managedsave-remove': /^Removed managedsave image for domain '.*'/m,
  'attach-device': /^Device attached successfully/m,
  'detach-device-alias': /^Device detach request sent successfully/m,
  blockresize: /^Block device '.*' is resized/m,
  blockcopy: /^Successfully copied/m,
  'domif-setlink': /^Device updated successfully/m,
};

export class Virsh {
  readonly #settings: VirshSettings;

  constructor(settings: VirshSettings) {
    this.#settings = settings;
  }

  /** What a reading command, or several, separated by `;` in one argument, say. */
  async read(args: readonly string[], asked: Asked = {}): Promise<string> {
    const { programs, program } = this.#settings;
    const said = await programs.run(program, this.#args(args), asked);
    if (said.code !== 0) throw refusalOf(`virsh ${nameOf(args)}`, said);
    return said.out;
  }

  /** The same, where some of the things asked about may be gone: what virsh says of the others counts. */
  async readSome(commands: readonly string[], asked: Asked = {}): Promise<string> {
    const { programs, program } = this.#settings;
    const said = await programs.run(program, this.#args([[...commands, `echo ${END}`].join('; ')]), asked);
    const what = `virsh ${nameOf(commands)}`;
    if (said.code !== 0) throw refusalOf(what, said);
    if (!said.out.trimEnd().endsWith(END)) throw nonsense(what, said);
    const fault = said.err.split('\n').find((line) => line.startsWith('error:') && !GONE.test(line));
    if (fault !== undefined) throw refusalOf(what, { ...said, err: fault });
    return said.out.slice(0, said.out.lastIndexOf(END));
  }

  /** Changes something, and makes sure that virsh has said so. */
  async do(command: string, args: readonly string[], asked: Asked = {}): Promise<void> {
    const { programs, program } = this.#settings;
    const said = await programs.run(program, this.#args([command, ...args]), asked);
    if (said.code !== 0) throw refusalOf(`virsh ${command}`, said);
    if (!(DONE[command]?.test(said.out) ?? false)) throw nonsense(`virsh ${command}`, said);
  }

  /** A command of QEMU's human monitor; what it says is for the caller to judge. */
  monitor(domain: string, command: string, asked: Asked = {}): Promise<string> {
    return this.read(['qemu-monitor-command', domain, '--hmp', command], asked);
  }

  /** A child that says on lines of its own what happens, for as long as it lives. */
  follow(args: readonly string[]): ChildProcess {
    const { programs, program } = this.#settings;
    return programs.start(program, this.#args(args));
  }

  #args(args: readonly string[]): readonly string[] {
    return ['-c', this.#settings.uri, ...args];
  }
}

const END = 'that-is-all';
const GONE = /failed to get domain|domain is not running|metadata not found/i;

function nameOf(args: readonly string[]): string {
  return /^[a-z-]+/.exec(args[0] ?? '')?.[0] ?? '';
}
