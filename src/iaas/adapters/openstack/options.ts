/** What an administrator says about an OpenStack site (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import { Problem } from '../../../base/errors.js';
import type { JsonObject } from '../../../base/json.js';
import { optionsReader, secretReferenceSchema, type SecretReference } from '../../site-options.js';

/** The services VEP speaks to, by the names that `endpoints` uses. */
export const SERVICES = ['compute', 'image', 'network', 'volume', 'placement'] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface OpenStackOptions {
  /** Of Keystone, `https://cloud.example.org:5000/v3`. */
  readonly authUrl: string;
  readonly credentials: CredentialOptions;
  /** Region whose endpoints are used; absent: the only one there is. */
  readonly region?: string;
  readonly interface: 'public' | 'internal' | 'admin';
  /** In the place of the catalog's; `%(project_id)s` stands for the project. */
  readonly endpoints: Partial<Readonly<Record<ServiceName, string>>>;
  readonly certificateAuthorities: readonly string[];
  /** Calls in flight at a time. */
  readonly concurrency: number;
  /** Tells VEPs apart that share a project: each touches only what carries its own mark. */
  readonly realm: string;
  readonly hosts: HostOptions;
  readonly flavors: {
    /** Flavors (name or id) that may be used; empty: all. */
    readonly names: readonly string[];
    /** Makes the flavor that is missing; needs the right to. */
    readonly create: boolean;
  };
  readonly networks: {
    /** Router (name or id) that leads out of the networks VEP makes; absent: they lead nowhere. */
    readonly router?: string;
    /** External network (name or id) whose addresses are lent to machines; absent: there are none. */
    readonly external?: string;
    readonly nameservers: readonly string[];
    /** Range that networks are cut from for which none is asked, and the length of their prefix. */
    readonly pool: string;
    readonly prefix: number;
    /** Names or ids of security groups that every NIC gets; empty: OpenStack's choice, the project's `default`. */
    readonly securityGroups: readonly string[];
  };
  readonly volumes: {
    readonly type?: string;
    /** Of volumes that several machines have at a time; absent: there are none. */
    readonly sharedType?: string;
  };
  readonly machines: {
    /** A disk with the user data, for networks without a metadata service. */
    readonly configDrive: boolean;
  };
  readonly tenants: TenantOptions;
  readonly metrics: {
    /** Measures by Nova's diagnostics, which takes the role `admin`. Absent: where {@link HostOptions.choose}, which takes it too. */
    readonly diagnostics?: boolean;
  };
  readonly events: { readonly pollMs: number };
}

export interface HostOptions {
  /** ISO 3166-1 code of availability zones that `zones` does not name. */
  readonly country: string;
  /** Country by availability zone: OpenStack does not tell it. */
  readonly zones: Readonly<Record<string, string>>;
  /** The account may see hypervisors and say on which a machine runs: the role `admin`. Otherwise a zone counts as a host. */
  readonly choose: boolean;
}

export type CredentialOptions =
  | {
      readonly method: 'password';
      readonly user: string;
      readonly userDomain: string;
      readonly password: SecretReference;
      readonly project: string;
      readonly projectDomain: string;
    }
  | ApplicationCredential;

export interface ApplicationCredential {
  readonly method: 'application_credential';
  readonly id: string;
  readonly secret: SecretReference;
}

export interface TenantOptions {
  /** Groups of VEP (Virtual Organizations) with a project of their own: its name, or a credential of it. */
  readonly projects: readonly ({ readonly group: string } & (
    { readonly project: string } | { readonly credentials: ApplicationCredential }
  ))[];
  /** What becomes of a group that is not named: the site's own project, a project that VEP makes, or a refusal. */
  readonly others: 'own' | 'create' | 'refuse';
  /** Before the names of projects that VEP makes. */
  readonly prefix: string;
  /** Role that VEP's account gives itself in those. */
  readonly role: string;
  /**
   * Limits of Virtual Organizations, and what is opened to them, are written into quotas and rules of their projects, which
   * takes the role `admin`. Absent: where VEP makes the projects, and so has that role.
   */
  readonly limits?: boolean;
}

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const texts = { type: 'array', items: text, default: [] };
const url = { type: 'string', pattern: '^https?://[^\\s/@]+(/\\S*)?$' };
const country = { type: 'string', pattern: '^[A-Z]{2}$' };
const flag = (value: boolean): JsonObject => ({ type: 'boolean', default: value });
const integer = (minimum: number, maximum: number, value: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  default: value,
});
const applicationCredential = object(
  { method: { const: 'application_credential' }, id: text, secret: secretReferenceSchema },
  ['method', 'id', 'secret'],
);

function method(name: string, schema: JsonObject): JsonObject {
  return { if: { properties: { method: { const: name } } }, then: schema };
}

/** JSON Schema 2020-12 of `options` of a site of type `openstack`. */
export const openStackOptionsSchema: JsonObject = object(
  {
    authUrl: { type: 'string', pattern: '^https?://[^\\s/@]+(/\\S*)?/v3/?$' },
    credentials: {
      type: 'object',
      required: ['method'],
      properties: { method: { enum: ['password', 'application_credential'] } },
      allOf: [
        method(
          'password',
          object(
            {
              method: { const: 'password' },
              user: text,
              userDomain: { ...text, default: 'Default' },
              password: secretReferenceSchema,
              project: text,
              projectDomain: { ...text, default: 'Default' },
            },
            ['method', 'user', 'password', 'project'],
          ),
        ),
        method('application_credential', applicationCredential),
      ],
    },
    region: text,
    interface: { enum: ['public', 'internal', 'admin'], default: 'public' },
    endpoints: { ...object(Object.fromEntries(SERVICES.map((name) => [name, url]))), default: {} },
    certificateAuthorities: texts,
    concurrency: integer(1, 64, 16),
    realm: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,32}$', default: 'vep' },
    hosts: object(
      {
        country,
        zones: { type: 'object', additionalProperties: country, default: {} },
        choose: flag(false),
      },
      ['country'],
    ),
    flavors: { ...object({ names: texts, create: flag(false) }), default: {} },
    networks: {
      ...object({
        router: text,
        external: text,
        nameservers: texts,
        pool: { type: 'string', pattern: '^\\d+(\\.\\d+){3}/\\d+$', default: '192.168.0.0/16' },
        prefix: integer(8, 30, 24),
        securityGroups: texts,
      }),
      default: {},
    },
    volumes: { ...object({ type: text, sharedType: text }), default: {} },
    machines: { ...object({ configDrive: flag(true) }), default: {} },
    tenants: {
      ...object({
        projects: {
          type: 'array',
          default: [],
          items: {
            oneOf: [
              object({ group: text, project: text }, ['group', 'project']),
              object({ group: text, credentials: applicationCredential }, ['group', 'credentials']),
            ],
          },
        },
        others: { enum: ['own', 'create', 'refuse'], default: 'own' },
        prefix: { type: 'string', pattern: '^[A-Za-z0-9._-]{0,16}$', default: 'vep-' },
        role: { ...text, default: 'member' },
        limits: { type: 'boolean' },
      }),
      default: {},
    },
    metrics: { ...object({ diagnostics: { type: 'boolean' } }), default: {} },
    events: { ...object({ pollMs: integer(1, 600_000, 10_000) }), default: {} },
  },
  ['authUrl', 'credentials', 'hosts'],
);

/** Whether machines are measured. */
export const measures = ({ metrics, hosts }: OpenStackOptions): boolean => metrics.diagnostics ?? hosts.choose;

const read = optionsReader<OpenStackOptions>('openstack', openStackOptionsSchema);

/** @throws Problem `invalid` */
export function readOpenStackOptions(options: unknown): OpenStackOptions {
  const found = read(options);
  const { credentials, tenants } = found;
  const needs = [
    ...(tenants.others === 'create' ? ['tenants.others'] : []),
    ...tenants.projects.flatMap((each, index) => ('project' in each ? [`tenants.projects.${index}.project`] : [])),
  ];
  if (credentials.method === 'password' || needs.length === 0) return found;
  throw new Problem(
    'invalid',
    needs.map((path) => ({
      code: 'openstack.one-project',
      message: `${path} takes VEP into another project, and an application credential is good for one`,
      place: { path },
      remedy: 'sign in by password under credentials, or give each group credentials of its own under tenants.projects',
    })),
  );
}
