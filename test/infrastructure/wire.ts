/** Short words for what a test sends to a VEP in JSON and gets back: entities, links and actions by their paths. */

import type { Reply, RequestOptions, TestServer, JsonBody } from '../support/server.js';

const JSON_TYPE = 'application/occi+json';

export interface EntityBody {
  readonly kind: string;
  readonly mixins?: readonly string[];
  readonly title?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly source?: { readonly location: string };
  readonly target?: { readonly location: string };
  readonly links?: readonly unknown[];
}

export class Wire {
  readonly #server: () => TestServer;

  constructor(server: () => TestServer) {
    this.#server = server;
  }

  send(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Reply> {
    return this.#server().request(method, path, {
      ...options,
      headers: { accept: JSON_TYPE, ...(body === undefined ? {} : { 'content-type': JSON_TYPE }), ...options.headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** Creates an entity and answers its path; anything but 201 fails the test. */
  async make(collection: string, entity: EntityBody, options?: RequestOptions): Promise<string> {
    const reply = await this.send('POST', collection, entity, options);
    expect([reply.status, reply.text]).toEqual([201, expect.any(String)]);
    return new URL(reply.headers.location ?? '').pathname;
  }

  /** A request that is refused: its status and the codes of all faults. */
  async refused(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<unknown> {
    const reply = await this.send(method, path, body, options);
    return [reply.status, codesOf(reply)];
  }

  async show(path: string): Promise<JsonBody> {
    const reply = await this.send('GET', path);
    expect([path, reply.status]).toEqual([path, 200]);
    return reply.json;
  }

  /** Waits until the entity's attribute has the value; answers the entity. */
  async until(path: string, attribute: string, value: unknown): Promise<JsonBody> {
    const reply = await this.#server().wait(path, (each) => each.json.attributes?.[attribute] === value);
    return reply.json;
  }

  /** Waits until the entity shows the attribute at all; answers its value. */
  async shown(path: string, attribute: string): Promise<unknown> {
    const reply = await this.#server().wait(path, (each) => each.json.attributes?.[attribute] !== undefined);
    return reply.json.attributes[attribute] as unknown;
  }

  act(path: string, action: string): Promise<Reply> {
    return this.send('POST', `${path}?action=${action.slice(action.indexOf('#') + 1)}`, { action });
  }

  async remove(...paths: readonly string[]): Promise<void> {
    for (const path of paths) expect([path, (await this.send('DELETE', path)).status]).toEqual([path, 200]);
  }

  /** Category of that type identifier, as the query interface shows it. */
  async category(id: string): Promise<JsonBody> {
    const all = (await this.show('/-/')) as Record<string, { scheme: string; term: string }[]>;
    return [...(all['kinds'] ?? []), ...(all['mixins'] ?? []), ...(all['actions'] ?? [])].find(
      (each) => each.scheme + each.term === id,
    );
  }
}

function codesOf(reply: Reply): unknown {
  const faults = (reply.json.faults ?? reply.json.errors ?? [reply.json]) as { code?: string }[];
  return faults.map((fault) => fault.code);
}
