/**
 * Sizes of machines are instance types: the smallest one that has the cores and the memory asked for. What was asked for
 * stays with the machine in a tag; as long as the instance is of the type that was chosen for it, that is its size.
 */

import type { InstanceTypeInfo } from '@aws-sdk/client-ec2';
import { FoundOnce } from '../../../base/found-once.js';
import { IaasError, type CallOptions, type ComputeSize } from '../../adapter.js';

export interface InstanceType extends ComputeSize {
  readonly name: string;
  readonly architectures: readonly string[];
  /** Network interfaces an instance can have. */
  readonly interfaces: number;
  readonly hibernates: boolean;
  /** Of the placement groups that it can be launched into. */
  readonly strategies: ReadonlySet<string>;
  /** Its instances can have volumes that others have too: those of the Nitro system. */
  readonly shares: boolean;
}

/** What a machine needs of its type beside its size. */
export interface TypeNeeds {
  readonly architecture?: string;
  readonly interfaces?: number;
  readonly hibernates?: boolean;
  readonly strategy?: string;
}

/** An entry of the options: a name with `*` for anything, or a type with its size, for services that describe none. */
export type TypeOption = string | { readonly name: string; readonly cores: number; readonly memoryMib: number };

const MIB = 2 ** 20;
/** Where a service does not say. */
const ALL_STRATEGIES: ReadonlySet<string> = new Set(['cluster', 'spread', 'partition']);
export const SIZE_TAG = 'vep:size';

export class InstanceTypes {
  readonly #options: readonly TypeOption[];
  readonly #sharing: boolean;
  readonly #describe: (call: CallOptions) => Promise<readonly InstanceTypeInfo[]>;
  readonly #known = new FoundOnce((call) => this.#read(call));

  /** @param sharing only types whose instances can share volumes: which machine will have one is not known when it is launched */
  constructor(
    options: readonly TypeOption[],
    sharing: boolean,
    describe: (call: CallOptions) => Promise<readonly InstanceTypeInfo[]>,
  ) {
    this.#options = options;
    this.#sharing = sharing;
    this.#describe = describe;
  }

  /** Those that may be used, smallest first; asked for once. */
  all(call: CallOptions): Promise<readonly InstanceType[]> {
    return this.#known.get(call);
  }

  /** @throws IaasError `capacity` where no type is large enough, `invalid` for what is no size */
  async fitting(wanted: ComputeSize, needs: TypeNeeds, call: CallOptions): Promise<InstanceType> {
    checkSize(wanted);
    const fits = (await this.all(call)).find(
      (type) =>
        type.cores >= wanted.cores &&
        type.memoryBytes >= wanted.memoryBytes &&
        (needs.architecture === undefined || type.architectures.includes(needs.architecture)) &&
        type.interfaces >= (needs.interfaces ?? 1) &&
        (needs.hibernates !== true || type.hibernates) &&
        (needs.strategy === undefined || type.strategies.has(needs.strategy)),
    );
    if (fits) return fits;
    const size = `${wanted.cores} cores and ${Math.ceil(wanted.memoryBytes / MIB)} MiB of memory`;
    throw new IaasError('capacity', `no instance type that VEP may use has ${size} and all the machine needs`);
  }

  async #read(call: CallOptions): Promise<readonly InstanceType[]> {
    const patterns = this.#options.filter((option) => typeof option === 'string').map(patternOf);
    const given = this.#options.filter((option) => typeof option !== 'string').map(asType);
    const described = patterns.length === 0 ? [] : (await this.#describe(call)).flatMap(readType);
    const allowed = described.filter(({ name }) => patterns.some((pattern) => pattern.test(name)));
    return [...given, ...allowed.filter(({ shares }) => shares || !this.#sharing)].sort(
      (one, other) =>
        one.cores - other.cores || one.memoryBytes - other.memoryBytes || one.name.localeCompare(other.name),
    );
  }
}

/** @throws IaasError `invalid` */
export function checkSize({ cores, memoryBytes }: ComputeSize): void {
  if (!Number.isInteger(cores) || cores < 1)
    throw new IaasError('invalid', 'a machine has one core or more, and whole ones');
  if (!(memoryBytes > 0) || !Number.isFinite(memoryBytes)) throw new IaasError('invalid', 'a machine needs memory');
}

export const sizeTag = ({ cores, memoryBytes }: ComputeSize, type: string): string => `${cores} ${memoryBytes} ${type}`;

/** The size of an instance: what was asked for, or that of a type it was given by somebody else. */
export function sizeOf(tag: string | undefined, type: string, types: readonly InstanceType[]): ComputeSize {
  const [, cores, memoryBytes, chosen] = /^(\d+) (\d+) (\S+)$/.exec(tag ?? '') ?? [];
  if (chosen === type) return { cores: Number(cores), memoryBytes: Number(memoryBytes) };
  const found = types.find(({ name }) => name === type);
  return { cores: found?.cores ?? 0, memoryBytes: found?.memoryBytes ?? 0 };
}

function patternOf(option: string): RegExp {
  const escaped = option.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${escaped.join('.*')}$`);
}

function asType({ name, cores, memoryMib }: Exclude<TypeOption, string>): InstanceType {
  const architectures = ['x86_64', 'i386'];
  return {
    name,
    cores,
    memoryBytes: memoryMib * MIB,
    architectures,
    interfaces: Number.MAX_SAFE_INTEGER,
    hibernates: true,
    strategies: ALL_STRATEGIES,
    shares: true,
  };
}

function readType(type: InstanceTypeInfo): InstanceType[] {
  const { InstanceType: name, VCpuInfo: cpu, MemoryInfo: memory, ProcessorInfo: processor } = type;
  if (name === undefined || type.BareMetal === true) return [];
  if (cpu?.DefaultVCpus === undefined || memory?.SizeInMiB === undefined) return [];
  if (type.SupportedRootDeviceTypes && !type.SupportedRootDeviceTypes.includes('ebs')) return [];
  return [
    {
      name,
      cores: cpu.DefaultVCpus,
      memoryBytes: Number(memory.SizeInMiB) * MIB,
      architectures: processor?.SupportedArchitectures ?? ['x86_64'],
      interfaces: type.NetworkInfo?.MaximumNetworkInterfaces ?? 1,
      hibernates: type.HibernationSupported === true,
      strategies: new Set(type.PlacementGroupInfo?.SupportedStrategies ?? ALL_STRATEGIES),
      shares: type.Hypervisor === 'nitro',
    },
  ];
}
