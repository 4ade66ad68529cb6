/** Roles and groups by what a credential says: FQANs of VOMS, entitlements of AARC-G069 (S-036, S-063). */

import type { Principal } from '../../src/access/principal.js';
import { insertEntity } from '../../src/store/entities.js';
import type { Store } from '../../src/store/sql.js';
import { subgroupOf, VoMemberships } from '../../extensions/vo/memberships.js';
import { MEMBER, MEMBER_ATTRIBUTE, MEMBER_GROUP, MEMBER_ROLE, MEMBER_SUBJECT } from '../../extensions/vo/vocabulary.js';
import { entityRecord } from '../store/records.js';
import { forEachDatabase } from '../support/databases.js';

const PRODUCTION = '/atlas/Role=production';
const URN = 'urn:mace:egi.eu:group:biomed:imaging:role=vm_operator#aai.egi.eu';

function holder(vos: Record<string, readonly string[]>, members: Partial<Principal> = {}): Principal {
  const [first = 'own'] = Object.keys(vos);
  return {
    id: 'x509:CN=Alice',
    name: 'Alice',
    tier: 'federation',
    roles: new Set(['user']),
    groups: [first, 'own'],
    credential: {
      method: 'proxy',
      issuer: 'CN=CA',
      assurance: 'igtf:classic',
      limited: false,
      vos: Object.entries(vos).map(([vo, fqans]) => ({ vo, fqans })),
    },
    ...members,
  };
}

forEachDatabase((_name, database) => {
  let store: Store;
  const member = (id: string, group: string, wanted: Record<string, string>) =>
    store.write((tx) => insertEntity(tx, entityRecord({ id, kind: MEMBER, group, wanted })));

  beforeAll(async () => {
    store = await database.open();
    await member('m1', 'atlas', { [MEMBER_ATTRIBUTE]: PRODUCTION, [MEMBER_ROLE]: 'administrator' });
    await member('m2', 'biomed', { [MEMBER_ATTRIBUTE]: URN, [MEMBER_ROLE]: 'administrator' });
    await member('m3', 'lhcb', { [MEMBER_SUBJECT]: 'x509:CN=Bob', [MEMBER_ROLE]: 'viewer', [MEMBER_GROUP]: '/lhcb/g' });
  });

  const rolesIn = async (principal: Principal, vo: string): Promise<readonly string[] | undefined> => {
    const { groups, groupRoles } = await new VoMemberships(store).join(principal, 1);
    return groups.includes(vo) ? [...(groupRoles?.get(vo) ?? principal.roles)].sort() : undefined;
  };

  it('S-036 gives the role that a VO has mapped to an FQAN, whatever says nothing in it, and none without', async () => {
    for (const fqan of [PRODUCTION, `${PRODUCTION}/Capability=NULL`])
      expect(await rolesIn(holder({ atlas: [fqan] }), 'atlas')).toEqual(['user', 'vo-administrator']);
    for (const fqan of ['/atlas', '/atlas/Role=VO-Admin', '/atlas/Role=Production', '/atlas/x/Role=production'])
      expect([fqan, await rolesIn(holder({ atlas: [fqan] }), 'atlas')]).toEqual([fqan, ['user']]);
  });

  it('S-036 lets no VO speak for another, and an attribute let nobody in', async () => {
    expect(await rolesIn(holder({ biomed: [PRODUCTION] }), 'biomed')).toEqual(['user']);
    expect(await rolesIn(holder({ biomed: [PRODUCTION] }), 'atlas')).toBeUndefined();
    expect(await rolesIn(holder({ biomed: [PRODUCTION, URN] }), 'biomed')).toEqual(['user', 'vo-administrator']);
  });

  it('S-063 takes an entitlement as it is written, and nothing like it', async () => {
    expect(await rolesIn(holder({ biomed: [URN] }), 'biomed')).toEqual(['user', 'vo-administrator']);
    for (const like of [URN.toUpperCase(), URN.replace('#aai.egi.eu', '#aai.example.org'), URN.replace(':imaging', '')])
      expect([like, await rolesIn(holder({ biomed: [like] }), 'biomed')]).toEqual([like, ['user']]);
  });

  it('gives who is named a place in the VO, and the roles that are said, there alone', async () => {
    const bob = holder({}, { id: 'x509:CN=Bob', groups: ['own'] });
    expect(await rolesIn(bob, 'lhcb')).toEqual(['viewer']);
    expect(await rolesIn(bob, 'own')).toEqual(['user']);
    expect(await rolesIn(holder({}, { groups: ['own'] }), 'lhcb')).toBeUndefined();
    expect((await new VoMemberships(store).join({ ...bob, roles: new Set() }, 1)).groups[0]).toBe('lhcb');
  });

  it('finds the group for which use counts: what membership says, else the primary FQAN or entitlement', async () => {
    const groupOf = (principal: Principal, vo: string): Promise<string | null> => subgroupOf(store, principal, vo);
    expect(await groupOf(holder({ lhcb: [] }, { id: 'x509:CN=Bob' }), 'lhcb')).toBe('/lhcb/g');
    expect(await groupOf(holder({ atlas: ['/atlas/muons/Role=x', '/atlas'] }), 'atlas')).toBe('/atlas/muons');
    expect(await groupOf(holder({ atlas: ['/atlas', '/atlas/muons'] }), 'atlas')).toBeNull();
    expect(await groupOf(holder({ biomed: [URN] }), 'biomed')).toBe('/biomed/imaging');
    expect(await groupOf(holder({ biomed: ['/atlas/muons'] }), 'biomed')).toBeNull();
  });
});
