/** One line of progress: a label, a bar, a percentage and what is being done. */

import { cut, padded } from './display-text.js';
import type { Style } from './style.js';

export interface ProgressRow {
  readonly label: string;
  /** 0…100. */
  readonly percent: number;
  readonly state: 'waiting' | 'working' | 'done' | 'failed';
  readonly note: string;
}

const BAR = 24;

/** Rows of equal layout that fit into `columns`. */
export function progressRows(rows: readonly ProgressRow[], columns: number, style: Style): string[] {
  const widest = Math.min(28, Math.max(0, ...rows.map((row) => row.label.length)));
  return rows.map((row) => {
    const label = padded(cut(row.label, widest), widest);
    const room = columns - widest - BAR - 10;
    const note = room > 3 ? cut(row.note, room) : '';
    const percent = `${String(Math.floor(row.percent)).padStart(3)} %`;
    return `${label}  ${bar(row, style)} ${percent}  ${style.dim(note)}`.trimEnd();
  });
}

function bar({ percent, state }: ProgressRow, style: Style): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR);
  const filled = '█'.repeat(full);
  const paint = state === 'failed' ? style.red : state === 'done' ? style.green : style.cyan;
  return paint(filled) + style.dim('░'.repeat(BAR - full));
}
