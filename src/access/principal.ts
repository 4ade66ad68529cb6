/** Who asks: the one notion of an identified caller, whatever credential it came with. */

import type { Evidence } from './evidence.js';
import type { Verb } from './policy.js';

export const ROLES = [
  'user',
  'viewer',
  'vo-administrator',
  'administrator',
  'federation',
  'provider',
  'auditor',
] as const;

/** What each may do is in the table of `policy.ts`. */
export type Role = (typeof ROLES)[number];

/** What a federation's credential says of its holder, beside who it is. */
export interface Credential {
  readonly method: 'certificate' | 'proxy' | 'token';
  /** Name of the trust anchor, or URL of the issuer. */
  readonly issuer: string;
  /** How well the issuer knows whom it names: the IGTF profile, as `igtf:classic`; `unknown` where nothing says. */
  readonly assurance: string;
  /** A limited proxy: it may read, and nothing else. */
  readonly limited: boolean;
  /** What a token is good for, whatever roles its holder has; absent: all that these allow. */
  readonly verbs?: readonly Verb[];
  /** The Virtual Organizations that vouch for the holder, with the FQANs of each. */
  readonly vos: readonly { readonly vo: string; readonly fqans: readonly string[] }[];
  /** What it rested on, to be judged again; absent: there is nothing that could be. */
  readonly evidence?: Evidence;
}

export interface Principal {
  /** Stable identifier, the same in every session: `local:alice`, or the subject DN of a certificate. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
  readonly tier: 'local' | 'federation';
  readonly roles: ReadonlySet<Role>;
  /** Groups (Virtual Organizations), the first being the one new entities belong to. */
  readonly groups: readonly [string, ...string[]];
  /** Groups in which other roles than {@link roles} hold: those of a VO that local administration has given. */
  readonly groupRoles?: ReadonlyMap<string, ReadonlySet<Role>>;
  /** The group outside of which there is nothing for it: signed in with a token of this project. */
  readonly confinedTo?: string;
  /** Absent: a local account. */
  readonly credential?: Credential;
}
