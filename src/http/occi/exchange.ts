/**
 * One OCCI request on its way to an answer: everything that has been settled about it before its URL is looked at.
 */

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { RequestContext } from '../../extension/extension.js';
import type { OcciVersion } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { OcciRequest } from '../../occi/request.js';
import type { Target } from '../target.js';

export interface Exchange {
  readonly message: IncomingMessage;
  /** The header fields that decide about the answer: the message's own, or those that a page stands in for. */
  readonly fields: IncomingHttpHeaders;
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
  /** What the body says, where it has been read already: the form of a page. */
  readonly given?: OcciRequest;
}
