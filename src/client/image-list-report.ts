/** How a subscription to an image list stands, as administrators are told. */

import type { Fault } from '../base/errors.js';
import type { TypeId } from '../occi/model.js';

/** Times are milliseconds since the epoch; absent: never. */
export interface ImageListReport {
  readonly name: string;
  readonly url: string;
  readonly vo: string;
  /** Of the list that was accepted last. */
  readonly version?: string;
  readonly acceptedAt?: number;
  readonly expires?: number;
  readonly checkedAt?: number;
  readonly images: readonly { readonly template: TypeId; readonly title: string; readonly withdrawn: boolean }[];
  /** Why the last look at it was in vain. */
  readonly faults: readonly Fault[];
}
