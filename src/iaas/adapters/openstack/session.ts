/**
 * Signing in (Identity API v3): a token of one project, with the catalog that says where the services are. Many calls that
 * need one at a time wait for the same request; a token is renewed before its end, and once when a service no longer
 * takes it. Nothing of it is ever logged.
 */

import type { Clock } from '../../../base/clock.js';
import { isJsonObject, stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import { RefusedCredential, type CallOptions, type IaasError } from '../../adapter.js';
import { givenUp } from '../../turns.js';
import { Catalog } from './catalog.js';
import { jsonOf, unreadable, type Answer, type Line } from './line.js';
import { StackError } from './stack-error.js';

export interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly project: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly catalog: Catalog;
}

export interface SessionOptions {
  readonly line: Line;
  readonly clock: Clock;
  readonly authUrl: string;
  /** `auth` of the request: identity and scope. */
  readonly auth: JsonObject;
  /** Finds out what is behind a refusal of the credentials; nothing where it is just that. */
  readonly behind?: () => Promise<IaasError | undefined>;
}

/** A token is replaced when this much of its life is left, in milliseconds. */
const MARGIN_MS = 60_000;

export class Session {
  readonly #options: SessionOptions;
  #token: Token | undefined;
  #signing: Promise<Token> | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** @throws IaasError `denied` where Keystone does not take the credentials */
  async token({ signal }: CallOptions = {}): Promise<Token> {
    const known = this.#token;
    if (known && this.#options.clock.now() < known.until - MARGIN_MS) return known;
    this.#signing ??= this.#signIn().finally(() => (this.#signing = undefined));
    return signal ? orGivenUp(this.#signing, signal) : this.#signing;
  }

  /** Does something with a token, and once more with another one where a service has refused it. */
  async admitted<T>(options: CallOptions, work: (token: Token) => Promise<T>): Promise<T> {
    const token = await this.token(options);
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof StackError) || error.status !== 401) throw error;
      // Refused before anything was done: its time had come, or it was revoked. Another may have come in its place already.
      if (this.#token === token) this.#token = undefined;
      return work(await this.token(options));
    }
  }

  async #signIn(): Promise<Token> {
    const { line, authUrl, auth, clock, behind } = this.#options;
    // Whoever gives up waiting leaves the others theirs.
    const answer = await line
      .send('identity', {
        method: 'POST',
        url: `${authUrl.replace(/\/$/, '')}/auth/tokens`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ auth }),
        expect: [200, 201],
      })
      .catch(async (error: unknown) => {
        if (!(error instanceof StackError) || (error.status !== 401 && error.status !== 404)) throw error;
        const found = await behind?.();
        if (found) throw found;
        if (error.status === 404) throw error;
        throw new RefusedCredential('Keystone does not take the credentials of this site', error.said);
      });
    return (this.#token = readToken(answer, clock.now()));
  }
}

function readToken(answer: Answer, now: number): Token {
  const value = answer.headers['x-subject-token'];
  const token = membersOf(membersOf(jsonOf('identity', answer))['token']);
  const [issued, expires] = ['issued_at', 'expires_at'].map((name) => Date.parse(stringAt(token, name) ?? ''));
  if (value === undefined || issued === undefined || expires === undefined || !(expires > issued))
    throw unreadable('identity', answer.text);
  const roles = Array.isArray(token['roles']) ? (token['roles'] as readonly JsonValue[]) : [];
  return {
    value,
    // By the life it has: the clocks of cloud and VEP may differ.
    until: now + (expires - issued),
    project: stringAt(membersOf(token['project']), 'id') ?? '',
    user: stringAt(membersOf(token['user']), 'id') ?? '',
    roles: roles.map((role) => stringAt(membersOf(role), 'name') ?? ''),
    catalog: new Catalog(token['catalog']),
  };
}

function membersOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function orGivenUp<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(givenUp(signal));
    if (signal.aborted) return leave();
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
