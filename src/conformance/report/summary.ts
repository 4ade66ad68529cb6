/** What a run comes to: counts by version and level, and whether the server conforms. */

import { LEVELS, type Level, type Version } from '../catalogue/statement.js';
import { OUTCOMES, type Outcome } from '../outcome.js';
import type { Result, Run } from '../runner.js';

export type Counts = Readonly<Record<Outcome, number>>;

export function count(results: readonly Result[]): Counts {
  return Object.fromEntries(
    OUTCOMES.map((outcome) => [outcome, results.filter((each) => each.outcome === outcome).length]),
  ) as Record<Outcome, number>;
}

export interface LevelCounts {
  readonly version: Version;
  readonly level: Level;
  readonly counts: Counts;
}

/** One row a version and level that something was looked at in. */
export function countByLevel({ versions, results }: Run): LevelCounts[] {
  return versions.flatMap((version) =>
    LEVELS.map((level) => ({
      version,
      level,
      counts: count(results.filter((each) => each.version === version && each.statement.level === level)),
    })).filter(({ counts }) => OUTCOMES.some((outcome) => counts[outcome] > 0)),
  );
}

/** No MUST failed, and none stayed unknown because something it needs failed. */
export function conforms({ results }: Run): boolean {
  return !results.some(
    ({ statement, outcome }) => statement.level === 'MUST' && (outcome === 'failed' || outcome === 'blocked'),
  );
}
