/** What an administrator says about an OpenNebula site (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import type { JsonObject } from '../../../base/json.js';
import type { PatienceOptions } from '../../patience.js';
import { optionsReader, secretReferenceSchema, type SecretReference } from '../../site-options.js';

export interface OpenNebulaOptions {
  /** Of oned's XML-RPC, `http://one.example.org:2633/RPC2`. */
  readonly endpoint: string;
  readonly credentials: CredentialOptions;
  /** Authorities (PEM files) of a proxy that ends TLS in front of oned. */
  readonly certificateAuthorities: readonly string[];
  /** Calls in flight at a time, of this process: oned resets connections beyond some fifteen, of all that call it. */
  readonly concurrency: number;
  /** Tells VEPs apart that share an OpenNebula: each touches only what carries its own mark. */
  readonly realm: string;
  readonly hosts: {
    /** Clusters (name or id) that VEP may use; empty: all. */
    readonly clusters: readonly string[];
    /** Of hosts that do not say it by an attribute `COUNTRY` of their own or of their cluster. */
    readonly country: string;
  };
  readonly images: {
    /** Datastore (name or id) of images and volumes; absent: the one with the most room. */
    readonly datastore?: string;
    readonly handover: HandoverOptions;
  };
  readonly volumes: {
    /** Several machines can have a volume at a time: hypervisors and system datastores let them. */
    readonly shared: boolean;
  };
  /** System datastore (id) that machines are deployed on; -1: oned's choice. */
  readonly systemDatastore: number;
  readonly networks: NetworkOptions;
  readonly tenants: {
    /** Before the names of users and groups that VEP makes. */
    readonly prefix: string;
    /** Virtual data centre (name or id) that their groups are put into, in the place of the default one. */
    readonly vdc?: string;
    /** Limits of Virtual Organizations, and what is opened to them, are written into quotas and rules of their groups. */
    readonly limits: boolean;
  };
  /** The hypervisor driver resizes running machines (LIVE_RESIZE of VM_MAD in oned.conf). */
  readonly liveResize: boolean;
  /** `OS/FIRMWARE` of machines that ask for EFI: `UEFI` from OpenNebula 7.0 on, else a path that OVMF_UEFIS allows; absent: none get it. */
  readonly efi?: string;
  readonly events: {
    /** Where the hook manager publishes, `host:port`; absent: changes are found by polling alone. */
    readonly publisher?: string;
    readonly pollMs: number;
  };
  /** How often a change that has been accepted is looked for, and for how long at most within one call. */
  readonly patience: PatienceOptions;
}

export interface NetworkOptions {
  /** Virtual networks (name or id) that reservations are cut out of. */
  readonly reserveFrom: readonly string[];
  /** Networks are made with a wire of their own instead; without either VEP can make no networks. */
  readonly isolated?: IsolatedOptions;
  /** Length of the prefix of a network for which no range is asked. */
  readonly prefix: number;
  /** Virtual networks (name or id) whose addresses outsiders reach; empty: there are none to lend. */
  readonly publicFrom: readonly string[];
}

export interface IsolatedOptions {
  readonly driver: 'vxlan' | '802.1Q' | 'ovswitch';
  /** Interface of the hosts that VXLANs and VLANs are on. */
  readonly device?: string;
  /** Bridge of Open vSwitch on the hosts. */
  readonly bridge?: string;
  /** Where the addresses come from when no range is asked, like 10.0.0.0/8. */
  readonly range: string;
}

export type CredentialOptions =
  | {
      readonly driver: 'server_cipher';
      readonly user: string;
      readonly password: SecretReference;
      /** Whom VEP is when it is not somebody else. */
      readonly administrator: string;
      readonly tokenLifetimeMs: number;
    }
  | { readonly driver: 'password'; readonly user: string; readonly password: SecretReference }
  | {
      readonly driver: 'x509';
      readonly user: string;
      /** PEM file of the certificate with its chain, and of its key (RSA). */
      readonly certificate: string;
      readonly key: SecretReference;
      readonly tokenLifetimeMs: number;
    };

/** How oned gets bytes that VEP has verified: as a file that both see, or from VEP by HTTP. */
export type HandoverOptions =
  { readonly directory: string; readonly seenAs?: string } | { readonly listen: string; readonly url?: string };

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const texts = { type: 'array', items: text, default: [] };
const integer = (minimum: number, maximum: number, value: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  default: value,
});
const flag = (value: boolean): JsonObject => ({ type: 'boolean', default: value });
const tokenLifetimeMs = integer(60_000, 86_400_000, 1_800_000);

const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const isolated: JsonObject = {
  ...object(
    {
      driver: { enum: ['vxlan', '802.1Q', 'ovswitch'] },
      device: text,
      bridge: text,
      range: { type: 'string', pattern: `^(${OCTET}\\.){3}${OCTET}/([89]|[12]\\d|30)$`, default: '10.0.0.0/8' },
    },
    ['driver'],
  ),
  if: { properties: { driver: { const: 'ovswitch' } } },
  then: { required: ['bridge'] },
  else: { required: ['device'] },
};

/** JSON Schema 2020-12 of `options` of a site of type `opennebula`. */
export const openNebulaOptionsSchema: JsonObject = object(
  {
    endpoint: { type: 'string', pattern: '^https?://[^\\s/@]+/\\S*$' },
    credentials: {
      type: 'object',
      required: ['driver'],
      properties: { driver: { enum: ['server_cipher', 'password', 'x509'] } },
      allOf: [
        driver(
          'server_cipher',
          {
            user: { ...text, default: 'serveradmin' },
            password: secretReferenceSchema,
            administrator: { ...text, default: 'oneadmin' },
            tokenLifetimeMs,
          },
          ['password'],
        ),
        driver('password', { user: text, password: secretReferenceSchema }, ['user', 'password']),
        driver('x509', { user: text, certificate: text, key: secretReferenceSchema, tokenLifetimeMs }, [
          'user',
          'certificate',
          'key',
        ]),
      ],
    },
    certificateAuthorities: texts,
    concurrency: integer(1, 15, 12),
    realm: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,32}$', default: 'vep' },
    hosts: { ...object({ clusters: texts, country: { type: 'string', pattern: '^[A-Z]{2}$' } }, ['country']) },
    images: {
      ...object(
        {
          datastore: text,
          handover: {
            type: 'object',
            oneOf: [
              object({ directory: text, seenAs: text }, ['directory']),
              object(
                {
                  listen: { type: 'string', pattern: '^.+:\\d{1,5}$' },
                  url: { type: 'string', pattern: '^https?://' },
                },
                ['listen'],
              ),
            ],
          },
        },
        ['handover'],
      ),
    },
    volumes: { ...object({ shared: flag(false) }), default: {} },
    systemDatastore: integer(-1, 2 ** 31 - 1, -1),
    networks: {
      ...object({ reserveFrom: texts, isolated, prefix: integer(8, 30, 28), publicFrom: texts }),
      // Each network comes from one or the other.
      dependentSchemas: { isolated: { properties: { reserveFrom: { maxItems: 0 } } } },
      default: {},
    },
    tenants: {
      ...object({
        prefix: { type: 'string', pattern: '^[A-Za-z0-9._-]{0,16}$', default: 'vep-' },
        vdc: text,
        limits: flag(true),
      }),
      default: {},
    },
    liveResize: flag(false),
    efi: text,
    events: {
      ...object({ publisher: { type: 'string', pattern: '^.+:\\d{1,5}$' }, pollMs: integer(1, 600_000, 10_000) }),
      default: {},
    },
    patience: { ...object({ pollMs: integer(1, 10_000, 200), settleMs: integer(1, 25_000, 3000) }), default: {} },
  },
  ['endpoint', 'credentials', 'hosts', 'images'],
);

function driver(name: string, properties: JsonObject, required: readonly string[]): JsonObject {
  return {
    if: { properties: { driver: { const: name } } },
    then: {
      type: 'object',
      required: [...required],
      additionalProperties: false,
      properties: { driver: { const: name }, ...properties },
    },
  };
}

export const readOpenNebulaOptions = optionsReader<OpenNebulaOptions>('opennebula', openNebulaOptionsSchema);
