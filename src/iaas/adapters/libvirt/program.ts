/**
 * The programs a libvirt site works with, as children: argument arrays and never a shell, in the C locale, so many at a
 * time and no longer than so long each. They run as the site's account, with nothing of VEP's environment. Secrets are
 * in no argument: whatever a guest is told lies in files that only the account can read.
 */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { messageOf } from '../../../base/errors.js';
import { underAny } from '../../../base/signals.js';
import { IaasError, type CallOptions } from '../../adapter.js';
import { givenUp, Turns } from '../../turns.js';
import type { Account } from './account.js';

export interface ProgramSettings {
  readonly account: Account;
  readonly concurrency: number;
  readonly callMs: number;
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Asked extends CallOptions {
  /** Milliseconds, where the usual time is too short. */
  readonly limitMs?: number;
}

/** Before a program and its arguments: the kernel ends it with the process that started it. */
export const LEASH: readonly string[] = ['setpriv', '--pdeathsig', 'KILL', '--'];

/** What a child may say at most: the documents of some thousand machines. */
const MAX_BYTES = 64 * 2 ** 20;

export class Programs {
  readonly #settings: ProgramSettings;
  readonly #turns: Turns;
  readonly #closed = new AbortController();

  constructor(settings: ProgramSettings) {
    this.#settings = settings;
    this.#turns = new Turns(settings.concurrency);
    setMaxListeners(0, this.#closed.signal);
  }

  get account(): Account {
    return this.#settings.account;
  }

  get closed(): boolean {
    return this.#closed.signal.aborted;
  }

  /**
   * Runs a program to its end, whatever its exit code.
   *
   * @throws IaasError `transient` for one that was killed, took too long or was given up, `fatal` where there is none
   *   or the site has been closed
   */
  async run(program: string, args: readonly string[], { signal, limitMs }: Asked = {}): Promise<Said> {
    return underAny([signal, this.#closed.signal], (stop) =>
      this.#turns.run(() => this.#once(program, args, stop, limitMs ?? this.#settings.callMs), stop),
    ).catch((error: unknown) => {
      throw this.closed ? new IaasError('fatal', 'the site has been closed') : error;
    });
  }

  #once(program: string, args: readonly string[], stop: AbortSignal, limitMs: number): Promise<Said> {
    return new Promise((resolve, reject) => {
      const limit = AbortSignal.timeout(limitMs);
      const signal = AbortSignal.any([stop, limit]);
      execFile(
        program,
        args,
        { ...this.#settings.account.childOptions, signal, killSignal: 'SIGKILL', maxBuffer: MAX_BYTES },
        (error, out, err) => {
          const [name] = program.split('/').slice(-1);
          if (!error) return resolve({ code: 0, out, err });
          if (limit.aborted)
            return reject(new IaasError('transient', `${name} did not end within ${limitMs / 1000} s`));
          if (stop.aborted) return reject(givenUp(stop));
          if (error.code === 'ENOENT' || error.code === 'EACCES') return reject(notThere(program, error));
          if (typeof error.code === 'number') return resolve({ code: error.code, out, err });
          const how = error.signal ? `was killed by ${error.signal}` : `failed: ${messageOf(error)}`;
          reject(new IaasError('transient', `${name} ${how}`));
        },
      );
    });
  }

  /**
   * Starts a program that goes on by itself: its lines are read by the caller, its end is the caller's to bring about. Where
   * VEP is killed, it ends too: it has nobody to tell any more.
   */
  start(program: string, args: readonly string[]): ChildProcess {
    const { childOptions } = this.#settings.account;
    const [leash = '', ...how] = LEASH;
    const child = spawn(leash, [...how, program, ...args], { ...childOptions, stdio: ['ignore', 'pipe', 'ignore'] });
    const kill = (): boolean => child.kill('SIGKILL');
    this.#closed.signal.addEventListener('abort', kill, { once: true });
    child.once('close', () => this.#closed.signal.removeEventListener('abort', kill));
    return child;
  }

  close(): void {
    this.#closed.abort();
  }
}

function notThere(program: string, error: Error & { readonly code?: unknown }): IaasError {
  const why = error.code === 'EACCES' ? 'may not be run' : 'is not installed';
  return new IaasError('fatal', `${program} ${why}`, undefined, error);
}

/** The last words of a program, in one line and without the word `error`. */
export function lastWords({ out, err }: Said): string {
  const lines = (err.trim() === '' ? out : err)
    .split('\n')
    .map((line) => line.replace(/^(error|qemu-img): */, '').trim())
    .filter((line) => line !== '');
  // Control characters of a terminal have no place in a message.
  return (lines.join('; ') || 'nothing').replace(/\p{Cc}/gu, '?').slice(0, 600);
}
