/** A table as text: columns as wide as their widest cell, two spaces between them, nothing at the end of a line. */

import { padded, widthOf } from './display-text.js';
import type { Style } from './style.js';

/** Cells may hold escape sequences of the style. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], style: Style): string {
  const widths = header.map((title, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, column) => padded(cell, widths[column] ?? 0)).join('  ');
  return [style.dim(line(header).trimEnd()), ...rows.map((row) => line(row).trimEnd())]
    .map((text) => `${text}\n`)
    .join('');
}
