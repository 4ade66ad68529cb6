/**
 * How VEP knows its own things again, and how it calls them. OpenStack has no idempotency key and no unique names, so
 * everything carries the digest of its token, and a reference is that digest and not the id: should two processes make
 * one thing at the same time, both references mean the same, the older of the two, and the other one is removed.
 * Servers carry it as a tag and as metadata; networks, ports, volumes and images in their names, by which they are asked for, and
 * networks, volumes and security groups in their descriptions too, so that one to which somebody gives another name stays VEP's.
 */

import { createHash } from 'node:crypto';
import { isJsonObject, stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import { IaasError } from '../../adapter.js';

export interface Marks {
  /** The id of the entity. */
  readonly id: string;
  /** Digest of realm and token. */
  readonly key: string;
}

/** Of what VEP made; `key` is a digest, or an OpenStack id for things of others. */
export interface Ref {
  readonly project: string;
  readonly key: string;
  /** Digest of the token of an attachment. */
  readonly plug?: string;
}

/** Longest value of metadata, name or description. */
const LONGEST = 255;
const KEY = /^[0-9a-f]{40}$/;
const REF = /^([A-Za-z0-9-]{1,64}):([0-9a-f]{40}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?::([0-9a-f]{40}))?$/;

export function digestOf(realm: string, token: string): string {
  return createHash('sha256').update(`${realm}\0${token}`).digest('hex').slice(0, 40);
}

export function writeRef(project: string, key: string, plug?: string): string {
  return plug === undefined ? `${project}:${key}` : `${project}:${key}:${plug}`;
}

export function readRef(ref: string): Ref | undefined {
  const [, project, key, plug] = REF.exec(ref) ?? [];
  if (project === undefined || key === undefined) return undefined;
  return plug === undefined ? { project, key } : { project, key, plug };
}

/** Whether the key of a reference is a digest of VEP's and no id of OpenStack's. */
export const isDigest = (key: string): boolean => KEY.test(key);

/** Tag of a server that is found by its token, and of all servers of a realm. */
export const tokenTag = (key: string): string => `vep-${key}`;
export const realmTag = (realm: string): string => `vep-realm-${realm}`;

/** Name of a network, port, volume or image, by which it is found again. */
export const uniqueName = (realm: string, key: string): string => `vep-${realm}-${key}`;

/** The digest in such a name. */
export function keyIn(realm: string, name: string): string | undefined {
  const key = name.startsWith(`vep-${realm}-`) ? name.slice(`vep-${realm}-`.length) : '';
  return KEY.test(key) ? key : undefined;
}

/**
 * Text as OpenStack keeps it: databases differ in what characters they take and whether a blank at the end counts, so
 * what is not plain is Base64.
 *
 * @throws IaasError `invalid` for text that is too long, or that is no whole text
 */
export function kept(text: string): string {
  if (!isWhole(text)) throw new IaasError('invalid', 'an id or name holds half of a character');
  const plain = /^(?!b64=)[\x21-\x3a\x3c-\x7e]*$/.test(text);
  const written = plain ? text : `b64=${Buffer.from(text, 'utf8').toString('base64')}`;
  if (written.length <= LONGEST - 40) return written;
  throw new IaasError('invalid', 'OpenStack keeps no id of this length');
}

/** Whether no half of a character is in it. */
export const isWhole = (text: string): boolean => !/\p{Surrogate}/u.test(text);

export function unkept(written: string): string {
  return written.startsWith('b64=') ? Buffer.from(written.slice(4), 'base64').toString('utf8') : written;
}

/** A name for people to see: one line of characters that every database of OpenStack takes. */
export function shownName(name: string): string {
  const plain = name
    // eslint-disable-next-line no-control-regex -- control characters are what is taken out
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202f\u2066-\u2069\u200b-\u200f\ufeff\ud800-\udfff]+/g, ' ')
    .trim()
    .slice(0, LONGEST);
  return plain === '' ? 'unnamed' : plain;
}

/** What describes a thing that is known by its name, and by these words when it has another one. */
export function describingMarked(realm: string, marks: Marks, title: string): string {
  return describing(marks.id, { realm, key: marks.key }, title);
}

/** What describes a thing of VEP's whose only free text is a description: the entity's id, whatever else, the title. */
export function describing(id: string, more: Readonly<Record<string, string>>, title: string): string {
  const words = Object.entries({ id: kept(id), ...more }).map(([name, value]) => `${name}=${value}`);
  return `vep ${words.join(' ')}; ${shownName(title)}`.slice(0, LONGEST);
}

/** The words of such a description by name, and `title`; nothing where it is none. */
export function described(description: string): Readonly<Record<string, string>> {
  const [, words, title = ''] = /^vep ([^;]*); ([^]*)$/.exec(description) ?? [];
  if (words === undefined) return {};
  const pairs = words.split(' ').map((word): [string, string] => {
    const at = word.indexOf('=');
    return [word.slice(0, at), word.slice(at + 1)];
  });
  return { ...Object.fromEntries(pairs), title };
}

/** Marks of a network, port or volume, from its name and its description. */
export function namedMarks(realm: string, body: JsonObject): Marks | undefined {
  const { id, realm: of, key: written = '' } = described(stringAt(body, 'description') ?? '');
  const key = keyIn(realm, stringAt(body, 'name') ?? '') ?? (of === realm && isDigest(written) ? written : undefined);
  return key === undefined || id === undefined ? undefined : { id: unkept(id), key };
}

/**
 * Things of one token: asked for by name, and where none has it among all there are, since somebody may have given it another.
 *
 * @param list what OpenStack has of them, of a name or of any
 */
export async function ofKey(
  realm: string,
  key: string,
  list: (query: Readonly<Record<string, string>>) => Promise<readonly JsonObject[]>,
): Promise<readonly JsonObject[]> {
  const isIt = (body: JsonObject): boolean => namedMarks(realm, body)?.key === key;
  const named = (await list({ name: uniqueName(realm, key) })).filter(isIt);
  return named.length > 0 ? named : (await list({})).filter(isIt);
}

/** The one that counts among several of one token, and the others: by age, then by id. */
export function elder<T extends { readonly id: string; readonly created: string }>(
  things: readonly T[],
): readonly [T | undefined, readonly T[]] {
  const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
  const [first, ...others] = [...things].sort(
    (one, other) => order(one.created, other.created) || order(one.id, other.id),
  );
  return [first, others];
}

/** Members of an object that may be none. */
export function membersOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
