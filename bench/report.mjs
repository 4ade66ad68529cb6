/** The figures as a table, and as the page docs/performance.md. */

import { cpus, release, totalmem, type } from 'node:os';

export function tableOf(rows) {
  const cells = [
    ['request', 'body', 'CPU ms', 'bare ms', 'ratio', 'mark', ''],
    ...rows.map(({ name, bytes, ms, bareMs, mark }) => [
      name,
      `${bytes}`,
      ms.toFixed(3),
      bareMs.toFixed(3),
      (ms / bareMs).toFixed(1),
      mark.ratio === undefined ? `≤ ${mark.ms} ms` : `≤ ${mark.ratio} × bare`,
      isMet({ ms, bareMs, mark }) ? 'met' : 'not yet',
    ]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

export function isMet({ ms, bareMs, mark }) {
  return mark.ratio === undefined ? ms <= mark.ms : ms / bareMs <= mark.ratio;
}

export function documentOf(results) {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.version}`;
  const sections = [...results].map(([database, rows]) => `## ${database}\n\n${tableOf(rows)}\n\n${verdict(rows)}`);
  return `# Performance

What requests cost the server. Every figure comes from one command, which rewrites this page:

\`\`\`
npm run bench -- --write
\`\`\`

(with \`VEP_TEST_POSTGRES=postgres://…\` for the second table; without \`--write\` it only prints.)

Measured on ${machine}.

- **CPU ms** is processor time of the server process, user and system together, divided by the number of requests: what
  a request costs whatever else the machine does. It includes parsing, the token, rate limiting, metrics, permission, the
  database and the answer. The least of five slices counts: other work on the machine only ever adds.
- **bare ms** is the same for a server of \`node:http\` alone that answers a constant body of the same size, measured in
  turn with ours in the same run; **ratio** is the one over the other.
- The computes that are read were made by the simulated site before. Creations go to a site that does not answer, so
  that the work they file is not counted; each is committed with a full sync before it is acknowledged, as always, and
  eight clients ask at a time, as in all rows: those that wait anyway share a commit.

${sections.join('\n\n')}

## What the costs consist of

- A small read is mostly Node's own HTTP: next to it stand one statement for the generations of what is kept in memory,
  one for the entity, the digest of the token, and the header fields. \`text/occi\` puts the whole entity into header
  fields, each of which Node checks.
- A list of locations is one statement over two index ranges, the caller's own entities and those of the caller's
  groups, merged in order of creation; each row costs about a third of a microsecond in
  SQLite. An index that leads past what both ranges have in common would halve that.
- A creation is about 17 statements: the entity and what it is found by, the operation with its subject and event, the
  audit entry and the event for the bus. The commit itself is shared.
- On PostgreSQL every statement is a message to another process and back, which costs more processor time than SQLite
  spends on the whole statement. Creations run as serializable transactions; eight at once meet, and some run again.
`;
}

function verdict(rows) {
  const missed = rows.filter((row) => !isMet(row));
  if (missed.length === 0) return 'All marks are met.';
  return `Not met yet: ${missed.map(({ name }) => name).join('; ')}.`;
}
