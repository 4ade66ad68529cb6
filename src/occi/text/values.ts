/** How single values are written in the text renderings (GFD.229 §4.3), within what the strictest known parsers take. */

import type { AttributeValue } from '../model.js';

// eslint-disable-next-line no-control-regex -- a field ends at a line end, and header fields hold no other control characters
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/g;
// eslint-disable-next-line no-control-regex -- as above
const NEEDS_CARE = /["\\\u0000-\u0008\u000a-\u001f\u007f]/;

/** A quoted-string. Only `"` and `\` are escaped: rOCCI 5 knows no other escape. Control characters become blanks. */
export function quoted(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  return `"${text.replace(CONTROL, ' ').replace(/["\\]/g, '\\$&')}"`;
}

/** A value by its type; arrays and objects, for which there is no text form, as JSON in a string. */
export function attributeValue(value: AttributeValue): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      // JSON leaves one control character as it is.
      return quoted(JSON.stringify(value).replaceAll('\u007f', '\\u007f'));
  }
}

/** `digits` or `digits.digits`; no parser of the field takes a sign unquoted (I-010). */
function numberText(value: number): string {
  return value >= 0 ? plainDecimal(value) : `"-${plainDecimal(-value)}"`;
}

/** A non-negative number without an exponent. */
function plainDecimal(value: number): string {
  const text = String(value);
  const mark = text.indexOf('e');
  if (mark < 0) return text;
  const exponent = Number(text.slice(mark + 1));
  const [whole = '', fraction = ''] = text.slice(0, mark).split('.');
  const digits = whole + fraction;
  const point = whole.length + exponent;
  return point <= 0 ? `0.${'0'.repeat(-point)}${digits}` : digits.padEnd(point, '0');
}

// eslint-disable-next-line no-control-regex -- these would end the brackets or the line
const NOT_IN_BRACKETS = /[\u0000-\u0020"<>\\\u007f]/g;

/** A URI between `<` and `>`; what could break out of them is percent-encoded. */
export function uriText(uri: string): string {
  return uri.replace(NOT_IN_BRACKETS, encodeURIComponent);
}
