/** Entity records for tests of the store: a whole one from the few members a test cares about. */

import { newUuid } from '../../src/base/ids.js';
import type { EntityRecord } from '../../src/store/entity-record.js';

export const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
export const NETWORK = 'http://schemas.ogf.org/occi/infrastructure#network';
export const LINK = 'http://schemas.ogf.org/occi/infrastructure#networkinterface';

export function entityRecord(members: Partial<EntityRecord> = {}): EntityRecord {
  const id = members.id ?? newUuid();
  return {
    id,
    kind: COMPUTE,
    mixins: [],
    owner: 'local:alice',
    group: 'alice',
    appliance: null,
    site: null,
    siteRef: null,
    phase: 'live',
    version: 1,
    observedRevision: 0,
    title: null,
    summary: null,
    source: null,
    target: null,
    targetUri: null,
    wanted: {},
    observed: {},
    heading: null,
    rendering: JSON.stringify({ id: `urn:uuid:${id}` }),
    createdAt: 1_763_800_000_000,
    changedAt: 1_763_800_000_000,
    ...members,
  };
}
