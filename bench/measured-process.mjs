/**
 * A process whose processor time can be asked for while it serves: forked, told to start, and asked over Node's IPC
 * channel. Processor time, user and system together, is what a request costs whatever else the machine is doing.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class MeasuredProcess {
  #child;

  /** Where it listens. */
  url = '';

  /** Starts a module of this folder, which answers `{ url }` once it listens and `{ cpuMs }` to every `cpu`. */
  static async start(module, environment = {}, nodeOptions = []) {
    const process = new MeasuredProcess();
    process.#child = fork(fileURLToPath(new URL(module, import.meta.url)), [], {
      env: { PATH: globalThis.process.env.PATH, ...environment },
      execArgv: nodeOptions,
    });
    const [{ url }] = await Promise.race([
      once(process.#child, 'message'),
      once(process.#child, 'exit').then(() => Promise.reject(new Error(`${module} ended before it was ready`))),
    ]);
    process.url = url;
    return process;
  }

  /** Milliseconds of processor time since its start. */
  async cpuMs() {
    this.#child.send('cpu');
    const [{ cpuMs }] = await once(this.#child, 'message');
    return cpuMs;
  }

  async stop() {
    const gone = once(this.#child, 'exit');
    this.#child.send('stop');
    await gone;
  }
}

/** The other side: tells where it listens, answers questions about its processor time, ends when told. */
export function answerQuestions(url, close) {
  process.on('message', (message) => {
    if (message === 'stop') void close().then(() => process.exit(0));
    const { user, system } = process.cpuUsage();
    if (message === 'cpu') process.send({ cpuMs: (user + system) / 1000 });
  });
  process.on('disconnect', () => process.exit(1));
  process.send({ url });
}
