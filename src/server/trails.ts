/** What is noted of requests and written a little later: refusals, signs of life, what was kept from whom. */

import { HiddenTrail, RefusalTrail } from '../access/index.js';
import type { Ground } from './ground.js';

export interface Trails {
  readonly refusals: RefusalTrail;
  readonly hidden: HiddenTrail;
  flush(): Promise<void>;
}

export function openTrails({ store, clock, access, closers }: Ground): Trails {
  const refusals = new RefusalTrail(store, clock);
  const hidden = new HiddenTrail(store, clock, access);
  const flush = async (): Promise<void> => {
    await refusals.flush();
    await hidden.flush();
  };
  closers.add(flush);
  return { refusals, hidden, flush };
}
