/** What the behaviour suite needs to know of a site under test, and what it may be able to do to it. */

import type { SiteAdapter, SiteRef } from '../../../src/iaas/adapter.js';
import type { FaultyWay, WireFault, WireRequest } from '../faulty-proxy.js';

/**
 * What a counterpart may break: one thing for one token used by several at once; an address for one interface alone; ranges
 * with an end; networks that stay while something is in them.
 */
export type Promised = 'one-of-a-token' | 'own-address' | 'end-of-range' | 'used-networks-stay' | 'used-groups-stay';

export interface Harness {
  readonly adapter: SiteAdapter;
  /** Lets time pass at the site: a fake clock moves, a real site is waited for. */
  advance(ms: number): Promise<void>;
  /** How often to look while waiting, and how long at most. Milliseconds. */
  readonly pace: { readonly stepMs: number; readonly patienceMs: number };
  /** A real cloud, where a call may take longer than a call has: what it answers with "later" is asked again, as the engine does. */
  readonly slow?: boolean;
  /** An image the site can boot. */
  readonly image: { readonly format: string; readonly bytes: Uint8Array; readonly virtualSizeBytes: number };
  /** What machines boot where the site takes no images in: one that it has. */
  readonly boot?: SiteRef;
  /** How often a machine has been booted, as the counterpart itself tells. */
  boots?(ref: SiteRef): Promise<number>;
  /** Another adapter on the same site, as a second VEP process would have. */
  second?(): Promise<SiteAdapter>;
  /** Brings about failures of the next matching call; a name is a method of the adapter. */
  readonly faults?: Faults;
  /** Things of others on the same site. */
  readonly foreign?: { createMachine(): Promise<SiteRef> };
  /** Gives a machine of VEP's another name, as somebody else would at the site. */
  rename?(ref: SiteRef, name: string): Promise<void>;
  /** How many cores and bytes of memory VEP's account may have, where the site limits that below its capacity. */
  readonly quota?: { readonly cores: number };
  /** What stands between the adapter and its counterpart: a proxy, or programs in the place of the real ones. */
  readonly wire?: Wire;
  /** When the next fault has struck, for a harness that has a proxy and leaves the cases of the wire to another. */
  readonly strikes?: () => Promise<void>;
  /** An image that is there, for sites to which none can be brought. */
  readonly there?: SiteRef;
  /** Why the counterpart cannot bring the saving of a machine to its end, where it cannot. */
  readonly savesNothing?: string;
  /** What the counterpart does not keep of what the site's kind promises, and why: a stand-in that others made. */
  readonly breaks?: Readonly<Partial<Record<Promised, string>>>;
  /** What the site itself rules of the addresses of a network. */
  readonly addressing?: {
    /** The only gateway that a range can have. */
    gatewayOf(cidr: string): string;
    /** The smallest range that a network can have, within 192.168.77.0/24. */
    readonly smallest: string;
  };
  /** What no error may ever quote: passwords, tokens, keys. */
  readonly secrets?: readonly string[];
  close(): Promise<void>;
}

export interface Wire {
  readonly proxy: FaultyWay;
  /** Methods whose work asks nothing of the counterpart, so that nothing can go wrong on the way. */
  readonly silent?: ReadonlySet<string>;
  /** The failures, by their names in `wire.ts`, that are different ones here; absent: all of them. */
  readonly failures?: ReadonlySet<string>;
  /** Whether a request is the one that does the work of an adapter's method, not one that prepares it. */
  isRequestOf(operation: string, request: WireRequest): boolean;
  /** The answer with which the service says "later", if it is not a plain 503. */
  readonly busy?: Extract<WireFault, { kind: 'answer' }>;
  /** Makes the credentials that the adapter holds useless, as if their time had come; it can get new ones. */
  expireCredentials?(): Promise<void>;
  /** Leaves no quota, in the way in which the service tells it late. Undone by `faults.clear()`. */
  exhaustQuota?(): Promise<void>;
}

export interface Faults {
  /** The work is done, the answer never arrives. */
  loseAnswer(operation: string): Promise<void>;
  /** The site does not answer at all. */
  hang(operation: string): Promise<void>;
  /** The site says to try again later. */
  transient(operation: string): Promise<void>;
  /** The site accepts and the thing ends in state error; absent where nobody can bring that about. */
  failLater?(operation: string): Promise<void>;
  /** The site accepts and the thing quietly stays what it was; absent where nobody can bring that about. */
  doNothing?(operation: string): Promise<void>;
  /** Nothing that has not happened yet happens any more. */
  clear(): Promise<void>;
}

/** Failures of a site behind a faulty proxy: those of the way there come from the proxy, those of the site from `site`. */
export function faultsOnTheWire(
  { proxy, isRequestOf, busy }: Wire,
  site: Pick<Faults, 'failLater' | 'doNothing' | 'clear'>,
): Faults {
  const later = busy ?? { kind: 'answer', status: 503, body: 'try again later' };
  const order = (fault: WireFault) => (operation: string) =>
    Promise.resolve(proxy.next(fault, (request) => isRequestOf(operation, request)));
  return {
    loseAnswer: order({ kind: 'lose-answer' }),
    hang: order({ kind: 'hang' }),
    transient: order(later),
    ...(site.failLater ? { failLater: site.failLater.bind(site) } : {}),
    ...(site.doNothing ? { doNothing: site.doNothing.bind(site) } : {}),
    clear: () => {
      proxy.clear();
      return site.clear();
    },
  };
}
