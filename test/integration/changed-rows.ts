/**
 * Which rows requests have changed: triggers in the database itself note every insertion, update and deletion in every
 * table, also in those that are added after this was written. What the work behind the requests writes while they are
 * answered, and what is written because a request was refused, is told apart by the lists here.
 */

import BetterSqlite from 'better-sqlite3';

/** What is not a request's doing: `true`, or a condition on the row, or for updates the columns that say nothing. */
interface Aside {
  readonly insert?: true | string;
  readonly update?: true | readonly string[];
  readonly delete?: true | string;
}

const WORK: Aside = { insert: true, update: true, delete: true };

const ASIDE: Readonly<Record<string, Aside>> = {
  // What a site reports, and the deletion that it has confirmed.
  entity: {
    update: ['observed', 'observed_rev', 'rendering', 'heading', 'site_ref', 'changed_at'],
    delete: "OLD.phase = 'deleting'",
  },
  // An index of the above: what is wanted shows in the entity itself.
  entity_attribute: WORK,
  entity_mixin: { delete: true },
  outbox: { insert: "NEW.type LIKE '%.state'", update: ['published_at'], delete: true },
  // Refusals are written down for the auditor.
  audit_entry: { insert: "NEW.outcome <> 'granted'" },
  // Secrets go when the work that needs them ends.
  secret: { delete: true },
  token: { update: ['last_used'] },
  replay_key: { delete: true },
  // What an appliance's plan has become, and all of it when it is gone.
  appliance: { update: true, delete: true },
  appliance_image: WORK,
  guest_report: WORK,
  saved_image: { update: true, delete: true },
  // Operations are filed by requests and by the reconciler; what requests file shows in entity, outbox and audit_entry.
  operation: WORK,
  operation_subject: WORK,
  operation_edge: WORK,
  operation_event: WORK,
};

export class ChangedRows {
  readonly #database: BetterSqlite.Database;
  readonly #since: BetterSqlite.Statement<[number], { readonly seq: number; readonly what: string }>;
  #seen = 0;

  constructor(file: string) {
    this.#database = new BetterSqlite(file, { timeout: 20_000 });
    watch(this.#database);
    this.#since = this.#database.prepare('SELECT seq, what FROM changed_row WHERE seq > ? ORDER BY seq');
  }

  /** What has changed since this was asked before, each as `insert table`, `update table` or `delete table`. */
  take(): readonly string[] {
    const changes = this.#since.all(this.#seen);
    this.#seen = changes.at(-1)?.seq ?? this.#seen;
    return changes.map(({ what }) => what);
  }

  /** Forgets what has been taken. */
  clear(): void {
    this.#database.prepare('DELETE FROM changed_row WHERE seq <= ?').run(this.#seen);
  }

  close(): void {
    this.#database.close();
  }
}

function watch(database: BetterSqlite.Database): void {
  const tables = database
    .prepare<[], { readonly name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'",
    )
    .all();
  database.exec('CREATE TABLE changed_row (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL)');
  for (const { name } of tables) {
    const aside = ASIDE[name] ?? {};
    const columns = database.prepare<[], { readonly name: string }>(`PRAGMA table_info("${name}")`).all();
    const watched = columns.filter((column) => aside.update !== true && !aside.update?.includes(column.name));
    const differs = watched.map((column) => `OLD."${column.name}" IS NOT NEW."${column.name}"`).join(' OR ');
    const trigger = (event: string, when: string): void => {
      database.exec(
        `CREATE TRIGGER "changed_${event}_${name}" AFTER ${event.toUpperCase()} ON "${name}" WHEN ${when} ` +
          `BEGIN INSERT INTO changed_row (what) VALUES ('${event} ${name}'); END`,
      );
    };
    for (const event of ['insert', 'delete'] as const) {
      const but = aside[event];
      if (but !== true) trigger(event, but === undefined ? '1' : `NOT (${but})`);
    }
    if (aside.update !== true) trigger('update', differs);
  }
}
