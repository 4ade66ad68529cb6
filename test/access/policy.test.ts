/** The policy (K27): one table of role, relation and verb; and `decide` = evaluated scope = SQL, with grants and time. */

import fc from 'fast-check';
import { addGrant, grantsFor, removeGrant, removeGrantsOn, type NewGrant } from '../../src/access/grants.js';
import { decide, ownScope, scope, VERBS, type Grant, type Verb } from '../../src/access/policy.js';
import { ROLES, type Principal, type Role } from '../../src/access/principal.js';
import { compileScope } from '../../src/store/compile-scope.js';
import { insertEntity } from '../../src/store/entities.js';
import { evaluateScope, type Ownership } from '../../src/store/scope.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { entityRecord } from '../store/records.js';

const NOW = 1_763_800_000_000;
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const AGREEMENT = 'http://schemas.ogf.org/occi/sla#agreement';
const VO = 'http://schemas.contrail-project.eu/occi/vo#vo';
const MEMBER = 'http://schemas.contrail-project.eu/occi/vo#member';

function principal(roles: readonly Role[], members: Partial<Principal> = {}): Principal {
  return { id: 'local:alice', name: 'alice', tier: 'local', roles: new Set(roles), groups: ['physics'], ...members };
}

function owned(owner: string, group: string, kind = COMPUTE): Ownership {
  return { id: 'e', kind, owner, group, appliance: null };
}

/** Whose the entity is, seen from alice of the physics group. */
const RELATIONS = {
  own: owned('local:alice', 'physics'),
  'own, of a group left': owned('local:alice', 'chemistry'),
  'of the group': owned('local:bob', 'physics'),
  foreign: owned('local:eve', 'chemistry'),
  'foreign agreement': owned('local:eve', 'chemistry', AGREEMENT),
} as const;

type Table = Record<keyof typeof RELATIONS, string>;

const NOTHING: Table = {
  own: '',
  'own, of a group left': '',
  'of the group': '',
  foreign: '',
  'foreign agreement': '',
};
const TENANT = 'read create update delete act reveal';
const ADMINISTRATOR = 'read create update delete act govern administer';

/** What each role may do, written out: the whole policy at one glance. */
const EXPECTED: readonly (readonly [readonly Role[], Table])[] = [
  [[], NOTHING],
  [['user'], { ...NOTHING, own: TENANT, 'own, of a group left': 'read', 'of the group': 'read' }],
  [['federation'], { ...NOTHING, own: TENANT, 'of the group': TENANT }],
  [['provider'], { ...NOTHING, 'foreign agreement': 'read govern' }],
  [
    ['auditor'],
    {
      own: 'read',
      'own, of a group left': 'read',
      'of the group': 'read',
      foreign: 'read',
      'foreign agreement': 'read',
    },
  ],
  [
    ['administrator'],
    {
      own: `${ADMINISTRATOR} reveal`,
      'own, of a group left': `${ADMINISTRATOR} reveal`,
      'of the group': ADMINISTRATOR,
      foreign: ADMINISTRATOR,
      'foreign agreement': ADMINISTRATOR,
    },
  ],
  [
    ['auditor', 'administrator', 'user'],
    {
      own: 'read',
      'own, of a group left': 'read',
      'of the group': 'read',
      foreign: 'read',
      'foreign agreement': 'read',
    },
  ],
];

describe('the policy', () => {
  for (const [roles, table] of EXPECTED) {
    for (const [relation, verbs] of Object.entries(table) as [keyof typeof RELATIONS, string][]) {
      it(`allows ${roles.join('+') || 'nobody'} on what is ${relation}: ${verbs || 'nothing'}`, () => {
        const allowed = VERBS.filter((verb) => decide(principal(roles), verb, RELATIONS[relation], [], NOW));
        expect(allowed).toEqual(VERBS.filter((verb) => verbs.split(' ').includes(verb)));
      });
    }
  }

  it('holds in each group the roles that its membership gives, and no others there (S-036)', () => {
    const groupRoles = new Map<string, ReadonlySet<Role>>([
      ['physics', new Set<Role>(['viewer'])],
      ['chemistry', new Set<Role>(['user', 'vo-administrator'])],
    ]);
    const mixed = principal(['user'], { groups: ['own', 'physics', 'chemistry'], groupRoles });
    const may = (verb: Verb, entity: Ownership): boolean => decide(mixed, verb, entity, [], NOW);
    expect(may('create', owned('local:alice', 'own'))).toBe(true);
    expect(may('read', owned('local:bob', 'physics'))).toBe(true);
    expect(may('create', owned('local:alice', 'physics'))).toBe(false);
    expect(may('delete', owned('local:bob', 'physics'))).toBe(false);
    expect(may('delete', owned('local:bob', 'chemistry'))).toBe(true);
    expect(may('reveal', owned('local:bob', 'chemistry'))).toBe(false);
    expect(may('create', owned('local:alice', 'chemistry', MEMBER))).toBe(true);
    expect(may('update', owned('local:alice', 'chemistry', VO))).toBe(false);
    expect(may('create', owned('local:alice', 'own', MEMBER))).toBe(false);
  });

  it('lets a grant open one entity, or all of one appliance, for its verbs and no longer than until its end (S-078, S-080)', () => {
    const grant: Grant = { entity: 'app-x', verbs: ['read', 'act'], until: NOW };
    const stranger = principal(['user'], { id: 'local:stranger', groups: ['nobody'] });
    const may = (verb: Verb, entity: Ownership, now: number): boolean => decide(stranger, verb, entity, [grant], now);
    const part = { ...RELATIONS.foreign, appliance: 'app-x' };
    expect(may('read', part, NOW - 1)).toBe(true);
    expect(may('act', { ...RELATIONS.foreign, id: 'app-x' }, NOW - 1)).toBe(true);
    expect(may('delete', part, NOW - 1)).toBe(false);
    expect(may('read', part, NOW)).toBe(false);
    expect(may('read', { ...part, appliance: 'app-y' }, NOW - 1)).toBe(false);
    const auditor = principal(['auditor'], { id: 'local:stranger' });
    expect(decide(auditor, 'act', part, [grant], NOW - 1)).toBe(false);
  });

  it("keeps to what is the principal's own where asked to (K28)", () => {
    const own = ownScope(principal(['administrator']));
    expect(evaluateScope(own, RELATIONS.own)).toBe(true);
    expect(evaluateScope(own, RELATIONS['of the group'])).toBe(false);
  });
});

const principals = fc.record<Principal>({
  id: fc.constantFrom('local:alice', 'local:bob'),
  name: fc.constant('somebody'),
  tier: fc.constantFrom('local', 'federation'),
  roles: fc.subarray<Role>([...ROLES]).map((roles) => new Set(roles)),
  groups: fc.constantFrom<Principal['groups']>(['physics'], ['chemistry', 'physics'], ['nobody']),
  groupRoles: fc
    .array(fc.tuple(fc.constantFrom('physics', 'chemistry'), fc.subarray<Role>([...ROLES])), { maxLength: 2 })
    .map((held) => new Map(held.map(([group, roles]) => [group, new Set(roles)]))),
});

const ids = ['e0', 'e1', 'e2', 'e3'];
const grants = fc.array(
  fc.record<Omit<NewGrant, 'createdAt' | 'createdBy'>>({
    effect: fc.constantFrom('permit', 'permit', 'deny'),
    entity: fc.constantFrom(...ids, 'app'),
    verbs: fc.subarray<Verb>([...VERBS], { minLength: 1 }),
    until: fc.constantFrom(null, NOW - 1, NOW, NOW + 1),
    subject: fc.constantFrom<NewGrant['subject']>(
      { principal: 'local:alice' },
      { group: 'physics' },
      { principal: 'physics' },
      { group: 'nowhere' },
    ),
  }),
  { maxLength: 4 },
);
const entities = fc.tuple(
  ...ids.map((id) =>
    fc.record<Ownership>({
      id: fc.constant(id),
      kind: fc.constantFrom(COMPUTE, AGREEMENT, VO, MEMBER),
      owner: fc.constantFrom('local:alice', 'local:bob'),
      group: fc.constantFrom('physics', 'chemistry'),
      appliance: fc.constantFrom(null, 'app', 'e0'),
    }),
  ),
);

forEachDatabase((name, database) => {
  let store: Store;

  beforeAll(async () => {
    store = await database.open();
  });

  it('gives one answer by decide, by evaluating the scope, and by SQL', async () => {
    await fc.assert(
      fc.asyncProperty(principals, grants, entities, async (who, granted, rows) => {
        const now = NOW;
        await store.write(async (tx) => {
          await tx.run('DELETE FROM entity');
          await tx.run('DELETE FROM grant_row');
          for (const row of rows) await insertEntity(tx, entityRecord(row));
          for (const grant of granted) await addGrant(tx, { ...grant, createdBy: 'local:admin', createdAt: now - 10 });
        });
        const open = await grantsFor(store, who, now);
        for (const verb of VERBS) {
          const within = scope(who, verb, open, now);
          const { sql, params } = compileScope(within);
          const found = await store.pluck(`SELECT id FROM entity WHERE ${sql} ORDER BY id`, params);
          expect(found).toEqual(rows.filter((row) => evaluateScope(within, row)).map((row) => row.id));
          expect(found).toEqual(rows.filter((row) => decide(who, verb, row, open, now)).map((row) => row.id));
        }
      }),
      { numRuns: name === 'sqlite' ? 100 : 25 },
    );
  });

  it('S-079 denies what is denied, whoever owns it and whatever permits it', async () => {
    const who = principal(['administrator', 'user']);
    const closed: Grant = { effect: 'deny', entity: 'e', verbs: ['read'], until: NOW + 1 };
    const open: Grant = { entity: 'e', verbs: ['read'], until: null };
    const [own, other] = [owned(who.id, 'physics'), { ...owned(who.id, 'physics'), id: 'other' }];
    expect(decide(who, 'read', own, [open, closed], NOW)).toBe(false);
    expect(decide(who, 'update', own, [closed], NOW)).toBe(true);
    expect(decide(who, 'read', other, [closed], NOW)).toBe(true);
    expect(decide(who, 'read', own, [closed], NOW + 1)).toBe(true);
  });

  it('takes grants back one by one or with what they open', async () => {
    const who = principal(['user'], { id: 'local:carol', groups: ['carol'] });
    const grant: NewGrant = {
      subject: { principal: who.id },
      entity: 'one',
      verbs: ['read'],
      until: null,
      createdBy: 'local:admin',
      createdAt: NOW,
    };
    const id = await store.write(async (tx) => {
      await addGrant(tx, { ...grant, entity: 'two' });
      return addGrant(tx, grant);
    });
    expect(await grantsFor(store, who, NOW)).toHaveLength(2);
    expect(await store.write((tx) => removeGrant(tx, id))).toBe(true);
    expect(await store.write((tx) => removeGrant(tx, id))).toBe(false);
    expect(await store.write((tx) => removeGrantsOn(tx, 'two'))).toBe(1);
    expect(await grantsFor(store, who, NOW)).toEqual([]);
  });
});
