/** What an administrator says about a site of type `ec2` (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import type { VolumeType } from '@aws-sdk/client-ec2';
import type { JsonObject } from '../../../base/json.js';
import { optionsReader, secretReferenceSchema, type SecretReference } from '../../site-options.js';
import type { PatienceOptions } from '../../patience.js';
import type { TypeOption } from './sizes.js';

export interface NetworkOptions {
  /** VPC that networks are made in; absent: VEP makes none. */
  readonly vpc?: string;
  /** Subnets of machines that are launched without a network, one a zone; in zones that have none here: the default one. */
  readonly subnets: readonly string[];
  /** Length of the prefix that a network has in each zone, if no range is asked. */
  readonly prefix: number;
  /** Security groups of interfaces in subnets that VEP did not make; none: the default group of the VPC. */
  readonly securityGroups: readonly string[];
  /** Ranges from which everything may come into the networks of VEP, beside their own members. */
  readonly ingress: readonly string[];
  /** Elastic IPs, which cost money while they are held, are reserved and lent to machines. */
  readonly addresses: boolean;
}

export interface BucketOptions {
  readonly name: string;
  /** Of S3 or a work-alike; absent: that of the region. The bucket is named in the path. */
  readonly endpoint?: string;
  /** Before the names of objects. */
  readonly prefix: string;
  /** MiB of a part of a large file. S3 takes parts from 5 MiB on, and at most 10,000 of a file. */
  readonly partMib: number;
}

export interface MetricsOptions {
  /** Of CloudWatch or a work-alike; absent: that of AWS for the region. */
  readonly endpoint?: string;
  /** Seconds over which it counts: 300, or 60 where the provider pays for detailed monitoring. */
  readonly periodSeconds: number;
}

export interface Ec2Options {
  readonly region: string;
  /** Absent: that of AWS for the region. */
  readonly endpoint?: string;
  readonly credentials: {
    readonly accessKeyId: SecretReference;
    readonly secretAccessKey: SecretReference;
    readonly sessionToken?: SecretReference;
  };
  /** Authorities (PEM files) to trust instead of the system's, for work-alikes. */
  readonly certificateAuthorities: readonly string[];
  /** Calls in flight at a time. */
  readonly concurrency: number;
  /** Availability zones that the site spans, the preferred ones first; empty: those of the region. */
  readonly zones: readonly string[];
  readonly country: string;
  /** Tells VEPs apart that share an account: each touches only what carries its own mark. */
  readonly realm: string;
  readonly instanceTypes: readonly TypeOption[];
  /** How much of the account's quotas VEP may use. */
  readonly capacity: { readonly cores: number; readonly memoryGib: number; readonly storageGib: number };
  readonly network: NetworkOptions;
  readonly images: {
    /** Where images are put for EC2 to import; absent: only those under `known` can be used. */
    readonly bucket?: BucketOptions;
    /** Role with which EC2 reads the bucket. */
    readonly role: string;
    /** Images that are there already, by the SHA-256 of the file that an appliance brings. */
    readonly known: readonly { readonly sha256: string; readonly image: string }[];
  };
  readonly volumes: {
    readonly type: VolumeType;
    readonly encrypted: boolean;
    /** Volumes that several machines have at a time (Multi-Attach); absent: there are none. */
    readonly shared?: { readonly type: 'io1' | 'io2'; readonly iops: number };
  };
  /** Measurements are read from CloudWatch, which costs; absent: there are none. */
  readonly metrics?: MetricsOptions;
  /** Machines can hibernate: `suspend` is offered, and every machine is launched for it. */
  readonly hibernation: boolean;
  /** Machines are kept apart, or near each other, within the zone by placement groups; work-alikes may have none. */
  readonly placementGroups: boolean;
  /** Whether guests need a session token to read their metadata (IMDSv2). */
  readonly metadataTokens: 'required' | 'optional';
  readonly patience: PatienceOptions;
}

/** What a bucket has where nobody says otherwise. */
export const PREFIX = 'vep/';
export const PART_MIB = 64;

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const texts = { type: 'array', items: text, default: [] };
const integer = (minimum: number, maximum: number, value?: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  ...(value === undefined ? {} : { default: value }),
});
const url = { type: 'string', pattern: '^https?://[^\\s/@]+(/\\S*)?$' };
const cidrs = { type: 'array', items: { type: 'string', pattern: '^[0-9.]+/\\d{1,2}$' }, default: [] };

/** JSON Schema 2020-12 of `options` of a site of type `ec2`. */
export const ec2OptionsSchema: JsonObject = object(
  {
    region: { type: 'string', pattern: '^[a-z0-9-]+$' },
    endpoint: url,
    credentials: object(
      {
        accessKeyId: secretReferenceSchema,
        secretAccessKey: secretReferenceSchema,
        sessionToken: secretReferenceSchema,
      },
      ['accessKeyId', 'secretAccessKey'],
    ),
    certificateAuthorities: texts,
    concurrency: integer(1, 50, 10),
    zones: { type: 'array', uniqueItems: true, items: { type: 'string', pattern: '^[A-Za-z0-9-]+$' }, default: [] },
    country: { type: 'string', pattern: '^[A-Z]{2}$' },
    realm: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,16}$', default: 'vep' },
    instanceTypes: {
      type: 'array',
      minItems: 1,
      items: {
        anyOf: [
          text,
          object({ name: text, cores: integer(1, 4096), memoryMib: integer(1, 2 ** 30) }, [
            'name',
            'cores',
            'memoryMib',
          ]),
        ],
      },
      default: ['t3.*', 'm5.*', 'c5.*', 'r5.*'],
    },
    capacity: object({ cores: integer(1, 1e6), memoryGib: integer(1, 1e7), storageGib: integer(1, 1e9) }, [
      'cores',
      'memoryGib',
      'storageGib',
    ]),
    network: {
      ...object({
        vpc: { type: 'string', pattern: '^vpc-[0-9a-f]+$' },
        subnets: { type: 'array', items: { type: 'string', pattern: '^subnet-[0-9a-f]+$' }, default: [] },
        prefix: integer(16, 28, 28),
        securityGroups: texts,
        ingress: cidrs,
        addresses: { type: 'boolean', default: false },
      }),
      default: {},
    },
    images: {
      ...object({
        bucket: object(
          {
            name: { type: 'string', pattern: '^[a-z0-9.-]{3,63}$' },
            endpoint: url,
            prefix: { type: 'string', pattern: '^[\\w./-]*$', default: PREFIX },
            partMib: integer(5, 1024, PART_MIB),
          },
          ['name'],
        ),
        role: { ...text, default: 'vmimport' },
        known: {
          type: 'array',
          items: object(
            {
              sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
              image: { type: 'string', pattern: '^ami-[0-9a-f]+$' },
            },
            ['sha256', 'image'],
          ),
          default: [],
        },
      }),
      default: {},
    },
    volumes: {
      ...object({
        type: { ...text, default: 'gp3' },
        encrypted: { type: 'boolean', default: false },
        shared: object({ type: { enum: ['io1', 'io2'], default: 'io2' }, iops: integer(100, 256_000, 100) }),
      }),
      default: {},
    },
    metrics: object({ endpoint: url, periodSeconds: { enum: [60, 300], default: 300 } }),
    hibernation: { type: 'boolean', default: false },
    placementGroups: { type: 'boolean', default: true },
    metadataTokens: { enum: ['required', 'optional'], default: 'required' },
    patience: { ...object({ pollMs: integer(1, 10_000, 500), settleMs: integer(1, 25_000, 8000) }), default: {} },
  },
  ['region', 'credentials', 'country', 'capacity'],
);

export const readEc2Options = optionsReader<Ec2Options>('ec2', ec2OptionsSchema);

export function endpointOf({ endpoint, region }: Pick<Ec2Options, 'endpoint' | 'region'>): string {
  return endpoint ?? `https://ec2.${region}.amazonaws.com/`;
}
