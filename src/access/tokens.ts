/**
 * API tokens (K24): 256 random bits, shown once, kept as SHA-256. Their prefix lets scanners of leaked secrets know
 * them, and lets one be told from a password.
 */

import { hash, randomBytes } from 'node:crypto';
import { raiseGeneration } from '../store/generations.js';
import type { SqlReader, Tx } from '../store/sql.js';

const PREFIX = 'vep_';
const TOKEN = /^vep_[A-Za-z0-9_-]{43}$/;

export interface NewToken {
  /** Id of the principal it signs in. */
  readonly principal: string;
  /** What it is for, in its owner's words. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly expiresAt?: number;
}

/** A token as its owner may see it afterwards; `sha256` names it. */
export interface TokenRecord {
  readonly sha256: string;
  readonly principal: string;
  readonly name: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** To within some minutes. */
  readonly lastUsed: number | null;
}

const RECORD = 'sha256, principal, name, created_at AS "createdAt", expires_at AS "expiresAt", last_used AS "lastUsed"';

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function digestOfToken(token: string): string {
  return hash('sha256', token);
}

/** A fresh token that nobody knows yet; {@link storeToken} makes it good. */
export function newToken(): string {
  return PREFIX + randomBytes(32).toString('base64url');
}

/** Makes a token and answers it, the only time that it can be seen. */
export async function createToken(tx: Tx, token: NewToken): Promise<string> {
  const text = newToken();
  await storeToken(tx, text, token);
  return text;
}

export async function storeToken(tx: Tx, text: string, token: NewToken): Promise<void> {
  await tx.run(
    'INSERT INTO token (sha256, principal, name, created_at, expires_at, last_used) VALUES (?, ?, ?, ?, ?, NULL)',
    [digestOfToken(text), token.principal, token.name, token.createdAt, token.expiresAt ?? null],
  );
}

export function findToken(reader: SqlReader, sha256: string): Promise<TokenRecord | undefined> {
  return reader.get<TokenRecord>(`SELECT ${RECORD} FROM token WHERE sha256 = ?`, [sha256]);
}

/** The tokens of a principal, oldest first. */
export function listTokens(reader: SqlReader, principal: string): Promise<TokenRecord[]> {
  return reader.all<TokenRecord>(`SELECT ${RECORD} FROM token WHERE principal = ? ORDER BY created_at, sha256`, [
    principal,
  ]);
}

/** Revokes a token of the principal; answers whether there was one. */
export async function revokeToken(tx: Tx, principal: string, sha256: string): Promise<boolean> {
  return (await revoked(tx, 'sha256 = ?', principal, sha256)) > 0;
}

/** Revokes every token of the principal that has this name; answers how many. */
export function revokeTokensNamed(tx: Tx, principal: string, name: string): Promise<number> {
  return revoked(tx, 'name = ?', principal, name);
}

/** Notes when tokens were last used. */
export async function noteTokenUse(tx: Tx, uses: ReadonlyMap<string, number>): Promise<void> {
  for (const [sha256, at] of uses) await tx.run('UPDATE token SET last_used = ? WHERE sha256 = ?', [at, sha256]);
}

async function revoked(tx: Tx, where: 'sha256 = ?' | 'name = ?', principal: string, value: string): Promise<number> {
  const count = await tx.run(`DELETE FROM token WHERE principal = ? AND ${where}`, [principal, value]);
  if (count > 0) await raiseGeneration(tx, 'access');
  return count;
}
