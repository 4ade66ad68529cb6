/**
 * The client of VEP's own API: OCCI 1.2 in JSON (GFD.223, GFD.226), and the endpoints beside it for uploads, events and
 * health. The command `vep` uses it, and so does the adapter that puts one VEP on top of another.
 */

import { systemClock, type Clock } from '../base/clock.js';
import type { JsonObject, JsonValue } from '../base/json.js';
import { parseEntityView } from '../occi/json/index.js';
import type { Attributes, EntityView, LinkEnd, TypeId } from '../occi/model.js';
import { APPLIANCE_LOCATION, applianceBody, type DryRunPlan, type NewAppliance } from './appliance.js';
import { ClientError } from './client-error.js';
import { Discovery } from './discovery.js';
import { watchEvents, type WatchEvent, type WatchOptions } from './event-stream.js';
import { ProviderClient } from './provider-client.js';
import {
  JSON_TYPE,
  newIdempotencyKey,
  pathOf,
  readingJson,
  Transport,
  type Credentials,
  type Fetch,
  type TlsIdentity,
} from './transport.js';
import { VO_USAGE_TYPE, type AuditPage, type VoUsage } from './virtual-organization.js';
import { uploadFile, type UploadOptions, type UploadSource } from './upload.js';

export interface VepClientOptions {
  /** `http://127.0.0.1:8787`; a path in it is ignored. */
  readonly endpoint: string;
  readonly credentials?: Credentials;
  /** The VO to act for, where the caller is in several. */
  readonly vo?: string;
  readonly tls?: TlsIdentity;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
}

/** An entity with where it is. */
export interface Located {
  readonly path: string;
  readonly view: EntityView;
}

export interface Fetched extends Located {
  readonly etag: string | undefined;
  /** The server's clock when it answered, in milliseconds since the epoch, cut to the second. */
  readonly serverTime: number;
}

export interface ListOptions {
  /** Page from 1 on, and entities per page. */
  readonly page?: { readonly page: number; readonly number: number };
  readonly filter?: {
    readonly categories?: readonly TypeId[];
    readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  };
}

/** What {@link VepClient.create} sends: members as in GFD.226 §3.1. */
export interface NewEntity {
  readonly kind: TypeId;
  readonly id?: string;
  readonly mixins?: readonly TypeId[];
  readonly title?: string;
  readonly summary?: string;
  readonly attributes?: Attributes;
  readonly links?: readonly JsonObject[];
  readonly source?: LinkEnd;
  readonly target?: LinkEnd;
}

export interface CreateOptions {
  /** A key of one's own makes the request repeatable beyond this call (K12); absent: one is made for this call. */
  readonly idempotencyKey?: string;
}

const OCCI_JSON = 'application/occi+json';

export class VepClient {
  /** What is for the provider's administrators alone. */
  readonly provider: ProviderClient;
  readonly #transport: Transport;
  readonly #clock: Clock;
  #discovery: Promise<Discovery> | undefined;

  constructor(options: VepClientOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#transport = new Transport({ ...options, clock: this.#clock });
    this.provider = new ProviderClient(this.#transport);
  }

  get endpoint(): string {
    return this.#transport.endpoint;
  }

  /** What the server offers; asked for once and remembered. */
  discover(): Promise<Discovery> {
    this.#discovery ??= this.#discover().catch((error: unknown) => {
      this.#discovery = undefined;
      throw error;
    });
    return this.#discovery;
  }

  async #discover(): Promise<Discovery> {
    const { body } = await this.#transport.json<ConstructorParameters<typeof Discovery>[0]>({
      method: 'GET',
      url: '/-/',
    });
    return new Discovery(body);
  }

  /**
   * The entities of a collection: a kind or mixin by type identifier, term or location.
   * @throws ClientError 404 for a collection that the server does not have
   */
  async list(collection: string, { page, filter }: ListOptions = {}): Promise<Located[]> {
    const discovery = await this.discover();
    const location = discovery.locationOf(collection);
    if (location === undefined) throw unknownCollection(collection);
    const query = page ? `?page=${page.page}&number=${page.number}` : '';
    const { body } = await this.#transport.json<{ resources?: object[]; links?: object[] }>({
      method: 'GET',
      url: location + query,
      headers: filterHeaders(filter),
    });
    return [...(body.resources ?? []), ...(body.links ?? [])].map((entity) => {
      const view = parseEntityView(JSON.stringify(entity));
      return { path: discovery.pathOf(view), view };
    });
  }

  /** @throws ClientError 404 for what does not exist or is not the caller's */
  async get(url: string): Promise<Fetched> {
    const response = await this.#transport.send({ method: 'GET', url });
    const view = parseEntityView(await response.text());
    return {
      path: pathOf(url, this.endpoint),
      view,
      etag: response.headers.get('etag') ?? undefined,
      serverTime: Date.parse(response.headers.get('date') ?? '') || 0,
    };
  }

  /** Creates an entity at the location of its kind. */
  async create(entity: NewEntity, options: CreateOptions = {}): Promise<Located> {
    const location = (await this.discover()).locationOf(entity.kind);
    if (location === undefined) throw unknownCollection(entity.kind);
    return this.#create(location, OCCI_JSON, () => JSON.stringify(entity), options);
  }

  /** Creates an appliance and has it deployed (K03): what is answered is `inactive`, its events tell how it goes on. */
  async createAppliance(appliance: NewAppliance, options: CreateOptions = {}): Promise<Located> {
    const idempotencyKey = options.idempotencyKey ?? newIdempotencyKey();
    const body = applianceBody(appliance, newIdempotencyKey());
    return this.#create(APPLIANCE_LOCATION, body.contentType, body.open, { ...options, idempotencyKey });
  }

  /** What would be deployed, and what is missing or in the way (K07). */
  async planAppliance(appliance: NewAppliance): Promise<DryRunPlan> {
    const body = applianceBody(appliance, newIdempotencyKey());
    const answer = await this.#transport.json<DryRunPlan>({
      method: 'POST',
      url: `${APPLIANCE_LOCATION}?dry-run`,
      headers: { 'Content-Type': body.contentType },
      body: body.open,
      repeatable: true,
    });
    return answer.body;
  }

  async #create(
    location: string,
    contentType: string,
    body: () => NonNullable<RequestInit['body']>,
    { idempotencyKey = newIdempotencyKey() }: CreateOptions,
  ): Promise<Located> {
    const response = await this.#transport.send({
      method: 'POST',
      url: location,
      headers: { 'Content-Type': contentType, 'Idempotency-Key': idempotencyKey },
      body,
      repeatable: true,
    });
    const view = parseEntityView(await response.text());
    const at = response.headers.get('location') ?? location + view.id.replace(/^urn:uuid:/, '');
    return { path: pathOf(at, this.endpoint), view };
  }

  /**
   * Changes what is given and leaves the rest (partial update).
   * @throws ClientError 412 when `ifMatch` is an etag of an older version
   */
  async update(
    url: string,
    change: Partial<Omit<NewEntity, 'kind' | 'id'>>,
    options: { readonly ifMatch?: string } = {},
  ): Promise<EntityView> {
    const response = await this.#transport.send({
      method: 'POST',
      url,
      headers: {
        'Content-Type': OCCI_JSON,
        ...(options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch }),
      },
      body: () => JSON.stringify(change),
    });
    return parseEntityView(await response.text());
  }

  async delete(url: string): Promise<void> {
    await this.#transport.send({ method: 'DELETE', url });
  }

  /** Triggers an action, named by its type identifier, on an entity or a collection. */
  async act(url: string, action: TypeId, parameters: Readonly<Record<string, JsonValue>> = {}): Promise<void> {
    const term = action.slice(action.indexOf('#') + 1);
    await this.#transport.send({
      method: 'POST',
      url: `${url}?action=${encodeURIComponent(term)}`,
      headers: { 'Content-Type': OCCI_JSON },
      body: () => JSON.stringify({ action, attributes: parameters }),
    });
  }

  /** Sends a file in pieces and answers `upload:<id>`, by which an appliance can name it. */
  upload(source: UploadSource, options: UploadOptions = {}): Promise<string> {
    return uploadFile(this.#transport, this.#clock, source, options);
  }

  /** Gives up an upload by its reference. What an appliance was made from is kept with the appliance. */
  async giveUpUpload(reference: string): Promise<void> {
    const url = `/upload/${encodeURIComponent(reference.replace(/^upload:/, ''))}`;
    await this.#transport.send({ method: 'DELETE', url, headers: JSON_TYPE, accept: [404] });
  }

  /** Events of an appliance, or of an entity that stands alone, by URL or id; until the signal aborts or it is gone. */
  watch(subject: string, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const id = subject.slice(subject.lastIndexOf('/') + 1).replace(/^urn:uuid:/, '');
    return watchEvents(this.#transport, this.#clock, id, options);
  }

  /** How a VO stands, by the path of its entity. */
  async voUsage(url: string): Promise<VoUsage> {
    return (await this.#transport.json<VoUsage>({ method: 'GET', url, headers: { Accept: VO_USAGE_TYPE } })).body;
  }

  /** A page of what was done in a VO, for its administrators, those of the provider and auditors. */
  async audit({ vo, after }: { readonly vo: string; readonly after: number }): Promise<AuditPage> {
    const url = `/events/audit?vo=${encodeURIComponent(vo)}&after=${after}`;
    return (await this.#transport.json<AuditPage>(readingJson(url))).body;
  }

  /** Whether the server can serve, and what it says of itself. */
  async health(): Promise<{ readonly ready: boolean; readonly server: string }> {
    const response = await this.#transport.send({
      method: 'GET',
      url: '/health/ready',
      headers: JSON_TYPE,
      accept: [503],
    });
    return { ready: response.ok, server: response.headers.get('server') ?? '' };
  }
}

/** Filters travel in headers, in text (GFD.223 §7.2). */
function filterHeaders(filter: ListOptions['filter']): Record<string, string> {
  const categories = (filter?.categories ?? []).map((id) => {
    const cut = id.indexOf('#') + 1;
    return `${id.slice(cut)}; scheme="${id.slice(0, cut)}"`;
  });
  const attributes = Object.entries(filter?.attributes ?? {}).map(([name, value]) => `${name}=${rendered(value)}`);
  if (categories.length === 0 && attributes.length === 0) return {};
  return {
    'Content-Type': 'text/occi',
    ...(categories.length > 0 ? { Category: categories.join(', ') } : {}),
    ...(attributes.length > 0 ? { 'X-OCCI-Attribute': attributes.join(', ') } : {}),
  };
}

/** Header values are bytes; beyond ASCII they are UTF-8 (`spec/occi.md` §6.4). */
function rendered(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  const quoted = `"${value.replace(/[\r\n]/g, ' ').replace(/[\\"]/g, '\\$&')}"`;
  return Buffer.from(quoted, 'utf8').toString('latin1');
}

function unknownCollection(name: string): ClientError {
  return new ClientError(404, [
    {
      code: 'client.unknown-kind',
      message: `the server has no kind or mixin called ${JSON.stringify(name)}`,
      remedy: 'see /-/ for what it offers',
    },
  ]);
}
