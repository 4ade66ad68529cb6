/**
 * Progress on standard error: bars that are redrawn in place on a terminal; elsewhere a line when something begins, every
 * quarter of the way, and when it ends.
 */

import type { Session } from './session.js';
import { displayText } from './ui/display-text.js';
import { progressRows, type ProgressRow } from './ui/progress-bar.js';

/** Rows beyond this many are summed up, so that the drawing never scrolls. */
const MOST_ROWS = 20;
const LINE_UP = '\u001b[1A';
const CLEAR_LINE = '\u001b[2K';

export class ProgressDisplay {
  readonly #session: Session;
  readonly #told = new Map<string, string>();
  #drawn = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  show(rows: readonly ProgressRow[], changed: ProgressRow): void {
    const { terminal, options } = this.#session;
    if (options.quiet === true) return;
    if (terminal.err.terminal) this.#draw(rows);
    else this.#tell(changed);
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
    const done = hidden.filter((row) => row.state === 'done').length;
    if (hidden.length > 0) shown.push(`and ${hidden.length} more, ${done} of them done`);
    const lines = shown.map((line) => `${CLEAR_LINE}${line}\n`).join('');
    terminal.err.write(LINE_UP.repeat(this.#drawn) + lines);
    this.#drawn = shown.length;
  }

  #tell({ label, percent, state, note }: ProgressRow): void {
    const quarter = Math.floor(percent / 25) * 25;
    const word = state === 'working' && quarter > 0 ? `${quarter} %` : state;
    if (this.#told.get(label) === word) return;
    this.#told.set(label, word);
    this.#session.terminal.err.write(displayText(`${label}: ${word}${state === 'failed' ? `, ${note}` : ''}`) + '\n');
  }
}
