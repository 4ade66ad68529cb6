/**
 * Headless Chromium, driven over the pipe of the DevTools protocol: enough of it to sign in, read pages, fill in forms and
 * look at the result. Tests that need it are skipped where no Chromium is installed.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is; undefined where there is none. */
export const chromium = PLACES.find((path) => existsSync(path));

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the protocol's own documents
  readonly params?: any;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the protocol's own documents
  readonly result?: any;
  readonly error?: { readonly message: string };
}

export class Chromium {
  /** What pages complained of: refused styles, scripts and connections, errors in scripts. */
  readonly complaints: string[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #session = '';
  #last = 0;

  private constructor(process: ChildProcess, profile: string) {
    this.#process = process;
    this.#profile = profile;
    let text = '';
    (process.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const parts = text.split('\0');
      text = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as Message);
    });
  }

  /** Starts a browser with an empty profile that answers challenges with this name and password. */
  static async launch(
    path: string,
    credentials: { readonly username: string; readonly password: string },
  ): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), 'vep-chromium-'));
    const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
    const child = spawn(path, [...flags, '--remote-debugging-pipe', `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const browser = new Chromium(child, profile);
    await browser.#attach(credentials);
    return browser;
  }

  async #attach(credentials: object): Promise<void> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true });
    this.#session = sessionId;
    for (const domain of ['Page', 'Runtime', 'Log']) await this.call(`${domain}.enable`);
    await this.call('Fetch.enable', { handleAuthRequests: true });
    this.#listeners.add(({ method, params }) => {
      if (method === 'Fetch.requestPaused') void this.call('Fetch.continueRequest', { requestId: params.requestId });
      if (method === 'Fetch.authRequired') {
        const authChallengeResponse = { response: 'ProvideCredentials', ...credentials };
        void this.call('Fetch.continueWithAuth', { requestId: params.requestId, authChallengeResponse });
      }
      if (method === 'Log.entryAdded') this.complaints.push(params.entry.text);
      if (method === 'Runtime.exceptionThrown') this.complaints.push(params.exceptionDetails.text);
      if (method === 'Page.javascriptDialogOpening') void this.call('Page.handleJavaScriptDialog', { accept: true });
    });
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the protocol's own documents
  call(method: string, params: object = {}): Promise<any> {
    const id = ++this.#last;
    const session = this.#session === '' ? {} : { sessionId: this.#session };
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result);
      });
    });
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string): Promise<void> {
    await this.#loaded(() => this.call('Page.navigate', { url }));
  }

  /** Runs an expression that leads to another page, and waits for that. */
  async follow(expression: string): Promise<void> {
    await this.#loaded(() => this.evaluate(expression));
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the page answers
  async evaluate(expression: string): Promise<any> {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  /** A picture of the whole page, as PNG. */
  async screenshot(width: number, scheme: 'light' | 'dark' = 'light'): Promise<Buffer> {
    await this.call('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await this.call('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
    const { data } = await this.call('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    // Asked to, it takes its helper processes along, which otherwise go on writing to the profile for a while.
    void this.call('Browser.close').catch(() => undefined);
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(late);
    try {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    } catch {
      // A folder of the system's temporary directory stays behind; no test is about it.
    }
  }

  async #loaded(lead: () => Promise<unknown>): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      const listener = ({ method }: Message): void => {
        if (method !== 'Page.loadEventFired') return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
    await lead();
    await loaded;
  }

  #take(message: Message): void {
    if (message.id === undefined) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    this.#waiting.get(message.id)?.(message);
    this.#waiting.delete(message.id);
  }
}
