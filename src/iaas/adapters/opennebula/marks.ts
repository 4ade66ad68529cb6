/**
 * How VEP knows its own things again: every object it makes carries its realm, the entity's id and the digest of the
 * token, as attributes that oned keeps and shows to administrators. Objects whose names must be unique (images,
 * networks, VM groups) are named by the token's digest, so that oned itself refuses a second one.
 */

import { createHash } from 'node:crypto';
import { kept, unkept } from '../../kept-text.js';
import type { Branch } from '../../document.js';
import type { Vector } from './template.js';

export interface Marks {
  readonly id: string;
  /** Digest of the token. */
  readonly token: string;
}

interface Marked {
  readonly id: string;
  readonly application?: string;
}

export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 40);
}

/** Attributes of an object that stands for itself. */
export function marksOf(realm: string, { id, application }: Marked, token: string): Vector {
  return {
    VEP_REALM: realm,
    VEP_ID: kept(id),
    VEP_TOKEN: digestOf(token),
    ...(application === undefined ? {} : { VEP_APP: kept(application) }),
  };
}

/** Attributes of something within another object, a NIC or a disk: the realm is that of the machine. */
export function plugMarks(id: string, token: string): Vector {
  return { VEP_ID: kept(id), VEP_TOKEN: digestOf(token) };
}

/** What VEP of this realm wrote into a template; nothing for objects of others. */
export function marksIn(template: Branch | undefined, realm: string): Marks | undefined {
  return template?.value('VEP_REALM') === realm ? plugMarksIn(template) : undefined;
}

export function plugMarksIn(vector: Branch | undefined): Marks | undefined {
  const [id, token] = [vector?.value('VEP_ID'), vector?.value('VEP_TOKEN')];
  return id === undefined || token === undefined ? undefined : { id: unkept(id), token };
}

/** Name of an object of which there may be only one per token. */
export function uniqueName(realm: string, token: string): string {
  return `${realm}-${digestOf(token)}`;
}

/** oned's own ids are small decimal numbers; anything else names nothing there. */
export function numberOf(ref: string): number | undefined {
  return /^(0|[1-9]\d{0,8})$/.test(ref) ? Number(ref) : undefined;
}
