/**
 * On PostgreSQL the engine of one process writes one transaction at a time. All its transactions touch the same few
 * tables, most of them the same subject, and serializable transactions that meet there fail and run again: 32 steps that
 * end together took ten times as long side by side as in turn. SQLite's store takes writers in turn by itself.
 */

import { Mutex } from '../base/mutex.js';
import type { Store } from '../store/sql.js';

export function writeInTurn(store: Store): Store {
  if (store.dialect === 'sqlite') return store;
  const turns = new Mutex();
  return {
    dialect: store.dialect,
    all: (sql, params) => store.all(sql, params),
    get: (sql, params) => store.get(sql, params),
    pluck: (sql, params) => store.pluck(sql, params),
    iterate: (sql, params) => store.iterate(sql, params),
    write: (fn) => turns.run(() => store.write(fn)),
    hear: (topic, heard) => store.hear(topic, heard),
    close: () => store.close(),
  };
}
