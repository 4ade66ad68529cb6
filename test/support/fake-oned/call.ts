/** What the calls of a fake oned have in common, whatever they are about: arguments, ids, names that are taken, pools. */

import type { Lives } from './lives.js';
import { Refused, type Argument } from './wire.js';
import type { Thing, User, World } from './world.js';

/** Failures that a test has ordered for the next call of a kind. */
export interface Orders {
  take(what: 'fail-allocate' | 'fail-deploy' | 'fail-resize' | 'ignore-action'): boolean;
}

export type Handler = (user: User, parameters: readonly Argument[]) => string | number;
export type Handlers = Readonly<Record<string, Handler>>;

/** Where calls do their work. */
export interface Stage {
  readonly world: World;
  readonly lives: Lives;
  readonly orders: Orders;
  /** How long an image is being made, in milliseconds. */
  readonly imageMs: number;
}

export function text(value: Argument | undefined): string {
  return String(value ?? '');
}

export function number(value: Argument | undefined): number {
  return Number(value ?? -1);
}

export function find<T>(of: ReadonlyMap<number, T>, id: number, what: string): T {
  const found = of.get(id);
  if (found === undefined) throw new Refused(1024, `Error getting ${what} [${id}].`, id);
  return found;
}

export function pool(name: string, bodies: readonly string[]): string {
  return `<${name}>${bodies.join('')}</${name}>`;
}

export function newest<T extends { readonly id: number }>(of: Map<number, T>): T[] {
  return [...of.values()].sort((one, other) => other.id - one.id);
}

export function mustBeNew(
  of: Map<number, Thing>,
  user: User,
  name: string,
  what: string,
  code: number,
  prefix = '',
): void {
  const taken = [...of.values()].find(
    (thing) => thing.name === name && thing.uid === user.id && !('state' in thing && thing.state === 6),
  );
  if (taken) throw new Refused(code, `${prefix}NAME is already taken by ${what} ${taken.id}.`);
}
