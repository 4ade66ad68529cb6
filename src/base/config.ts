/**
 * The configuration: one YAML file, overridden by environment variables, checked as a whole at start. Every fault names
 * the key it is about. `docs/configuration.md` describes each key; the schema below is what is enforced.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { LineCounter, parseDocument } from 'yaml';
import { Problem, excerpt, messageOf, type Fault } from './errors.js';
import type { JsonObject, JsonValue } from './json.js';

export interface Config {
  readonly server: {
    readonly host: string;
    /** 0: any free port. */
    readonly port: number;
    /** Names and addresses a client may use in `Host`, besides the one listened on. */
    readonly allowedHosts: readonly string[];
    /** Peers (address or CIDR) whose forwarding headers count. */
    readonly trustedPeers: readonly string[];
    /** Serve beyond loopback without TLS, knowingly. */
    readonly plainBeyondLoopback: boolean;
    readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa: readonly string[] };
    readonly maxBodyBytes: number;
    readonly maxHeaderBytes: number;
    /** Time for the header fields to arrive (15 s at most), and the period over which a body must bring 1 KiB a second. */
    readonly requestTimeoutMs: number;
  };
  readonly data: {
    readonly directory: string;
    /** `postgres://…`; absent: SQLite in the data directory. */
    readonly database?: string;
  };
  readonly access: {
    readonly certificates?: CertificatesConfig;
    readonly issuers: readonly IssuerConfig[];
    readonly sessions: SessionsConfig;
    /** The façade for clients that know Keystone. */
    readonly keystone: { readonly enabled: boolean; readonly tokenSeconds: number };
  };
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' };
  readonly limits: {
    /** Requests per principal and second, averaged; bursts of ten times that pass. */
    readonly requestsPerSecond: number;
    readonly pageSize: number;
    readonly uploadBytes: number;
    readonly imageCacheBytes: number;
  };
  readonly engine: {
    readonly concurrency: number;
    readonly perSite: number;
    readonly leaseMs: number;
    readonly reconcileMs: number;
  };
  readonly metrics: { readonly open: boolean };
  readonly interop: { readonly egi: boolean; readonly entityLocation: boolean };
  readonly images: {
    /** Folders that `file:` URLs may name. */
    readonly fileRoots: readonly string[];
    /** Hosts, addresses or CIDRs inside private ranges that may be fetched from all the same. */
    readonly allow: readonly string[];
    /** `qemu-img` by name or path, for sites that take other formats; empty: images are never converted. */
    readonly converter: string;
    /** Image lists of Virtual Organizations, whose images are offered to their members. */
    readonly lists: readonly ImageListConfig[];
    /** Pause between two looks at the lists. */
    readonly listRefreshMs: number;
  };
  readonly ovf: {
    /** Files with the certificates (PEM) of signers of packages, or of authorities that vouch for signers. */
    readonly trustedSigners: readonly string[];
    /** Packages that are taken: all, those whose signature is in order, or those whose signer is trusted. */
    readonly signatures: 'any' | 'signed' | 'trusted';
  };
  readonly sites: readonly SiteConfig[];
  readonly templates: { readonly os: readonly OsTemplateConfig[] };
  readonly telemetry: { readonly enabled: boolean };
  /** How this provider is called in agreements, e.g. the DN of its certificate. */
  readonly provider: { readonly id: string };
}

/** A signed image list that the provider subscribes to. */
export interface ImageListConfig {
  readonly name: string;
  readonly url: string;
  readonly vo: string;
  /** Distinguished names, in slash form, of who signs the list and of the authority that certifies it. */
  readonly endorser: { readonly dn: string; readonly ca: string };
  /** File with a credential for the servers of the list and of its images, in one line as in `inputs.credentials`. */
  readonly credentialFile?: string;
}

/** Sign-in with certificates of a federation. */
export interface CertificatesConfig {
  /** Trust anchors in the form of the IGTF. */
  readonly directory: string;
  /** Absent: nobody's VO attributes count. */
  readonly vomsdir?: string;
  readonly crl: 'required' | 'optional';
  /** Authorities, by slash name, that need no revocation list although others do. */
  readonly crlOptional: readonly string[];
  readonly minRsaBits: number;
  /** Pause between two looks at whether the directory has changed. */
  readonly reloadMs: number;
  /** Whoever belongs to no VO may read and nothing else. */
  readonly requireVo: boolean;
  /** IGTF profiles that are let in; none: any. */
  readonly profiles: readonly string[];
  /** Roles that a VO gives its members, by FQAN. */
  readonly roles: readonly { readonly fqan: string; readonly roles: readonly VoRole[] }[];
  /** How `server.trustedPeers` pass certificates on. */
  readonly header?: 'rfc9440' | 'nginx' | 'haproxy' | 'envoy';
}

/** What is done to an application when the session of who deployed it is over before its time. */
export const SESSION_MEASURES = ['keep', 'suspend', 'stop', 'undeploy'] as const;
export type SessionMeasure = (typeof SESSION_MEASURES)[number];

/** Temporary access of federation users to applications. */
export interface SessionsConfig {
  /** Pause between two looks at what sessions and open requests rest on. */
  readonly checkMs: number;
  readonly onExpiry: SessionMeasure;
  readonly onRevocation: SessionMeasure;
  /** Sessions of a lower reputation are revoked; 0 to 1. */
  readonly minReputation: number;
  readonly maxDelegationSeconds: number;
  /** How long sessions stay to be seen once they are over. */
  readonly keepSeconds: number;
}

/** Sign-in with access tokens of one OpenID Connect issuer. */
export interface IssuerConfig {
  /** Exactly as it stands in tokens. */
  readonly issuer: string;
  /** What tokens must be meant for; any one of these. */
  readonly audience: readonly string[];
  /** The VOs that the issuer may speak for, each by one entitlement or group. */
  readonly vos: readonly {
    readonly vo: string;
    readonly entitlement?: string;
    readonly group?: string;
    readonly roles: readonly VoRole[];
  }[];
  readonly maxLifetimeSeconds: number;
  readonly requireVo: boolean;
  /** Hosts of the issuer that may be reached although they are not public. */
  readonly allow: readonly string[];
  /** PEM file of authorities for its TLS, in the place of the system's. */
  readonly ca?: string;
  /** How it is asked about tokens (RFC 7662); absent: it is not. */
  readonly introspection?: {
    readonly clientId: string;
    /** File with the secret of this client. */
    readonly clientSecretFile: string;
    /** `opaque`: of tokens that are no JWTs; `all`: of JWTs too, which may have been revoked. */
    readonly tokens: 'opaque' | 'all';
    readonly cacheSeconds: number;
    readonly endpoint?: string;
  };
}

/** What a VO can make its members besides users: never administrators (S-087). */
export type VoRole = 'federation' | 'provider' | 'auditor' | 'vo-administrator';

export interface SiteConfig {
  readonly name: string;
  readonly type: string;
  /** Where guests of this site reach VEP (K34). */
  readonly guestUrl?: string;
  /** What the adapter of this type wants to know; it checks these itself. */
  readonly options: JsonObject;
}

/** An OS template offered to every user: a mixin that depends on `os_tpl`, backed by an image. */
export interface OsTemplateConfig {
  readonly term: string;
  readonly title: string;
  /** URL of the image; absent: an empty image, which only the simulator boots. */
  readonly image?: string;
  readonly sizeGiB: number;
}

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

/** Environment variables that override a key of the file. */
const OVERRIDES: readonly {
  readonly variable: string;
  readonly key: readonly [string, string];
  readonly number?: true;
}[] = [
  { variable: 'VEP_HOST', key: ['server', 'host'] },
  { variable: 'VEP_PORT', key: ['server', 'port'], number: true },
  { variable: 'VEP_DATA_DIR', key: ['data', 'directory'] },
  { variable: 'VEP_DATABASE_URL', key: ['data', 'database'] },
  { variable: 'VEP_LOG_LEVEL', key: ['log', 'level'] },
];

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the file named by `path` (or `VEP_CONFIG`), applies the environment and checks the result.
 *
 * @throws Problem `invalid` with one fault for every key that is wrong, unknown or missing.
 */
export function loadConfig(environment: Environment, path: string | undefined = environment['VEP_CONFIG']): Config {
  if (path === undefined) return parseConfig('', environment);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('invalid', {
      code: 'config.unreadable',
      message: `the configuration file ${path} cannot be read: ${messageOf(error)}`,
      remedy: 'name a readable YAML file with --config or VEP_CONFIG',
    });
  }
  return parseConfig(text, environment);
}

/** The same for text that has been read already. An empty text is a file without keys. */
export function parseConfig(text: string, environment: Environment): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const faults: Fault[] = document.errors.map((error) => ({
    code: 'config.syntax',
    message: error.message.split('\n')[0] ?? error.message,
    place: { line: lines.linePos(error.pos[0]).line, column: lines.linePos(error.pos[0]).col },
    remedy: 'write the file as YAML 1.2',
  }));
  if (faults.length > 0) throw new Problem('invalid', faults);

  const raw = (document.toJS() ?? {}) as Record<string, Record<string, JsonValue> | undefined>;
  for (const { variable, key, number } of OVERRIDES) {
    const value = environment[variable];
    if (value === undefined || value === '') continue;
    const section = (raw[key[0]] ??= {});
    section[key[1]] = number && /^\d+$/.test(value) ? Number(value) : value;
  }

  const validate = new Ajv2020({ allErrors: true, useDefaults: true, strict: false }).compile(configSchema);
  if (!validate(raw)) throw new Problem('invalid', (validate.errors ?? []).map(asFault));
  const config = withGuestUrl(raw as unknown as Config, environment['VEP_GUEST_URL']);
  const names = config.sites.map((site) => site.name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const unreachable = [...certificateFaults(config), ...imageListFaults(config)];
  if (unreachable.length > 0) throw new Problem('invalid', unreachable);
  if (twice.length > 0) {
    throw new Problem('invalid', {
      code: 'config.site-twice',
      message: `two sites are named ${excerpt(twice[0])}`,
      place: { path: 'sites' },
      remedy: 'give every site a name of its own',
    });
  }
  return { ...config, data: { ...config.data, directory: resolve(config.data.directory) } };
}

/** `VEP_GUEST_URL` stands for the `guestUrl` of every site that has none of its own (K34). */
function withGuestUrl(config: Config, guestUrl: string | undefined): Config {
  if (guestUrl === undefined || guestUrl === '') return config;
  if (!/^https?:\/\//.test(guestUrl) || !URL.canParse(guestUrl)) {
    throw new Problem('invalid', {
      code: 'config.invalid',
      message: 'VEP_GUEST_URL is not an http(s) URL',
      value: excerpt(guestUrl),
      remedy: 'give the URL at which guests reach VEP',
    });
  }
  return { ...config, sites: config.sites.map((site) => ({ guestUrl, ...site })) };
}

/** What each key permits and both together do not. */
/** Lists are signed by certificates, and nobody but the trust directory says which count. */
function imageListFaults({ access, images }: Config): Fault[] {
  if (images.lists.length === 0 || access.certificates) return [];
  const message = 'image lists are signed, and no trust directory says whom to believe';
  const remedy = 'set access.certificates.directory';
  return [{ code: 'config.image-lists', message, place: { path: 'images.lists' }, remedy }];
}

function certificateFaults({ server, access }: Config): Fault[] {
  const { certificates } = access;
  if (!certificates) return [];
  const faults: Fault[] = [];
  const fault = (path: string, message: string, remedy: string): void =>
    void faults.push({ code: 'config.certificates', message, place: { path }, remedy });
  if (server.tls && server.tls.clientCa.length > 0) {
    const message = 'certificates are judged in two ways at once';
    fault('server.tls.clientCa', message, 'leave it out: access.certificates judges plain certificates too');
  }
  if (!server.tls && certificates.header === undefined) {
    const message = 'without TLS there are no certificates to judge';
    fault('access.certificates', message, 'configure server.tls, or access.certificates.header for those of a proxy');
  }
  if (certificates.header !== undefined && server.trustedPeers.length === 0) {
    const message = 'no peer is trusted to pass certificates on';
    fault('access.certificates.header', message, 'name the proxy under server.trustedPeers');
  }
  return faults;
}

function asFault(error: ErrorObject): Fault {
  const key = error.instancePath.slice(1).replaceAll('/', '.');
  const unknown = error.keyword === 'additionalProperties' ? String(error.params['additionalProperty']) : undefined;
  const path = [key, unknown].filter(Boolean).join('.') || '(top level)';
  return {
    code: unknown ? 'config.unknown-key' : 'config.invalid',
    message: unknown ? `${path} is not a configuration key` : `${path} ${error.message ?? 'is not valid'}`,
    place: { path },
    remedy: 'see docs/configuration.md for the keys and their values',
  };
}
