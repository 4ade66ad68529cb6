/**
 * A process whose processor time and memory can be asked for while it serves: forked, told to start, and asked over Node's IPC
 * channel. Processor time, user and system together, is what a request costs whatever else the machine is doing.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export class MeasuredProcess {
  #child;

  /** Where it listens. */
  url = '';

  /** Starts a module of this folder, which answers `{ url }` once it listens and what it has used to every `usage`. */
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
    return (await this.#usage()).cpuMs;
  }

  /** The most memory, in bytes, that it has had resident since this was asked before. */
  async peakBytes() {
    return (await this.#usage()).peakBytes;
  }

  async #usage() {
    this.#child.send('usage');
    const [usage] = await once(this.#child, 'message');
    return usage;
  }

  async stop() {
    const gone = once(this.#child, 'exit');
    this.#child.send('stop');
    await gone;
  }
}

/** How often memory is looked at. */
const SAMPLE_MS = 20;

/** The other side: tells where it listens, answers questions about what it uses, ends when told. */
export function answerQuestions(url, close) {
  let peakBytes = 0;
  const sample = () => (peakBytes = Math.max(peakBytes, process.memoryUsage.rss()));
  setInterval(sample, SAMPLE_MS).unref();
  process.on('message', (message) => {
    if (message === 'stop') void close().then(() => process.exit(0));
    if (message !== 'usage') return;
    const { user, system } = process.cpuUsage();
    sample();
    process.send({ cpuMs: (user + system) / 1000, peakBytes });
    peakBytes = 0;
  });
  process.on('disconnect', () => process.exit(1));
  process.send({ url });
}
