/**
 * The server under test, as one run sees it: where it is, which version is spoken to it and by whom. Everything that a
 * request makes there is written into the run's {@link Made}, so that all of it can be removed again.
 */

import type { Clock } from '../base/clock.js';
import { problem } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import { authorization, type Credentials } from './credentials.js';
import type { Exchange } from './exchange.js';
import { Made } from './made.js';
import { JSON_TYPE, PLAIN, render, type Message } from './message.js';
import { Model } from './model.js';
import { Blocked } from './outcome.js';
import type { Version } from './catalogue/statement.js';
import type { Wire } from './wire.js';

export interface Sending extends Message {
  /** Rendering of the request; text/plain when absent. */
  readonly type?: string;
  readonly accept?: string;
  /** Over all others; several values of one name are sent as several fields. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Sent as it is, under `type` or the Content-Type in `headers`. */
  readonly body?: string;
  /** In the place of the run's account: nobody, the second account, or the provider's. */
  readonly as?: 'nobody' | 'other' | 'provider';
}

export interface PeerOptions {
  readonly wire: Wire;
  /** Path of the endpoint without a slash at its end; empty for the root. */
  readonly base: string;
  readonly version: Version;
  readonly credentials: Credentials;
  readonly other: Credentials | undefined;
  /** Whoever may accept agreements; the run's account when absent. */
  readonly provider: Credentials | undefined;
  /** Word that is in the title of everything the run makes. */
  readonly mark: string;
  readonly clock: Clock;
  /** How long a state may take to be reached. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
}

const AGENT = `vep-conformance/${VERSION}`;

export class Peer {
  readonly options: PeerOptions;
  readonly made = new Made();
  /** True when the run only clears away any more: what stops a run does not stop that. */
  heedless = false;
  #model: Promise<Model> | undefined;
  #serial = 0;

  constructor(options: PeerOptions) {
    this.options = options;
  }

  get version(): Version {
    return this.options.version;
  }

  get mark(): string {
    return this.options.mark;
  }

  /** A word that the run has not used before, with letters that names of both versions may have. */
  word(): string {
    this.#serial += 1;
    return `${this.mark}-${this.version.replace('.', '')}-${this.#serial}`;
  }

  /** `target`: a location as the server gave it, or a path below the endpoint. */
  async send(method: string, target: string, sending: Sending = {}): Promise<Exchange> {
    const { type = PLAIN, accept, headers = {}, body, as } = sending;
    const rendered = body === undefined ? render(sending, type) : { headers: [['Content-Type', type] as const], body };
    const own = Object.entries(headers);
    const replaced = new Set(own.map(([name]) => name.toLowerCase()));
    const general: (readonly [string, string])[] = [
      ['Host', new URL(this.options.wire.origin).host],
      ['User-Agent', `${AGENT} OCCI/${this.version}`],
      ...(accept === undefined ? [] : [['Accept', accept] as const]),
      ...rendered.headers,
    ];
    const path = this.resolve(target);
    const reads = method === 'GET' || method === 'HEAD';
    if (!reads) this.made.expect(path);
    const exchange = await this.options.wire.send({
      method,
      path,
      headers: [
        ...general.filter(([name]) => !replaced.has(name.toLowerCase())),
        ...own.flatMap(([name, value]) =>
          (typeof value === 'string' ? [value] : value).map((each) => [name, each] as const),
        ),
      ],
      secret: authorization(this.#credentials(as)),
      ...(rendered.body === undefined ? {} : { body: rendered.body }),
      // What may make something is waited for, so that it can be taken away.
      ...(this.options.signal && reads && !this.heedless ? { signal: this.options.signal } : {}),
    });
    this.made.notice(exchange, sending, this);
    return exchange;
  }

  /** The path on the endpoint's origin that a location means: absolute, or a path from the endpoint's own root. */
  resolve(location: string): string {
    const { base, wire } = this.options;
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) {
      if (!URL.canParse(location)) return location;
      const { pathname, search } = new URL(location, wire.origin);
      return pathname + search;
    }
    const path = location.startsWith('/') ? location : `/${location}`;
    return base === '' || path === base || path.startsWith(`${base}/`) ? path : base + path;
  }

  /** The query interface as it was when first asked for. */
  model(): Promise<Model> {
    return (this.#model ??= this.discover());
  }

  /** The query interface as it is now. @throws Blocked when it cannot be read */
  async discover(): Promise<Model> {
    const text = await this.send('GET', '/-/', { accept: PLAIN });
    if (text.status === 401 || text.status === 403) {
      throw problem(
        'unauthenticated',
        'conformance.credentials',
        `the server wants other credentials: ${text.summary}`,
        {
          remedy: 'say who the suite shall be with --auth, or with --cert and --key',
        },
      );
    }
    if (text.status !== 200) throw new Blocked(`the query interface cannot be read: ${text.summary}`);
    const json = await this.send('GET', '/-/', { accept: JSON_TYPE });
    return new Model(text, json.status === 200 && json.type === JSON_TYPE ? json : undefined);
  }

  #credentials(as: Sending['as']): Credentials {
    const { credentials, other, provider } = this.options;
    if (as === 'nobody') return { scheme: 'none' };
    if (as === 'provider') return provider ?? credentials;
    if (as === undefined) return credentials;
    if (other === undefined) throw new Blocked('there is no second account');
    return other;
  }
}
