/** A reader of pages without a browser: asks as one, submits forms as one, and holds every page to its outline. */

import type { Reply, RequestOptions, TestServer } from '../support/server.js';
import { barriers, outline, type Element } from './html-outline.js';

export const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
export const JSON_TYPE = 'application/occi+json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';
export const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';
export const COMPUTE = `${INFRASTRUCTURE}compute`;
export const START = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';
export const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
export const SSH_KEY = 'http://schemas.ogf.org/occi/infrastructure/credentials#ssh_key';

export class Reader {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  page(path: string, options: RequestOptions = {}): Promise<Reply> {
    return this.#server.request('GET', path, { ...options, headers: { accept: HTML, ...options.headers } });
  }

  /** Submits a form as a page of the server does. */
  submit(path: string, fields: Record<string, string | string[]>, options: RequestOptions = {}): Promise<Reply> {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().map((each): [string, string] => [name, each]),
    );
    return this.#server.request('POST', path, {
      ...options,
      headers: { accept: HTML, 'content-type': FORM_TYPE, origin: this.#server.url, ...options.headers },
      body: new URLSearchParams(pairs).toString(),
    });
  }

  /** Creates an entity as a program does; answers its path. */
  async make(path: string, entity: object): Promise<string> {
    const headers = { accept: JSON_TYPE, 'content-type': JSON_TYPE };
    const made = await this.#server.request('POST', path, { headers, body: JSON.stringify(entity) });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    return new URL(made.headers.location ?? '').pathname;
  }

  async entityAt(path: string): Promise<Reply['json']> {
    return (await this.#server.request('GET', path, { headers: { accept: JSON_TYPE } })).json;
  }
}

/** The elements of a page, which must be whole and without barriers. */
export function elementsOf(reply: Reply): Element[] {
  expect(reply.headers['content-type']).toBe('text/html; charset=utf-8');
  const elements = outline(reply.text);
  expect(barriers(elements)).toEqual([]);
  return elements;
}

export function titled(reply: Reply): string | undefined {
  const heading = elementsOf(reply).find(({ name }) => name === 'h1');
  return heading?.text.trim();
}

/** The fields of a form as the page shows it: what a browser would send if nothing was entered. */
export function formOf(reply: Reply, name: string): Record<string, string> {
  const forms = reply.text.match(/<form [^]*?<\/form>/g) ?? [];
  const form = forms.find((each) => each.includes(`name="form" value="${name}"`)) ?? '';
  const fields: Record<string, string> = {};
  for (const [tag, kind, rest = ''] of form.matchAll(/<(input|select|textarea)([^>]*)>/g)) {
    const field = /name="([^"]*)"/.exec(tag)?.[1] ?? '';
    const after = form.slice(form.indexOf(tag) + tag.length);
    const inner = after.slice(0, after.indexOf(`</${kind}>`));
    const value =
      kind === 'input'
        ? (/value="([^"]*)"/.exec(rest)?.[1] ?? '')
        : kind === 'textarea'
          ? inner.replace(/^\n/, '').replaceAll('\n', '\r\n')
          : (/<option[^>]*selected[^>]*>([^<]*)/.exec(inner)?.[1] ?? '');
    fields[field] = unescape(value);
  }
  return fields;
}

function unescape(text: string): string {
  const chars: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(#?\w+);/g, (_, name: string) => chars[name] ?? '');
}
