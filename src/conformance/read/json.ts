/** Looking into JSON of an unknown server (GFD.226): what is not there or of another type reads as empty. */

import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import type { Exchange } from '../exchange.js';
import { Violation } from '../outcome.js';

/** The body as JSON. @throws Violation when it is none */
export function jsonOf(exchange: Exchange): JsonValue {
  try {
    return JSON.parse(exchange.body) as JsonValue;
  } catch {
    throw new Violation(`${exchange.summary}: the body is not JSON`, exchange);
  }
}

/** The body as a JSON object. @throws Violation when it is none */
export function jsonObject(exchange: Exchange): JsonObject {
  const value = jsonOf(exchange);
  if (!isJsonObject(value)) throw new Violation(`${exchange.summary}: the body is not a JSON object`, exchange);
  return value;
}

export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return arrayIn(value).filter(isJsonObject);
}

export function stringsIn(value: JsonValue | undefined): string[] {
  return arrayIn(value).filter((each) => typeof each === 'string');
}

export function objectIn(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function textIn(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function arrayIn(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}
