/**
 * Media types of requests and answers: Content-Type, and the choice by Accept (RFC 9110 §8.3, §12.5.1; GFD.185 §3.6.6,
 * GFD.223 §5.2), tolerant to what OCCI clients really send: lists in Content-Type, charsets, ranges that are none.
 */

import { COMMA, END, EQUALS, FieldLexer, QUOTE, SEMICOLON, SyntaxBreak } from './text/lexer.js';

export interface MediaType {
  /** `type/subtype` in lower case. */
  readonly type: string;
  /** By lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

export const TEXT_PLAIN = 'text/plain';
export const TEXT_OCCI = 'text/occi';
export const TEXT_OCCI_PLAIN = 'text/occi+plain';
export const TEXT_URI_LIST = 'text/uri-list';
export const OCCI_JSON = 'application/occi+json';
/** The JSON of the 1.1 era, which is written only for those who ask for it by name (K19). */
export const OCCI_JSON_1_1 = 'application/occi+json; version=1.1';
/** What rOCCI and erocci call {@link OCCI_JSON} (I-032). */
export const JSON_ALIAS = 'application/json';

/**
 * Reads a Content-Type. Of a list (rOCCI sends `text/plain,text/occi`) the first member counts.
 * @returns `undefined` if there is none that can be read.
 */
export function parseContentType(header: string | undefined): MediaType | undefined {
  return header === undefined ? undefined : mediaTypes(header)[0];
}

/** `1.1` for OCCI JSON that says it is of the 1.1 era, else `1.2`. */
export function jsonVersion(type: MediaType): string {
  return type.parameters.get('version') ?? '1.2';
}

/**
 * Chooses the media type of the answer: the highest quality, among equals what the client named more exactly, among those
 * the first one offered. Without a usable Accept that is the first one offered altogether (C-183). An `application/json`
 * range also gets OCCI JSON.
 * @param offered media types as they will stand in Content-Type, in the server's order.
 * @returns one of `offered`, or `undefined` if the client takes none of them (406).
 */
export function negotiate(accept: string | undefined, offered: readonly string[]): string | undefined {
  const ranges =
    accept === undefined
      ? []
      : mediaTypes(accept)
          .map(asRange)
          .filter((range) => range !== undefined);
  if (ranges.length === 0) return offered[0];
  let best: { readonly type: string; readonly quality: number; readonly exactness: number } | undefined;
  for (const type of offered) {
    const match = bestMatch(type, ranges);
    if (match === undefined || match.quality === 0) continue;
    if (!best || match.quality > best.quality || (match.quality === best.quality && match.exactness > best.exactness)) {
      best = { type, ...match };
    }
  }
  return best?.type;
}

interface Range extends MediaType {
  /** 0 to 1. */
  readonly quality: number;
}

/** Exactness of a match, rising. */
const ANY = 1;
const ANY_SUBTYPE = 2;
const BY_ALIAS = 3;
const BY_NAME = 4;

/** The most exact range that covers the type decides about it (RFC 9110 §12.5.1). */
function bestMatch(
  offered: string,
  ranges: readonly Range[],
): { readonly quality: number; readonly exactness: number } | undefined {
  const type = parseContentType(offered);
  if (type === undefined) return undefined;
  let best: { readonly quality: number; readonly exactness: number } | undefined;
  for (const range of ranges) {
    const exactness = exactnessOf(range, type);
    if (exactness > (best?.exactness ?? 0)) best = { quality: range.quality, exactness };
  }
  return best;
}

/** 0 if the range does not cover the type. The version is the only parameter that tells two of our types apart. */
function exactnessOf(range: Range, type: MediaType): number {
  if (isJson(type.type) && jsonVersion(range) !== jsonVersion(type)) return 0;
  if (range.type === type.type) return BY_NAME;
  if (isJson(range.type) && isJson(type.type)) return BY_ALIAS;
  if (range.type === '*/*') return ANY;
  return range.type.endsWith('/*') && type.type.startsWith(range.type.slice(0, -1)) ? ANY_SUBTYPE : 0;
}

function isJson(type: string): boolean {
  return type === OCCI_JSON || type === JSON_ALIAS;
}

const QUALITY = /^(?:0?\.\d*|0|1(?:\.\d*)?)$/;

function asRange(type: MediaType): Range | undefined {
  const written = type.parameters.get('q');
  if (written === undefined) return { ...type, quality: 1 };
  return QUALITY.test(written) ? { ...type, quality: Math.min(1, Number(written)) } : undefined;
}

/** More members than this are not looked at: no honest header has so many. */
const MOST_MEMBERS = 64;
const TYPE = /^[a-z0-9!#$%&'+.^_`|~*-]+\/[a-z0-9!#$%&'+.^_`|~*-]+$/;

/** The members of a comma-separated list that can be read. */
function mediaTypes(header: string): MediaType[] {
  const lexer = new FieldLexer(header);
  const found: MediaType[] = [];
  for (let members = 0; members < MOST_MEMBERS; members += 1) {
    while (lexer.take(COMMA));
    if (lexer.peek() === END) break;
    const type = mediaType(lexer);
    if (type !== undefined) found.push(type);
    lexer.skipToComma();
  }
  return found;
}

function mediaType(lexer: FieldLexer): MediaType | undefined {
  const word = lexer.word().toLowerCase();
  // Java's HttpURLConnection writes the widest range so.
  const type = word === '*' ? '*/*' : word;
  const parameters = new Map<string, string>();
  while (lexer.take(SEMICOLON)) {
    const name = lexer.name().toLowerCase();
    if (name === '' || !lexer.take(EQUALS)) continue;
    const value = parameterText(lexer);
    if (!parameters.has(name)) parameters.set(name, value);
  }
  const next = lexer.peek();
  return TYPE.test(type) && (next === COMMA || next === END) ? { type, parameters } : undefined;
}

function parameterText(lexer: FieldLexer): string {
  if (lexer.peek() !== QUOTE) return lexer.word();
  try {
    return lexer.quoted();
  } catch (error) {
    if (!(error instanceof SyntaxBreak)) throw error;
    return '';
  }
}
