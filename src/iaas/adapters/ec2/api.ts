/**
 * The way to EC2: the operations of `@aws-sdk/client-ec2`, signed by it (signature version 4) and sent through VEP's
 * guarded dialler. The SDK is large (some 40 MB, half a second of CPU to load) and comes in when the first site of this
 * type is opened. Repeating is VEP's business, not the SDK's: what only reads is asked again when a connection breaks;
 * what changes something is not, since nobody knows whether it was done; whatever is throttled waits and tries again.
 */

import { setMaxListeners } from 'node:events';
import type * as Ec2Sdk from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.js';
import { Problem, messageOf } from '../../../base/errors.js';
import { underAny } from '../../../base/signals.js';
import type { GuardedDialler } from '../../../net/dialler.js';
import { IaasError, RefusedCredential, type CallOptions } from '../../adapter.js';
import { givenUp, Turns } from '../../turns.js';
import { Ec2Error } from './ec2-error.js';
import type { In, Operation, Out } from './operations.js';
import { checkAnswer } from './query-answer.js';

export interface Ec2Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface ApiOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly dialler: GuardedDialler;
  readonly clock: Clock;
  readonly concurrency: number;
  /** Reads the credentials from where they are kept; asked again when the service no longer takes the last ones. */
  readonly credentials: () => Ec2Credentials;
}

type Sdk = typeof Ec2Sdk;
interface SignedRequest {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}
type Command = Parameters<Ec2Sdk.EC2Client['send']>[0];

/** A page of descriptions is a few megabytes; nothing EC2 says is larger than this. */
const MAX_BYTES = 64 * 2 ** 20;
/** Pauses before reading again after a broken connection, in milliseconds. */
const READ_AGAIN = [50, 250];
/** Pauses of a request that is throttled; the buckets of EC2 refill within seconds. */
const THROTTLED = [250, 1000, 2500];

export class Ec2Api {
  readonly #options: ApiOptions;
  readonly #sdk: Sdk;
  readonly #turns: Turns;
  readonly #closed = new AbortController();
  #credentials: Ec2Credentials;
  #client: Ec2Sdk.EC2Client;

  /** @throws Problem `invalid` for credentials that cannot be read */
  static async open(options: ApiOptions): Promise<Ec2Api> {
    // The SDK would tell every user of Node.js 20 on standard error that its later versions need another.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    return new Ec2Api(options, await import('@aws-sdk/client-ec2'));
  }

  private constructor(options: ApiOptions, sdk: Sdk) {
    this.#options = options;
    this.#sdk = sdk;
    this.#turns = new Turns(options.concurrency);
    this.#credentials = options.credentials();
    this.#client = this.#clientWith(this.#credentials);
    // Every call that waits listens for the end of the site.
    setMaxListeners(0, this.#closed.signal);
  }

  /** What the account's requests are signed with now. */
  get credentials(): Ec2Credentials {
    return this.#credentials;
  }

  /** Ends what waits for an answer or its turn. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  ask<O extends Operation>(operation: O, input: In<O>, call: CallOptions = {}): Promise<Out<O>> {
    return this.signedIn(() => this.#patiently(operation, input, call));
  }

  /** Does what is signed with {@link credentials}, and once more when these were refused and their holder has others. */
  async signedIn<T>(work: () => Promise<T>): Promise<T> {
    const used = this.#credentials;
    try {
      return await work();
    } catch (error) {
      const refused = refusedCredential(error);
      if (!refused) throw error;
      // Refused before anything was done.
      if (this.#credentials === used && !this.#renew()) throw refused;
      return await work().catch((again: unknown) => {
        throw refusedCredential(again) ?? again;
      });
    }
  }

  /** All pages of a description, one after the other. */
  async *pages<O extends Operation>(operation: O, input: In<O>, call: CallOptions = {}): AsyncIterable<Out<O>> {
    let token: string | undefined;
    do {
      const page = await this.ask(operation, { ...input, ...(token === undefined ? {} : { NextToken: token }) }, call);
      yield page;
      token = (page as { readonly NextToken?: string }).NextToken || undefined;
    } while (token !== undefined);
  }

  /** Reads the credentials anew, and answers whether they are others. */
  #renew(): boolean {
    const now = this.#options.credentials();
    if (JSON.stringify(now) === JSON.stringify(this.#credentials)) return false;
    this.#credentials = now;
    this.#client.destroy();
    this.#client = this.#clientWith(now);
    return true;
  }

  close(): void {
    this.#closed.abort();
    this.#client.destroy();
  }

  #patiently<O extends Operation>(operation: O, input: In<O>, { signal }: CallOptions): Promise<Out<O>> {
    return underAny([signal, this.#closed.signal], (either) => this.#againAndAgain(operation, input, either));
  }

  async #againAndAgain<O extends Operation>(operation: O, input: In<O>, signal: AbortSignal): Promise<Out<O>> {
    const again = operation.startsWith('Describe') ? [...READ_AGAIN] : [];
    const throttled = [...THROTTLED];
    for (;;) {
      try {
        return await this.#turns.run(() => this.#once(operation, input, signal), signal);
      } catch (error) {
        const pauses =
          error instanceof Ec2Error && error.isThrottled ? throttled : error instanceof Broken ? again : [];
        const pause = pauses.shift();
        if (pause === undefined) throw this.#closed.signal.aborted ? closedError() : error;
        await this.#options.clock.sleep(pause, signal);
      }
    }
  }

  async #once<O extends Operation>(operation: O, input: In<O>, signal: AbortSignal): Promise<Out<O>> {
    if (this.#closed.signal.aborted) throw closedError();
    if (signal.aborted) throw givenUp(signal);
    const command = new (this.#sdk[`${operation}Command`] as new (input: In<O>) => Command)(input);
    try {
      return await this.#client.send(command, { abortSignal: signal });
    } catch (error) {
      throw this.#failure(error, signal);
    }
  }

  #clientWith(credentials: Ec2Credentials): Ec2Sdk.EC2Client {
    const { region, endpoint } = this.#options;
    return new this.#sdk.EC2Client({
      region,
      endpoint,
      credentials,
      maxAttempts: 1,
      useDualstackEndpoint: false,
      useFipsEndpoint: false,
      defaultsMode: 'standard',
      requestHandler: {
        handle: (request: SignedRequest, options?: { readonly abortSignal?: AbortSignal }) =>
          this.#send(request, options?.abortSignal),
      },
    });
  }

  /** Sends what the SDK has signed; what comes back is an answer of EC2, whole, or an error of ours. */
  async #send(request: SignedRequest, signal: AbortSignal | undefined): Promise<never> {
    const body = typeof request.body === 'string' ? request.body : Buffer.from(request.body as Uint8Array).toString();
    const action = /(?:^|&)Action=(\w+)/.exec(body)?.[1] ?? '';
    const response = await this.#options.dialler.fetch(this.#options.endpoint, {
      method: 'POST',
      headers: request.headers,
      body,
      maxBytes: MAX_BYTES,
      ...(signal ? { signal } : {}),
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    checkAnswer('EC2', action, response.status, bytes.toString('utf8'));
    const { status: statusCode, headers } = response;
    return { response: { statusCode, headers: { ...headers }, body: bytes } } as never;
  }

  #failure(error: unknown, signal: AbortSignal): IaasError {
    if (error instanceof IaasError) return error;
    if (this.#closed.signal.aborted) return closedError();
    if (signal.aborted) return givenUp(signal);
    if (error instanceof Problem && error.kind === 'unavailable') return new Broken(error.message, error);
    if (error instanceof Problem && error.kind === 'too-large')
      return new IaasError('fatal', 'EC2 answers more than VEP takes', undefined, error);
    return new IaasError('fatal', `EC2 cannot be asked: ${messageOf(error)}`, undefined, error);
  }
}

/** A refusal of the credentials, by EC2 or by a service beside it; nothing of any other failure. */
function refusedCredential(error: unknown): RefusedCredential | undefined {
  if (error instanceof RefusedCredential) return error;
  if (!(error instanceof Ec2Error) || !error.isAuthentication) return undefined;
  return new RefusedCredential(error.message, error.said);
}

/** No answer, or half of one. */
class Broken extends IaasError {
  constructor(message: string, cause: unknown) {
    super('transient', message, undefined, cause);
  }
}

const closedError = (): IaasError => new IaasError('fatal', 'the site has been closed');
