/**
 * An envelope in another language (DSP0243 §10): the text of every element that has a msgid is replaced by the message of
 * the bundle that fits the wanted language best, and stays as it is where no bundle has it. Only bundles inside the
 * descriptor are known here.
 */

import type { Envelope, Message, Strings } from './model.js';

/** `language` is a tag of BCP 47, e.g. `de-AT`: its own bundles come first, then those of `de`, then any kind of German. */
export function inLanguage(envelope: Envelope, language: string): Envelope {
  const bundles = fitting(envelope.strings, language);
  if (bundles.length === 0) return envelope;
  const message = (msgid: string): string | undefined =>
    bundles.find(({ messages }) => messages.has(msgid))?.messages.get(msgid);
  return translated({ ...envelope, strings: [] }, message) as Envelope;
}

function fitting(strings: readonly Strings[], language: string): readonly Strings[] {
  const wanted = language.toLowerCase();
  const [primary = ''] = wanted.split('-');
  const rank = ({ lang }: Strings): number => {
    const offered = lang.toLowerCase();
    if (offered === wanted) return 0;
    if (offered === primary) return 1;
    return offered.startsWith(`${primary}-`) ? 2 : 3;
  };
  return strings.filter((bundle) => rank(bundle) < 3).sort((a, b) => rank(a) - rank(b));
}

/** A copy of a part of the envelope with its messages replaced. Maps hold no messages and are left alone. */
function translated(part: unknown, message: (msgid: string) => string | undefined): unknown {
  if (Array.isArray(part)) return part.map((each) => translated(each, message));
  if (typeof part !== 'object' || part === null || part instanceof Map) return part;
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, translated(value, message)]));
  const text = isMessage(part) ? message(part.msgid) : undefined;
  return text === undefined ? copy : { ...copy, text: text.trim() };
}

function isMessage(part: object): part is Message & { readonly msgid: string } {
  return 'text' in part && 'msgid' in part && typeof part.msgid === 'string';
}
