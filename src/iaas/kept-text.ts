/** Texts that VEP leaves with a site: its own bookkeeping, which must come back as it is, and names that people see there. */

import { IaasError } from './adapter.js';

/** Whether every character is there with both of its halves. */
export function isWhole(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

/**
 * A text of VEP's own bookkeeping that must come back as it is: plain when it is plain, Base64 with a mark otherwise, so
 * that line ends, blanks at the ends and `]]>` survive whatever the site does to texts.
 *
 * @throws IaasError `invalid` for half a character, which no encoding keeps
 */
export function kept(text: string): string {
  if (/^[\w.:@/+-]*$/.test(text) && !text.startsWith(MARK)) return text;
  if (!isWhole(text)) throw new IaasError('invalid', 'an identifier holds half of a character');
  return MARK + Buffer.from(text, 'utf8').toString('base64');
}

export function unkept(text: string): string {
  return text.startsWith(MARK) ? Buffer.from(text.slice(MARK.length), 'base64').toString('utf8') : text;
}

const MARK = 'base64:';

/** A name that people see: one line, at most 100 characters, nothing that a document of XML cannot hold. */
export function shownName(text: string): string {
  const plain = text
    .replaceAll(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll(/[\p{Cc}\p{Cf}\ufffe\uffff]+/gu, ' ')
    .replaceAll(']]>', ']] >')
    .trim();
  return [...plain].slice(0, 100).join('') || 'unnamed';
}
