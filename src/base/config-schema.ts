/** What the configuration file may hold, as JSON Schema: this is what is enforced, `docs/configuration.md` what it means. */

import { SESSION_MEASURES } from './config.js';
import type { JsonObject } from './json.js';

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  default: {},
  properties,
});
const strings = { type: 'array', items: { type: 'string', minLength: 1 }, default: [] };
const integer = (minimum: number, maximum: number, value: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  default: value,
});
const boolean = (value: boolean): JsonObject => ({ type: 'boolean', default: value });

/** JSON Schema 2020-12 of the file; its defaults are VEP's defaults. */
export const configSchema: JsonObject = object({
  server: object({
    host: { type: 'string', minLength: 1, default: '127.0.0.1' },
    port: integer(0, 65535, 8787),
    allowedHosts: strings,
    trustedPeers: strings,
    plainBeyondLoopback: boolean(false),
    tls: {
      type: 'object',
      additionalProperties: false,
      required: ['certificate', 'key'],
      properties: { certificate: { type: 'string' }, key: { type: 'string' }, clientCa: strings },
    },
    maxBodyBytes: integer(1024, 2 ** 30, 16 * 2 ** 20),
    maxHeaderBytes: integer(16 * 1024, 2 ** 20, 128 * 1024),
    requestTimeoutMs: integer(1000, 3_600_000, 60_000),
  }),
  data: object({
    directory: { type: 'string', minLength: 1, default: './vep-data' },
    database: { type: 'string', pattern: '^postgres(ql)?://' },
  }),
  access: object({
    certificates: {
      type: 'object',
      additionalProperties: false,
      required: ['directory'],
      properties: {
        directory: { type: 'string', minLength: 1 },
        vomsdir: { type: 'string', minLength: 1 },
        crl: { enum: ['required', 'optional'], default: 'required' },
        crlOptional: { type: 'array', items: { type: 'string', pattern: '^/' }, default: [] },
        minRsaBits: integer(2048, 8192, 2048),
        reloadMs: integer(500, 3_600_000, 2000),
        requireVo: boolean(true),
        profiles: { type: 'array', items: { type: 'string', pattern: '^[a-z0-9-]+$' }, default: [] },
        roles: {
          type: 'array',
          default: [],
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['fqan', 'roles'],
            properties: {
              fqan: { type: 'string', pattern: '^/[A-Za-z0-9]' },
              roles: { type: 'array', items: { enum: ['federation', 'provider', 'auditor', 'vo-administrator'] } },
            },
          },
        },
        header: { enum: ['rfc9440', 'nginx', 'haproxy', 'envoy'] },
      },
    },
    audit: object({ reads: boolean(false) }),
    keystone: object({ enabled: boolean(false), tokenSeconds: integer(60, 2_592_000, 28_800) }),
    sessions: object({
      checkMs: integer(100, 4000, 1000),
      onExpiry: { enum: [...SESSION_MEASURES], default: 'keep' },
      onRevocation: { enum: [...SESSION_MEASURES], default: 'suspend' },
      minReputation: { type: 'number', minimum: 0, maximum: 1, default: 0 },
      maxDelegationSeconds: integer(60, 2_592_000, 86_400),
      keepSeconds: integer(60, 31_536_000, 604_800),
    }),
    issuers: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['issuer', 'audience', 'vos'],
        properties: {
          issuer: { type: 'string', pattern: '^https://[^?#\\s]+$' },
          audience: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
          vos: {
            type: 'array',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['vo'],
              oneOf: [{ required: ['entitlement'] }, { required: ['group'] }],
              properties: {
                // The groups of the accounts that every VEP has are no VOs.
                vo: { type: 'string', pattern: '^(?!(?:admin|user)$)[A-Za-z0-9][A-Za-z0-9._-]{0,254}$' },
                entitlement: { type: 'string', pattern: '^urn:' },
                group: { type: 'string', pattern: '^/[A-Za-z0-9]' },
                roles: {
                  type: 'array',
                  items: { enum: ['federation', 'provider', 'auditor', 'vo-administrator'] },
                  default: [],
                },
              },
            },
          },
          maxLifetimeSeconds: integer(60, 86_400, 21_600),
          requireVo: boolean(true),
          allow: strings,
          ca: { type: 'string', minLength: 1 },
          introspection: {
            type: 'object',
            additionalProperties: false,
            required: ['clientId', 'clientSecretFile'],
            properties: {
              clientId: { type: 'string', minLength: 1 },
              clientSecretFile: { type: 'string', minLength: 1 },
              tokens: { enum: ['opaque', 'all'], default: 'opaque' },
              cacheSeconds: integer(1, 60, 3),
              endpoint: { type: 'string', pattern: '^https://' },
            },
          },
        },
      },
    },
  }),
  log: object({ level: { enum: ['trace', 'debug', 'info', 'warn', 'error', 'silent'], default: 'info' } }),
  limits: object({
    requestsPerSecond: integer(1, 1_000_000, 200),
    pageSize: integer(1, 100_000, 10_000),
    uploadBytes: integer(1024, 2 ** 50, 64 * 2 ** 30),
    imageCacheBytes: integer(2 ** 20, 2 ** 50, 100 * 2 ** 30),
  }),
  engine: object({
    concurrency: integer(1, 1000, 32),
    perSite: integer(1, 1000, 16),
    leaseMs: integer(1000, 600_000, 30_000),
    reconcileMs: integer(500, 3_600_000, 30_000),
  }),
  metrics: object({ open: boolean(false) }),
  interop: object({ egi: boolean(true), entityLocation: boolean(true) }),
  images: object({
    fileRoots: strings,
    allow: strings,
    converter: { type: 'string', default: 'qemu-img' },
    listRefreshMs: integer(1000, 86_400_000, 3_600_000),
    lists: {
      type: 'array',
      default: [],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'url', 'vo', 'endorser'],
        properties: {
          name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$' },
          url: { type: 'string', pattern: '^https?://' },
          vo: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$' },
          endorser: {
            type: 'object',
            additionalProperties: false,
            required: ['dn', 'ca'],
            properties: { dn: { type: 'string', pattern: '^/' }, ca: { type: 'string', pattern: '^/' } },
          },
          credentialFile: { type: 'string', minLength: 1 },
        },
      },
    },
  }),
  ovf: object({ trustedSigners: strings, signatures: { enum: ['any', 'signed', 'trusted'], default: 'any' } }),
  placement: object({ split: { enum: ['when-needed', 'on-request'], default: 'when-needed' } }),
  sites: {
    type: 'array',
    minItems: 1,
    default: [{ name: 'sim', type: 'simulator', options: {} }],
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'type'],
      properties: {
        name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,31}$' },
        type: { type: 'string', pattern: '^[a-z][a-z0-9-]*$' },
        guestUrl: { type: 'string', pattern: '^https?://[^/\\s?#@]+(/[^\\s?#]*)?$' },
        automatic: { type: 'boolean' },
        userCredentials: { enum: ['allowed', 'required'] },
        connects: { type: 'array', items: { type: 'string', minLength: 1 } },
        options: { type: 'object', default: {} },
      },
    },
  },
  templates: object({
    os: {
      type: 'array',
      default: [
        { term: 'debian12', title: 'Debian 12' },
        { term: 'ubuntu2404', title: 'Ubuntu 24.04 LTS' },
      ],
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['term', 'title'],
        properties: {
          term: { type: 'string', pattern: '^[a-z][a-z0-9_-]*$' },
          title: { type: 'string', pattern: '^[^,\\r\\n]+$' },
          image: { type: 'string', minLength: 1 },
          sizeGiB: integer(1, 100_000, 10),
        },
      },
    },
  }),
  telemetry: object({ enabled: boolean(false) }),
  provider: object({ id: { type: 'string', minLength: 1, default: 'vep' } }),
});
