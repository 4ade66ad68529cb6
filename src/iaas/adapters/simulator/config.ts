/**
 * What an administrator can say about a simulated site: its hosts and where they stand, its pools, how long things take,
 * what it lacks, the load its machines carry and the failures it has. One JSON Schema checks it and holds the defaults;
 * the parsed value is itself a command of the site's log, so that every process folds the same site (K33).
 */

import { Problem, excerpt, type Fault } from '../../../base/errors.js';
import type { JsonObject } from '../../../base/json.js';
import { optionsReader } from '../../site-options.js';
import { addressCount, isCidr } from './addresses.js';
import { faultRuleSchema, type FaultRule } from './faults.js';
import { loadRuleSchema, type LoadRule } from './load.js';

export interface SimulatorConfig {
  /** Makes everything that looks like chance repeatable. */
  readonly seed: number;
  /** How many times faster than the clock the site lives: latencies shrink and load scripts run ahead. */
  readonly timeFactor: number;
  readonly hosts: readonly HostConfig[];
  readonly storageBytes: number;
  readonly quota: Quota;
  /** Block that networks created without a range take their subnets from, and how long the prefix of each is. */
  readonly networkPool: { readonly cidr: string; readonly prefix: number };
  /** Networks and images that are there before VEP comes. */
  readonly networks: readonly { readonly name: string; readonly cidr: string }[];
  readonly images: readonly CatalogueImage[];
  readonly latenciesMs: Latencies;
  /** Capabilities it does without. */
  readonly lacks: readonly string[];
  readonly load: readonly LoadRule[];
  readonly faults: readonly FaultRule[];
}

export interface HostConfig {
  readonly name: string;
  readonly rack: string;
  readonly zone: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly traits: readonly string[];
}

/** Limits of VEP's account on the site; absent: none. */
export interface Quota {
  readonly machines?: number;
  readonly cores?: number;
  readonly memoryBytes?: number;
  readonly networks?: number;
  readonly volumes?: number;
}

export interface CatalogueImage {
  readonly name: string;
  readonly format: string;
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
}

export interface Latencies {
  readonly create: number;
  readonly start: number;
  readonly stop: number;
  readonly suspend: number;
  readonly resize: number;
  readonly save: number;
  readonly delete: number;
  readonly attach: number;
  readonly network: number;
  readonly storage: number;
}

/** What a simulated site can be told to lack. */
export const LACKABLE = [
  ...['start', 'stop', 'restart', 'suspend', 'save', 'resize', 'liveResize'].map((name) => `compute.${name}`),
  ...['create', 'up', 'down'].map((name) => `network.${name}`),
  ...['create', 'online', 'offline', 'backup', 'snapshot', 'resize', 'resizeDetached'].map((name) => `storage.${name}`),
  ...[
    'hotplugNic',
    'hotplugDisk',
    'metrics',
    'events',
    'imageless',
    'exportsImages',
    'sharesVolumes',
    'plugsReadOnly',
    'securityGroups',
    'firmware.efi',
  ],
] as const;

/**
 * The configuration of one simulated site from what the configuration file says (`sites[].options`).
 *
 * @throws Problem `invalid` with one fault for every key that is wrong; the place is the key's path below `options`.
 */
export function parseSimulatorConfig(options: unknown): SimulatorConfig {
  const parsed = readOptions(options);
  const faults = [
    ...repeated('hosts', parsed.hosts),
    ...repeated('networks', parsed.networks),
    ...repeated('images', parsed.images),
    ...ranges(parsed),
  ];
  if (faults.length > 0) throw new Problem('invalid', faults);
  return parsed;
}

/** Twelve hosts of 16 cores and 64 GiB: two countries, three zones, six racks of two hosts. */
const DEFAULT_HOSTS: readonly JsonObject[] = Array.from({ length: 12 }, (_, index) => {
  const rack = Math.floor(index / 2) + 1;
  const zone = ['de-1', 'de-2', 'fr-1'][Math.floor(index / 4)] ?? 'fr-1';
  return {
    name: `host${String(index + 1).padStart(2, '0')}`,
    rack: `rack${rack}`,
    zone,
    country: zone.slice(0, 2).toUpperCase(),
  };
});

const GIB = 2 ** 30;
const name = { type: 'string', minLength: 1, maxLength: 64 };
const count = (minimum: number, value?: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum: Number.MAX_SAFE_INTEGER,
  ...(value === undefined ? {} : { default: value }),
});
const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const list = (items: JsonObject, value: readonly JsonObject[] = []): JsonObject => ({
  type: 'array',
  maxItems: 10_000,
  items,
  default: [...value],
});

/** JSON Schema 2020-12 of `options` of a site of type `simulator`. */
export const simulatorConfigSchema: JsonObject = object({
  seed: count(0, 1),
  timeFactor: { type: 'number', exclusiveMinimum: 0, maximum: 1e6, default: 1 },
  hosts: {
    ...list(
      object(
        {
          name,
          rack: name,
          zone: name,
          country: { type: 'string', pattern: '^[A-Z]{2}$' },
          cores: count(1, 16),
          memoryBytes: count(1, 64 * GIB),
          traits: { type: 'array', items: name, default: [] },
        },
        ['name', 'rack', 'zone', 'country'],
      ),
      DEFAULT_HOSTS,
    ),
    minItems: 1,
  },
  storageBytes: count(0, 20 * 1024 * GIB),
  quota: {
    ...object({ machines: count(0), cores: count(0), memoryBytes: count(0), networks: count(0), volumes: count(0) }),
    default: {},
  },
  networkPool: {
    ...object({
      cidr: { type: 'string', default: '10.128.0.0/10' },
      prefix: { type: 'integer', minimum: 8, maximum: 126, default: 24 },
    }),
    default: {},
  },
  networks: list(object({ name, cidr: { type: 'string' } }, ['name', 'cidr']), [
    { name: 'public', cidr: '198.18.0.0/16' },
  ]),
  images: list(
    object(
      {
        name,
        format: { enum: ['qcow2', 'vmdk', 'raw', 'iso'], default: 'qcow2' },
        sizeBytes: count(1),
        virtualSizeBytes: count(1),
      },
      ['name', 'sizeBytes', 'virtualSizeBytes'],
    ),
    [{ name: 'debian-12', sizeBytes: 350 * 2 ** 20, virtualSizeBytes: 2 * GIB }],
  ),
  latenciesMs: {
    ...object({
      create: count(0, 400),
      start: count(0, 1500),
      stop: count(0, 700),
      suspend: count(0, 600),
      resize: count(0, 900),
      save: count(0, 1200),
      delete: count(0, 500),
      attach: count(0, 250),
      network: count(0, 150),
      storage: count(0, 250),
    }),
    default: {},
  },
  lacks: { type: 'array', items: { enum: [...LACKABLE] }, uniqueItems: true, default: [] },
  load: list(loadRuleSchema),
  faults: list(faultRuleSchema),
});

const readOptions = optionsReader<SimulatorConfig>('simulator', simulatorConfigSchema);

function repeated(key: string, things: readonly { readonly name: string }[]): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const [index, thing] of things.entries()) {
    if (seen.has(thing.name)) {
      faults.push({
        code: 'simulator.twice',
        message: `${key} has two entries named ${excerpt(thing.name)}`,
        place: { path: `${key}.${index}.name` },
        remedy: 'give each a name of its own',
      });
    }
    seen.add(thing.name);
  }
  return faults;
}

function ranges(config: SimulatorConfig): Fault[] {
  const cidrs = [
    { path: 'networkPool.cidr', cidr: config.networkPool.cidr },
    ...config.networks.map(({ cidr }, index) => ({ path: `networks.${index}.cidr`, cidr })),
  ];
  const faults: Fault[] = cidrs
    .filter(({ cidr }) => !isCidr(cidr))
    .map(({ path, cidr }) => ({
      code: 'simulator.cidr',
      message: `${path} is not an address range`,
      place: { path },
      value: excerpt(cidr),
      remedy: 'write it as address/prefix, e.g. 10.0.0.0/16',
    }));
  const { cidr, prefix } = config.networkPool;
  if (isCidr(cidr) && (prefix < Number(cidr.split('/')[1]) || addressCount(cidr, prefix) < 4n)) {
    faults.push({
      code: 'simulator.prefix',
      message: `networkPool.prefix ${prefix} cuts no usable subnet out of ${cidr}`,
      place: { path: 'networkPool.prefix' },
      remedy: 'choose a prefix between that of the pool and /30 (/126 for IPv6)',
    });
  }
  return faults;
}
