/** What a command sees of the world: streams, environment and folder. Tests hand in their own. */

import type { Clock } from '../base/clock.js';
import { systemClock } from '../base/clock.js';
import type { Environment } from '../base/config-file.js';

export interface Sink {
  write(text: string): void;
  readonly terminal: boolean;
  readonly columns: number;
}

export interface Terminal {
  readonly out: Sink;
  readonly err: Sink;
  readonly environment: Environment;
  readonly directory: string;
  readonly clock: Clock;
  /** All of standard input, as text. */
  readInput(): Promise<string>;
  /** Asks on the terminal without showing what is typed; undefined when there is no terminal. */
  askSecret(question: string): Promise<string | undefined>;
}

/** The real one. */
export function processTerminal(): Terminal {
  return {
    out: sinkOf(process.stdout),
    err: sinkOf(process.stderr),
    environment: process.env,
    directory: process.cwd(),
    clock: systemClock,
    readInput,
    askSecret,
  };
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  // `vep list | head` is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    get terminal() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns || 100;
    },
  };
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}

async function askSecret(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return undefined;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  let typed = '';
  try {
    for await (const chunk of stdin) {
      for (const char of (chunk as Buffer).toString('utf8')) {
        if (char === '\r' || char === '\n' || char === '\u0004') return typed;
        if (char === '\u0003') return undefined;
        typed = char === '\u007f' || char === '\b' ? typed.slice(0, -1) : typed + char;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
