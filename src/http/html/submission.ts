/**
 * What a browser sends when a form of a page is submitted: `application/x-www-form-urlencoded` (WHATWG URL §5) with the
 * fields of one form. Only a page of this very server may have sent it (S-117): every browser says so in `Origin` or
 * `Sec-Fetch-Site`, and other clients have no use for forms.
 */

import { problem } from '../../base/errors.js';
import { parseContentType } from '../../occi/media-type.js';
import type { AttributeInput } from '../../occi/request.js';
import { decodeUtf8, readBody } from '../body.js';
import type { Exchange } from '../occi/exchange.js';

export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** The forms that pages have. Their names travel in the field `form`; none is the name of an HTTP method (S-116). */
export const FORMS = [
  'create',
  'update',
  'act',
  'add-mixin',
  'remove-mixin',
  'remove',
  'associate',
  'dissociate',
  'define-mixin',
  'forget-mixin',
] as const;
export type FormName = (typeof FORMS)[number];

/** Fields beside those of attributes. */
const FIELDS: ReadonlySet<string> = new Set([
  'form',
  'key',
  'etag',
  'mixin',
  'action',
  'entity',
  'dry-run',
  'scheme',
  'term',
  'title',
  'location',
]);
const ATTRIBUTE = 'attribute:';
const MOST_BYTES = 1024 * 1024;
const MOST_FIELDS = 1000;

/** Name of the field that holds an attribute or a parameter of an action. */
export function fieldOf(attribute: string): string {
  return ATTRIBUTE + attribute;
}

export class Submission {
  readonly form: FormName;
  readonly #fields: URLSearchParams;

  constructor(form: FormName, fields: URLSearchParams) {
    this.form = form;
    this.#fields = fields;
  }

  /** What was entered in the field, or in the first of several of that name; empty if nothing was. */
  one(name: string): string {
    return (this.all(name)[0] ?? '').replaceAll('\r\n', '\n');
  }

  all(name: string): readonly string[] {
    return this.#fields.getAll(name).filter((value) => value !== '');
  }

  /** The attributes' fields by attribute name, those left empty among them. */
  attributes(): Map<string, string> {
    const names = [...this.#fields.keys()].filter((name) => name.startsWith(ATTRIBUTE));
    return new Map(names.map((name) => [name.slice(ATTRIBUTE.length), this.one(name)]));
  }

  /** The attributes that were filled in, untyped as in the text renderings. */
  filled(): Map<string, AttributeInput> {
    return inputs([...this.attributes()].filter(([, text]) => text !== ''));
  }
}

/** Attributes as the text renderings deliver them: their definitions say what type is meant. */
export function inputs(entries: Iterable<readonly [string, string]>): Map<string, AttributeInput> {
  return new Map([...entries].map(([name, value]) => [name, { value, typed: false }]));
}

/** Whether the message can be the form of a page. */
export function isForm(exchange: Exchange): boolean {
  return exchange.method === 'POST' && contentType(exchange) === FORM_TYPE;
}

export function contentType(exchange: Exchange): string | undefined {
  return parseContentType(exchange.message.headers['content-type'])?.type;
}

/** @throws Problem `forbidden` unless the request proves to come from a page of this server */
export function requireOwnPage({ message, base }: Exchange): void {
  const { origin } = message.headers;
  const site = message.headers['sec-fetch-site'];
  if (origin === undefined ? site === 'same-origin' : origin.toLowerCase() === base) return;
  throw problem('forbidden', 'http.form-origin', 'forms are taken from pages of this server alone', {
    place: { field: 'Origin' },
    rule: 'K22',
    remedy: 'open the page and submit its form there; programs send an OCCI rendering instead',
  });
}

/** @throws Problem `malformed`, `too-large` */
export async function readSubmission(exchange: Exchange): Promise<Submission> {
  const text = decodeUtf8(await readBody(exchange.message, MOST_BYTES));
  const fields = new URLSearchParams(text);
  const strange = [...fields.keys()].filter((name) => !FIELDS.has(name) && !name.startsWith(ATTRIBUTE));
  if (fields.size > MOST_FIELDS || strange.length > 0) {
    throw noSuchForm(strange[0] === undefined ? 'it has too many fields' : `no form has a field ${shown(strange[0])}`);
  }
  const form = FORMS.find((name) => name === fields.get('form'));
  if (form === undefined) throw noSuchForm('it does not say which form it is');
  return new Submission(form, fields);
}

export function noSuchForm(why: string): Error {
  return problem('malformed', 'http.form', `this form cannot be understood: ${why}`, {
    remedy: 'load the page again and submit the form that it shows',
  });
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 40));
}
