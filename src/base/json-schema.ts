/**
 * Values held against the JSON Schemas (2020-12) of VEP's own configuration. A schema is compiled when a value first meets it:
 * most of them are for sites that a given configuration does not have. The schemas themselves are held against their
 * meta-schema by `test/base/json-schema.test.ts`, not at every start, which would take most of a second.
 */

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonObject } from './json.js';

let ajv: Ajv2020 | undefined;

/** A function that fills the schema's defaults into a value and answers everything in it that does not fit the schema. */
export function schemaCheck(schema: JsonObject): (value: unknown) => readonly ErrorObject[] {
  let validate: ValidateFunction | undefined;
  return (value) => {
    ajv ??= new Ajv2020({ allErrors: true, useDefaults: true, strict: false, meta: false, validateSchema: false });
    validate ??= ajv.compile(schema);
    return validate(value) ? [] : (validate.errors ?? []);
  };
}
