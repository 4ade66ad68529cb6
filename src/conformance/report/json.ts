/** The report for machines: every check with all that was said, and the counts. Members stay; more may come. */

import { VERSION } from '../../base/version.js';
import type { Exchange } from '../exchange.js';
import type { Result, Run } from '../runner.js';
import { conforms, countByLevel } from './summary.js';

export function jsonReport(run: Run): string {
  const { endpoint, server, versions, startedAt, endedAt, left, interrupted } = run;
  return `${JSON.stringify(
    {
      suite: `VEP conformance suite ${VERSION}`,
      endpoint,
      server,
      versions,
      startedAt: new Date(startedAt).toISOString(),
      endedAt: new Date(endedAt).toISOString(),
      conforms: conforms(run),
      interrupted,
      left,
      counts: countByLevel(run).map(({ version, level, counts }) => ({ version, level, ...counts })),
      checks: run.results.map(checkOf),
    },
    null,
    2,
  )}\n`;
}

function checkOf({ statement, version, outcome, reason, how, exchanges, decisive, ms }: Result): object {
  const { id, level, says, source, chapter } = statement;
  return {
    id,
    version,
    level,
    chapter,
    statement: says,
    source,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    how,
    milliseconds: ms,
    ...(decisive === undefined ? {} : { decisive: exchanges.indexOf(decisive) }),
    exchanges: exchanges.map(exchangeOf),
  };
}

function exchangeOf({ request, answer }: Exchange): object {
  return { request, response: answer };
}
