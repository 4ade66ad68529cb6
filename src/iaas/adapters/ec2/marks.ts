/**
 * How VEP knows its own things again: tags. Every object it makes carries its realm, the entity's id and the digest of
 * the token; tags come with the creation itself, so that nothing is ever there without them.
 */

import { createHash } from 'node:crypto';
import type { ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { IaasError, type Owner } from '../../adapter.js';
import { kept, shownName, unkept } from '../../kept-text.js';

export interface Marks {
  readonly id: string;
  /** Digest of the token. */
  readonly token: string;
}

interface Marked {
  readonly id: string;
  readonly name?: string;
  readonly application?: string;
  readonly owner?: Owner;
}

/** Longest value of a tag, in characters. */
const MOST = 256;

export const REALM = 'vep:realm';
export const TOKEN = 'vep:token';

/** Of a token, as client token, in names and in tags: 64 characters is the most that a client token may have. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 40);
}

export type Attributes = Readonly<Record<string, string>>;

/** @throws IaasError `invalid` for an id that no tag can hold */
export function tagsOf(realm: string, marked: Marked, token: string, more: Attributes = {}): Tag[] {
  const { id, name, application, owner } = marked;
  return listOf({
    ...(name === undefined ? {} : { Name: shownName(name) }),
    [REALM]: realm,
    'vep:id': kept(id),
    [TOKEN]: digestOf(token),
    ...(application === undefined ? {} : { 'vep:application': kept(application) }),
    ...(owner === undefined ? {} : { 'vep:user': kept(owner.user), 'vep:group': kept(owner.group) }),
    ...more,
  });
}

export function listOf(attributes: Attributes): Tag[] {
  return Object.entries(attributes).map(([Key, Value]) => {
    if (Value.length > MOST) throw new IaasError('invalid', `EC2 holds at most ${MOST} characters in the tag ${Key}`);
    return { Key, Value };
  });
}

export const tagged = (type: ResourceType, tags: Tag[]): TagSpecification[] => [{ ResourceType: type, Tags: tags }];

export function tagOf(tags: readonly Tag[] | undefined, key: string): string | undefined {
  return tags?.find(({ Key }) => Key === key)?.Value;
}

/** What people call it, which is a tag like any other: nothing where it has none. */
export function nameIn(tags: readonly Tag[] | undefined): { readonly name?: string } {
  const name = tagOf(tags, 'Name');
  return name === undefined ? {} : { name };
}

/** What VEP of this realm wrote; nothing for things of others. */
export function marksIn(tags: readonly Tag[] | undefined, realm: string): Marks | undefined {
  if (tagOf(tags, REALM) !== realm) return undefined;
  const [id, token] = [tagOf(tags, 'vep:id'), tagOf(tags, TOKEN)];
  return id === undefined || token === undefined ? undefined : { id: unkept(id), token };
}

/** Name of an object of which there may be only one per token. */
export const uniqueName = (realm: string, token: string): string => `${realm}-${digestOf(token)}`;

/** Filters for what VEP of this realm made, or made for one token. */
export const ours = (realm: string): { Name: string; Values: string[] }[] => [
  { Name: `tag:${REALM}`, Values: [realm] },
];
export const oursFor = (realm: string, token: string): { Name: string; Values: string[] }[] => [
  ...ours(realm),
  { Name: `tag:${TOKEN}`, Values: [digestOf(token)] },
];
