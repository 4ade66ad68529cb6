/** The figures of `bench/ovf.mjs` as a table. */

import { cpus, release, totalmem, type } from 'node:os';

export function machineOf() {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.version}`;
}

/** Rows have a name, bytes, milliseconds and perhaps a mark in milliseconds; ratios a name, a value and a mark. */
export function tableFrom(rows, ratios) {
  const verdict = (value, mark) => (mark === undefined ? '' : value <= mark ? 'met' : 'not yet');
  const cells = [
    ['', 'bytes', 'CPU', 'mark', ''],
    ...rows.map(({ name, bytes, ms, mark }) => [
      name,
      `${bytes}`,
      `${ms.toFixed(2)} ms`,
      mark === undefined ? '' : `≤ ${mark} ms`,
      verdict(ms, mark),
    ]),
    ...ratios.map(([name, value, mark]) => [name, '', `${value.toFixed(2)} ×`, `≤ ${mark} ×`, verdict(value, mark)]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  const line = (row) => `| ${row.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}
