/** The small tables of the store: audit, outbox, secrets, replay keys, user mixins, generations. */

import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { appendAudit, listAudit } from '../../src/store/audit.js';
import { insertEntity } from '../../src/store/entities.js';
import { generationOf, raiseGeneration, SharedGenerations } from '../../src/store/generations.js';
import {
  appendEvent,
  eventsAfter,
  lastEvent,
  markPublished,
  pruneOutbox,
  unpublishedEvents,
} from '../../src/store/outbox.js';
import { numberPlaceholders } from '../../src/store/placeholders.js';
import { pruneReplays, recallReplay, rememberReplay } from '../../src/store/replay.js';
import { openSecret, sealSecret, wipeSecrets } from '../../src/store/secrets.js';
import type { SqlReader, Store } from '../../src/store/sql.js';
import { deleteUserMixin, insertUserMixin, listUserMixins, type UserMixin } from '../../src/store/user-mixins.js';
import { forEachDatabase } from '../support/databases.js';
import { entityRecord } from './records.js';

const NOW = 1_763_800_000_000;

forEachDatabase((_name, database) => {
  let store: Store;

  beforeAll(async () => {
    store = await database.open();
  });

  it('keeps audit entries in their order, of one entity or of all', async () => {
    const entry = { at: NOW, actor: 'local:alice', group: 'alice', verb: 'create', requestId: 'r1' } as const;
    await store.write(async (tx) => {
      await appendAudit(tx, { ...entry, outcome: 'granted', entity: 'e1', kind: 'k#a', details: { cores: 2 } });
      await appendAudit(tx, { ...entry, outcome: 'denied', reason: 'access.denied' });
    });
    const all = await listAudit(store, { after: 0, limit: 10 });
    expect(all).toEqual([
      { ...entry, seq: all[0]?.seq, outcome: 'granted', entity: 'e1', kind: 'k#a', details: { cores: 2 } },
      { ...entry, seq: all[1]?.seq, outcome: 'denied', reason: 'access.denied', details: {} },
    ]);
    expect(await listAudit(store, { after: all[0]?.seq ?? 0, limit: 10 })).toEqual(all.slice(1));
    expect(await listAudit(store, { after: 0, limit: 10, entity: 'e1' })).toEqual(all.slice(0, 1));
  });

  it('hands events to the bus once each and in order, and to callers only what is theirs', async () => {
    const mine = entityRecord();
    const theirs = entityRecord({ owner: 'local:bob' });
    const event = (id: string, subject: string) => ({ id, subject, type: 'eu.x', time: NOW, data: { id } });
    expect(await lastEvent(store)).toBe(0);
    await store.write(async (tx) => {
      await insertEntity(tx, mine);
      await insertEntity(tx, theirs);
      for (const [id, subject] of [
        ['1', mine.id],
        ['2', theirs.id],
        ['3', mine.id],
      ] as const)
        await appendEvent(tx, event(id, subject));
    });
    const waiting = await unpublishedEvents(store, 10);
    expect(waiting.map(({ id, data }) => [id, data])).toEqual([
      ['1', { id: '1' }],
      ['2', { id: '2' }],
      ['3', { id: '3' }],
    ]);
    await store.write((tx) =>
      markPublished(
        tx,
        waiting.slice(0, 2).map(({ seq }) => seq),
        NOW,
      ),
    );
    await store.write((tx) => markPublished(tx, [], NOW));
    expect((await unpublishedEvents(store, 10)).map(({ id }) => id)).toEqual(['3']);
    const scope = { op: 'owner', principal: 'local:alice' } as const;
    expect((await eventsAfter(store, { after: 0, limit: 10, scope })).map(({ id }) => id)).toEqual(['1', '3']);
    expect((await eventsAfter(store, { after: 0, limit: 10, scope, subject: theirs.id })).length).toBe(0);
    const last = await lastEvent(store);
    expect(last).toBe(waiting[2]?.seq);
    expect(await eventsAfter(store, { after: last, limit: 10, scope })).toEqual([]);
    expect(await store.write((tx) => pruneOutbox(tx, NOW + 1))).toBe(2);
  });

  it('seals secrets so that they open only in their row and under their key (K26)', async () => {
    const key = randomBytes(32);
    const secret = { purpose: 'ovf.inputs', ownerRef: 'op-1', plaintext: 'pässword ☃', createdAt: NOW };
    const [first, second] = await store.write(async (tx) => [
      await sealSecret(tx, key, secret),
      await sealSecret(tx, key, { ...secret, plaintext: 'other' }),
    ]);
    expect(await openSecret(store, key, first ?? '')).toBe('pässword ☃');
    const stored = await store.all('SELECT * FROM secret');
    expect(JSON.stringify(stored)).not.toContain('ssword');
    await expect(openSecret(store, randomBytes(32), first ?? '')).rejects.toMatchObject({ kind: 'internal' });
    const copy =
      'UPDATE secret SET (nonce, ciphertext) = (SELECT nonce, ciphertext FROM secret WHERE id = ?) WHERE id = ?';
    await store.write((tx) => tx.run(copy, [second ?? '', first ?? '']));
    await expect(openSecret(store, key, first ?? '')).rejects.toMatchObject({ kind: 'internal' });
    expect(await store.write((tx) => wipeSecrets(tx, 'op-1'))).toBe(2);
    expect(await openSecret(store, key, first ?? '')).toBeUndefined();
  });

  it('remembers replay keys by principal and kind (K12)', async () => {
    const replay = { principal: 'local:alice', kind: 'k#a', key: 'x', bodyDigest: 'd1', entity: 'e1', createdAt: NOW };
    await store.write((tx) => rememberReplay(tx, replay));
    expect(await recallReplay(store, replay)).toEqual(replay);
    expect(await recallReplay(store, { ...replay, principal: 'local:bob' })).toBeUndefined();
    expect(await recallReplay(store, { ...replay, kind: 'k#b' })).toBeUndefined();
    await store.write((tx) => rememberReplay(tx, { ...replay, bodyDigest: 'd2', entity: 'e2' }));
    expect(await recallReplay(store, replay)).toMatchObject({ bodyDigest: 'd2', entity: 'e2' });
    expect(await store.write((tx) => pruneReplays(tx, NOW + 1))).toBe(1);
  });

  it('keeps user mixins to their group (K15) and raises the generation of the categories', async () => {
    const mixin: UserMixin = {
      applies: ['http://schemas.ogf.org/occi/infrastructure#compute'],
      group: 'alice',
      id: 'http://example.com/a#mine',
      scheme: 'http://example.com/a#',
      term: 'mine',
      title: null,
      rel: ['http://example.com/b#c'],
      location: '/mine/',
      createdBy: 'local:alice',
      createdAt: NOW,
    };
    const insert = (one: UserMixin): Promise<void> => store.write((tx) => insertUserMixin(tx, one));
    const before = await generationOf(store, 'categories');
    await insert(mixin);
    await insert({ ...mixin, group: 'bob', title: 'Mine' });
    const code = (what: string) => ({
      kind: 'conflict',
      faults: [expect.objectContaining({ code: `user-mixin.${what}-taken` })],
    });
    await expect(insert({ ...mixin, location: '/other/' })).rejects.toMatchObject(code('identifier'));
    await expect(insert({ ...mixin, id: 'http://example.com/a#x', term: 'x' })).rejects.toMatchObject(code('location'));
    expect(await listUserMixins(store, ['alice'])).toEqual([mixin]);
    expect(await listUserMixins(store, ['alice', 'bob', 'eve'])).toHaveLength(2);
    expect(await listUserMixins(store, [])).toEqual([]);
    expect(await generationOf(store, 'categories')).toBe(before + 2);
    expect(await store.write((tx) => deleteUserMixin(tx, 'eve', mixin.id))).toBe(false);
    expect(await store.write((tx) => deleteUserMixin(tx, 'alice', mixin.id))).toBe(true);
    expect(await generationOf(store, 'categories')).toBe(before + 3);
  });

  it('counts generations apart, and not at all when the change is rolled back', async () => {
    const before = await generationOf(store, 'access');
    const failed = store.write(async (tx) => {
      await raiseGeneration(tx, 'access');
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await generationOf(store, 'access')).toBe(before);
  });

  it('shares a read of the generations among those who ask before it begins, and with nobody who asks later', async () => {
    let reads = 0;
    const counting: SqlReader = Object.create(store, {
      get: { value: (sql: string) => ((reads += 1), store.get(sql)) },
    }) as SqlReader;
    const shared = new SharedGenerations(counting);
    const first = shared.read();
    const early = await first;
    const running = shared.read();
    await Promise.resolve();
    await store.write((tx) => raiseGeneration(tx, 'access'));
    const late = await Promise.all([shared.read(), shared.read(), shared.read()]);
    expect((await running).access - early.access).toBeLessThanOrEqual(1);
    expect(late.map(({ access }) => access - early.access)).toEqual([1, 1, 1]);
    expect(reads).toBe(3);
  });
});

describe('placeholders', () => {
  it('are numbered outside quotes and comments only', () => {
    expect(numberPlaceholders(`SELECT '?', "a?""b", 'it''s ?' -- why?\n FROM t WHERE a = ? AND b = ?`)).toBe(
      `SELECT '?', "a?""b", 'it''s ?' -- why?\n FROM t WHERE a = $1 AND b = $2`,
    );
  });

  it('leave text without any as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('?')),
        (text) => {
          expect(numberPlaceholders(text)).toBe(text);
        },
      ),
    );
  });
});
