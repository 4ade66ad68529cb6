/**
 * One OCCI request on its way to an answer: everything that has been settled about it before its URL is looked at.
 */

import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../../extension/extension.js';
import type { OcciVersion } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { OcciRequest } from '../../occi/request.js';
import type { Target } from '../target.js';

export interface Exchange {
  readonly message: IncomingMessage;
  readonly method: string;
  readonly target: Target;
  /** `https://host[:port]`, as the client reached this server. */
  readonly base: string;
  readonly version: OcciVersion;
  /** The client named its version itself (K19). */
  readonly explicitVersion: boolean;
  readonly context: RequestContext;
  /** Categories as this caller sees them. */
  readonly registry: CategoryRegistry;
  /** What the OCCI headers say, whatever the body is: filters, and the entity of a headers-only request. */
  readonly headers: OcciRequest;
}
