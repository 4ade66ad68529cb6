/** Fields on their way out: as lines of a body in `text/plain`, joined under their names in the headers of `text/occi`. */

import { toHeader } from './header-text.js';

/** `text/occi+plain` is the first of the two under another name (GFD.229 §6). */
export type TextForm = 'text/plain' | 'text/occi';

/** What an answer consists of: header fields ready for Node's `setHeader`, and the body. */
export interface TextAnswer {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** The body of every answer in `text/occi` (GFD.229 §7), and of answers that have nothing to show. */
export const OK: TextAnswer = { headers: [], body: 'OK' };

type FieldName = 'Category' | 'X-OCCI-Attribute' | 'Link';

export class TextFields {
  private readonly headers: Map<FieldName, string> | undefined;
  private body = '';

  constructor(form: TextForm) {
    this.headers = form === 'text/occi' ? new Map<FieldName, string>() : undefined;
  }

  add(name: FieldName, value: string): void {
    if (this.headers === undefined) {
      this.body += `${name}: ${value}\r\n`;
      return;
    }
    const earlier = this.headers.get(name);
    // jOCCI passes over an attribute with a blank before it.
    const comma = name === 'X-OCCI-Attribute' ? ',' : ', ';
    this.headers.set(name, earlier === undefined ? value : earlier + comma + value);
  }

  answer(): TextAnswer {
    if (this.headers === undefined) return { headers: [], body: this.body };
    return { headers: Array.from(this.headers, ([name, value]) => [name, toHeader(value)] as const), body: OK.body };
  }
}

/** Bytes of the longest header line, without its line end: more than a peer takes has to be refused, never cut (C-218, K21). */
export function longestHeaderLine(answer: TextAnswer): number {
  return answer.headers.reduce((longest, [name, value]) => Math.max(longest, name.length + 2 + value.length), 0);
}
