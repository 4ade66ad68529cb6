/**
 * Tables of conformance statements (`spec/occi.md` §15) run against a server: each statement in each version it holds
 * for, on every database, named by its id.
 */

import { forEachServer, type TestServerOptions } from '../support/server.js';
import { Client, type Version } from './client.js';

export interface Statement {
  /** `C-041` */
  readonly id: string;
  readonly says: string;
  /** Versions it holds for; both when absent. */
  readonly in?: Version;
  readonly holds: (client: Client) => Promise<void>;
}

export function conform(statements: readonly Statement[], options: Omit<TestServerOptions, 'database'> = {}): void {
  forEachServer(options, (server, database) => {
    // A version is a matter of parsing and rendering: for another database one of the two will do.
    const versions = database === 'sqlite' ? (['1.1', '1.2'] as const) : (['1.2'] as const);
    const runs = statements.flatMap((statement) =>
      [...(statement.in === undefined ? versions : [statement.in])].map((version) => ({ ...statement, version })),
    );
    it.each(runs)('$id [$version] $says', ({ holds, version }) => holds(new Client(server(), version)));
  });
}
