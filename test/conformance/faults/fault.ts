/** A fault of a server, and the statement that must catch it. */

import type { Version } from '../../../src/conformance/index.js';
import type { Breakage } from '../faulty-server.js';

export interface Fault {
  readonly id: string;
  readonly says: string;
  readonly breakage: Breakage;
  readonly version: Version;
}

export const fault = (id: string, says: string, breakage: Breakage, version: Version = '1.2'): Fault => ({
  id,
  says,
  breakage,
  version,
});
