/**
 * Tokens of the Keystone façade (`spec/federation-auth.md` §8): 256 random bits, kept as SHA-256, each standing for a
 * sign-in that has been judged, and, once it is scoped, for one project, which is a group or VO. What the sign-in rested
 * on lies sealed beside it (K26) and is judged again whenever the token is used: a token is never good for longer than
 * the credential behind it.
 */

import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { appendAudit } from '../store/audit.js';
import { raiseGeneration } from '../store/generations.js';
import { openSecret, sealSecret, wipeSecrets } from '../store/secrets.js';
import type { Store, Tx } from '../store/sql.js';
import { Evidence } from './evidence.js';
import type { Principal } from './principal.js';
import { digestOfToken } from './tokens.js';

const PREFIX = 'vepk_';
const TOKEN = /^vepk_[A-Za-z0-9_-]{43}$/;
const PURPOSE = 'keystone.evidence';
/** A subject's oldest tokens give way to new ones. */
const MOST_PER_SUBJECT = 100;

export interface KeystoneToken {
  readonly sha256: string;
  /** Id of the principal. */
  readonly subject: string;
  /** Null: unscoped, good for choosing a project and nothing else. */
  readonly project: string | null;
  /** Absent: a local account, which answers for itself. */
  readonly evidence: Evidence | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

export type NewKeystoneToken = Pick<KeystoneToken, 'subject' | 'project' | 'evidence' | 'expiresAt'> & {
  /** Group of the subject, for the audit trail of tokens without project. */
  readonly group: string;
  readonly requestId: string;
};

interface TokenRow {
  readonly sha256: string;
  readonly subject: string;
  readonly project: string | null;
  readonly evidence: string | null;
  readonly created_at: number;
  readonly expires_at: number;
}

export function isKeystoneToken(text: string): boolean {
  return TOKEN.test(text);
}

export class KeystoneTokens {
  readonly #store: Store;
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  /** @param key seals what sign-ins rested on */
  constructor(store: Store, key: Uint8Array, clock: Clock) {
    this.#store = store;
    this.#key = key;
    this.#clock = clock;
  }

  /** Answers the token, the only time that it can be seen. */
  async issue({ subject, project, evidence, expiresAt, group, requestId }: NewKeystoneToken): Promise<string> {
    const token = PREFIX + randomBytes(32).toString('base64url');
    const sha256 = digestOfToken(token);
    const now = this.#clock.now();
    await this.#store.write(async (tx) => {
      const surplus = await tx.pluck<string>(
        'SELECT sha256 FROM keystone_token WHERE subject = ? ORDER BY created_at DESC, sha256 LIMIT 1000 OFFSET ?',
        [subject, MOST_PER_SUBJECT - 1],
      );
      for (const each of surplus) await this.#remove(tx, each);
      const sealed = evidence
        ? await sealSecret(tx, this.#key, {
            purpose: PURPOSE,
            ownerRef: sha256,
            plaintext: evidence.serialize(),
            createdAt: now,
          })
        : null;
      await tx.run(
        'INSERT INTO keystone_token (sha256, subject, project, evidence, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
        [sha256, subject, project, sealed, now, expiresAt],
      );
      const details = {
        project,
        method: evidence ? 'federation' : 'local',
        expires: new Date(expiresAt).toISOString(),
      };
      await appendAudit(tx, {
        at: now,
        actor: subject,
        group: project ?? group,
        verb: 'token',
        outcome: 'granted',
        requestId,
        details,
      });
    });
    return token;
  }

  async find(sha256: string): Promise<KeystoneToken | undefined> {
    const row = await this.#store.get<TokenRow>(
      'SELECT sha256, subject, project, evidence, created_at, expires_at FROM keystone_token WHERE sha256 = ?',
      [sha256],
    );
    if (!row) return undefined;
    const sealed = row.evidence === null ? undefined : await openSecret(this.#store, this.#key, row.evidence);
    // A token that has lost what it rests on is none.
    if (row.evidence !== null && sealed === undefined) return undefined;
    const { subject, project, created_at: createdAt, expires_at: expiresAt } = row;
    const evidence = sealed === undefined ? undefined : Evidence.parse(sealed);
    return { sha256, subject, project, evidence, createdAt, expiresAt };
  }

  /** @param by who takes it back, in which request */
  async revoke(sha256: string, { id, groups }: Principal, requestId: string): Promise<void> {
    await this.#store.write(async (tx) => {
      const audit = { at: this.#clock.now(), actor: id, group: groups[0], outcome: 'granted', requestId } as const;
      await appendAudit(tx, { ...audit, verb: 'token-revoked' });
      await this.#remove(tx, sha256);
      await raiseGeneration(tx, 'access');
    });
  }

  /** Upkeep: takes away what has expired. */
  async prune(): Promise<void> {
    const expired = await this.#store.pluck<string>(
      'SELECT sha256 FROM keystone_token WHERE expires_at <= ? LIMIT 1000',
      [this.#clock.now()],
    );
    if (expired.length === 0) return;
    await this.#store.write(async (tx) => {
      for (const each of expired) await this.#remove(tx, each);
    });
  }

  async #remove(tx: Tx, sha256: string): Promise<void> {
    await tx.run('DELETE FROM keystone_token WHERE sha256 = ?', [sha256]);
    await wipeSecrets(tx, sha256);
  }
}
