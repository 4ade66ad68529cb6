/** The inputs as they were sent (K04): an object, or the JSON of one, whichever way the rendering carried them. */

import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.js';

export function inputsAsSent(inputs: JsonValue | undefined): JsonObject {
  const value: unknown = typeof inputs === 'string' && inputs !== '' ? JSON.parse(inputs) : inputs;
  return isJsonObject(value) ? value : {};
}
