/** How the failures of a simulated site look from outside: what the caller of a call that was struck gets to see. */

import type { Clock } from '../../../base/clock.js';
import { IaasError } from '../../adapter.js';
import type { FaultRule } from './faults.js';

/** How long silence lasts for a caller who set no limit. */
const SILENCE_MS = 60_000;

/** Returns when the site answers; throws what the caller sees in place of an answer. */
export async function answerWithin(
  fault: FaultRule | undefined,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<void> {
  switch (fault?.kind) {
    case 'refuse': {
      const said = 'Injected failure: the site refuses';
      throw new IaasError(fault.class ?? 'fatal', said, said);
    }
    case 'transient': {
      const said = 'Injected failure: try again later';
      throw new IaasError('transient', said, said);
    }
    case 'time-out':
      await clock.sleep(SILENCE_MS, signal);
      throw new IaasError('transient', 'the site did not answer', undefined, signal?.reason);
    case 'lose-answer':
      throw new IaasError('transient', 'the connection broke before the answer came');
    case 'slow':
      await clock.sleep(fault.delayMs ?? 5000, signal);
      if (signal?.aborted)
        throw new IaasError('transient', 'the site had not answered in time', undefined, signal.reason);
      return;
    case 'error-state':
    case 'silent':
    case 'host-death':
    case undefined:
      return;
  }
}
