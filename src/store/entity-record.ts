/**
 * A stored entity: one row of table `entity`, with its JSON columns parsed. What is *wanted* and what is *observed* are
 * apart (K10); `rendering` is the OCCI 1.2 JSON that clients see, renewed with every change.
 */

import type { Attributes, TypeId } from '../occi/model.js';

/** `deleting`: gone for clients, still counted until the site confirms (K11). A row that is gone is removed. */
export type EntityPhase = 'live' | 'deleting';

export interface EntityRecord {
  /** UUID without `urn:uuid:`. */
  readonly id: string;
  readonly kind: TypeId;
  readonly mixins: readonly TypeId[];
  /** Principal id. */
  readonly owner: string;
  /** The group (Virtual Organization) it belongs to. */
  readonly group: string;
  /** Id of the appliance that owns it. */
  readonly appliance: string | null;
  /** Name of the site it lives on, and the site's own reference once it has one. */
  readonly site: string | null;
  readonly siteRef: string | null;
  readonly phase: EntityPhase;
  /** Raised by every change a client makes; what `If-Match` compares (K13). */
  readonly version: number;
  /** Raised by every change that was only observed. */
  readonly observedRevision: number;
  readonly title: string | null;
  readonly summary: string | null;
  /** Links: id of the source resource, id of the target if it is ours, else its URI. */
  readonly source: string | null;
  readonly target: string | null;
  readonly targetUri: string | null;
  /** Mutable and create-only attributes. */
  readonly wanted: Attributes;
  /** Immutable attributes: state, addresses, devices. */
  readonly observed: Attributes;
  /** The state to which pending operations lead, when it is not the observed one. */
  readonly heading: string | null;
  readonly rendering: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly changedAt: number;
}
