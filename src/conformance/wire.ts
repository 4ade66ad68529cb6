/**
 * The wire: HTTP/1.1 by Node's own client, because a check must choose every field of a request and see every field of the
 * answer as it came. Requests go to the endpoint's own origin only, so credentials cannot follow a URL that a server
 * invents; redirects are answers like any other.
 */

import http from 'node:http';
import https from 'node:https';
import { Exchange } from './exchange.js';
import { FirstBytes } from './ill-framed.js';

/** PEM texts. */
export interface WireTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface WireRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Fields that reports must not show. */
  readonly secret: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** There was no answer: not a finding about a statement, but about the way to the server. */
export class WireError extends Error {
  override readonly name: string = 'WireError';
}

class StaleConnection extends WireError {}

const MAX_ANSWER = 64 * 2 ** 20;

export class Wire {
  readonly origin: string;
  readonly #agent: http.Agent;
  readonly #module: typeof http | typeof https;
  readonly #timeoutMs: number;

  constructor(endpoint: URL, tls: WireTls | undefined, timeoutMs: number) {
    this.origin = endpoint.origin;
    this.#timeoutMs = timeoutMs;
    const options = { keepAlive: true, maxSockets: 4 };
    const secure = endpoint.protocol === 'https:';
    this.#module = secure ? https : http;
    this.#agent = secure
      ? new https.Agent({
          ...options,
          ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
          ...(tls?.certificate === undefined ? {} : { cert: tls.certificate }),
          ...(tls?.key === undefined ? {} : { key: tls.key }),
        })
      : new http.Agent(options);
  }

  /** @throws WireError when there is no whole answer within the time */
  async send(request: WireRequest): Promise<Exchange> {
    try {
      return await this.#once(request);
    } catch (error) {
      // The server closed a kept connection just as the request went out: it has not been read.
      if (!(error instanceof StaleConnection)) throw error;
      return this.#once(request);
    }
  }

  #once(request: WireRequest): Promise<Exchange> {
    const { method, path, headers, secret, body, signal } = request;
    const url = new URL(this.origin + path);
    const shown = [...headers, ...secret.map(([name]) => [name, '(hidden)'] as const)];
    const length = body !== undefined || (method !== 'GET' && method !== 'HEAD');
    const fields = [
      ...headers,
      ...secret,
      ...(length ? [['Content-Length', String(Buffer.byteLength(body ?? ''))] as const] : []),
    ];
    return new Promise((resolve, reject) => {
      const asked = { method, url: url.href, headers: shown, body: body ?? '' };
      const fail = (error: Error): void => {
        const answer = first.illFramed(error);
        if (answer !== undefined) return resolve(new Exchange(asked, answer));
        const stale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
        const Reason = stale ? StaleConnection : WireError;
        reject(new Reason(`${method} ${path}: ${reasonOf(error)}`, { cause: error }));
      };
      const sent = this.#module.request(
        {
          hostname: url.hostname.replace(/^\[|\]$/g, ''),
          port: url.port,
          method,
          // As it was written: a URL would tidy up what a check wants untidy.
          path,
          headers: fields.flatMap(([name, value]) => [name, textToLatin1(value)]),
          setHost: false,
          agent: this.#agent,
          maxHeaderSize: 2 ** 20,
        },
        (response) => {
          collect(response).then(
            (text) =>
              resolve(
                new Exchange(asked, {
                  status: response.statusCode ?? 0,
                  headers: pairs(response.rawHeaders),
                  body: text,
                }),
              ),
            fail,
          );
        },
      );
      const first = new FirstBytes(sent);
      const timer = setTimeout(
        () => sent.destroy(new Error(`no answer within ${this.#timeoutMs / 1000} s`)),
        this.#timeoutMs,
      );
      const abort = (): void => void sent.destroy(new Error('interrupted'));
      signal?.addEventListener('abort', abort, { once: true });
      sent.on('close', () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      });
      sent.on('error', fail);
      // As bytes: with a string Node would write the header fields in its encoding.
      sent.end(body === undefined ? undefined : Buffer.from(body));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function collect(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error(`the answer is larger than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, latin1ToText(raw[index + 1] ?? '')] as const] : []));
}

/** Node hands header values over byte by byte; what is UTF-8 in them becomes text. */
function latin1ToText(value: string): string {
  // eslint-disable-next-line no-control-regex -- the question is whether there is anything beyond ASCII
  return /^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'latin1').toString('utf8');
}

function textToLatin1(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return error.message === '' ? (code ?? 'the connection failed') : error.message;
}
