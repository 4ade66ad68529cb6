/** Colours for a terminal, and plain text for everything else (NO_COLOR, https://no-color.org). */

export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export function styleOf(coloured: boolean): Style {
  const paint =
    ([on, off]: readonly [number, number]) =>
    (text: string): string =>
      coloured && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: paint(CODES.bold),
    dim: paint(CODES.dim),
    red: paint(CODES.red),
    green: paint(CODES.green),
    yellow: paint(CODES.yellow),
    cyan: paint(CODES.cyan),
  };
}

/** A state, and since when nobody has seen it, if nobody has. @param seenAt milliseconds since the epoch */
export function stateSeen(style: Style, state: string, seenAt: number | undefined): string {
  if (seenAt === undefined) return stateIn(style, state);
  return style.yellow(`${state} (last seen ${minute(seenAt)})`);
}

/** `2026-11-30 14:02Z`. */
export function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** A state in the colour that people expect of it. */
export function stateIn(style: Style, state: string): string {
  if (['active', 'online', 'accepted', 'up', 'ok', 'done'].includes(state)) return style.green(state);
  if (['error', 'failed', 'rejected', 'down', 'dead', 'terminated'].includes(state)) return style.red(state);
  return style.yellow(state);
}
