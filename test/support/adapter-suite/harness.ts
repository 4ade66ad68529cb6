/** What the behaviour suite needs to know of a site under test, and what it may be able to do to it. */

import type { SiteAdapter, SiteRef } from '../../../src/iaas/adapter.js';

export interface Harness {
  readonly adapter: SiteAdapter;
  /** Lets time pass at the site: a fake clock moves, a real site is waited for. */
  advance(ms: number): Promise<void>;
  /** How often to look while waiting, and how long at most. Milliseconds. */
  readonly pace: { readonly stepMs: number; readonly patienceMs: number };
  /** An image the site can boot. */
  readonly image: { readonly format: string; readonly bytes: Uint8Array; readonly virtualSizeBytes: number };
  /** Another adapter on the same site, as a second VEP process would have. */
  second?(): Promise<SiteAdapter>;
  /** Brings about failures of the next matching call; a name is a method of the adapter. */
  readonly faults?: Faults;
  /** Things of others on the same site. */
  readonly foreign?: { createMachine(): Promise<SiteRef> };
  /** How many cores and bytes of memory VEP's account may have, where the site limits that below its capacity. */
  readonly quota?: { readonly cores: number };
  close(): Promise<void>;
}

export interface Faults {
  /** The work is done, the answer never arrives. */
  loseAnswer(operation: string): Promise<void>;
  /** The site does not answer at all. */
  hang(operation: string): Promise<void>;
  /** The site says to try again later. */
  transient(operation: string): Promise<void>;
  /** The site accepts and the thing ends in state error. */
  failLater(operation: string): Promise<void>;
  /** The site accepts and the thing quietly stays what it was. */
  doNothing(operation: string): Promise<void>;
  /** Nothing that has not happened yet happens any more. */
  clear(): Promise<void>;
}
