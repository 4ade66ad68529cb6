/** All statements, in the order of their numbers. */

import { COLLECTIONS } from './collections.js';
import { CORE_MODEL } from './core-model.js';
import { ENTITIES } from './entities.js';
import { EXTENSIONS } from './extensions.js';
import { INFRASTRUCTURE } from './infrastructure.js';
import { INTEROPERABILITY } from './interoperability.js';
import { PROTOCOL } from './protocol.js';
import { QUERY_INTERFACE } from './query-interface.js';
import { RENDERINGS } from './renderings.js';
import type { Statement } from './statement.js';

export const CATALOGUE: readonly Statement[] = [
  ...CORE_MODEL,
  ...INFRASTRUCTURE,
  ...QUERY_INTERFACE,
  ...COLLECTIONS,
  ...ENTITIES,
  ...PROTOCOL,
  ...RENDERINGS,
  ...EXTENSIONS,
  ...INTEROPERABILITY,
];
