/**
 * Reading `sites[].options`: a JSON Schema says what an adapter wants to know and holds the defaults; every fault names
 * its key. Secrets are not written there but named: by the file or the environment variable that holds them.
 */

import { readFileSync } from 'node:fs';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { Problem, messageOf, problem, type Fault } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { schemaCheck } from '../base/json-schema.js';

/**
 * A function that checks options against the schema and answers them with the defaults filled in.
 *
 * @throws Problem `invalid` (thrown by that function) with one fault for every key that is wrong.
 */
export function optionsReader<Options>(type: string, schema: JsonObject): (options: unknown) => Options {
  const check = schemaCheck(schema);
  return (options) => {
    const given: unknown = structuredClone(options ?? {});
    const errors = check(given);
    if (errors.length > 0)
      throw new Problem(
        'invalid',
        errors.map((error) => asFault(type, error)),
      );
    return given as Options;
  };
}

function asFault(type: string, error: ErrorObject): Fault {
  const unknown = error.keyword === 'additionalProperties' ? `/${String(error.params['additionalProperty'])}` : '';
  const path = `${error.instancePath}${unknown}`.slice(1).replaceAll('/', '.') || '(top level)';
  return {
    code: unknown ? `${type}.unknown-key` : `${type}.invalid`,
    message: unknown ? `${path} is not a key of a site of type ${type}` : `${path} ${error.message ?? 'is not valid'}`,
    place: { path },
    remedy: `see docs/configuration.md for the keys of a site of type ${type}`,
  };
}

/**
 * Where a secret is kept: a file, whose last line break does not count, or an environment variable. A user's own credential
 * (K35) comes as its text, which no configuration can hold.
 */
export type SecretReference = { readonly file: string } | { readonly env: string } | { readonly text: string };

/** JSON Schema of a {@link SecretReference}, for the schemas of adapters. */
export const secretReferenceSchema: JsonObject = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: { file: { type: 'string', minLength: 1 }, env: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } },
};

/**
 * The secret that `key` of the options refers to.
 *
 * @throws Problem `invalid` where it is not there, or empty; it never quotes the secret.
 */
export function readSecret(key: string, reference: SecretReference): string {
  if ('text' in reference) return reference.text;
  const secret = 'file' in reference ? fromFile(key, reference.file) : (process.env[reference.env] ?? '');
  if (secret !== '') return secret;
  const holder = 'file' in reference ? `the file ${reference.file}` : `the environment variable ${reference.env}`;
  throw problem('invalid', 'config.secret-empty', `${key} refers to ${holder}, which holds nothing`, {
    place: { path: key },
    remedy: `put the secret into ${holder}`,
  });
}

function fromFile(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw problem(
      'invalid',
      'config.secret-unreadable',
      `${key} refers to a file that cannot be read: ${messageOf(error)}`,
      {
        place: { path: key },
        remedy: 'name a file that the server may read',
      },
    );
  }
}
