/**
 * A hundred thousand computes: what a filter costs when it finds few among many, by which index, and what a list of all
 * of them costs in memory. They are put straight into the store, as if made long ago; how they are asked for is over HTTP.
 */

import { loadConfig } from '../dist/src/base/config-file.js';
import { newUuid } from '../dist/src/base/ids.js';
import { silentLog } from '../dist/src/base/log.js';
import { openDataStore } from '../dist/src/server/tables.js';
import { insertEntity } from '../dist/src/store/entities.js';
import { compileQuery } from '../dist/src/store/entity-query.js';
import { fragment } from '../dist/src/store/placeholders.js';

const KIND = 'http://schemas.ogf.org/occi/infrastructure#compute';
const TEMPLATE = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const HOSTNAME = 'occi.compute.hostname';
/** Where the costs are compared: the same few are found among so many. */
export const SIZES = [10_000, 100_000];
/** So many have the template and another hostname than the rest; they are among the oldest. */
const FEW = 20;
const BATCH = 5000;

/** Filters as they travel in the headers, and what they are to the store. */
const BY_MIXIN = { Category: `small; scheme="${TEMPLATE.slice(0, -5)}"; class="mixin"` };
const BY_VALUE = { 'X-OCCI-Attribute': `${HOSTNAME}="few.example.org"` };
const BY_BOTH = { 'X-OCCI-Attribute': `${HOSTNAME}="few.example.org", occi.compute.cores=2` };

export const FILTERS = [
  { name: 'by a mixin', headers: BY_MIXIN, query: { mixins: [TEMPLATE] } },
  {
    name: 'by the value of an attribute',
    headers: BY_VALUE,
    query: { attributes: new Map([[HOSTNAME, 'few.example.org']]) },
  },
  {
    name: 'by that value and one that all have',
    headers: BY_BOTH,
    query: {
      attributes: new Map([
        ['occi.compute.cores', 2],
        [HOSTNAME, 'few.example.org'],
      ]),
    },
  },
];

/** Opens the store of a configuration, as the server does. */
export function openStoreOf(environment) {
  return openDataStore(loadConfig(environment), silentLog);
}

/** Adds computes of that owner and group until there are so many. */
export async function fill(store, { owner, grp, site }, from, to) {
  for (let start = from; start < to; start += BATCH) {
    await store.write(async (tx) => {
      for (let index = start; index < Math.min(start + BATCH, to); index++) {
        await insertEntity(tx, computeOf(index, owner, grp, site));
      }
    });
  }
}

/** Whose the entities are that are there already. */
export function ownerIn(store) {
  return store.get('SELECT owner, grp, site FROM entity LIMIT 1');
}

/** What the database says it will do, line by line. */
export async function planOf(store, { owner, grp }, query) {
  const scope = {
    op: 'or',
    of: [
      { op: 'owner', principal: owner },
      { op: 'group', groups: [grp] },
    ],
  };
  const { sql, params } = await compileQuery(store, { kinds: [KIND], scope, ...query }, fragment('e.id AS text'));
  return (await store.all(`EXPLAIN QUERY PLAN ${sql}`, params)).map((row) => row.detail);
}

function computeOf(index, owner, group, site) {
  const few = index < SIZES[0] && index % (SIZES[0] / FEW) === 0;
  const id = newUuid();
  const mixins = few ? [TEMPLATE] : [];
  const wanted = {
    'occi.compute.cores': 2,
    'occi.compute.memory': 4,
    'occi.compute.architecture': 'x64',
    [HOSTNAME]: few ? 'few.example.org' : 'benchmark.example.org',
  };
  const observed = { 'occi.compute.state': 'inactive' };
  const rendering = JSON.stringify({
    kind: KIND,
    id: `urn:uuid:${id}`,
    ...(few ? { mixins } : {}),
    attributes: { ...wanted, ...observed },
    actions: ['http://schemas.ogf.org/occi/infrastructure/compute/action#start'],
    title: 'benchmark',
  });
  return {
    ...{ id, kind: KIND, mixins, owner, group, appliance: null, site, siteRef: null, phase: 'live', version: 1 },
    ...{ observedRevision: 0, title: 'benchmark', summary: null, source: null, target: null, targetUri: null },
    ...{ wanted, observed, heading: null, rendering, createdAt: Date.now(), changedAt: Date.now() },
  };
}
