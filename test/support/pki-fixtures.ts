/** Where the certificate fixtures lie: made for this project with throw-away keys, never to be trusted anywhere. */

import { fileURLToPath } from 'node:url';

export const pkiFixtures = fileURLToPath(new URL('pki-fixtures', import.meta.url));
