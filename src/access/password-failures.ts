/**
 * Guessing passwords (S-069): ten failures in a minute, by account or by address, and further tries are refused before
 * anything is hashed, for a minute at first and up to a quarter of an hour when it goes on.
 *
 * An address from which the account has signed in before has a count of its own, so that guessing from elsewhere cannot
 * lock an owner out.
 */

import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../base/errors.js';
import { networkOf } from './addresses.js';
import { Recent } from './recent.js';

const FAILURES = 10;
const WINDOW_SECONDS = 60;
const FIRST_BLOCK_SECONDS = 60;
const LONGEST_BLOCK_SECONDS = 900;
const MEMORY_OF_BLOCKS_SECONDS = 3600;
const MAX_KNOWN_PLACES = 10_000;

export class PasswordFailures {
  readonly #tries = new RateLimiterMemory({ keyPrefix: 'tries', points: FAILURES, duration: WINDOW_SECONDS });
  readonly #blocks = new RateLimiterMemory({
    keyPrefix: 'blocks',
    points: Number.MAX_SAFE_INTEGER,
    duration: MEMORY_OF_BLOCKS_SECONDS,
  });
  readonly #knownPlaces = new Recent<true>(MAX_KNOWN_PLACES);

  /**
   * Counts a try as a failure until it is told otherwise; answers the function that says it succeeded. Counting comes
   * first so that tries sent at the same time are counted too.
   * @throws Problem `too-many-requests` (`authentication.too-many-failures`)
   */
  async attempt(account: string, address: string): Promise<() => Promise<void>> {
    const network = networkOf(address);
    const place = `${network} ${account}`;
    const keys = [`address ${network}`, this.#knownPlaces.get(place) ? `place ${place}` : `account ${account}`];
    for (const key of keys) await this.#count(key);
    return async () => {
      this.#knownPlaces.set(place, true);
      for (const key of keys) await this.#tries.reward(key);
    };
  }

  async #count(key: string): Promise<void> {
    try {
      await this.#tries.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw tooMany(refusal.consumedPoints === FAILURES + 1 ? await this.#block(key) : refusal.msBeforeNext / 1000);
    }
  }

  /** Each block within the hour is twice as long as the one before. Answers its seconds. */
  async #block(key: string): Promise<number> {
    const { consumedPoints } = await this.#blocks.consume(key);
    const seconds = Math.min(FIRST_BLOCK_SECONDS * 2 ** (consumedPoints - 1), LONGEST_BLOCK_SECONDS);
    await this.#tries.block(key, seconds);
    return seconds;
  }
}

function tooMany(seconds: number): Problem {
  const retryAfter = Math.ceil(seconds);
  const fault = {
    code: 'authentication.too-many-failures',
    message: 'too many failed sign-ins',
    remedy: `try again in ${retryAfter} seconds, or sign in with a token`,
  };
  return new Problem('too-many-requests', fault, { retryAfter });
}
