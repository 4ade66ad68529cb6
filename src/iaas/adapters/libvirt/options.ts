/** What an administrator says about a libvirt site (`sites[].options`); one JSON Schema checks it and holds the defaults. */

import { problem } from '../../../base/errors.js';
import type { JsonObject } from '../../../base/json.js';
import { optionsReader } from '../../site-options.js';

export interface LibvirtOptions {
  /** Which libvirt: the session of the account, on this machine, as the disks are. */
  readonly uri: string;
  /** Folder of this site for images, disks and records; absent: `libvirt/<site>` in the data directory. */
  readonly directory?: string;
  /** Account under which `virsh` and `qemu-img` run, when VEP itself runs as root. */
  readonly account?: string;
  /** Folder of a session daemon of this site's own, apart from the account's; short, as sockets lie below it. */
  readonly session?: string;
  readonly programs: { readonly virsh: string; readonly qemuImg: string; readonly qemu: string };
  /** Tells VEPs apart that share a libvirt: each touches only what carries its own mark. */
  readonly realm: string;
  /** `auto` proves KVM by booting something under it; where that fails machines are emulated. */
  readonly accelerator: 'auto' | 'kvm' | 'qemu';
  readonly host: {
    readonly name?: string;
    readonly country: string;
    readonly zone?: string;
    readonly rack?: string;
    /** Virtual cores and memory that are promised for each real one. */
    readonly coresPerCore: number;
    readonly memoryShare: number;
  };
  readonly networks: NetworkOptions;
  /** The interface that every machine has beside its networks; false: none. */
  readonly access: AccessOptions | false;
  /** How long a guest may take to switch itself off before it is switched off, in milliseconds. */
  readonly shutdownMs: number;
  readonly events: { readonly pollMs: number };
  /** Children of `virsh` and `qemu-img` at a time, and how long one may take, in milliseconds. */
  readonly concurrency: number;
  readonly callMs: number;
}

export interface NetworkOptions {
  /** A bridge of this machine; absent: networks of user mode, on which machines do not see each other. */
  readonly bridge?: string;
  /** Where the ranges of networks come from for which none is asked, and how large they are. */
  readonly pool: string;
  readonly prefix: number;
}

export interface AccessOptions {
  /** Address of this machine on which forwarded ports listen. */
  readonly listen: string;
  /** Ports of guests that are forwarded. */
  readonly forward: readonly number[];
  /** First and last port of this machine that may be used for them. */
  readonly ports: readonly [number, number];
}

const object = (properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: [...required],
  properties,
});
const text = { type: 'string', minLength: 1 };
const path = { type: 'string', pattern: '^/[^\\0]+$' };
const integer = (minimum: number, maximum: number, value?: number): JsonObject => ({
  type: 'integer',
  minimum,
  maximum,
  ...(value === undefined ? {} : { default: value }),
});
const port = integer(1, 65_535);

/** JSON Schema 2020-12 of `options` of a site of type `libvirt`. */
export const libvirtOptionsSchema: JsonObject = object(
  {
    uri: { enum: ['qemu:///session'], default: 'qemu:///session' },
    directory: path,
    account: { type: 'string', pattern: '^[a-z_][a-z0-9_-]{0,31}$' },
    session: { ...path, maxLength: 40 },
    programs: {
      ...object({
        virsh: { ...text, default: 'virsh' },
        qemuImg: { ...text, default: 'qemu-img' },
        qemu: { ...text, default: 'qemu-system-x86_64' },
      }),
      default: {},
    },
    realm: { type: 'string', pattern: '^[a-z0-9]{1,16}$', default: 'vep' },
    accelerator: { enum: ['auto', 'kvm', 'qemu'], default: 'auto' },
    host: object(
      {
        name: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$' },
        country: { type: 'string', pattern: '^[A-Z]{2}$' },
        zone: text,
        rack: text,
        coresPerCore: integer(1, 64, 4),
        memoryShare: { type: 'number', minimum: 0.1, maximum: 16, default: 0.9 },
      },
      ['country'],
    ),
    networks: {
      ...object({
        bridge: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,15}$' },
        pool: { type: 'string', pattern: '^[0-9.]+/\\d{1,2}$', default: '10.77.0.0/16' },
        prefix: integer(8, 29, 24),
      }),
      default: {},
    },
    access: {
      anyOf: [
        { const: false },
        object({
          listen: { type: 'string', pattern: '^\\d{1,3}(\\.\\d{1,3}){3}$', default: '127.0.0.1' },
          forward: { type: 'array', items: port, maxItems: 16, uniqueItems: true, default: [22, 80] },
          ports: {
            type: 'array',
            prefixItems: [port, port],
            minItems: 2,
            maxItems: 2,
            default: [20_000, 29_999],
          },
        }),
      ],
      default: {},
    },
    shutdownMs: integer(1, 3_600_000, 60_000),
    events: { ...object({ pollMs: integer(10, 600_000, 10_000) }), default: {} },
    concurrency: integer(1, 64, 8),
    callMs: integer(100, 600_000, 25_000),
  },
  ['host'],
);

const ACCESS_DEFAULTS: AccessOptions = { listen: '127.0.0.1', forward: [22, 80], ports: [20_000, 29_999] };

const read = optionsReader<LibvirtOptions>('libvirt', libvirtOptionsSchema);

/**
 * @throws Problem `invalid` with one fault for every key that is wrong; `libvirt.system` for the libvirt of the system, whose QEMU
 *   has an account of its own that does not get at the site's disks
 */
export function readLibvirtOptions(given: unknown): LibvirtOptions {
  if ((given as { readonly uri?: unknown } | undefined)?.uri === 'qemu:///system')
    throw problem('invalid', 'libvirt.system', 'the QEMU of qemu:///system does not get at the disks of a site', {
      place: { path: 'uri' },
      remedy:
        'leave uri out, and run VEP as an ordinary account or name one under account: its session needs no rights',
    });
  const options = read(given);
  // Ajv fills in no defaults below `anyOf`.
  return options.access === false ? options : { ...options, access: { ...ACCESS_DEFAULTS, ...options.access } };
}
