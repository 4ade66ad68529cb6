/** What an administrator says about a site that is another OCCI server (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import type { JsonObject } from '../../../base/json.js';
import type { Rendering } from '../../../client/occi-requests.js';
import type { PatienceOptions } from '../../patience.js';
import { optionsReader, secretReferenceSchema, type SecretReference } from '../../site-options.js';

export interface OcciOptions {
  /** Of the server, `https://cloud.example.org:11443/` or with a path below which everything lies. */
  readonly endpoint: string;
  readonly credentials?: CredentialOptions;
  /** Client certificate with its chain, and its key (PEM files), shown over TLS. */
  readonly certificate?: { readonly file: string; readonly key: SecretReference };
  /** Authorities (PEM files) to trust instead of the system's. */
  readonly certificateAuthorities: readonly string[];
  /** What to speak; `auto`: the best that the server offers. */
  readonly rendering: 'auto' | Rendering;
  /** Tells VEPs apart that have the same account at the server: each touches only what carries its own mark. */
  readonly realm: string;
  /** Where the mark goes: some servers keep no summary. */
  readonly marks: 'summary' | 'title';
  /** What the account may have there, as OCCI shows nobody the capacity behind it. */
  readonly capacity: {
    readonly cores: number;
    readonly memoryGiB: number;
    readonly storageGiB: number;
    /** ISO 3166-1 alpha-2. */
    readonly country: string;
    readonly zone: string;
  };
  /** Of `occi.compute.memory`: the standard's, or MiB, in which ooi counts. */
  readonly memoryUnit: 'GiB' | 'MiB';
  /** OS template (term or type identifier) of machines for which nobody named an image. */
  readonly template?: string;
  /** The server makes machines without any template. */
  readonly templateless: boolean;
  /** Appliances go there whole, where the server is a VEP; `false`: as single resources all the same. */
  readonly appliances: boolean;
  readonly events: { readonly pollMs: number };
  readonly patience: PatienceOptions;
}

export type CredentialOptions =
  | { readonly kind: 'bearer'; readonly token: SecretReference }
  /** A Keystone token, as servers on OpenStack want it (`X-Auth-Token`). */
  | { readonly kind: 'keystone'; readonly token: SecretReference }
  | { readonly kind: 'basic'; readonly user: string; readonly password: SecretReference };

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const amount = { type: 'number', exclusiveMinimum: 0 };
const milliseconds = (minimum: number, maximum: number, value: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  default: value,
});

/** JSON Schema 2020-12 of `options` of a site of type `occi`. */
export const occiOptionsSchema: JsonObject = object(
  {
    endpoint: { type: 'string', pattern: '^https?://[^\\s/@?#]+(/[^\\s?#]*)?$' },
    credentials: {
      oneOf: [
        object({ kind: { const: 'bearer' }, token: secretReferenceSchema }, ['kind', 'token']),
        object({ kind: { const: 'keystone' }, token: secretReferenceSchema }, ['kind', 'token']),
        object({ kind: { const: 'basic' }, user: text, password: secretReferenceSchema }, ['kind', 'user', 'password']),
      ],
    },
    certificate: object({ file: text, key: secretReferenceSchema }, ['file', 'key']),
    certificateAuthorities: { type: 'array', items: text, default: [] },
    rendering: { enum: ['auto', 'application/occi+json', 'text/plain', 'text/occi'], default: 'auto' },
    realm: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,32}$', default: 'vep' },
    marks: { enum: ['summary', 'title'], default: 'summary' },
    capacity: object(
      {
        cores: { type: 'integer', minimum: 1 },
        memoryGiB: amount,
        storageGiB: amount,
        country: { type: 'string', pattern: '^[A-Z]{2}$' },
        zone: { ...text, default: 'default' },
      },
      ['cores', 'memoryGiB', 'storageGiB', 'country'],
    ),
    memoryUnit: { enum: ['GiB', 'MiB'], default: 'GiB' },
    template: text,
    templateless: { type: 'boolean', default: false },
    appliances: { type: 'boolean', default: true },
    events: { ...object({ pollMs: milliseconds(1, 600_000, 10_000) }), default: {} },
    patience: {
      ...object({ pollMs: milliseconds(1, 10_000, 250), settleMs: milliseconds(1, 25_000, 10_000) }),
      default: {},
    },
  },
  ['endpoint', 'capacity'],
);

export const readOcciOptions = optionsReader<OcciOptions>('occi', occiOptionsSchema);
