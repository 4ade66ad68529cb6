/** The trail of what was answered as not there: what there was to hide is on record, and nobody can make it write without end. */

import { HiddenTrail, MAX_ALL, MAX_ASKED, type AskedFor } from '../../src/access/hidden-trail.js';
import type { Principal } from '../../src/access/principal.js';
import type { Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import { listAudit } from '../../src/store/audit.js';
import { insertEntity } from '../../src/store/entities.js';
import type { Store } from '../../src/store/sql.js';
import { entityRecord } from '../store/records.js';
import { forEachDatabase } from '../support/databases.js';

forEachDatabase((_name, database) => {
  let store: Store;
  let now = 1_763_800_000_000;
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
  const theirs = Array.from({ length: 400 }, () => newUuid());
  const own = newUuid();
  const trail = (): HiddenTrail => new HiddenTrail(store, clock, { decide: (_who, _verb, { id }) => id === own });
  const principal = (name: string): Principal => ({
    ...{ id: `local:${name}`, name, tier: 'local', roles: new Set(['user'] as const), groups: ['strangers'] },
  });
  const asked = (entities: readonly string[], requestId = 'r', name = 'eve'): AskedFor => ({
    ...{ principal: principal(name), entities, verb: 'read', method: 'GET', peer: '192.0.2.1', requestId },
  });

  beforeAll(async () => {
    store = await database.open();
    await store.write(async (tx) => {
      for (const id of [...theirs, own]) await insertEntity(tx, entityRecord({ id }));
    });
  });
  let seen = 0;
  async function written(of: HiddenTrail): Promise<Awaited<ReturnType<typeof listAudit>>> {
    await of.flush();
    const entries = await listAudit(store, { after: seen, limit: 1000 });
    seen = entries.at(-1)?.seq ?? seen;
    return entries;
  }

  it('tells what was hidden from what never was and from what was not hidden', async () => {
    const hidden = trail();
    const [first = ''] = theirs;
    hidden.answered(asked([first, newUuid(), own]));
    expect(await written(hidden)).toMatchObject([
      {
        ...{ actor: 'local:eve', group: '', verb: 'read', entity: first, outcome: 'denied', reason: 'hidden' },
        details: { method: 'GET', peer: '192.0.2.1', as: 'strangers' },
      },
    ]);
    expect(await written(hidden)).toEqual([]);
  });

  it('counts what is asked for again, and says it when the minute is over', async () => {
    const hidden = trail();
    const [first = ''] = theirs;
    for (let index = 0; index < 50; index++) hidden.answered(asked([first], `r${index}`));
    expect(await written(hidden)).toMatchObject([{ requestId: 'r0' }]);
    now += 60_001;
    expect(await written(hidden)).toMatchObject([{ requestId: 'r49', details: { further: 49 } }]);
    expect(await written(hidden)).toEqual([]);
  });

  it('is bounded for each that asks, and for all', async () => {
    const hidden = trail();
    for (let who = 0; who < 40; who++)
      for (const id of theirs.slice(0, 100)) hidden.answered(asked([id], 'r', `eve${who}`));
    expect((await written(hidden)).length).toBe(MAX_ALL);
    now += 60_001;
    expect(await written(hidden)).toMatchObject([{ actor: 'others', details: { further: 40 * 100 - MAX_ALL } }]);
    for (const id of theirs) hidden.answered(asked([id]));
    expect((await written(hidden)).length).toBe(MAX_ASKED);
  });
});
