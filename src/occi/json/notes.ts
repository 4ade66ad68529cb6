/**
 * What is wrong with the shape of a JSON request, noted with JSON pointers while reading goes on, and the small
 * readers that note it: each answers something harmless in place of what was not there.
 */

import { excerpt, type Fault } from '../../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import { splitTypeId } from '../category-grammar.js';
import type { CategoryClass } from '../model.js';
import type { CategoryRef } from '../request.js';
import { MOST_FAULTS, pointer } from './read.js';

export class JsonNotes {
  readonly faults: Fault[] = [];

  add(code: string, message: string, path: string, remedy = 'write it as GFD.226 §3 shows'): void {
    if (this.faults.length >= MOST_FAULTS) return;
    this.faults.push({ code, message, place: { path }, rule: 'GFD.226 §3', remedy });
  }

  /** Notes a member that must be there, and stands in for it. */
  missing(member: string, path: string): string {
    this.add('json.member-missing', `member ${member} is missing`, pointer(path, member));
    return '';
  }

  onlyMembers(json: JsonObject, known: ReadonlySet<string>, path: string): void {
    for (const member of Object.keys(json)) {
      if (!known.has(member))
        this.add(
          'json.unknown-member',
          `member ${excerpt(member)} is not known here`,
          pointer(path, member),
          'leave it out',
        );
    }
  }

  object(value: JsonValue, path: string): JsonObject {
    if (isJsonObject(value)) return value;
    this.add('json.object-expected', 'a JSON object is expected', path);
    return {};
  }

  /** An array; an absent one is empty. */
  array(value: JsonValue | undefined, path: string): readonly JsonValue[] {
    if (value === undefined) return [];
    if (Array.isArray(value)) return value as readonly JsonValue[];
    this.add('json.array-expected', 'a JSON array is expected', path);
    return [];
  }

  strings(values: readonly JsonValue[], path: string): readonly string[] {
    return values.flatMap((value, index) => {
      if (typeof value === 'string') return [value];
      this.add('json.string-expected', 'a string is expected', pointer(path, index));
      return [];
    });
  }

  /** A member that holds one string or an array of them. */
  oneOrMore(json: JsonObject, member: string, path: string): readonly string[] {
    const value = json[member];
    const place = pointer(path, member);
    return typeof value === 'string' ? [value] : this.strings(this.array(value, place), place);
  }

  text(json: JsonObject, member: string, path: string): string | undefined {
    const value = json[member];
    if (value === undefined || typeof value === 'string') return value;
    this.add('json.string-expected', `${member} must be a string`, pointer(path, member));
    return undefined;
  }

  /** A reference to a category by its type identifier. */
  category(
    value: JsonValue | undefined,
    categoryClass: CategoryClass | undefined,
    path: string,
  ): CategoryRef | undefined {
    const parts = typeof value === 'string' ? splitTypeId(value) : undefined;
    if (parts !== undefined) return { ...parts, ...(categoryClass === undefined ? {} : { class: categoryClass }) };
    this.add(
      'json.type-id',
      `${excerpt(value)} is not a type identifier`,
      path,
      'name a category by scheme and term as one URI',
    );
    return undefined;
  }
}
