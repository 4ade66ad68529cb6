/**
 * Values held against attribute definitions (GFD.221 §5.2, GFD.226 §3.5.1): coercion of what a rendering delivered to
 * the declared type, then the definition's pattern, a JSON Schema compiled once. JSON says itself what type a value
 * has and is taken at its word (C-239); text clients quote and unquote as they like (I-015, I-016).
 */

import { Ajv, type ValidateFunction } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { excerpt, messageOf, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonObject } from '../base/json.js';
import { readJson } from './json/read.js';
import type { AttributeDefinition, AttributeType, AttributeValue } from './model.js';
import type { AttributeInput } from './request.js';

export type ValueOutcome =
  { readonly ok: true; readonly value: AttributeValue } | { readonly ok: false; readonly fault: Fault };

const NUMBER = /^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/** Coerces and validates: the value to be stored, or the fault naming the attribute. */
export function acceptValue(definition: AttributeDefinition, input: AttributeInput): ValueOutcome {
  const coerced = coerceValue(definition, input);
  if (!coerced.ok || definition.pattern === undefined) return coerced;
  const complaint = patternComplaint(definition.pattern, coerced.value);
  if (complaint === undefined) return coerced;
  return {
    ok: false,
    fault: {
      code: 'attribute.pattern',
      message: `${definition.name} ${complaint}`,
      place: { field: definition.name },
      rule: 'GFD.221 §5.2',
      remedy: `send a value that fits ${excerpt(definition.pattern)}`,
      ...shown(definition, coerced.value),
    },
  };
}

/** Brings a value to the declared type without looking at the pattern: filters and echoed values need no more. */
export function coerceValue(definition: AttributeDefinition, input: AttributeInput): ValueOutcome {
  const value = input.typed ? input.value : fromText(definition.type, input);
  if (typeOf(value) !== definition.type) return mistyped(definition, input.value, `must be of type ${definition.type}`);
  if (typeof value === 'number' && !Number.isFinite(value))
    return mistyped(definition, value, 'must be a finite number');
  if (typeof value === 'string' && (value.includes('\0') || LONE_SURROGATE.test(value))) {
    return mistyped(definition, value, 'must be text without NUL characters and unpaired surrogates');
  }
  return { ok: true, value };
}

/** What is wrong with `value` under the pattern, as a phrase after the attribute's name; undefined when it fits. */
export function patternComplaint(pattern: JsonObject, value: AttributeValue): string | undefined {
  const validate = compiled(pattern);
  if (validate(value)) return undefined;
  const error = validate.errors?.[0];
  const where = error?.instancePath ? `${error.instancePath} ` : '';
  return `${where}${error?.message ?? 'does not fit its pattern'}`;
}

/** Why the pattern is not a usable JSON Schema; undefined when it is. */
export function patternDefect(pattern: JsonObject): string | undefined {
  try {
    compiled(pattern);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** The JSON type of a value in the words of GFD.226. */
export function typeOf(value: AttributeValue): AttributeType {
  if (Array.isArray(value)) return 'array';
  if (isJsonObject(value)) return 'object';
  return typeof value as 'string' | 'number' | 'boolean';
}

const ajv = new Ajv({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false });
for (const name of ['ipv4', 'ipv6', 'uri', 'uri-reference', 'date-time'] as const) {
  ajv.addFormat(name, fullFormats[name]);
}
ajv.addFormat('cidr', (text: string) => {
  const parts = text.split('/');
  const [address = '', prefix = ''] = parts;
  if (parts.length !== 2 || !/^(0|[1-9][0-9]{0,2})$/.test(prefix)) return false;
  return (matches('ipv4', address) && Number(prefix) <= 32) || (matches('ipv6', address) && Number(prefix) <= 128);
});

const validators = new WeakMap<JsonObject, ValidateFunction>();

/** The same by their text: most definitions share their pattern with others. Only the provider's categories have patterns. */
const validatorsByText = new Map<string, ValidateFunction>();

function compiled(pattern: JsonObject): ValidateFunction {
  let validate = validators.get(pattern);
  if (validate === undefined) {
    // GFD.226 recommends a `$schema` of draft-04, which the validator need not know to apply what the drafts share.
    const { $schema: _, ...schema } = pattern;
    const text = JSON.stringify(schema);
    validate = validatorsByText.get(text) ?? ajv.compile(schema);
    validatorsByText.set(text, validate);
    validators.set(pattern, validate);
  }
  return validate;
}

function matches(format: 'ipv4' | 'ipv6', text: string): boolean {
  const pattern = fullFormats[format];
  return pattern instanceof RegExp && pattern.test(text);
}

/** Text carries no types: quoted numbers and booleans, unquoted strings, and JSON in a string for lists and hashes. */
function fromText(type: AttributeType, { value, written }: AttributeInput): AttributeValue {
  if (type === 'string')
    return typeof value === 'number' || typeof value === 'boolean' ? (written ?? String(value)) : value;
  if (typeof value !== 'string') return value;
  if (type === 'number') return NUMBER.test(value) ? Number(value) : value;
  if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  const document = readJson(value);
  return document.faults.length === 0 && document.value !== null ? document.value : value;
}

function mistyped(definition: AttributeDefinition, value: AttributeValue, complaint: string): ValueOutcome {
  return {
    ok: false,
    fault: {
      code: 'attribute.type',
      message: `${definition.name} ${complaint}`,
      place: { field: definition.name },
      rule: 'GFD.226 §3.5.1',
      remedy: `send ${definition.name} as ${definition.type}`,
      ...shown(definition, value),
    },
  };
}

/** What is given once at creation (user data, inputs of an appliance) may hold secrets and is never quoted back. */
function shown(definition: AttributeDefinition, value: AttributeValue): { value?: string } {
  return definition.createOnly === true ? {} : { value: excerpt(value) };
}
