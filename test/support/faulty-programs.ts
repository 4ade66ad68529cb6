/**
 * What can go wrong with a counterpart that is a program, brought about on purpose: stand-ins that run the real programs,
 * and at the call that a test chooses are refused, killed, hang, lose their answer or print nonsense. The same orders as
 * those of the {@link FaultyProxy}, in the way in which virsh and qemu-img fail.
 */

import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { FaultyWay, Match, WireFault, WireRequest } from './faulty-proxy.js';

/** What a stand-in does beside what a proxy can do. */
export type ProgramFault =
  | WireFault
  /** Says that it was done, and does nothing. */
  | { readonly kind: 'pretend'; readonly out: string }
  /** Done; afterwards the file beside the one that was named is gone. */
  | { readonly kind: 'lose-file'; readonly name: string };

/** How the hypervisor's programs say what a status of HTTP says. */
const WORDS: Readonly<Record<number, string>> = {
  429: 'operation failed: Too many active clients',
  503: 'Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)',
};
const BROKEN = 'Cannot recv data: Connection reset by peer';

export class FaultyPrograms implements FaultyWay {
  readonly #directory: string;
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #leavers: (() => void)[] = [];
  readonly #watchers: (() => void)[] = [];
  #ordered: { readonly fault: ProgramFault; readonly matches: Match; times: number }[] = [];
  #struck = 0;
  #refusing = false;

  /** Stand-ins for the programs at these paths, in a folder that whoever runs them must get to. */
  static async open(directory: string, programs: Readonly<Record<string, string>>): Promise<FaultyPrograms> {
    const faulty = new FaultyPrograms(directory);
    mkdirSync(directory, { mode: 0o755 });
    writeFileSync(join(directory, 'stand-in.cjs'), STAND_IN);
    for (const [name, path] of Object.entries(programs)) {
      const script = [
        '#!/bin/sh',
        `[ -e '${directory}/armed' ] || exec '${path}' "$@"`,
        `exec '${process.execPath}' '${directory}/stand-in.cjs' '${directory}/socket' '${path}' "$@"`,
      ];
      writeFileSync(join(directory, name), `${script.join('\n')}\n`);
      chmodSync(join(directory, name), 0o755);
    }
    faulty.#server.listen(join(directory, 'socket'));
    await once(faulty.#server, 'listening');
    chmodSync(join(directory, 'socket'), 0o777);
    return faulty;
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  path(name: string): string {
    return join(this.#directory, name);
  }

  get struck(): number {
    return this.#struck;
  }

  next(fault: ProgramFault, matches: Match = () => true, times = 1): void {
    this.#ordered.push({ fault, matches, times });
    this.#arm();
  }

  clear(): void {
    this.#ordered = [];
    this.#arm();
  }

  refuse(): Promise<void> {
    this.#refusing = true;
    this.#arm();
    return Promise.resolve();
  }

  restore(): Promise<void> {
    this.#refusing = false;
    this.#arm();
    return Promise.resolve();
  }

  strikes(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  left(): Promise<void> {
    return new Promise((resolve) => this.#leavers.push(resolve));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #arm(): void {
    const armed = join(this.#directory, 'armed');
    if (this.#refusing || this.#ordered.length > 0) writeFileSync(armed, '');
    else rmSync(armed, { force: true });
  }

  #serve(socket: Socket): void {
    socket.on('error', () => undefined);
    let asked = '';
    socket.on('data', (piece: Buffer) => {
      asked += piece.toString();
      if (asked.endsWith('\n')) this.#answer(socket, asked);
    });
  }

  #answer(socket: Socket, asked: string): void {
    const [path = '', ...args] = JSON.parse(asked) as string[];
    // The connection of virsh is the same in all calls.
    const words = args[0] === '-c' ? args.slice(2) : args;
    const method = path.slice(path.lastIndexOf('/') + 1);
    const fault = this.#due({ method, path: words.join(' '), headers: {}, body: Buffer.alloc(0) });
    if (fault?.kind === 'hang') return void socket.once('close', () => this.#leavers.shift()?.());
    socket.end(`${JSON.stringify(verdictOf(fault))}\n`);
  }

  #due(request: WireRequest): ProgramFault | undefined {
    if (this.#refusing) return { kind: 'reset' };
    const due = this.#ordered.find(({ matches }) => matches(request));
    if (!due) return undefined;
    due.times -= 1;
    if (due.times === 0) this.#ordered = this.#ordered.filter((each) => each !== due);
    this.#arm();
    this.#struck += 1;
    for (const watcher of this.#watchers.splice(0)) watcher();
    return due.fault;
  }
}

interface Verdict {
  readonly run: boolean;
  /** How much of what the real program says is passed on. */
  readonly part?: number;
  readonly kill?: boolean;
  readonly out?: string;
  readonly err?: string;
  readonly code?: number;
  /** Name of the file to remove beside the one in the last argument but its options. */
  readonly lose?: string;
}

function verdictOf(fault: ProgramFault | undefined): Verdict {
  switch (fault?.kind) {
    case undefined:
      return { run: true, part: 1 };
    case 'reset':
      return {
        run: false,
        err: "error: failed to connect to the hypervisor\nerror: Failed to connect socket to 'libvirt-sock': Connection refused\n",
        code: 1,
      };
    case 'lose-answer':
      return { run: true, part: 0, kill: true };
    case 'empty-answer':
      return { run: true, part: 0 };
    case 'cut-answer':
      return { run: true, part: 0.5, kill: true };
    case 'answer':
      return fault.status === 200
        ? { run: false, out: String(fault.body), code: 0 }
        : { run: false, err: `error: Failed to do it\nerror: ${WORDS[fault.status] ?? BROKEN}\n`, code: 1 };
    case 'pretend':
      return { run: false, out: fault.out, code: 0 };
    case 'lose-file':
      return { run: true, part: 1, lose: fault.name };
    case 'hang':
      return { run: false };
  }
}

/** The stand-in itself: asks the test what is to happen, and does it. */
const STAND_IN = `
const { connect } = require('node:net');
const { spawnSync } = require('node:child_process');
const { rmSync } = require('node:fs');
const { dirname, join } = require('node:path');
const [socketPath, program, ...args] = process.argv.slice(2);
let said = '';
const socket = connect(socketPath, () => socket.write(JSON.stringify([program, ...args]) + '\\n'));
socket.on('data', (piece) => (said += piece));
socket.on('error', () => process.exit(1));
socket.on('end', () => {
  const { run, part = 1, kill, out = '', err = '', code, lose } = JSON.parse(said);
  const real = run ? spawnSync(program, args, { maxBuffer: 2 ** 26 }) : undefined;
  const text = real ? real.stdout : Buffer.from(out);
  if (lose) rmSync(join(dirname(args.find((each) => each.startsWith('/'))), lose));
  process.stderr.write(real ? real.stderr : err);
  process.stdout.write(text.subarray(0, Math.floor(text.length * part)), () => {
    if (kill) process.kill(process.pid, 'SIGKILL');
    else process.exit(real ? real.status : code);
  });
});
`;
