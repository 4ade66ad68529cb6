/** Answers of an OCCI server, whatever they are written in: what they hold, or why they are none. */

import { isJsonObject, stringAt, type JsonObject, type JsonValue } from '../base/json.js';
import { parseEntityView } from '../occi/json/index.js';
import type { EntityView } from '../occi/model.js';
import { fromHeader } from '../occi/text/index.js';
import { Discovery } from './discovery.js';
import { idOf, JSON_RENDERING, type Rendering } from './occi-requests.js';
import { discoveryOf, locationsIn, viewOf, type OcciAnswer } from './text-answers.js';

/** The server said no, or something that is no answer. */
export class OcciRefusal extends Error {
  override readonly name = 'OcciRefusal';
  readonly status: number;
  /** The server's own words, cut. */
  readonly said: string;
  /** Codes of VEP's faults, where the server is one. */
  readonly codes: readonly string[];

  constructor(status: number, said: string, codes: readonly string[] = []) {
    super(`the server answered ${status}${said === '' ? '' : `: ${said}`}`);
    this.status = status;
    this.said = said;
    this.codes = codes;
  }
}

/** The answer has the status of success and is none. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A creation was accepted, and only a task tells when there will be an entity (GFD.185 §3.6.3). */
export class Deferred extends Error {
  override readonly name = 'Deferred';
  /** Path of the task. */
  readonly task: string;

  constructor(task: string) {
    super('the server is still making it');
    this.task = task;
  }
}

/** The categories that an answer holds. */
export function categoriesIn(answer: OcciAnswer): Discovery {
  const rendering = renderingOf(answer);
  if (rendering !== JSON_RENDERING) return discoveryOf(answer, rendering);
  return new Discovery(jsonIn<ConstructorParameters<typeof Discovery>[0]>(answer));
}

export function renderingOf({ headers }: OcciAnswer): Rendering {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === JSON_RENDERING || type === 'application/json') return JSON_RENDERING;
  if (type === 'text/occi') return 'text/occi';
  if (type === 'text/plain' || type === 'text/occi+plain' || type === 'text/uri-list') return 'text/plain';
  throw new NoAnswer(`the server answered in ${type === '' ? 'no media type' : type.slice(0, 60)}, which is not OCCI`);
}

export function jsonIn<T>(answer: OcciAnswer): T {
  const value = jsonOf(answer.text);
  if (typeof value === 'object' && value !== null) return value as T;
  throw new NoAnswer('the server answered with something that is not the JSON asked for');
}

/** @throws NoAnswer where it holds none */
export function entityIn(answer: OcciAnswer): EntityView {
  const rendering = renderingOf(answer);
  const view = rendering === JSON_RENDERING ? jsonEntity(jsonIn<JsonObject>(answer)) : viewOf(answer, rendering);
  if (view === undefined) throw new NoAnswer('the answer is no entity');
  return view;
}

function jsonEntity(value: JsonValue | undefined): EntityView | undefined {
  if (!isJsonObject(value) || typeof value['kind'] !== 'string' || typeof value['id'] !== 'string') return undefined;
  return parseEntityView(JSON.stringify(value));
}

/**
 * Where a creation says that the new entity is: the server's URL for it, or else its id at the location of its kind. The URL is
 * in a header or in the body, as JSON in a list; or the answer is the entity, in JSON perhaps in a collection (`spec/occi.md` §14).
 *
 * @throws NoAnswer where it does not say
 */
export function madeAt(answer: OcciAnswer, location: string): string {
  const at = answer.headers['location'] ?? locationsIn(answer)[0];
  if (at !== undefined) return at;
  const first = renderingOf(answer) === JSON_RENDERING ? firstIn(jsonIn<JsonValue>(answer)) : undefined;
  if (typeof first === 'string') return first;
  const id = idOf(jsonEntity(first) ?? entityIn(answer));
  if (id === '') throw new NoAnswer('the server does not say where the new entity is');
  return location + id;
}

/** Of a list or of a collection (GFD.226 §3.3). */
function firstIn(json: JsonValue): JsonValue | undefined {
  const lists = isJsonObject(json) ? [json['resources'], json['links']] : [json];
  return lists.flatMap((list) => (Array.isArray(list) ? (list as readonly JsonValue[]) : []))[0];
}

/** What the server said instead: in VEP's faults, in a header, or in the body as servers of the field do (`spec/occi.md` §5.11). */
export function refusalOf({ status, headers, text }: OcciAnswer): OcciRefusal {
  const json = jsonOf(text);
  const faults = isJsonObject(json) && Array.isArray(json['faults']) ? json['faults'].filter(isJsonObject) : [];
  if (faults.length > 0) {
    const said = faults.map((fault) => stringAt(fault, 'message') ?? '').join('; ');
    return new OcciRefusal(
      status,
      said.slice(0, 500),
      faults.map((fault) => stringAt(fault, 'code') ?? ''),
    );
  }
  const inHeader = headers['x-occi-error'];
  const inJson = isJsonObject(json) ? (stringAt(json, 'message') ?? stringAt(json, 'error') ?? '') : undefined;
  const said = inHeader === undefined ? (inJson ?? firstLine(text)) : fromHeader(inHeader);
  return new OcciRefusal(status, said.slice(0, 300));
}

function jsonOf(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Of what is no page. */
function firstLine(text: string): string {
  const [line = ''] = text.trim().split('\n');
  return line.startsWith('<') ? '' : line;
}
