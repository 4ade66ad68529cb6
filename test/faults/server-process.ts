/** `vep serve` from the build, as a process of its own: started, killed without warning, started again. */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { keepSaid, keepTold, secret } from '../support/run.js';

const READY = /^VEP ready at (\S+)$/m;
/** Milliseconds a start may take; generous, for busy machines. */
const START_MS = 180_000;

export class ServerProcess {
  readonly #directory: string;
  readonly #config: string;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #url: Promise<string> = Promise.reject(new Error('the server has not been started'));
  /** What it wrote on standard error, all starts together. */
  log = '';

  /** `config` is the configuration without the data directory, as JSON, which is YAML too; port 0 is any. */
  constructor(directory: string, config: object, port = 0) {
    this.#port = port;
    this.#directory = directory;
    this.#config = join(directory, 'vep.yaml');
    this.#url.catch(() => undefined);
    writeFileSync(this.#config, JSON.stringify(config));
  }

  /** Where it listens: waits for a start that is under way. */
  get url(): Promise<string> {
    return this.#url;
  }

  start(): Promise<string> {
    this.#url = this.#started();
    this.#url.catch(() => undefined);
    return this.#url;
  }

  async #started(): Promise<string> {
    const child = spawn(process.execPath, [join(packageRoot, 'dist/src/cli/main.js'), 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        VEP_CONFIG: this.#config,
        VEP_DATA_DIR: this.#directory,
        VEP_PORT: String(this.#port),
        VEP_LOG_LEVEL: 'warn',
      },
    });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
      keepSaid(chunk.toString());
    });
    return new Promise((resolve, reject) => {
      let said = '';
      const late = setTimeout(() => reject(new Error(`not ready in time: ${this.log}`)), START_MS);
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        const url = READY.exec(said)?.[1];
        if (url === undefined) return;
        clearTimeout(late);
        resolve(url);
      });
      child.once('exit', () => {
        clearTimeout(late);
        reject(new Error(`the server ended before it was ready: ${this.log}`));
      });
    });
  }

  /** `kill -9`, at this very instant; resolves when the process is no more. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await keepTold({ sqlite: join(this.#directory, 'vep.db') });
    for (const name of ['user', 'admin']) {
      const file = join(this.#directory, `${name}.token`);
      if (existsSync(file)) secret(readFileSync(file, 'utf8').trim(), 'token of the first start');
    }
  }
}

/** Brings the build up to date: does nothing when it is, as after `npm test` has begun. */
export function build(): void {
  execFileSync(process.execPath, [join(packageRoot, 'scripts/prepare.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
