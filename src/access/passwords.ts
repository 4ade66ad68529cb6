/**
 * Passwords: scrypt (RFC 7914) with a salt of their own, the cost written beside the hash so that it can rise later.
 * Hashing takes 32 MiB and some 50 ms, so only a few run at a time and no more than some wait.
 */

import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { problem } from '../base/errors.js';
import { Lanes } from '../store/lanes.js';

const LOG_N = 15;
const BLOCK_SIZE = 8;
const KEY_BYTES = 32;
const MIN_LENGTH = 12;
const MAX_LENGTH = 1024;

const lanes = new Lanes(2);

/**
 * The hash to store.
 * @throws Problem `invalid` (`account.password`) when the password is shorter than 12 or longer than 1024 characters.
 */
export async function hashPassword(password: string): Promise<string> {
  if (password.length < MIN_LENGTH || password.length > MAX_LENGTH) {
    throw problem('invalid', 'account.password', `a password has ${MIN_LENGTH} to ${MAX_LENGTH} characters`, {
      remedy: 'choose a longer one, e.g. five random words',
    });
  }
  const salt = randomBytes(16);
  const hash = await derive(password, salt, LOG_N);
  return ['scrypt', LOG_N, salt.toString('base64'), hash.toString('base64')].join('$');
}

/** What to compare with when there is no such account, so that finding that out takes as long as a wrong password. */
const NOBODY = ['scrypt', LOG_N, Buffer.alloc(16).toString('base64'), Buffer.alloc(KEY_BYTES).toString('base64')].join(
  '$',
);

/** Compares in constant time. Without a stored hash it takes as long and answers false. */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, logN, salt, hash] = (stored ?? NOBODY).split('$');
  const expected = Buffer.from(hash ?? '', 'base64');
  const found = await derive(password.slice(0, MAX_LENGTH), Buffer.from(salt ?? '', 'base64'), Number(logN));
  return expected.length === found.length && timingSafeEqual(expected, found) && stored !== undefined;
}

async function derive(password: string, salt: Buffer, logN: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r: BLOCK_SIZE, p: 1, maxmem: 256 * 2 ** logN * BLOCK_SIZE };
  const leave = await lanes.enter();
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(password.normalize('NFC'), salt, KEY_BYTES, options, (error, key) =>
        error ? reject(error) : resolve(key),
      );
    });
  } finally {
    leave();
  }
}
