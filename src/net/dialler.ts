/**
 * The one way out: every request that VEP makes for somebody goes through this dialler. It resolves the host itself,
 * refuses addresses that are not public unless an operator listed them, connects to the very addresses it has judged
 * (so that a name cannot change its mind in between), judges every redirect again, and bounds the answer in size and in
 * patience (S-091…S-095).
 */

import { createHash } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as openSocket, isIP, type LookupFunction, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Agent, buildConnector, errors, request as send, type Dispatcher } from 'undici';
import { systemClock, type Clock } from '../base/clock.js';
import { Problem, messageOf, problem } from '../base/errors.js';
import { JoinedSignal } from '../base/signals.js';
import { AllowList } from './address.js';
import { boundedBody, within } from './patience.js';
import { checkAddresses, checkProtected, checkUrl } from './target.js';

/** All addresses of a host name, IPv4 and IPv6. */
export type Resolver = (host: string) => Promise<readonly string[]>;

export interface DiallerOptions {
  /** Hosts, addresses or CIDR ranges that may be reached although they are not public; see {@link AllowList}. */
  readonly allow?: readonly string[];
  /** Certificate authorities (PEM) to trust instead of the system's. */
  readonly ca?: readonly string[];
  readonly resolver?: Resolver;
  readonly clock?: Clock;
}

export interface DialRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent as it comes, and only once. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Upper limit of the answer's body in bytes. */
  readonly maxBytes: number;
  /** Patience in milliseconds: for the head of each answer, and for each further stretch of its body. Default 30,000. */
  readonly timeoutMs?: number;
  /** Entries beside those of the dialler, for this request alone. */
  readonly allow?: readonly string[];
  /** Shown to the origin of the URL alone, never to one that it redirects to. */
  readonly certificate?: ClientCertificate;
  /** The request holds a secret: in the clear it goes only to hosts that an operator listed. */
  readonly confidential?: boolean;
}

/** A client certificate with those that vouch for it, and its private key, both in PEM. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface DialResponse {
  readonly status: number;
  /** By lower-case name; repeated fields joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** As sent, undecoded. To be read to its end or discarded; throws a Problem where a limit is passed. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives up the body and its connection. */
  discard(): void;
}

const MAX_REDIRECTS = 3;
/** Of all header fields of an answer: OCCI's text/occi has everything in them. */
const MAX_HEADER_BYTES = 2 ** 20;

/** What follows a redirect to another origin; everything else may be a credential. */
const PUBLIC_HEADERS = new Set([
  ...['accept', 'accept-encoding', 'accept-language', 'user-agent'],
  ...['range', 'if-range', 'if-none-match', 'if-modified-since'],
]);

/** Connections that were opened under one allow list and certificate are not used under another. */
interface Line {
  readonly allow: AllowList;
  readonly agent: Agent;
}

/** How many lines with a certificate stay open; the others are those of the configuration. */
const MOST_CERTIFIED = 32;

export class GuardedDialler {
  readonly #allow: readonly string[];
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #ca: { readonly ca?: string[] };
  readonly #lines = new Map<string, Line>();
  readonly #certifiedLines: string[] = [];

  /** @throws Problem `invalid` for an `allow` entry that cannot be read. */
  constructor(options: DiallerOptions = {}) {
    this.#allow = options.allow ?? [];
    this.#resolver =
      options.resolver ?? (async (host) => (await systemLookup(host, { all: true })).map((each) => each.address));
    this.#clock = options.clock ?? systemClock;
    this.#ca = options.ca ? { ca: [...options.ca] } : {};
    this.#line([]);
  }

  /**
   * Judges a URL as far as that can be done without asking for the addresses of its host.
   *
   * @throws Problem `invalid` as {@link fetch} does
   */
  check(url: string): void {
    checkUrl(url, this.#line([]).allow);
  }

  /**
   * Sends a request. The status is the server's, whatever it is; redirects of GET and HEAD are followed, at most three.
   *
   * @throws Problem `invalid` (`net.url`, `net.scheme`, `net.port`, `net.address`, `net.redirect` …) where the target is
   *   refused, `too-large` where the announced length passes the limit, `unavailable` (`net.unreachable`, `net.timeout`)
   *   where there is no answer. Header fields have at most a MiB together.
   */
  async fetch(url: string, request: DialRequest): Promise<DialResponse> {
    let line = this.#line(request.allow ?? [], request.certificate);
    let { confidential = false } = request;
    const method = request.method ?? 'GET';
    let headers: Record<string, string> = lowerCase(request.headers ?? {});
    let target = checkUrl(url, line.allow);
    for (let redirects = 0; ; redirects += 1) {
      if (confidential) checkProtected(target, line.allow);
      const answer = await this.#ask(target, method, headers, request, line);
      const location = answer.headers['location'];
      const redirected = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!redirected || !(method === 'GET' || method === 'HEAD')) return answer;
      answer.discard();
      if (redirects === MAX_REDIRECTS) throw redirectRefusal(`more than ${MAX_REDIRECTS} redirects`);
      const next = checkUrl(
        URL.canParse(location, target.href) ? new URL(location, target.href).href : location,
        line.allow,
      );
      if (target.protocol === 'https:' && next.protocol === 'http:')
        throw redirectRefusal('a redirect from https to http');
      if (next.origin !== target.origin) {
        headers = publicOnly(headers);
        line = this.#line(request.allow ?? []);
        confidential = false;
      }
      target = next;
    }
  }

  /**
   * Opens a TCP connection for a protocol that is not HTTP, to an address that has been judged like any other.
   *
   * @throws Problem as {@link fetch} does
   */
  async connect(host: string, port: number, signal: AbortSignal): Promise<Socket> {
    const addresses = await this.#judged(host, port, this.#line([]).allow);
    const socket = openSocket({ host, port, lookup: lookupOf(addresses), autoSelectFamily: true, signal });
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      throw unreachable(`${host}:${port}`, error);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ agent }) => agent.destroy()));
  }

  async #ask(
    url: URL,
    method: Dispatcher.HttpMethod,
    headers: Readonly<Record<string, string>>,
    request: DialRequest,
    line: Line,
  ): Promise<DialResponse> {
    const timeoutMs = request.timeoutMs ?? 30_000;
    const giveUp = new AbortController();
    const either = new JoinedSignal([request.signal, giveUp.signal]);
    const { signal } = either;
    const answer = await within(
      this.#clock,
      timeoutMs,
      send(url, {
        dispatcher: line.agent,
        method,
        headers: { 'accept-encoding': 'identity', ...headers },
        body: bodyOf(request.body),
        signal,
        // Patience is kept by our own clock.
        headersTimeout: 0,
        bodyTimeout: 0,
      }),
      () => giveUp.abort(),
    ).catch((error: unknown) => {
      either[Symbol.dispose]();
      request.signal?.throwIfAborted();
      if (error instanceof errors.HeadersOverflowError) throw tooLarge(MAX_HEADER_BYTES, 'the header of the answer');
      throw error instanceof Problem ? error : unreachable(url.host, error);
    });
    const { body } = answer;
    // Whoever asked may give up for as long as the answer is read.
    body.once('close', () => either[Symbol.dispose]());
    // A body that is given up reports that as an error; with nobody listening it would end the process.
    body.on('error', () => undefined);
    const announced = Number(answer.headers['content-length'] ?? 0);
    if (method !== 'HEAD' && announced > request.maxBytes) {
      body.destroy();
      throw tooLarge(request.maxBytes);
    }
    const limits = { maxBytes: request.maxBytes, timeoutMs, clock: this.#clock, tooLarge };
    return {
      status: answer.statusCode,
      headers: joined(answer.headers),
      url: url.href,
      body: boundedBody(body, limits, (error) => {
        request.signal?.throwIfAborted();
        return unreachable(url.host, error);
      }),
      discard: () => body.destroy(),
    };
  }

  #line(more: readonly string[], certificate?: ClientCertificate): Line {
    const entries = [...this.#allow, ...more];
    const secret = certificate && createHash('sha256').update(certificate.cert).update(certificate.key).digest('hex');
    const key = [...entries, ...(secret === undefined ? [] : [secret])].join(' ');
    const known = this.#lines.get(key);
    if (known) return known;
    const allow = new AllowList(entries);
    const agent = new Agent({
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: (options, callback) => this.#connect(options, callback, allow, certificate),
    });
    const line = { allow, agent };
    this.#lines.set(key, line);
    if (secret !== undefined) this.#certified(key);
    return line;
  }

  /** Keeps lines with certificates few: the oldest are closed once what they still carry has come to its end. */
  #certified(key: string): void {
    this.#certifiedLines.push(key);
    const oldest = this.#certifiedLines.length > MOST_CERTIFIED ? this.#certifiedLines.shift() : undefined;
    if (oldest === undefined) return;
    void this.#lines.get(oldest)?.agent.close();
    this.#lines.delete(oldest);
  }

  /** Resolves, judges, and connects to nothing but what was judged. */
  #connect(
    options: buildConnector.Options,
    callback: buildConnector.Callback,
    allow: AllowList,
    certificate: ClientCertificate | undefined,
  ): void {
    const host = options.hostname.replace(/\.$/, '');
    this.#judged(host, Number(options.port) || (options.protocol === 'https:' ? 443 : 80), allow).then(
      (addresses) => {
        buildConnector({ ...this.#ca, ...certificate, lookup: lookupOf(addresses), autoSelectFamily: true })(
          options,
          callback,
        );
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  }

  async #judged(host: string, port: number, allow: AllowList): Promise<LookupAddress[]> {
    const addresses = isIP(host) === 0 ? await this.#resolver(host) : [host];
    checkAddresses(host, port, addresses, allow);
    return addresses.map((address) => ({ address, family: isIP(address) }));
  }
}

/** A resolution that knows nothing but what has been judged. */
function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, { all }, done) => {
    if (all) done(null, [...addresses]);
    else done(null, addresses[0]?.address ?? '', addresses[0]?.family);
  };
}

function unreachable(host: string, cause: unknown): Problem {
  return new Problem(
    'unavailable',
    {
      code: 'net.unreachable',
      message: `${host} cannot be reached or broke off`,
      value: messageOf(cause),
      remedy: 'check the address and try again later',
    },
    { cause },
  );
}

function tooLarge(maxBytes: number, what = 'the answer'): Problem {
  return problem('too-large', 'net.too-large', `${what} is larger than ${maxBytes} bytes`, {
    remedy: 'offer a smaller document',
  });
}

function redirectRefusal(what: string): Problem {
  return problem('invalid', 'net.redirect', `${what} is not followed`, { remedy: 'name the final address directly' });
}

/** Bytes as they come; an error of theirs breaks the request off. */
function bodyOf(body: DialRequest['body']): string | Uint8Array | Readable | null {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body ?? null;
  return Readable.from(body, { objectMode: false });
}

function publicOnly(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PUBLIC_HEADERS.has(name)));
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] => entry[1] !== undefined,
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}
