/**
 * Sizes of machines at servers that make them from resource templates (GFD.224 §4.1): the smallest template that has what is asked
 * for. What a template sets goes unsaid, as rOCCI-server 2 and ooi refuse other values than its own (`spec/occi.md` §13 A25).
 */

import type { CategoryDescription, Discovery } from '../../../client/discovery.js';
import { RESOURCE_TPL, type TypeId } from '../../../occi/model.js';
import { IaasError, type ComputeSpec } from '../../adapter.js';

export interface ResourceTemplate {
  readonly id: TypeId;
  readonly cores: number;
  /** In the server's unit. */
  readonly memory: number;
  readonly architecture?: string;
  /** Names of the attributes that it sets. */
  readonly sets: ReadonlySet<string>;
}

const CORES = 'occi.compute.cores';
const MEMORY = 'occi.compute.memory';

/** Cores and memory of the templates that every server means alike (GFD.222 §3): text renderings show no values. */
const PROFILE_SCHEME = /^http:\/\/schemas\.ogf\.org\/occi\/infrastructure\/compute\/template\/1\.[01]#$/;
const PROFILE: Readonly<Record<string, readonly [cores: number, memory: number]>> = {
  small: [1, 1],
  medium: [2, 2],
  large: [4, 4],
  mem_small: [1, 4],
  mem_medium: [2, 8],
  mem_large: [4, 16],
};

/** Those whose size is known, smallest first. */
export function sizedTemplates(discovery: Discovery): readonly ResourceTemplate[] {
  return resourceMixins(discovery)
    .flatMap(sized)
    .sort((one, other) => one.cores - other.cores || one.memory - other.memory || (one.id < other.id ? -1 : 1));
}

export function resourceMixins({ mixins }: Discovery): readonly CategoryDescription[] {
  return mixins.filter(({ depends }) => depends?.includes(RESOURCE_TPL) === true);
}

function sized({ scheme, term, attributes = {} }: CategoryDescription): ResourceTemplate[] {
  const given = (name: string): unknown => (attributes[name] as { readonly default?: unknown } | undefined)?.default;
  const [ofProfile, memoryOfProfile] = (PROFILE_SCHEME.test(scheme) ? PROFILE[term] : undefined) ?? [];
  const [cores, memory] = [Number(given(CORES) ?? ofProfile), Number(given(MEMORY) ?? memoryOfProfile)];
  if (!(cores > 0 && memory > 0)) return [];
  const architecture = given('occi.compute.architecture');
  const sets = new Set([CORES, MEMORY, ...Object.keys(attributes)]);
  return [{ id: scheme + term, cores, memory, sets, ...(typeof architecture === 'string' ? { architecture } : {}) }];
}

/**
 * The template for a machine; nothing where the server has none, and takes sizes as they are.
 *
 * @param unit bytes of the server's unit of memory
 * @throws IaasError `capacity` where none is large enough
 */
export function templateFor(
  { cores, memoryBytes, architecture }: ComputeSpec,
  templates: readonly ResourceTemplate[],
  unit: number,
): ResourceTemplate | undefined {
  const fits = templates.find(
    (each) =>
      each.cores >= cores &&
      each.memory * unit >= memoryBytes &&
      (architecture === undefined || each.architecture === undefined || each.architecture === architecture),
  );
  if (fits || templates.length === 0) return fits;
  throw new IaasError(
    'capacity',
    `no resource template of the server has ${cores} cores and ${Math.ceil(memoryBytes / 2 ** 20)} MiB of memory`,
  );
}
