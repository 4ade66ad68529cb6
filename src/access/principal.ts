/** Who asks: the one notion of an identified caller, whatever credential it came with. */

export type Role = 'user' | 'administrator' | 'federation' | 'provider' | 'auditor';

export interface Principal {
  /** Stable identifier, the same in every session: `local:alice`, or the subject DN of a certificate. */
  readonly id: string;
  /** Name for people. */
  readonly name: string;
  readonly tier: 'local' | 'federation';
  readonly roles: ReadonlySet<Role>;
  /** Groups (Virtual Organizations), the first being the one new entities belong to. */
  readonly groups: readonly [string, ...string[]];
}
