/**
 * Patterns over slash names, as policy files hold them: the globs of signing policies, where `*` stands for anything, and
 * the regular expressions of namespaces files, which are anchored on the whole name. Only single characters, `.`, classes
 * and their repetitions are known of the latter: nothing else occurs in the IGTF's files, and so a comparison is at most
 * the product of the two lengths whatever either holds.
 */

import { normalSlash } from './name.js';
import { Refusal } from './refusal.js';

interface Piece {
  matches(char: string): boolean;
  /** Whether it may be missing, and whether it may come again. */
  readonly optional: boolean;
  readonly repeats: boolean;
}

const MAX_PIECES = 1000;

/** Whether a slash name matches. */
export type SubjectPattern = (slash: string) => boolean;

export function globPattern(glob: string): SubjectPattern {
  const pieces = [...normalSlash(glob)].map((char) => (char === '*' ? ANYTHING : literal(char)));
  return patternOf(glob, pieces);
}

/** @throws Refusal `malformed` for what is no regular expression, or one beyond these means */
export function regexPattern(regex: string): SubjectPattern {
  return patternOf(regex, piecesOf(normalSlash(regex)));
}

/** What equals the text of a pattern matches it too: names hold brackets and dots. */
function patternOf(text: string, pieces: readonly Piece[]): SubjectPattern {
  if (pieces.length > MAX_PIECES) throw new Refusal('malformed', 'a pattern of names is too long');
  const same = normalSlash(text);
  return (slash) => {
    const name = normalSlash(slash);
    return name === same || matches(pieces, name);
  };
}

const ANYTHING: Piece = { matches: () => true, optional: true, repeats: true };
const literal = (char: string): Piece => ({ matches: (other) => other === char, optional: false, repeats: false });

/** All places in the pattern that the text so far can lead to, character by character. */
function matches(pieces: readonly Piece[], text: string): boolean {
  let places = closure(pieces, new Set([0]));
  for (const char of text) {
    const next = new Set<number>();
    for (const place of places) {
      const piece = pieces[place];
      if (!piece?.matches(char)) continue;
      next.add(place + 1);
      if (piece.repeats) next.add(place);
    }
    if (next.size === 0) return false;
    places = closure(pieces, next);
  }
  return places.has(pieces.length);
}

function closure(pieces: readonly Piece[], places: Set<number>): Set<number> {
  // A set visits what is added on the way.
  for (const place of places) if (pieces[place]?.optional) places.add(place + 1);
  return places;
}

const TOKEN = /\\(.)|\[(\^?)(\]?[^\]]*)\]|([\s\S])/gu;

function piecesOf(regex: string): Piece[] {
  const bare = regex.replace(/^\^/, '').replace(/(?<!\\)\$$/, '');
  const pieces: Piece[] = [];
  for (const [whole, escaped, negated, members, char] of bare.matchAll(TOKEN)) {
    if (escaped !== undefined) {
      if (/[A-Za-z0-9]/.test(escaped)) throw beyond(whole);
      pieces.push(literal(escaped));
    } else if (members !== undefined) pieces.push(classOf(members, negated === '^'));
    else if (char === '.') pieces.push({ ...ANYTHING, optional: false, repeats: false });
    else if (char === '*' || char === '+' || char === '?') {
      const last = pieces.pop();
      if (!last || last.optional || last.repeats) throw beyond(whole);
      pieces.push({ ...last, optional: char !== '+', repeats: char !== '?' });
    } else if (char === undefined || /[()|{}^$]/.test(char)) throw beyond(whole);
    else pieces.push(literal(char));
  }
  return pieces;
}

function classOf(members: string, negated: boolean): Piece {
  const chars = [...members];
  const ranges: [string, string][] = [];
  for (let at = 0; at < chars.length; at++) {
    const [from = '', dash, to] = chars.slice(at, at + 3);
    if (from === '\\' || from === '[') throw beyond(members);
    if (dash === '-' && to !== undefined) {
      ranges.push([from, to]);
      at += 2;
    } else ranges.push([from, from]);
  }
  return {
    matches: (char) => ranges.some(([from, to]) => from <= char && char <= to) !== negated,
    optional: false,
    repeats: false,
  };
}

function beyond(what: string): Refusal {
  return new Refusal('malformed', `a regular expression uses ${what}, which is not known here`);
}
