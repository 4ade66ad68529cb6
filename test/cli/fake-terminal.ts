/** A terminal that keeps what is written to it. */

import type { Terminal } from '../../src/cli/terminal.js';
import { run } from '../../src/cli/run.js';
import { FakeClock } from '../client/fake-clock.js';

export interface FakeTerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Whether both streams are terminals. */
  readonly interactive?: boolean;
  readonly input?: string;
  /** What is typed when a secret is asked for. */
  readonly secret?: string;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command in this process. */
export async function vep(args: readonly string[], options: FakeTerminalOptions = {}): Promise<Ran> {
  const written = { out: '', err: '' };
  const sink = (name: 'out' | 'err'): Terminal['out'] => ({
    write: (text) => void (written[name] += text),
    terminal: options.interactive === true,
    columns: 80,
  });
  const terminal: Terminal = {
    out: sink('out'),
    err: sink('err'),
    environment: { HOME: '/nonexistent', ...options.environment },
    directory: options.directory ?? '/nonexistent',
    clock: new FakeClock(),
    readInput: () => Promise.resolve(options.input ?? ''),
    askSecret: () => Promise.resolve(options.secret),
  };
  const code = await run(args, terminal);
  return { code, ...written };
}
