/**
 * Where the commands of a simulated site are kept (K33): an append-only log that any number of processes may share, with
 * a snapshot of the folded site in place of its oldest part. One interface, two homes: a SQLite file and a PostgreSQL
 * schema.
 */

/** What a reader has not folded in yet. */
export interface LogTail {
  /** Set when the log no longer reaches back to where the reader stands: to be taken in place of what it has. */
  readonly snapshot?: string;
  /** Commands as JSON text, in order, without a gap. */
  readonly commands: readonly string[];
}

/** What is to be appended after a look at the tail. */
export interface Entry {
  readonly command: string;
  /** The folded site with this command in it, when it is time for one. */
  readonly snapshot?: string;
}

export interface CommandLog {
  /** Everything after command number `after`; numbers count from 1. */
  read(after: number): Promise<LogTail>;
  /**
   * Shows the tail to `decide` and appends what it answers, as one atomic, durable act that no other process comes
   * between. Once it resolves the command survives any crash; if it rejects, the command is not in the log.
   */
  append(after: number, decide: (tail: LogTail) => Entry | undefined): Promise<void>;
  close(): Promise<void>;
}

/** How many commands before a snapshot are kept, for readers that are only a little behind. */
export const KEPT_COMMANDS = 100;
