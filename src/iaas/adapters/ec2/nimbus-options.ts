/** What an administrator says about a site of type `nimbus` (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import type { JsonObject } from '../../../base/json.js';
import { optionsReader, secretReferenceSchema, type SecretReference } from '../../site-options.js';
import type { TypeOption } from './sizes.js';

/** What Nimbus calls the two networks of a machine. */
export type NimbusNetwork = 'public' | 'private';

export interface NimbusOptions {
  /** Of the Query front end, `https://nimbus.example.org:8444/`. */
  readonly endpoint: string;
  readonly credentials: { readonly accessId: SecretReference; readonly secret: SecretReference };
  readonly certificateAuthorities: readonly string[];
  readonly concurrency: number;
  readonly country: string;
  readonly realm: string;
  /** Resource pool, which Nimbus calls availability zone; absent: the default one. */
  readonly zone?: string;
  /** The types of `elastic.conf` with their sizes, which Nimbus tells nobody. */
  readonly instanceTypes: readonly Exclude<TypeOption, string>[];
  readonly capacity: { readonly cores: number; readonly memoryGib: number };
  /** Which of its networks every machine is in, in the order of its interfaces. */
  readonly networks: readonly NimbusNetwork[];
  readonly images: {
    /** Names of images in Cumulus, by the SHA-256 of the file that an appliance brings. */
    readonly known: readonly { readonly sha256: string; readonly image: string }[];
  };
}

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const count = (maximum: number): JsonObject => ({ type: 'integer', minimum: 1, maximum });

export const nimbusOptionsSchema: JsonObject = object(
  {
    endpoint: { type: 'string', pattern: '^https?://[^\\s/@]+/$' },
    credentials: object({ accessId: secretReferenceSchema, secret: secretReferenceSchema }, ['accessId', 'secret']),
    certificateAuthorities: { type: 'array', items: text, default: [] },
    concurrency: { ...count(20), default: 4 },
    country: { type: 'string', pattern: '^[A-Z]{2}$' },
    // A client token of 64 characters holds realm, entity and digest.
    realm: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,8}$', default: 'vep' },
    zone: text,
    instanceTypes: {
      type: 'array',
      minItems: 1,
      items: object({ name: text, cores: count(4096), memoryMib: count(2 ** 30) }, ['name', 'cores', 'memoryMib']),
    },
    capacity: object({ cores: count(1e6), memoryGib: count(1e7) }, ['cores', 'memoryGib']),
    networks: {
      type: 'array',
      items: { enum: ['public', 'private'] },
      minItems: 1,
      uniqueItems: true,
      default: ['public', 'private'],
    },
    images: {
      ...object({
        known: {
          type: 'array',
          items: object({ sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' }, image: text }, ['sha256', 'image']),
          default: [],
        },
      }),
      default: {},
    },
  },
  ['endpoint', 'credentials', 'country', 'instanceTypes', 'capacity'],
);

export const readNimbusOptions = optionsReader<NimbusOptions>('nimbus', nimbusOptionsSchema);
