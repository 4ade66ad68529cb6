/**
 * Which component here is which member of an appliance that another site has deployed. Both come of the same descriptor:
 * machines, disks and networks are told apart by their OVF ids, the disks of a machine and what joins them by their machine.
 * Pure.
 */

import type { Observed, SiteRef } from '../../src/iaas/adapter.js';
import type { ApplianceMember } from '../../src/iaas/appliance-site.js';
import { stringAt } from '../../src/base/json.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { siteClassOf } from '../infrastructure/site-class.js';
import { OVF_ID } from './vocabulary.js';

/**
 * Pairs components with members.
 *
 * @param outside references of entities that are linked to and belong to no appliance, by id
 */
export function mirrored(
  components: readonly EntityRecord[],
  outside: ReadonlyMap<string, SiteRef>,
  members: readonly ApplianceMember[],
): Map<EntityRecord, Observed> {
  const pairs = new Map<EntityRecord, Observed>();
  const refs = new Map(outside);
  const taken = new Set<ApplianceMember>();
  const pair = (component: EntityRecord, member: ApplianceMember | undefined): void => {
    if (!member) return;
    taken.add(member);
    pairs.set(component, member.observed);
    refs.set(component.id, member.observed.ref);
  };
  const ofClass = (what: Observed['class']): EntityRecord[] =>
    components.filter(({ kind }) => siteClassOf(kind)?.class === what);
  const free = (what: Observed['class'], fits: (member: ApplianceMember) => boolean): ApplianceMember | undefined =>
    members.find((member) => member.observed.class === what && !taken.has(member) && fits(member));
  const itemOf = ({ observed }: EntityRecord): string | undefined => stringAt(observed, OVF_ID);

  for (const what of ['compute', 'network'] as const) {
    for (const component of ofClass(what))
      pair(
        component,
        free(what, ({ item }) => item === itemOf(component)),
      );
  }
  const byItem = new Map(members.map((member) => [member.observed.ref, member]));
  const storages = new Map(ofClass('storage').map((storage) => [storage.id, storage]));
  for (const attachment of inOrder(ofClass('attachment'))) {
    const storage = storages.get(attachment.target ?? '');
    const machine = refs.get(attachment.source ?? '');
    const known = storage && refs.get(storage.id);
    const found = free('attachment', ({ ends }) => {
      if (!ends || ends[0] !== machine) return false;
      return known === undefined ? byItem.get(ends[1])?.item === (storage && itemOf(storage)) : ends[1] === known;
    });
    pair(attachment, found);
    if (storage && known === undefined) pair(storage, byItem.get(found?.ends?.[1] ?? ''));
  }
  for (const nic of inOrder(ofClass('nic'))) {
    const ends = [refs.get(nic.source ?? ''), refs.get(nic.target ?? '')];
    pair(
      nic,
      free('nic', (member) => member.ends?.[0] === ends[0] && member.ends?.[1] === ends[1]),
    );
  }
  return pairs;
}

/** In the order in which they were made: ids rise with time. */
function inOrder(entities: readonly EntityRecord[]): readonly EntityRecord[] {
  return [...entities].sort((one, other) => (one.id < other.id ? -1 : 1));
}
