/**
 * What the user fills in before an appliance can be deployed, and what an appliance still asks for. The inputs travel
 * as the JSON of the attribute `eu.contrail-project.ovf.inputs` (K04): `{properties, networks, eulas, sites, credentials}`. The
 * unresolved inputs are the machine-readable answer of a dry run (K07): everything with its type and limits, and whether
 * the appliance can be deployed without it.
 */

import { excerpt, Problem, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import type { PropertyLimits } from './properties/limits.js';

export interface PlanInputs {
  /** Id of a DeploymentOptionSection configuration; absent: the default one. */
  readonly configuration?: string;
  /** Language of titles, labels, descriptions and licences, as a tag of BCP 47; absent: as the descriptor is written. */
  readonly language?: string;
  /**
   * Values by composed key `[class.]key[.instance]`, for every property of that key; `<content id>:<key>` names the one
   * of a single system or collection and goes before. Values are taken literally: `${}` in them is no reference.
   */
  readonly properties: Readonly<Record<string, string>>;
  /**
   * Network of the descriptor to network of the site (its name or entity path); several paths with commas between are
   * networks on different sites that stand for the same one.
   */
  readonly networks: Readonly<Record<string, string>>;
  /** Accepted licences by {@link UnresolvedEula.id} or digest, or all there are. */
  readonly eulas: 'all' | readonly string[];
}

/** {@link PlanInputs} as sent, with what the deployment needs and the plan does not. */
export interface DeploymentInputs extends PlanInputs {
  /** Names of the sites that a system, or all systems of a collection, may be on, with commas between; by its id. */
  readonly sites: Readonly<Record<string, string>>;
  /** Secret by the name under which the work looks for it, e.g. the host that images come from. Never rendered. */
  readonly credentials: Readonly<Record<string, string>>;
}

export const NO_INPUTS: DeploymentInputs = { properties: {}, networks: {}, eulas: [], sites: {}, credentials: {} };

export interface UnresolvedInputs {
  /** True when at least one entry below must be filled in before the appliance can be deployed. */
  readonly blocked: boolean;
  readonly configurations: readonly ConfigurationChoice[];
  readonly networks: readonly NetworkChoice[];
  readonly properties: readonly UnresolvedProperty[];
  readonly eulas: readonly UnresolvedEula[];
  readonly assumedSizes: readonly AssumedSize[];
}

export const NOTHING_UNRESOLVED: UnresolvedInputs = {
  blocked: false,
  configurations: [],
  networks: [],
  properties: [],
  eulas: [],
  assumedSizes: [],
};

export interface ConfigurationChoice {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly chosen: boolean;
}

/** A network that VEP makes for the appliance unless the user maps it to one of the site. */
export interface NetworkChoice {
  readonly name: string;
  readonly description?: string;
}

/** A user-configurable property that the inputs leave at its default. */
export interface UnresolvedProperty {
  /** The key to fill in: composed, and qualified with the content id when several properties share it. */
  readonly key: string;
  /** Id of the system or collection whose property it is. */
  readonly content: string;
  readonly label?: string;
  readonly description?: string;
  readonly category?: string;
  readonly limits: PropertyLimits;
  readonly password: boolean;
  /** What holds if it is left alone; absent for a password and where the descriptor gives none. */
  readonly default?: string;
  /** True when it has no legal value yet. */
  readonly blocking: boolean;
}

/** A licence that is not accepted yet: always blocking (DSP0243 §9.6). */
export interface UnresolvedEula {
  readonly id: string;
  readonly content: string;
  /** The beginning of the licence, at most 2,000 characters. */
  readonly text: string;
  /** `sha256:` and the digest of the whole licence text (UTF-8): what acceptance is recorded with. */
  readonly digest: string;
}

/** A size the descriptor does not give, to be confirmed: never blocking. A disk's is the image's as soon as that is there. */
export type AssumedSize =
  | { readonly machine: string; readonly quantity: 'cores' | 'memoryBytes'; readonly value: number }
  | { readonly disk: string; readonly quantity: 'capacityBytes'; readonly value: number };

/**
 * Reads the JSON of `.inputs`. Numbers and booleans become their text, since every OVF value is one.
 * @throws Problem `invalid` with all faults, each at its JSON pointer; no fault repeats a value.
 */
export function parsePlanInputs(json: JsonValue): DeploymentInputs {
  const faults: Fault[] = [];
  if (!isJsonObject(json)) throw new Problem('invalid', fault('', 'the inputs are not a JSON object', MEMBERS_REMEDY));
  for (const member of Object.keys(json)) {
    if (!MEMBERS.has(member))
      faults.push(fault(pointer(member), `"${excerpt(member)}" is not an input`, MEMBERS_REMEDY));
  }
  const texts = (member: string): Record<string, string> => readTexts(json, member, faults);
  const inputs: DeploymentInputs = {
    ...readConfiguration(json, faults),
    ...readLanguage(json, faults),
    properties: texts('properties'),
    networks: texts('networks'),
    eulas: readEulas(json, faults),
    sites: texts('sites'),
    credentials: texts('credentials'),
  };
  if (faults.length > 0) throw new Problem('invalid', faults);
  return inputs;
}

const MEMBERS = new Set(['configuration', 'language', 'properties', 'networks', 'eulas', 'sites', 'credentials']);
const MEMBERS_REMEDY =
  'send an object with any of "configuration", "language", "properties", "networks", "eulas", "sites", "credentials"';
const MAX_ENTRIES = 5_000;
/** Characters of one value; larger things are files, not properties. */
const MAX_VALUE = 65_536;

function readConfiguration(json: JsonObject, faults: Fault[]): { configuration?: string } {
  const value = member(json, 'configuration');
  if (value === undefined) return {};
  if (typeof value === 'string' && value !== '') return { configuration: value };
  faults.push(fault('/configuration', 'the configuration is not a text', 'give the id of a configuration'));
  return {};
}

function readLanguage(json: JsonObject, faults: Fault[]): { language?: string } {
  const value = member(json, 'language');
  if (value === undefined) return {};
  if (typeof value === 'string' && /^[a-z]{1,8}(-[a-z0-9]{1,8})*$/i.test(value)) return { language: value };
  faults.push(fault('/language', 'the language is not a language tag', 'give a tag of BCP 47, such as "de-AT"'));
  return {};
}

function readTexts(json: JsonObject, name: string, faults: Fault[]): Record<string, string> {
  const value = member(json, name);
  if (value === undefined) return {};
  const place = pointer(name);
  if (!isJsonObject(value)) {
    faults.push(fault(place, `"${name}" is not an object`, `give "${name}" as an object from name to text`));
    return {};
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_ENTRIES) {
    faults.push(fault(place, `"${name}" has over ${MAX_ENTRIES} entries`, 'send only what differs from the defaults'));
    return {};
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, readText(entry, place + pointer(key), faults)]));
}

function readText(value: JsonValue, place: string, faults: Fault[]): string {
  if (typeof value !== 'string' && typeof value !== 'boolean' && (typeof value !== 'number' || !isExact(value))) {
    faults.push(
      fault(place, 'the value is not a text, an exact number or a boolean', 'write the value as a JSON string'),
    );
    return '';
  }
  const text = String(value);
  if (text.length > MAX_VALUE) faults.push(fault(place, `the value is over ${MAX_VALUE} characters`, 'shorten it'));
  return text;
}

/** An integer beyond 2^53 has lost digits by the time it is a JavaScript number. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function readEulas(json: JsonObject, faults: Fault[]): 'all' | readonly string[] {
  const value = member(json, 'eulas');
  if (value === undefined) return [];
  if (value === 'all') return 'all';
  const remedy = 'give "all" or a list of EULA ids or digests';
  if (Array.isArray(value) && value.length <= MAX_ENTRIES) {
    const list: readonly JsonValue[] = value;
    list.forEach((id, index) => {
      if (typeof id !== 'string') faults.push(fault(`/eulas/${index}`, 'the EULA id is not a text', remedy));
    });
    return list.filter((id) => typeof id === 'string');
  }
  faults.push(fault('/eulas', '"eulas" is neither "all" nor a list', remedy));
  return [];
}

function member(json: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(json, name) ? json[name] : undefined;
}

/** One step of a JSON pointer (RFC 6901). */
function pointer(name: string): string {
  return `/${excerpt(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function fault(path: string, message: string, remedy: string): Fault {
  return { code: 'ovf.inputs', message, rule: 'K04', place: { path, field: 'eu.contrail-project.ovf.inputs' }, remedy };
}
