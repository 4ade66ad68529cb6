/**
 * The first listener of every request: marks it, guards it, identifies the caller, and hands it on: OCCI's own URLs to
 * the OCCI dispatch, everything below a reserved path to the Express application. OCCI goes ahead of Express because a
 * route through its router costs several times the whole answer (`docs/decisions/`).
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';
import type { Logger } from 'pino';
import type { Principal } from '../access/principal.js';
import type { HiddenTrail } from '../access/hidden-trail.js';
import type { Verb } from '../access/policy.js';
import { messageOf, problem, Problem, type Fault } from '../base/errors.js';
import { newUuid, uuidsIn } from '../base/ids.js';
import type { RefusalTrail } from '../access/refusal-trail.js';
import type { Telemetry } from '../base/telemetry.js';
import { VERSION } from '../base/version.js';
import type { Categories } from '../extension/categories.js';
import type { RequestContext } from '../extension/extension.js';
import type { Accounts } from '../iaas/accounts.js';
import type { OcciVersion } from '../occi/model.js';
import { requestedVersion } from '../occi/protocol-version.js';
import { SharedGenerations } from '../store/generations.js';
import type { Store } from '../store/sql.js';
import { setFields, writeAnswer, writeLastAnswer, type CommonFields } from './answer.js';
import { watchArrival } from './arrival.js';
import { asProblem, renderProblem, statusOf } from './errors.js';
import type { Guard } from './guard.js';
import { wantsPage } from './html/negotiation.js';
import { KEYSTONE_PATH } from './keystone/endpoints.js';
import { Pages } from './html/pages.js';
import { acceptedLanguages } from './languages.js';
import type { Vigil } from './vigil.js';
import type { Identification } from './identification.js';
import type { RequestMetrics } from './metrics.js';
import type { OcciDispatch } from './occi/dispatch.js';
import type { Exchange } from './occi/exchange.js';
import { acceptedHere, errorType } from './occi/media.js';
import { readHeaders } from './occi/reading.js';
import { readTarget, type Target } from './target.js';

/** OCCI-CRTP: the Compute Resource Templates Profile is supported (GFD.222 R0401). */
export const SERVER = `vep/${VERSION} OCCI/1.1 OCCI/1.2 OCCI-CRTP/1.1`;

/** Paths that are not OCCI's (K02). */
const RESERVED = /^\/(?:health|metrics|log|upload|events|console|guest|keystone)(?:\/|$)/;

export interface FrontServices {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly categories: Categories;
  readonly dispatch: OcciDispatch;
  readonly pages: Pages;
  readonly guard: Guard;
  readonly identification: Identification;
  readonly metrics: RequestMetrics;
  readonly trail: RefusalTrail;
  readonly hidden: HiddenTrail;
  /** Whether what is read is noted in the trail. */
  readonly auditReads: boolean;
  readonly vigil: Vigil;
  /** Whether there is a Keystone façade to send clients to. */
  readonly keystone: boolean;
  /** Hears of every principal that a request comes from. */
  readonly signedIn: (principal: Principal, requestId: string) => void;
  readonly telemetry: Telemetry;
  readonly express: Express;
  readonly log: Logger;
  /** Period over which a body must keep coming. */
  readonly requestTimeoutMs: number;
  /** Sent with every answer over TLS. */
  readonly strictTransport: boolean;
}

/** What the Express part learns about a request from here. */
export interface Marked extends IncomingMessage {
  vep?: { readonly requestId: string; readonly base: string; readonly target: Target };
}

/** A request as it came in, and the header fields that its answer will have whatever becomes of it. */
interface Arrived {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly common: string[];
}

export class Front {
  readonly #services: FrontServices;
  readonly #generations: SharedGenerations;

  constructor(services: FrontServices) {
    this.#services = services;
    this.#generations = new SharedGenerations(services.store);
  }

  /** The listener for `node:http`. */
  readonly listen = (message: IncomingMessage, response: ServerResponse): void => {
    const { telemetry, requestTimeoutMs, metrics } = this.#services;
    const requestId = newUuid();
    const common = ['Server', SERVER, 'X-Request-Id', requestId, 'X-Content-Type-Options', 'nosniff'];
    if (this.#services.strictTransport) common.push('Strict-Transport-Security', 'max-age=31536000');
    metrics.follow(message, response);
    if (this.#services.auditReads) response.once('close', () => this.#noteRead(arrived));
    const refuse = (error: unknown): void => this.refuse(message, response, requestId, error, common);
    watchArrival(message, requestTimeoutMs, refuse);
    const attributes = { 'http.request.method': message.method ?? '', 'vep.request': requestId };
    const arrived = { message, response, requestId, common };
    telemetry.span('request', attributes, () => this.#respond(arrived)).catch(refuse);
  };

  /** Once it has been answered: who read what, if somebody did. */
  #noteRead({ message, response, requestId }: Arrived): void {
    const { trail, identification } = this.#services;
    const principal = identification.known(message);
    if (!principal || response.statusCode >= 400 || (message.method !== 'GET' && message.method !== 'HEAD')) return;
    trail.read(principal, (message.url ?? '').split(/[?;]/, 1)[0] ?? '', requestId);
  }

  async #respond(arrived: Arrived): Promise<void> {
    const { guard, express } = this.#services;
    const { message, response, requestId, common } = arrived;
    const target = readTarget(message.url ?? '/');
    const base = guard.baseOf(message);
    guard.refuseForeignWrites(message, base);
    guard.refuseSpoofedIdentity(message);
    if (RESERVED.test(target.path)) {
      (message as Marked).vep = { requestId, base, target };
      setFields(response, common.splice(0));
      express(message, response);
      return;
    }
    await this.#answerOcci(arrived, target, base);
  }

  async #answerOcci(arrived: Arrived, target: Target, base: string): Promise<void> {
    const { store, categories, dispatch, pages, identification } = this.#services;
    const { message, response, common } = arrived;
    const { headers } = message;
    const requested = requestedVersion(headers['user-agent'], headers.accept, headers['content-type']);
    if (requested === 'too-high') {
      throw problem('not-implemented', 'occi.version', 'this server speaks OCCI/1.1 and OCCI/1.2', {
        place: { field: 'User-Agent' },
        rule: 'GFD.223 §5.3',
        remedy: 'say OCCI/1.2 or lower in User-Agent',
      });
    }
    const generations = await this.#generations.read();
    await this.#services.accounts.refresh(generations.accounts);
    const principal = await identification.require(message, generations.access);
    if (principal.credential) this.#services.signedIn(principal, arrived.requestId);
    this.#services.vigil.follow(message, response, principal, (error) => {
      this.refuse(message, response, arrived.requestId, error, common);
    });
    const method = message.method ?? 'GET';
    const exchange: Exchange = {
      message,
      fields: headers,
      method,
      target,
      base,
      version: requested.version,
      explicitVersion: requested.explicit,
      context: contextOf(arrived, principal, requested.version, base),
      registry: await categories.of(store, principal.groups, generations.categories),
      headers: readHeaders(message),
    };
    common.push('Accept', acceptedHere(exchange));
    const answer = await (pages.answers(exchange) ? pages.answer(exchange) : dispatch.answer(exchange));
    await writeAnswer(response, answer, method === 'HEAD', common);
  }

  /** Answers with what went wrong. Bytes of a body that was not read make the connection useless: it is closed. */
  readonly refuse = (
    message: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    error: unknown,
    common: CommonFields = [],
  ): void => {
    const { log, metrics } = this.#services;
    const found = this.#challenged(asProblem(error, requestId), message);
    const status = statusOf(found);
    if (!(error instanceof Problem)) log.error({ requestId, err: error, method: message.method }, 'a request failed');
    else if (status >= 500)
      log.error({ requestId, fault: found.faults[0]?.code, cause: messageOf(found.cause) }, 'a request failed');
    else if (status === 401 || status === 403)
      log.warn(
        { requestId, fault: found.faults[0]?.code, reason: reasonOf(found), peer: message.socket.remoteAddress },
        'a request was refused',
      );
    metrics.refused(found);
    this.#audit(found, status, message, requestId);
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { accept } = message.headers;
    const rendered = renderProblem(found, errorType(accept), requestId);
    const page = wantsPage(accept) ? Pages.refusal(found, requestId) : undefined;
    const answer = page ?? { status, contentType: rendered.contentType, body: rendered.body };
    const fields = [...common, ...rendered.headers.flat()];
    const written = message.complete
      ? writeAnswer(response, answer, message.method === 'HEAD', fields)
      : writeLastAnswer(message, response, answer, fields);
    written.catch(() => response.destroy());
  };

  /** Clients that know Keystone are sent there; rOCCI wants that to be all that the field says. Browsers ask for a password. */
  #challenged(found: Problem, message: IncomingMessage): Problem {
    const { keystone, guard } = this.#services;
    if (!keystone || found.kind !== 'unauthenticated' || wantsPage(message.headers.accept)) return found;
    let base: string;
    try {
      base = guard.baseOf(message);
    } catch {
      return found;
    }
    const headers = { ...found.headers, 'WWW-Authenticate': `Keystone uri='${base}${KEYSTONE_PATH}'` };
    return new Problem(found.kind, found.faults, { cause: found.cause, headers });
  }

  #audit(found: Problem, status: number, message: IncomingMessage, requestId: string): void {
    const { trail, identification } = this.#services;
    const code = found.faults[0]?.code ?? found.kind;
    const peer = message.socket.remoteAddress ?? '';
    const method = message.method ?? '';
    const principal = identification.known(message);
    if (isDecision(status, code)) trail.refused({ peer, principal, method, code, cause: reasonOf(found), requestId });
    else if (principal && (status === 404 || status === 400)) {
      // What is another's is answered as what is not there: which of the two it was is found out later.
      for (const [verb, entities] of namedIn(message.url ?? '', found))
        if (entities.length > 0) this.#services.hidden.answered({ principal, entities, verb, method, peer, requestId });
    }
  }
}

/** Refusals that say something of who asks: who is nobody, who may not, who pretends, who guesses. */
function isDecision(status: number, code: string | undefined): boolean {
  return status === 401 || status === 403 || code === 'spoofed-header' || code === 'authentication.too-many-failures';
}

/** Entities of one request that are looked after. */
const MAX_NAMED = 8;

/** The entities that a refused request named, by what was not allowed if they are there: in its URL, or in its body. */
function namedIn(url: string, { faults, cause }: Problem): readonly (readonly [Verb, readonly string[]])[] {
  const changed = faults.filter(({ code }) => code === 'occi.link-source-unknown').flatMap(valuesIn);
  const read = [...uuidsIn(url.slice(0, 2000)), ...faults.flatMap(valuesIn), ...hiddenIn(cause)];
  return [
    ['update', changed.slice(0, MAX_NAMED)],
    ['read', read.filter((id) => !changed.includes(id)).slice(0, MAX_NAMED)],
  ];
}

const valuesIn = ({ value = '' }: Fault): readonly string[] => uuidsIn(value);
const hiddenIn = (cause: unknown): readonly string[] => (typeof cause === 'string' ? uuidsIn(cause) : []);

function reasonOf(found: Problem): string | undefined {
  return typeof found.cause === 'string' ? found.cause : undefined;
}

/** The signal aborts when the client goes away. Few ask for it, and making one costs as much as reading an entity. */
function contextOf(
  { message, response, requestId }: Arrived,
  principal: Principal,
  version: OcciVersion,
  base: string,
): RequestContext {
  let controller: AbortController | undefined;
  return {
    principal,
    version,
    requestId,
    base,
    get languages() {
      return acceptedLanguages(message.headers['accept-language']);
    },
    get signal() {
      if (!controller) {
        const gone = (controller = new AbortController());
        if (response.destroyed) gone.abort();
        else response.once('close', () => gone.abort());
      }
      return controller.signal;
    },
  };
}
