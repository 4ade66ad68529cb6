/**
 * An envelope in another language (DSP0243 §10): the text of every element that has a msgid is replaced by the message of
 * the bundle that fits the wanted language best, and stays as it is where no bundle has it. Bundles in files of their own
 * count once `withBundles` has read them.
 */

import { problem } from '../../base/errors.js';
import { ElementPlace } from '../xml/place.js';
import type { Envelope, Message, Strings } from './model.js';

/**
 * The first of the wanted languages (tags of BCP 47, best first) that a bundle speaks; undefined where none does, or where
 * the text as it stands fits at least as well.
 */
export function languageFor(envelope: Envelope, wanted: readonly string[]): string | undefined {
  for (const language of wanted) {
    const best = Math.min(UNFIT, ...envelope.strings.map(({ lang }) => fitness(lang, language)));
    const own = fitness(envelope.lang, language);
    if (best < UNFIT && best <= own) return language;
    if (own < UNFIT) return undefined;
  }
  return undefined;
}

/**
 * `language` is a tag of BCP 47, e.g. `de-AT`: its own bundles come first, then those of `de`, then any kind of German.
 * @throws Problem `too-large` where small references to large messages would come to more than anybody reads (O-078)
 */
export function inLanguage(envelope: Envelope, language: string): Envelope {
  const bundles = fitting(envelope.strings, language);
  if (bundles.length === 0) return envelope;
  // The best come last and win; a document may have thousands of bundles.
  const messages = new Map(bundles.toReversed().flatMap((bundle) => [...bundle.messages]));
  return translated({ ...envelope, strings: [] }, counted(messages)) as Envelope;
}

/** A tag as the schema wants it (xs:language), which locales with an underscore are not; undefined for what is none. */
export function languageTag(lang: string): string | undefined {
  const tag = lang.trim().replaceAll('_', '-');
  return /^[a-z]{1,8}(-[a-z0-9]{1,8})*$/i.test(tag) ? tag : undefined;
}

const UNFIT = 3;

/** How well a text in one language serves whoever wants another: 0 as wanted, up to 2 related, {@link UNFIT} not at all. */
export function fitness(lang: string, language: string): number {
  const offered = lang.toLowerCase();
  const wanted = language.toLowerCase();
  const [primary = ''] = wanted.split('-');
  if (offered === wanted) return 0;
  if (offered === primary) return 1;
  return offered.startsWith(`${primary}-`) ? 2 : UNFIT;
}

function fitting(strings: readonly Strings[], language: string): readonly Strings[] {
  const rank = ({ lang }: Strings): number => fitness(lang, language);
  return strings.filter((bundle) => rank(bundle) < UNFIT).sort((a, b) => rank(a) - rank(b));
}

/** Characters of all messages that are put in, or that lie in files of their own, each counted as often as it is named (O-078). */
export const MOST_CHARACTERS = 16 * 1024 * 1024;

/** @throws Problem `too-large` */
function counted(messages: ReadonlyMap<string, string>): (msgid: string) => string | undefined {
  let left = MOST_CHARACTERS;
  return (msgid) => {
    const text = messages.get(msgid);
    left -= text?.length ?? 0;
    if (left >= 0) return text;
    throw problem(
      'too-large',
      'ovf.O-078',
      `in its language the descriptor says more than ${MOST_CHARACTERS} characters`,
      {
        rule: 'O-078',
        remedy: 'name long messages less often, or ask for no language',
      },
    );
  };
}

/** A copy of a part of the envelope with its messages replaced. Maps and places hold no messages and are left alone. */
function translated(part: unknown, message: (msgid: string) => string | undefined): unknown {
  if (Array.isArray(part)) return part.map((each) => translated(each, message));
  if (typeof part !== 'object' || part === null || part instanceof Map || part instanceof ElementPlace) return part;
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, translated(value, message)]));
  const text = isMessage(part) ? message(part.msgid) : undefined;
  return text === undefined ? copy : { ...copy, text: text.trim() };
}

function isMessage(part: object): part is Message & { readonly msgid: string } {
  return 'text' in part && 'msgid' in part && typeof part.msgid === 'string';
}
