/**
 * How far the work on an appliance has come, in its state message (K03). The message is renewed at every tenth of the
 * way, not with every operation: an appliance of a thousand machines has thousands.
 */

import type { Operation } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import type { Tx } from '../../src/store/sql.js';
import { CHANGE, DELETE, DEPLOY, UNDEPLOY } from './operations.js';
import { STATE_MESSAGE } from './vocabulary.js';

const WORDS: Readonly<Record<string, string>> = {
  [DEPLOY]: 'deploying',
  [CHANGE]: 'changing',
  [UNDEPLOY]: 'being undeployed',
  [DELETE]: 'being deleted',
};

/** Runs when an operation on a component has ended. */
export async function showProgress(observations: Observations, tx: Tx, operation: Operation): Promise<void> {
  if (operation.parent === null || operation.appliance === null || operation.state !== 'done') return;
  const count = await tx.get<{ total: number; done: number; type: string }>(
    `SELECT count(*) AS total, coalesce(sum(CASE WHEN c.state = 'done' THEN 1 ELSE 0 END), 0) AS done, max(p.type) AS type
     FROM operation p JOIN operation c ON c.parent = p.id WHERE p.id = ?`,
    [operation.parent],
  );
  const words = WORDS[count?.type ?? ''];
  if (!count || words === undefined || count.total === 0 || count.done === count.total) return;
  const tenth = (done: number): number => Math.floor((10 * done) / count.total);
  if (tenth(count.done) === tenth(count.done - 1)) return;
  await observations.noted(tx, operation.appliance, { [STATE_MESSAGE]: `${words}: ${tenth(count.done) * 10} % done` });
}
