/**
 * Secrets at rest (K26): OVF passwords, image and cloud credentials, sealed with AES-256-GCM under a key that lives
 * outside the database. Operations hold a secret's id; when the work ends the secret is wiped. A sealed text is bound
 * to its row: moved to another row, purpose or owner, it no longer opens.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { problem } from '../base/errors.js';
import { newUuid } from '../base/ids.js';
import type { SqlReader, Tx } from './sql.js';

const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;

export interface NewSecret {
  /** What it is for, e.g. `ovf.inputs`. */
  readonly purpose: string;
  /** Id of the entity or operation it belongs to, by which it is wiped. */
  readonly ownerRef: string;
  readonly plaintext: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

interface SecretRow {
  readonly purpose: string;
  readonly owner_ref: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

/** Stores a secret under the 32-byte key and answers its id. */
export async function sealSecret(tx: Tx, key: Uint8Array, secret: NewSecret): Promise<string> {
  const id = newUuid(secret.createdAt);
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(id, secret.purpose, secret.ownerRef));
  const sealed = Buffer.concat([cipher.update(secret.plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  await tx.run('INSERT INTO secret (id, purpose, owner_ref, nonce, ciphertext, created_at) VALUES (?, ?, ?, ?, ?, ?)', [
    id,
    secret.purpose,
    secret.ownerRef,
    nonce.toString('base64'),
    sealed.toString('base64'),
    secret.createdAt,
  ]);
  return id;
}

/**
 * The plaintext of a secret, or nothing when it has been wiped.
 * @throws Problem `internal` (`secret.unreadable`) when the key is another one or the row was tampered with.
 */
export async function openSecret(reader: SqlReader, key: Uint8Array, id: string): Promise<string | undefined> {
  const row = await reader.get<SecretRow>('SELECT purpose, owner_ref, nonce, ciphertext FROM secret WHERE id = ?', [
    id,
  ]);
  if (!row) return undefined;
  const sealed = Buffer.from(row.ciphertext, 'base64');
  try {
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(row.nonce, 'base64'), { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(id, row.purpose, row.owner_ref));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return decipher.update(sealed.subarray(0, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    // The cause says nothing but that authentication failed, and must not help anybody to find out more.
    throw problem('internal', 'secret.unreadable', 'a stored secret cannot be opened', {
      remedy: 'put back the secret key with which this database was written',
    });
  }
}

/** Wipes every secret of an owner; answers how many there were. */
export function wipeSecrets(tx: Tx, ownerRef: string): Promise<number> {
  return tx.run('DELETE FROM secret WHERE owner_ref = ?', [ownerRef]);
}

/** Wipes one secret, where another has come in its place. */
export async function wipeSecret(tx: Tx, id: string): Promise<void> {
  await tx.run('DELETE FROM secret WHERE id = ?', [id]);
}

function boundTo(id: string, purpose: string, ownerRef: string): Buffer {
  return Buffer.from(JSON.stringify([id, purpose, ownerRef]), 'utf8');
}
