/**
 * The one interface by which an extension joins VEP (K40). An extension brings its categories as data, its tables, the
 * behaviour of its kinds and what else it needs at the rim; the composition root makes it from {@link Services} and
 * hands it to the floors above, which know this interface and never an extension by name.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EntitySchema, MigrationInterface } from 'typeorm';
import type { Principal } from '../access/principal.js';
import type { JsonValue } from '../base/json.js';
import type { OcciRequest } from '../occi/request.js';
import type { EntityView, OcciVersion, TypeId } from '../occi/model.js';
import type { Upkeep } from '../engine/background-task.js';
import type { OperationType } from '../engine/operation.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { KindHandler } from './kind-handler.js';

export interface Extension {
  readonly name: string;
  /** Category documents in the rendering of GFD.226, validated when the registry is built. */
  readonly categories: readonly JsonValue[];
  readonly entitySchemas: readonly EntitySchema[];
  readonly migrations: readonly (new () => MigrationInterface)[];
  readonly handlers: readonly KindHandler[];
  readonly operations: readonly OperationType[];
  /** Request bodies beside the OCCI media types. */
  readonly bodyReaders: readonly BodyReader[];
  /** Renderings of an entity beside the OCCI media types. */
  readonly renderings: readonly Rendering[];
  /** URLs beside OCCI's own. */
  readonly routes: readonly Route[];
  readonly tasks: readonly Task[];
}

/** Who asks, under which version, through which categories: fixed for the life of one request. */
export interface RequestContext {
  readonly principal: Principal;
  readonly version: OcciVersion;
  readonly requestId: string;
  /** `https://host[:port]`, as the client reached this server. */
  readonly base: string;
  /** Tags of BCP 47 that the client would rather read, best first; empty where it has not said. */
  readonly languages: readonly string[];
  readonly signal: AbortSignal;
}

/** What came with a request besides its OCCI part: bodies that a {@link BodyReader} took in. */
export interface Attachment {
  readonly name: string;
  readonly mediaType: string;
  /** Small documents, held. */
  readonly bytes?: Uint8Array;
  /** Large files, already in the blob store under this digest. */
  readonly blob?: { readonly sha256: string; readonly sizeBytes: number };
  /** What the reader made of it; only the extension that brought the reader knows what it is. */
  readonly value?: unknown;
}

export interface BodyRead {
  readonly request: OcciRequest;
  readonly attachments: readonly Attachment[];
}

/** Takes in a request body that is not an OCCI rendering, for creating an entity of one kind. */
export interface BodyReader {
  readonly mediaTypes: readonly string[];
  /** The kind it creates; its `Category` may be left out at the kind's location (K05). */
  readonly kind: TypeId;
  /** `headers` is what the OCCI headers of the same request said. Throws a Problem; leaves nothing behind then. */
  read(message: IncomingMessage, headers: OcciRequest, context: RequestContext): Promise<BodyRead>;
}

/** Renders an entity of one kind in a further media type. */
export interface Rendering {
  readonly mediaType: string;
  readonly kind: TypeId;
  /** The whole, or chunks that are sent as they come; refusals come before the first of them. */
  render(
    record: EntityRecord,
    view: EntityView,
    context: RequestContext,
  ): Promise<Uint8Array | AsyncIterable<Uint8Array>>;
}

/** A URL of its own, below one of the reserved paths (K02). */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path as Express writes it, e.g. `/guest/:token`. */
  readonly path: string;
  /** Whether a caller must be identified first. */
  readonly open: boolean;
  handle(
    message: IncomingMessage,
    response: ServerResponse,
    parameters: Readonly<Record<string, string>>,
    principal: Principal | undefined,
  ): Promise<void>;
}

/** What an extension does again and again beside the requests. */
export type Task = Upkeep;
