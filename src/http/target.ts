/**
 * Reading the request target: path and query as VEP understands them (K18). The path is decoded once and may name only
 * plain segments, so that no second reading of it (by a proxy, by a router) can mean something else (S-116); the query
 * splits at `&` and `;` (HTTP12 §6 writes `?page=1;number=100`).
 */

import { problem } from '../base/errors.js';

export interface Target {
  /** Begins with `/`; doubled slashes are collapsed. */
  readonly path: string;
  /** Parameters in order; a name may repeat. */
  readonly query: readonly (readonly [name: string, value: string])[];
}

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]*/i;
const MAX_TARGET = 8192;
const MAX_PARAMETERS = 100;

/** @throws Problem `malformed` for a target that has more than one reading. */
export function readTarget(raw: string): Target {
  if (raw.length > MAX_TARGET)
    throw malformed('target-too-long', `the request target is longer than ${MAX_TARGET} characters`);
  const url = raw.replace(ABSOLUTE_FORM, '');
  const mark = url.indexOf('?');
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  return { path: readPath(rawPath === '' ? '/' : rawPath), query: mark < 0 ? [] : readQuery(url.slice(mark + 1)) };
}

const PLAIN_PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]*)+$/;

function readPath(raw: string): string {
  if (PLAIN_PATH.test(raw) && !raw.includes('//') && !raw.includes('/.')) return raw;
  if (!raw.startsWith('/') || raw.includes('#')) throw malformed('target-form', 'the request target must be a path');
  const segments = raw.split('/').map((segment) => {
    const text = decode(segment, 'path');
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
    if (/[\u0000-\u001f\u007f/\\;%]/.test(text) || text === '.' || text === '..') {
      throw malformed('path-segment', 'a path segment holds a separator, a control character or a dot segment');
    }
    return text;
  });
  return segments.join('/').replace(/\/{2,}/g, '/');
}

function readQuery(raw: string): [string, string][] {
  const parts = raw.split(/[&;]/).filter((part) => part !== '');
  if (parts.length > MAX_PARAMETERS) throw malformed('query-too-long', `more than ${MAX_PARAMETERS} query parameters`);
  return parts.map((part) => {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? '' : part.slice(equals + 1);
    return [decode(name.replaceAll('+', ' '), 'query'), decode(value.replaceAll('+', ' '), 'query')];
  });
}

function decode(text: string, where: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('percent-encoding', `the ${where} holds a percent-escape that is not UTF-8`);
  }
}

function malformed(code: string, message: string): Error {
  return problem('malformed', `http.${code}`, message, {
    rule: 'RFC 9112 §3.2',
    remedy: 'send the path as the server writes it',
  });
}

/** The single value of a parameter; a repeated one has no single meaning. */
export function parameter(target: Target, name: string): string | undefined {
  const values = target.query.filter(([key]) => key === name);
  if (values.length > 1) {
    throw problem('malformed', 'http.parameter-twice', `the query parameter ${name} is given twice`, {
      place: { field: name },
      remedy: 'give it once',
    });
  }
  return values[0]?.[1];
}

/** A switch in the query: present, `true` or `1` is on; absent, `false` or `0` is off (K07). */
export function flag(target: Target, name: string): boolean {
  const value = parameter(target, name);
  if (value === undefined || value === 'false' || value === '0') return false;
  if (value === '' || value === 'true' || value === '1') return true;
  throw problem('malformed', 'http.flag', `${name} is neither true nor false`, {
    place: { field: name },
    value,
    remedy: `write ?${name}, ?${name}=true or leave it out`,
  });
}

/** Refuses parameters that the URL does not know: a misspelt `dry-run` must not deploy. */
export function onlyParameters(target: Target, known: readonly string[]): void {
  for (const [name] of target.query) {
    if (known.includes(name)) continue;
    throw problem(
      'malformed',
      'http.unknown-parameter',
      `this URL does not know the query parameter ${JSON.stringify(name.slice(0, 40))}`,
      {
        place: { field: name.slice(0, 40) },
        remedy: known.length > 0 ? `it knows: ${known.join(', ')}` : 'leave it out',
      },
    );
  }
}
