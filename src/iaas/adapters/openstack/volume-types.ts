/** Volume types of Cinder, and whether volumes of one can be attached to several servers ("Block Storage API", `multiattach`). */

import { stringAt } from '../../../base/json.js';
import type { CallOptions } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { membersOf } from './marks.js';

export interface VolumeType {
  readonly name: string;
  /** Several servers may have its volumes at a time; absent where Cinder does not show the account the properties of types. */
  readonly shares: boolean | undefined;
}

export async function volumeTypes(cloud: Cloud, options: CallOptions): Promise<readonly VolumeType[]> {
  const found = await cloud.volume.list('/types', 'volume_types', options);
  return found.map((each) => ({
    name: stringAt(each, 'name') ?? '',
    shares:
      each['extra_specs'] === undefined
        ? undefined
        : stringAt(membersOf(each['extra_specs']), 'multiattach') === '<is> True',
  }));
}
