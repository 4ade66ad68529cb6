/** How every statement of the catalogue is checked, and which cannot be seen from outside. */

import type { Checks } from '../check.js';
import { CLASSIFICATION } from './classification.js';
import { CLIENT_CHECKS } from './clients.js';
import { ENTITY_CHECKS } from './entities.js';
import { EXTENSION_CHECKS } from './extensions.js';
import { INFRASTRUCTURE_CHECKS } from './infrastructure.js';
import { INSTANCES } from './instances.js';
import { JSON_CLIENT_CHECKS } from './json-clients.js';
import { JSON_CHECKS } from './json.js';
import { KIND_COLLECTIONS } from './kind-collections.js';
import { LINK_CHECKS } from './links.js';
import { MIXIN_COLLECTIONS } from './mixin-collections.js';
import { PROTOCOL_CHECKS } from './protocol.js';
import { QUERY_INTERFACE_CHECKS } from './query-interface.js';
import { TEMPLATES } from './templates.js';
import { TEXT_CHECKS } from './text.js';

export const CHECKS: Checks = {
  ...CLASSIFICATION,
  ...INSTANCES,
  ...INFRASTRUCTURE_CHECKS,
  ...TEMPLATES,
  ...QUERY_INTERFACE_CHECKS,
  ...KIND_COLLECTIONS,
  ...MIXIN_COLLECTIONS,
  ...ENTITY_CHECKS,
  ...LINK_CHECKS,
  ...PROTOCOL_CHECKS,
  ...TEXT_CHECKS,
  ...JSON_CHECKS,
  ...EXTENSION_CHECKS,
  ...CLIENT_CHECKS,
  ...JSON_CLIENT_CHECKS,
};

/** Why nobody outside can see a statement. */
export const UNOBSERVABLE: Readonly<Record<string, string>> = {
  'C-055': 'no request makes the infrastructure under a server fail',
  'C-167': 'no request makes a server fail in the middle of another',
  'C-199': 'which features are optional and missing differs from server to server; for mixins of users see C-103',
  'I-036': 'it is about whole programs',
};
