/** Answers of an OCCI server, whatever they are written in: what they hold, or why they are none. */

import type { JsonValue } from '../base/json.js';
import { parseEntityView } from '../occi/json/index.js';
import type { EntityView } from '../occi/model.js';
import { Discovery } from './discovery.js';
import { JSON_RENDERING, type Rendering } from './occi-requests.js';
import { discoveryOf, type OcciAnswer } from './text-answers.js';

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
  try {
    const value = JSON.parse(answer.text) as JsonValue;
    if (typeof value === 'object' && value !== null) return value as T;
  } catch {
    // Told below.
  }
  throw new NoAnswer('the server answered with something that is not the JSON asked for');
}

/** @throws NoAnswer where it holds none */
export function entityIn(answer: OcciAnswer): EntityView {
  const value = jsonIn<{ kind?: unknown; id?: unknown }>(answer);
  if (typeof value.kind !== 'string' || typeof value.id !== 'string') throw new NoAnswer('the answer is no entity');
  return parseEntityView(answer.text);
}

/** What the server said instead. */
export function refusalOf({ status, text }: OcciAnswer): OcciRefusal {
  try {
    const { faults } = JSON.parse(text) as { faults: { code: string; message: string }[] };
    if (faults.length > 0) {
      const said = faults.map(({ message }) => message).join('; ');
      return new OcciRefusal(
        status,
        said.slice(0, 500),
        faults.map(({ code }) => code),
      );
    }
  } catch {
    // Not VEP's form.
  }
  const plain = text.trim().startsWith('<') ? '' : (text.trim().split('\n')[0] ?? '');
  return new OcciRefusal(status, plain.slice(0, 300));
}
