/**
 * The tables of the store as TypeORM entity schemas: entities with what they are found by, what belongs to the way of
 * a request (replay keys, user mixins, secrets, generations), the two logs (audit, outbox) and who may do what
 * (principals, tokens, grants). Migrations make them; a test holds both equal.
 */

import { EntitySchema, type EntitySchemaColumnOptions, type EntitySchemaIndexOptions } from 'typeorm';

const text: EntitySchemaColumnOptions = { type: 'text' };
const integer: EntitySchemaColumnOptions = { type: 'integer' };
const bigint: EntitySchemaColumnOptions = { type: 'bigint' };
const key: EntitySchemaColumnOptions = { type: 'text', primary: true };
const sequence: EntitySchemaColumnOptions = { type: 'integer', primary: true, generated: 'increment' };

function optional(column: EntitySchemaColumnOptions): EntitySchemaColumnOptions {
  return { ...column, nullable: true };
}

/** A table by its columns; indexes are `name: columns`, unique ones start their list with `unique`. */
export function table(
  name: string,
  columns: Record<string, EntitySchemaColumnOptions>,
  indices: Record<string, readonly string[]> = {},
): EntitySchema {
  const list = Object.entries(indices).map(([indexName, members]): EntitySchemaIndexOptions => {
    const unique = members[0] === 'unique';
    return { name: indexName, columns: unique ? members.slice(1) : [...members], unique };
  });
  return new EntitySchema({ name, tableName: name, columns, indices: list });
}

const entity = table(
  'entity',
  {
    id: key,
    kind: text,
    owner: text,
    grp: text,
    appliance: optional(text),
    site: optional(text),
    site_ref: optional(text),
    phase: text,
    version: integer,
    observed_rev: integer,
    title: optional(text),
    summary: optional(text),
    heading: optional(text),
    source: optional(text),
    target: optional(text),
    target_uri: optional(text),
    wanted: text,
    observed: text,
    mixins: text,
    rendering: text,
    created_at: bigint,
    changed_at: bigint,
    deleted_at: optional(bigint),
  },
  {
    entity_by_kind: ['kind', 'phase', 'id', 'owner', 'grp', 'appliance'],
    entity_by_owner: ['owner', 'grp', 'phase', 'id', 'kind'],
    entity_by_group: ['grp', 'phase', 'id', 'kind'],
    entity_by_group_and_kind: ['grp', 'kind', 'phase', 'id'],
    entity_by_source: ['source'],
    entity_by_target: ['target'],
    entity_by_appliance: ['appliance'],
    entity_by_site: ['site', 'phase'],
    entity_by_site_ref: ['site_ref', 'site'],
  },
);

const entityMixin = table('entity_mixin', { entity: key, mixin: key }, { entity_mixin_by_mixin: ['mixin', 'entity'] });

const entityAttribute = table(
  'entity_attribute',
  { entity: key, name: key, value: text },
  { entity_attribute_by_value: ['name', 'value', 'entity'] },
);

const userMixin = table(
  'user_mixin',
  {
    grp: key,
    id: key,
    scheme: text,
    term: text,
    title: optional(text),
    rel: text,
    location: text,
    created_by: text,
    created_at: bigint,
    applies: optional(text),
  },
  { user_mixin_by_location: ['unique', 'grp', 'location'] },
);

const replayKey = table(
  'replay_key',
  { principal: key, kind: key, key, body_digest: text, entity: text, created_at: bigint },
  { replay_key_by_age: ['created_at'] },
);

const secret = table(
  'secret',
  { id: key, purpose: text, owner_ref: text, nonce: text, ciphertext: text, created_at: bigint },
  { secret_by_owner: ['owner_ref'] },
);

const generation = table('generation', { name: key, value: bigint });

const auditEntry = table(
  'audit_entry',
  {
    seq: sequence,
    at: bigint,
    actor: text,
    grp: text,
    verb: text,
    entity: optional(text),
    kind: optional(text),
    outcome: text,
    reason: optional(text),
    request_id: text,
    details: text,
  },
  { audit_entry_by_entity: ['entity', 'seq'] },
);

const outbox = table(
  'outbox',
  { seq: sequence, id: text, subject: text, type: text, time: bigint, data: text, published_at: optional(bigint) },
  {
    outbox_by_id: ['unique', 'id'],
    outbox_by_subject: ['subject', 'seq'],
    outbox_by_publication: ['published_at', 'seq'],
  },
);

const principal = table('principal', {
  id: key,
  name: text,
  tier: text,
  roles: text,
  primary_group: text,
  password: optional(text),
  disabled_at: optional(bigint),
  created_at: bigint,
});

const principalGroup = table('principal_group', { principal: key, grp: key }, { principal_group_by_group: ['grp'] });

const token = table(
  'token',
  {
    sha256: key,
    principal: text,
    name: text,
    created_at: bigint,
    expires_at: optional(bigint),
    last_used: optional(bigint),
  },
  { token_by_principal: ['principal', 'created_at'] },
);

const grantRow = table(
  'grant_row',
  {
    id: key,
    effect: text,
    subject_kind: text,
    subject: text,
    entity: text,
    verbs: text,
    until: optional(bigint),
    session: optional(text),
    created_by: text,
    created_at: bigint,
  },
  {
    grant_row_by_subject: ['subject', 'subject_kind'],
    grant_row_by_entity: ['entity'],
    grant_row_by_session: ['session'],
  },
);

const keystoneToken = table(
  'keystone_token',
  {
    sha256: key,
    subject: text,
    project: optional(text),
    evidence: optional(text),
    created_at: bigint,
    expires_at: bigint,
  },
  { keystone_token_by_expiry: ['expires_at'], keystone_token_by_subject: ['subject'] },
);

/** What {@link openStore} always has; the engine and the extensions bring their own beside it. */
export const storeSchemas: readonly EntitySchema[] = [
  entity,
  entityMixin,
  entityAttribute,
  userMixin,
  replayKey,
  secret,
  generation,
  auditEntry,
  outbox,
  principal,
  principalGroup,
  token,
  grantRow,
  keystoneToken,
];
