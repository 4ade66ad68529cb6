/**
 * HTML as a tagged template: what is put into one is text and is escaped, unless it is itself made by this tag. There is
 * no other way from a value to markup, so that nothing a client stored can become part of a page (OWASP, output encoding).
 */

/** Markup; made by {@link html} alone. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** What a template takes: markup, text, lists of both; `undefined` and `false` leave nothing. */
export type Content = Html | string | number | undefined | false | readonly Content[];

/** Values stand between tags or inside double quotes; nowhere else would escaping suffice. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(strings.reduce((text, literal, index) => text + rendered(contents[index - 1]) + literal));
}

/** Text with control and direction characters made visible: for display, not for form fields, which give text back. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const INVISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function rendered(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Html) return content.toString();
  if (typeof content === 'string') return content.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
  if (typeof content === 'number') return String(content);
  return content.map(rendered).join('');
}
