/** Progress on standard error: bars that are redrawn in place on a terminal, a line for every change elsewhere. */

import type { Session } from './session.js';
import { displayText } from './ui/display-text.js';
import { progressRows, type ProgressRow } from './ui/progress-bar.js';

/** Rows beyond this many are summed up, so that the drawing never scrolls. */
const MOST_ROWS = 20;
const LINE_UP = '\u001b[1A';
const CLEAR_LINE = '\u001b[2K';

export class ProgressDisplay {
  readonly #session: Session;
  #drawn = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  show(rows: readonly ProgressRow[], changed: ProgressRow): void {
    const { terminal, options } = this.#session;
    if (options.quiet === true) return;
    if (terminal.err.terminal && options.json !== true) this.#draw(rows);
    else terminal.err.write(`${plain(changed)}\n`);
  }

  /** What is drawn last stays; what comes next is written below it. */
  end(): void {
    this.#drawn = 0;
  }

  #draw(rows: readonly ProgressRow[]): void {
    const { terminal, errorStyle } = this.#session;
    const safe = rows.map((row) => ({ ...row, label: displayText(row.label), note: displayText(row.note) }));
    const shown = progressRows(safe.slice(0, MOST_ROWS), terminal.err.columns, errorStyle);
    const hidden = safe.slice(MOST_ROWS);
    if (hidden.length > 0)
      shown.push(`and ${hidden.length} more, ${hidden.filter((row) => row.state === 'done').length} of them done`);
    const lines = shown.map((line) => `${CLEAR_LINE}${line}\n`).join('');
    terminal.err.write(LINE_UP.repeat(this.#drawn) + lines);
    this.#drawn = shown.length;
  }
}

function plain({ label, percent, state, note }: ProgressRow): string {
  const word = state === 'working' ? `${Math.floor(percent)} %` : state;
  return displayText(`${label}: ${word}${note === '' || note === word ? '' : `, ${note}`}`);
}
