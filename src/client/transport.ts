/**
 * The way of one request to VEP: credentials, version (`User-Agent: … OCCI/1.2`, GFD.223 §5.3), JSON both ways, and another
 * try with back-off when the connection is lost under a request that may be sent twice. Requests go to the endpoint only,
 * whatever host a URL in an answer names: entities are told apart by path (`spec/occi.md` §6.3).
 */

import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { VERSION } from '../base/version.js';
import { ConnectionError, errorOf, isRefusal } from './client-error.js';

export type Credentials =
  { readonly token: string } | { readonly basic: { readonly name: string; readonly password: string } };

/** PEM texts. */
export interface TlsIdentity {
  /** Authorities to trust instead of the platform's. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export type Fetch = (url: string, init: RequestInit & { duplex?: 'half' }) => Promise<Response>;

export interface ClientRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query, or the URL of an entity. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called once for every try. */
  readonly body?: () => NonNullable<RequestInit['body']>;
  /** A POST that the server recognizes when it comes again. */
  readonly repeatable?: boolean;
  /** Statuses that are no error beside 2xx. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
}

export interface TransportOptions {
  readonly endpoint: string;
  readonly credentials?: Credentials;
  /** The VO to act for, where the caller is in several. */
  readonly vo?: string;
  readonly fetch?: Fetch;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
}

/** Milliseconds to wait before the second, third and fourth try. */
const BACK_OFF = [250, 500, 1000];
const USER_AGENT = `vep-client/${VERSION} OCCI/1.2`;

export class Transport {
  readonly endpoint: string;
  readonly #options: TransportOptions;
  #fetch: Promise<Fetch> | undefined;
  /** A server that never answered is not worth waiting for. */
  #reached = false;

  constructor(options: TransportOptions) {
    this.endpoint = new URL(options.endpoint).origin;
    this.#options = options;
  }

  /** Whether the endpoint has ever answered, if only with a refusal. */
  get hasReached(): boolean {
    return this.#reached;
  }

  /** @throws ClientError for a status that is no success; ConnectionError */
  async send(request: ClientRequest): Promise<Response> {
    const repeatable = request.method !== 'POST' || request.repeatable === true;
    for (let attempt = 0; ; attempt += 1) {
      let response: Response;
      try {
        response = await this.#once(request);
      } catch (error) {
        request.signal?.throwIfAborted();
        const pause = BACK_OFF[attempt];
        if (pause === undefined || !repeatable || (isRefusal(error) && !this.#reached)) {
          throw new ConnectionError(this.endpoint, error);
        }
        await this.#options.clock.sleep(pause, request.signal);
        continue;
      }
      this.#reached = true;
      if (response.ok || request.accept?.includes(response.status) === true) return response;
      const error = await errorOf(response);
      // The first try may have deleted it before the connection was lost.
      if (attempt > 0 && request.method === 'DELETE' && error.status === 404) return new Response('{}');
      throw error;
    }
  }

  async json<T>(request: ClientRequest): Promise<{ readonly body: T; readonly response: Response }> {
    const response = await this.send(request);
    return { body: JSON.parse(await response.text()) as T, response };
  }

  async #once({ method, url, headers, body, signal }: ClientRequest): Promise<Response> {
    const fetch = await (this.#fetch ??= fetchWith(this.#options));
    return fetch(this.endpoint + pathOf(url, this.endpoint), {
      method,
      headers: {
        Accept: 'application/occi+json',
        'User-Agent': USER_AGENT,
        ...authorization(this.#options.credentials),
        ...(this.#options.vo === undefined ? {} : { 'X-VEP-VO': this.#options.vo }),
        ...headers,
      },
      redirect: 'manual',
      ...(body ? { body: body(), duplex: 'half' as const } : {}),
      ...(signal ? { signal } : {}),
    });
  }
}

/** A key under which a request can be repeated (K12). */
export function newIdempotencyKey(): string {
  return randomUUID();
}

/** Path and query of a URL, which may be a path already. */
export function pathOf(url: string, endpoint: string): string {
  const { pathname, search } = new URL(url, endpoint);
  return pathname + search;
}

function authorization(credentials: Credentials | undefined): Record<string, string> {
  if (credentials === undefined) return {};
  if ('token' in credentials) return { Authorization: `Bearer ${credentials.token}` };
  const { name, password } = credentials.basic;
  return { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** The platform's `fetch` unless TLS asks for more than it can: undici costs a tenth of a second to load. */
async function fetchWith({ fetch, tls }: TransportOptions): Promise<Fetch> {
  if (fetch) return fetch;
  if (tls === undefined) return globalThis.fetch;
  const undici = await import('undici');
  const { ca, certificate: cert, key } = tls;
  const connect = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const dispatcher = new undici.Agent({ connect });
  // The same interface under two names: Node's own types and those of the package do not know each other.
  const send = undici.fetch as unknown as (url: string, init: object) => Promise<Response>;
  return (url, init) => send(url, { ...init, dispatcher });
}

/** Of the endpoints beside OCCI. */
export const JSON_TYPE = { Accept: 'application/json' };

/** The request that reads one of them. */
export function readingJson(url: string): { method: 'GET'; url: string; headers: Readonly<Record<string, string>> } {
  return { method: 'GET', url, headers: JSON_TYPE };
}
