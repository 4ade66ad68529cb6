/**
 * The OCCI core model (GFD.221 §5, GFD.183 §4) as immutable values: categories on one side, entities as a client sees
 * them on the other. Everything above speaks in these words; the renderings turn them into bytes and back.
 */

import type { JsonObject, JsonValue } from '../base/json.js';

/** Scheme and term concatenated, e.g. `http://schemas.ogf.org/occi/infrastructure#compute`. */
export type TypeId = string;

/** The two protocol versions; chosen per request (`spec/occi.md` §1.2). */
export type OcciVersion = '1.1' | '1.2';

export type AttributeType = 'string' | 'number' | 'boolean' | 'array' | 'object';
export type AttributeValue = Exclude<JsonValue, null>;
/** Flat, dotted attribute names to values. `occi.core.*` never appears here: those are members of the entity. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** GFD.221 §5.2 Attribute; `pattern` is a JSON Schema (GFD.226 §3.5.1). */
export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly mutable: boolean;
  readonly required: boolean;
  /** VEP: may be given at creation and never changed afterwards (`occi.compute.userdata`, K04). Implies not mutable later. */
  readonly createOnly?: boolean;
  readonly pattern?: JsonObject;
  readonly default?: AttributeValue;
  readonly description?: string;
  /** Offered in one version only (`occi.compute.speed`: 1.1). Absent: in both. */
  readonly version?: OcciVersion;
  /** The version in whose creations a value that breaks the pattern is left out instead of refused. */
  readonly lenientIn?: OcciVersion;
}

interface Category {
  readonly id: TypeId;
  readonly scheme: string;
  readonly term: string;
  readonly title?: string;
  /** Own attributes only; {@link CategoryRegistry} answers inherited ones too. */
  readonly attributes: ReadonlyMap<string, AttributeDefinition>;
  /** Offered in one version only (action `save`: 1.2; `backup`: 1.1). Absent: in both. */
  readonly version?: OcciVersion;
}

export interface Kind extends Category {
  readonly class: 'kind';
  readonly parent?: TypeId;
  readonly actions: readonly TypeId[];
  /** Path ending in `/`; absent for a kind that cannot be instantiated. */
  readonly location?: string;
  /** VEP: kinds of link: from what to what they lead, kinds that come from these included. Absent: from anything to anything. */
  readonly joins?: { readonly sources: readonly TypeId[]; readonly targets: readonly TypeId[] };
}

export interface Mixin extends Category {
  readonly class: 'mixin';
  readonly depends: readonly TypeId[];
  /** Kinds it may be associated with; empty: any entity. */
  readonly applies: readonly TypeId[];
  readonly actions: readonly TypeId[];
  readonly location: string;
  /** Set on a mixin that a client made: the group it belongs to (K15). */
  readonly ownerGroup?: string;
  /** The principal who made it. */
  readonly madeBy?: string;
}

export interface Action extends Category {
  readonly class: 'action';
}

export type AnyCategory = Kind | Mixin | Action;
export type CategoryClass = AnyCategory['class'];

/** One end of a link. `location` is a path of this server (`/compute/<uuid>`) or an external URI. */
export interface LinkEnd {
  readonly location: string;
  readonly kind?: TypeId;
}

interface EntityViewBase {
  /** `urn:uuid:…` */
  readonly id: string;
  readonly kind: TypeId;
  readonly mixins: readonly TypeId[];
  readonly title?: string;
  readonly attributes: Attributes;
  /** Actions that can be invoked in the entity's present state. */
  readonly actions: readonly TypeId[];
}

/** A Resource as rendered: exactly the members of GFD.226 §3.1.1. */
export interface ResourceView extends EntityViewBase {
  readonly summary?: string;
  readonly links: readonly LinkView[];
}

/** A Link as rendered: exactly the members of GFD.226 §3.1.2. */
export interface LinkView extends EntityViewBase {
  readonly source: LinkEnd;
  readonly target: LinkEnd;
}

export type EntityView = ResourceView | LinkView;

export function isLinkView(view: EntityView): view is LinkView {
  return 'source' in view;
}

const OGF = 'http://schemas.ogf.org/occi';
export const CORE = `${OGF}/core#`;
export const CORE_ENTITY: TypeId = `${CORE}entity`;
export const CORE_RESOURCE: TypeId = `${CORE}resource`;
export const CORE_LINK: TypeId = `${CORE}link`;
export const INFRASTRUCTURE = `${OGF}/infrastructure#`;
export const COMPUTE: TypeId = `${INFRASTRUCTURE}compute`;
export const NETWORK: TypeId = `${INFRASTRUCTURE}network`;
export const STORAGE: TypeId = `${INFRASTRUCTURE}storage`;
export const NETWORKINTERFACE: TypeId = `${INFRASTRUCTURE}networkinterface`;
export const STORAGELINK: TypeId = `${INFRASTRUCTURE}storagelink`;
export const OS_TPL: TypeId = `${INFRASTRUCTURE}os_tpl`;
export const RESOURCE_TPL: TypeId = `${INFRASTRUCTURE}resource_tpl`;
export const IPNETWORK: TypeId = `${OGF}/infrastructure/network#ipnetwork`;
export const IPNETWORKINTERFACE: TypeId = `${OGF}/infrastructure/networkinterface#ipnetworkinterface`;
export const SSH_KEY: TypeId = `${OGF}/infrastructure/credentials#ssh_key`;
export const USER_DATA: TypeId = `${OGF}/infrastructure/compute#user_data`;
/** Scheme of what VEP adds to OCCI (K01). */
export const CONTRAIL = 'http://schemas.contrail-project.eu/occi';
