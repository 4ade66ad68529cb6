/** The trail of refusals: every one is counted, and nobody can make it write without end. */

import { MAX_KINDS, RefusalTrail, type Refused } from '../../src/access/refusal-trail.js';
import type { Principal } from '../../src/access/principal.js';
import type { Clock } from '../../src/base/clock.js';
import { listAudit } from '../../src/store/audit.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';

forEachDatabase((_name, database) => {
  let store: Store;
  let now = 1_763_800_000_000;
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
  beforeAll(async () => {
    store = await database.open();
  });

  const refused = (peer: string, cause: string | undefined, requestId: string): Refused => ({
    peer,
    cause,
    requestId,
    principal: undefined,
    method: 'GET',
    code: 'unauthenticated',
  });
  let seen = 0;
  async function written(): Promise<Awaited<ReturnType<typeof listAudit>>> {
    const entries = await listAudit(store, { after: seen, limit: 1000 });
    seen = entries.at(-1)?.seq ?? seen;
    return entries;
  }

  it('writes the first at once and counts the rest of the minute', async () => {
    const trail = new RefusalTrail(store, clock);
    for (let index = 0; index < 50; index++) trail.refused(refused('192.0.2.1', 'expired: /CN=Alice', `r${index}`));
    await trail.flush();
    expect(await written()).toMatchObject([
      { actor: '192.0.2.1', reason: 'expired', outcome: 'denied', requestId: 'r0', details: { subject: '/CN=Alice' } },
    ]);
    await trail.flush();
    expect(await written()).toEqual([]);
    now += 60_001;
    await trail.flush();
    expect(await written()).toMatchObject([{ reason: 'expired', requestId: 'r49', details: { further: 49 } }]);
    now += 60_001;
    await trail.flush();
    expect(await written()).toEqual([]);
  });

  it('is bounded, whoever asks for how much', async () => {
    const trail = new RefusalTrail(store, clock);
    for (let index = 0; index < 5000; index++) trail.refused(refused(`10.0.${index >> 8}.${index & 255}`, 'none', 'r'));
    await trail.flush();
    now += 60_001;
    await trail.flush();
    const entries = await written();
    expect(entries).toHaveLength(MAX_KINDS + 2);
    expect(entries.at(-1)).toMatchObject({ actor: 'others', details: { further: 5000 - MAX_KINDS - 1 } });
  });

  it('notes a sign-in once an hour, and again when the credential says something else', async () => {
    const trail = new RefusalTrail(store, clock);
    const credential = { method: 'proxy', issuer: '/CN=CA', assurance: 'igtf:classic', limited: false } as const;
    const principal: Principal = {
      id: 'x509:CN=A',
      name: 'A',
      tier: 'federation',
      roles: new Set(['user']),
      groups: ['vo'],
    };
    const member = { ...principal, credential: { ...credential, vos: [{ vo: 'vo', fqans: ['/vo'] }] } };
    trail.signedIn(member, 'r1');
    trail.signedIn(member, 'r2');
    trail.signedIn({ ...principal, credential: { ...credential, vos: [] } }, 'r3');
    trail.signedIn(principal, 'r4');
    now += 3_600_001;
    trail.signedIn(member, 'r5');
    await trail.flush();
    expect((await written()).map(({ verb, requestId }) => [verb, requestId])).toEqual([
      ['sign-in', 'r1'],
      ['sign-in', 'r3'],
      ['sign-in', 'r5'],
    ]);
  });
});
