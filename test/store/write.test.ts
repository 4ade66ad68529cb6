/** `store.write` under races (K29): nothing acknowledged is lost, nothing rolled back is seen, and turns are kept. */

import fc from 'fast-check';
import type { Store, Tx } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import { noteTable } from './note-table.js';

const INSERT = 'INSERT INTO note (id, value) VALUES (?, ?)';

/** One writer of a race: how many notes it writes, how it ends, and how often it lets the others run. */
interface Writer {
  readonly notes: number;
  readonly fails: 'never' | 'at the end' | 'in a statement';
  readonly pauses: number;
}

const writers = fc.array(
  fc.record<Writer>({
    notes: fc.integer({ min: 1, max: 4 }),
    fails: fc.constantFrom('never', 'never', 'at the end', 'in a statement'),
    pauses: fc.integer({ min: 0, max: 3 }),
  }),
  { minLength: 1, maxLength: 20 },
);

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function writeNotes(tx: Tx, writer: Writer, prefix: string): Promise<void> {
  for (let i = 0; i < writer.notes; i += 1) {
    await tx.run(INSERT, [`${prefix}.${i}`, i]);
    await turns(writer.pauses);
    const own = await tx.pluck('SELECT id FROM note WHERE id = ?', [`${prefix}.${i}`]);
    expect(own).toEqual([`${prefix}.${i}`]);
  }
  if (writer.fails === 'in a statement') await tx.run(INSERT, [`${prefix}.0`, 0]);
  if (writer.fails === 'at the end') throw new Error('changed its mind');
}

forEachDatabase((name, database) => {
  let store: Store;
  let race = 0;

  beforeAll(async () => {
    store = await database.open(noteTable);
  });

  it('keeps every acknowledged write and none that was rolled back, whatever races with it', async () => {
    await fc.assert(
      fc.asyncProperty(writers, async (plan) => {
        const prefix = `race${(race += 1)}`;
        const seen: string[] = [];
        const work = plan.map(async (writer, index) => {
          const mine = `${prefix}.${index}`;
          const written = store.write((tx) => writeNotes(tx, writer, mine));
          const acknowledged = await written.then(
            () => true,
            () => false,
          );
          expect(acknowledged).toBe(writer.fails === 'never');
          const visible = await store.pluck<string>('SELECT id FROM note WHERE id LIKE ?', [`${mine}.%`]);
          expect(visible).toHaveLength(acknowledged ? writer.notes : 0);
          seen.push(...visible);
        });
        await Promise.all(work);
        const all = await store.pluck<string>('SELECT id FROM note WHERE id LIKE ?', [`${prefix}.%`]);
        expect(all.sort()).toEqual(seen.sort());
      }),
      { numRuns: name === 'sqlite' ? 60 : 25 },
    );
  });

  it('shows nothing of a write to readers before it is committed', async () => {
    let inside: unknown[] = [];
    let outside: unknown[] = [];
    await store.write(async (tx) => {
      await tx.run(INSERT, ['dirty', 1]);
      inside = await tx.pluck('SELECT value FROM note WHERE id = ?', ['dirty']);
      outside = await store.pluck('SELECT value FROM note WHERE id = ?', ['dirty']);
    });
    expect([inside, outside]).toEqual([[1], []]);
    expect(await store.get('SELECT value FROM note WHERE id = ?', ['dirty'])).toEqual({ value: 1 });
  });

  it('loses no update when many writers count up one row', async () => {
    await store.write((tx) => tx.run(INSERT, ['counter', 0]));
    const increment = async (tx: Tx): Promise<void> => {
      const row = await tx.get<{ value: number }>('SELECT value FROM note WHERE id = ?', ['counter']);
      await tx.run('UPDATE note SET value = ? WHERE id = ?', [(row?.value ?? 0) + 1, 'counter']);
    };
    const results = await Promise.allSettled(Array.from({ length: 40 }, () => store.write(increment)));
    const done = results.filter((result) => result.status === 'fulfilled').length;
    expect(await store.pluck('SELECT value FROM note WHERE id = ?', ['counter'])).toEqual([done]);
    expect(done).toBe(40);
  });

  it('runs hooks after the commit, in order, and never after a roll-back', async () => {
    const events: string[] = [];
    const kept = store.write(async (tx) => {
      tx.afterCommit(() => events.push('first'));
      tx.afterCommit(() => events.push('second'));
      await tx.run(INSERT, ['hooks', 1]);
    });
    const dropped = store.write(async (tx) => {
      tx.afterCommit(() => events.push('never'));
      await tx.run(INSERT, ['hooks2', 1]);
      throw new Error('no');
    });
    await expect(dropped).rejects.toThrow('no');
    await kept;
    expect(events).toEqual(['first', 'second']);
  });

  it('survives a hook that throws', async () => {
    await store.write(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('bad hook');
      });
      await tx.run(INSERT, ['badhook', 1]);
    });
    expect(await store.pluck('SELECT id FROM note WHERE id = ?', ['badhook'])).toEqual(['badhook']);
  });

  it('refuses a statement that comes after the transaction has ended', async () => {
    let leaked: Tx | undefined;
    await store.write(async (tx) => {
      leaked = tx;
    });
    await expect(leaked?.run(INSERT, ['late', 1])).rejects.toThrow('not awaited');
  });

  it('answers how many rows a statement changed, and rows of RETURNING', async () => {
    const changed = await store.write(async (tx) => {
      await tx.run(INSERT, ['r1', 7]);
      await tx.run(INSERT, ['r2', 7]);
      const rows = await tx.all<{ id: string }>('UPDATE note SET value = 8 WHERE value = ? RETURNING id', [7]);
      return [rows.length, await tx.run('DELETE FROM note WHERE value = ?', [8])];
    });
    expect(changed).toEqual([2, 2]);
  });

  it('gives times and sums beyond 32 bits as numbers', async () => {
    const now = 1_763_800_000_123;
    await store.write((tx) => tx.run('INSERT INTO note (id, value, at) VALUES (?, ?, ?)', ['big', 1, now]));
    const row = await store.get('SELECT at, at * 2 AS twice FROM note WHERE id = ?', ['big']);
    expect(row).toEqual({ at: now, twice: 2 * now });
    expect(await store.get('SELECT sum(at) AS total, count(*) AS n FROM note WHERE id = ?', ['big'])).toEqual({
      total: now,
      n: 1,
    });
  });

  it('streams rows from one consistent view while others write', async () => {
    await store.write(async (tx) => {
      for (let i = 0; i < 1200; i += 1) await tx.run(INSERT, [`s${String(i).padStart(5, '0')}`, i]);
    });
    let count = 0;
    for await (const row of store.iterate<{ id: string }>("SELECT id FROM note WHERE id LIKE 's%' ORDER BY id")) {
      if (count === 10) await store.write((tx) => tx.run(INSERT, ['s99999', 1]));
      if (count === 11) expect(await store.pluck('SELECT id FROM note WHERE id = ?', ['s99999'])).toHaveLength(1);
      expect(row.id).toBe(`s${String(count).padStart(5, '0')}`);
      count += 1;
    }
    expect(count).toBe(1200);
    for await (const row of store.iterate('SELECT id FROM note WHERE id LIKE ?', ['s%'])) {
      expect(row).toBeDefined();
      break;
    }
  });

  it('streams inside a transaction what the transaction has written', async () => {
    const ids = await store.write(async (tx) => {
      await tx.run(INSERT, ['t1', 1]);
      const found: string[] = [];
      for await (const row of tx.iterate<{ id: string }>('SELECT id FROM note WHERE id = ?', ['t1']))
        found.push(row.id);
      return found;
    });
    expect(ids).toEqual(['t1']);
  });

  if (name === 'sqlite') {
    it('takes writers first in, first out', async () => {
      const order: number[] = [];
      const work = Array.from({ length: 100 }, (_, index) =>
        store.write(async () => {
          await turns(index % 3);
          order.push(index);
        }),
      );
      await Promise.all(work);
      expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
    });
  }

  if (name === 'postgres') {
    it('runs a write again when it met another, eight times at most, and says so then', async () => {
      let runs = 0;
      const meet = async (tx: Tx, times: number): Promise<number> => {
        runs += 1;
        if (runs <= times) await tx.run("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$");
        return runs;
      };
      expect(await store.write((tx) => meet(tx, 3))).toBe(4);
      runs = 0;
      await expect(store.write((tx) => meet(tx, 99))).rejects.toMatchObject({
        kind: 'unavailable',
        retryAfter: 1,
        faults: [expect.objectContaining({ code: 'store.contention' })],
      });
      expect(runs).toBe(9);
    });
  }

  it('refuses to write once closed', async () => {
    const other = await database.open(noteTable);
    await other.close();
    await expect(other.write(async () => 1)).rejects.toThrow();
  });
});
