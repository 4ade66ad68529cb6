/**
 * Text for a terminal: what came from a server or a descriptor may hold control characters that move the cursor or
 * rewrite what stands on the screen; they are made visible. Widths count characters, not bytes or escape sequences.
 */

// eslint-disable-next-line no-control-regex -- the escape sequences that `styleOf` writes are what is looked for
const ESCAPES = /\u001b\[\d+m/g;
// eslint-disable-next-line no-control-regex -- control characters are exactly what is replaced
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Safe to write to a terminal; line ends and tabs become spaces. */
export function displayText(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(CONTROLS, visible);
}

/** A document, line by line, safe to write to a terminal. */
export function visibleDocument(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(CONTROLS, visible))
    .join('\n');
}

function visible(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Columns that a text takes: East Asian wide characters and emoji take two, combining marks none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text.replace(ESCAPES, '')) {
    if (/\p{Mn}|\u200d|\ufe0f/u.test(char)) continue;
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        char,
      )
        ? 2
        : 1;
  }
  return width;
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Cut to the width, with an ellipsis where something is missing. For text without escape sequences. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let result = '';
  for (const char of text) {
    if (widthOf(result + char) > width - 1) break;
    result += char;
  }
  return `${result}…`;
}
