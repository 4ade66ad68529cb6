/**
 * MAC addresses of the adapters of a plan (O-045). Two adapters on one network cannot have the same one: the first keeps it, the
 * other gets its own from the site. So it is, and needs no word, with the copies of a collection that stands several times.
 */

import { excerpt } from '../../base/errors.js';
import { isMulticast, macOf } from '../envelope/mac-address.js';
import type { At, Item } from '../envelope/model.js';
import type { Findings } from './findings.js';

export class MacAddresses {
  readonly #findings: Findings;
  readonly #given = new Map<string, { readonly at: At; readonly networks: Set<string> }>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** The address that an adapter on this network asks for and can have. The reader tells of one that is none. */
  of({ address = '', at }: Item, network = ''): string | undefined {
    const mac = macOf(address.trim());
    if (mac === undefined || isMulticast(mac)) return undefined;
    const given = this.#given.get(mac);
    if (given === undefined) {
      this.#given.set(mac, { at, networks: new Set([network]) });
      return mac;
    }
    // The same item again: that of a copy.
    if (given.at === at) return undefined;
    const isTaken = given.networks.has(network);
    given.networks.add(network);
    const where = isTaken ? `on the network "${excerpt(network)}", and this one gets its own` : 'on another network';
    this.#findings.warning('O-045', `another adapter has the same MAC address ${where}`, {
      place: at,
      remedy: 'give every adapter a MAC address of its own, or none: the site gives it one then',
      value: mac,
    });
    return isTaken ? undefined : mac;
  }
}
