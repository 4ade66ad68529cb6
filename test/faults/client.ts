/** What the fault tests ask of a server, over the wire, as the local user (K25). */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestPackage } from './appliance.js';

export interface Answer {
  readonly status: number;
  /** `Location`, if there is one. */
  readonly location: string;
  readonly body: string;
}

/** The server went away in the middle of a request: it may have been done or not. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

export class Client {
  readonly #directory: string;
  readonly #url: () => Promise<string>;
  readonly #tokens = new Map<string, string>();

  /** `url` is asked before every request: a server that was killed comes back on another port. */
  constructor(directory: string, url: () => Promise<string>) {
    this.#directory = directory;
    this.#url = url;
  }

  get(path: string, accept = 'text/plain'): Promise<Answer> {
    return this.#send('GET', path, { Accept: accept });
  }

  delete(path: string): Promise<Answer> {
    return this.#send('DELETE', path, {});
  }

  act(path: string, scheme: string, term: string): Promise<Answer> {
    const body = `Category: ${term}; scheme="${scheme}"; class="action"`;
    return this.#send('POST', `${path}?action=${term}`, { 'Content-Type': 'text/plain' }, body);
  }

  /** Creates a storage that belongs to no appliance. */
  createStorage(key: string): Promise<Answer> {
    return this.create('storage', key, 'occi.storage.size=1.0');
  }

  /** Creates an entity of a kind of the infrastructure, by its term. The same key stands for the same wish (K12). */
  create(term: string, key: string, ...attributes: readonly string[]): Promise<Answer> {
    const headers = { 'Content-Type': 'text/plain', 'Idempotency-Key': key };
    return this.#send('POST', `/${term}/`, headers, entityText(term, attributes));
  }

  /** Changes attributes of an entity. */
  update(path: string, term: string, ...attributes: readonly string[]): Promise<Answer> {
    return this.#send('POST', path, { 'Content-Type': 'text/plain' }, entityText(term, attributes));
  }

  /** Sends a package as K05 (c). The same key stands for the same wish (K12). */
  deploy(
    { descriptor, files }: Pick<TestPackage, 'descriptor' | 'files'>,
    key: string,
    attributes = '',
  ): Promise<Answer> {
    const form = new FormData();
    if (attributes !== '') form.append('entity', new Blob([attributes], { type: 'text/plain' }), 'entity.txt');
    form.append('ovf', new Blob([descriptor], { type: 'application/ovf+xml' }), 'fleet.ovf');
    for (const [href, bytes] of files) form.append('file', new Blob([Uint8Array.from(bytes)]), href);
    return this.#send('POST', '/appliance/', { 'Idempotency-Key': key }, form);
  }

  /** Lets the server look at what a site has now: what was given back since it last did counts at once. */
  lookAt(site: string): Promise<Answer> {
    return this.#send('GET', `/health/sites/${site}/inventory`, { Authorization: `Bearer ${this.#secret('admin')}` });
  }

  /** An entity as JSON; undefined when it is not there. */
  async entity(path: string): Promise<{ readonly attributes: Record<string, unknown> } | undefined> {
    const answer = await this.get(path, 'application/occi+json');
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as { attributes: Record<string, unknown> };
  }

  /** Ids of everything that a collection lists, sorted. */
  async ids(collection: string): Promise<string[]> {
    const { body } = await this.get(collection, 'text/uri-list');
    const urls = body.split(/\r?\n/).filter((line) => line !== '');
    return urls.map((url) => url.slice(url.lastIndexOf('/') + 1)).sort();
  }

  async #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | FormData,
  ): Promise<Answer> {
    const url = await this.#url();
    const asked = fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${this.#secret('user')}`, 'User-Agent': 'OCCI/1.2', ...headers },
      ...(body === undefined ? {} : { body }),
    });
    try {
      const response = await asked;
      const { pathname } = new URL(response.headers.get('Location') ?? path, url);
      return { status: response.status, location: pathname, body: await response.text() };
    } catch (error) {
      throw new CutOff(`${method} ${path} was cut off`, { cause: error });
    }
  }

  #secret(account: 'user' | 'admin'): string {
    const file = join(this.#directory, `${account}.token`);
    const known = this.#tokens.get(account);
    if (known !== undefined || !existsSync(file)) return known ?? '';
    const token = readFileSync(file, 'utf8').trim();
    this.#tokens.set(account, token);
    return token;
  }
}

function entityText(term: string, attributes: readonly string[]): string {
  const category = `Category: ${term}; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"`;
  return [category, ...attributes.map((each) => `X-OCCI-Attribute: ${each}`)].join('\n');
}
