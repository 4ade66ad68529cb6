/** The figures as a table, and as the page docs/performance.md. */

import { cpus, release, totalmem, type } from 'node:os';
import { SIZES } from './many.mjs';

/** Ten times as many entities may make a filter that finds the same few so much dearer. */
const MOST_GROWTH = 1.5;
/** MiB. */
const MOST_EXTRA = 64;
const LEAST_THROUGHPUT = 0.5;
/** Ten would be linear to the letter; a hundred is quadratic. */
const MOST_TIMES = 20;

export function tableOf(rows) {
  return table([
    ['request', 'body', 'CPU ms', 'bare ms', 'ratio', 'mark', ''],
    ...rows.map((row) => [
      row.name,
      `${row.bytes}`,
      row.ms.toFixed(3),
      row.bareMs.toFixed(3),
      row.ratio.toFixed(1),
      row.mark.ratio === undefined ? `≤ ${row.mark.ms} ms` : `≤ ${row.mark.ratio} × bare`,
      verdictOn(isMet(row)),
    ]),
  ]);
}

/** Filters that find the same 20 computes among ever more. */
export function filterTable(filters) {
  return table([
    ['filter', ...SIZES.map((size) => `CPU ms of ${size.toLocaleString('en')}`), 'growth', 'mark', ''],
    ...filters.map(({ name, ms: [few, many] }) => [
      name,
      few.toFixed(3),
      many.toFixed(3),
      (many / few).toFixed(2),
      `≤ ${MOST_GROWTH}`,
      verdictOn(many / few <= MOST_GROWTH),
    ]),
  ]);
}

export function memoryTable(lists) {
  const size = SIZES.at(-1).toLocaleString('en');
  return table([
    ['list', 'body MB', 'extra MiB', 'mark', ''],
    ...lists.map(({ accept, bytes, extra }) => [
      `${size} computes, ${accept}`,
      (bytes / 1e6).toFixed(1),
      (extra / 2 ** 20).toFixed(0),
      `< ${MOST_EXTRA} MiB`,
      verdictOn(extra < MOST_EXTRA * 2 ** 20),
    ]),
  ]);
}

export function growthTable({ text, json, ofContent, growth }) {
  return table([
    ['reading text', 'measured', 'mark', ''],
    [
      `throughput over that of JSON.parse, the same compute with links (${text} and ${json} bytes)`,
      ofContent.toFixed(2),
      `≥ ${LEAST_THROUGHPUT}`,
      verdictOn(ofContent >= LEAST_THROUGHPUT),
    ],
    ...growth.map(({ name, times }) => [
      `ten times as much of: ${name}`,
      `${times.toFixed(1)} times as long`,
      `≤ ${MOST_TIMES}`,
      verdictOn(times <= MOST_TIMES),
    ]),
  ]);
}

/** A list of plans, as the database writes them. */
function plansOf(filters) {
  return filters.map(({ name, plan }) => `- ${name}:\n${plan.map((line) => `  - \`${line}\``).join('\n')}`).join('\n');
}

function table(cells) {
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

function verdictOn(met) {
  return met ? 'met' : 'not yet';
}

export function isMet({ ms, ratio, mark }) {
  return mark.ratio === undefined ? ms <= mark.ms : ratio <= mark.ratio;
}

export function documentOf(results, many, text) {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}, Node ${process.version}`;
  const sections = [...results].map(([database, rows]) => `## ${database}\n\n${tableOf(rows)}\n\n${verdict(rows)}`);
  return `# Performance

What requests cost the server. Every figure comes from one command, which rewrites this page:

\`\`\`
npm run build && node bench/run.mjs --write
\`\`\`

(with \`VEP_TEST_POSTGRES=postgres://…\` for the second table; without \`--write\` it only prints. \`npm run bench\` prints it
together with what OVF and certificates cost.)

Measured on ${machine}.

- **CPU ms** is processor time of the server process, user and system together, divided by the number of requests: what
  a request costs whatever else the machine does. It includes parsing, the token, rate limiting, metrics, permission, the
  database and the answer. The least of seven slices counts: other work on the machine only ever adds.
- **bare ms** is the same for a server of \`node:http\` alone that answers a constant body of the same size, measured in
  turn with ours in the same run; **ratio** is the median of the seven quotients, each of two slices that follow one
  another, so that it holds on a busy machine, where both cost more.
- The computes that are read were made by the simulated site before. Creations go to a site that does not answer, so
  that the work they file is not counted; each is committed with a full sync before it is acknowledged, as always, and
  eight clients ask at a time, as in all rows: those that wait anyway share a commit.

${sections.join('\n\n')}

## Among 100,000 entities

Filters that find the same 20 computes among ten thousand and among a hundred thousand, and what the server needs in memory
while it answers all of them (SQLite).

${filterTable(many.filters)}

The plans, which \`test/store/entity-plans.test.ts\` holds on SQLite and PostgreSQL:

${plansOf(many.filters)}

${memoryTable(many.lists)}

## Reading text

Quotients of processor times measured in turn. Input that does its worst is read with the limits on length taken away.

${growthTable(text)}

## What the costs consist of

- A small read is mostly Node's own HTTP: next to it stand one statement for the generations of what is kept in memory,
  one for the entity, the digest of the token, and the header fields. \`text/occi\` puts the whole entity into header
  fields, each of which Node checks.
- A list of locations is one statement over one index range for each of the caller's groups, and one for each group that
  the caller has left but made entities in; ranges do not overlap. The database joins the rows to one text, so that each
  costs about a seventh of a microsecond in SQLite; most of the rest is sending the answer and the digest for its tag.
- A creation is about a dozen statements: the entity and what it is found by, the operation with its subject and event,
  the audit entry and the event for the bus. The commit itself is shared.
- On PostgreSQL every statement is a message to another process and back, which costs more processor time than SQLite
  spends on the whole statement. Requests that come while the generations are being read share the next read of them, so
  that eight clients at a time need hardly more than one statement for each small read. Creations run as serializable
  transactions. They look for nothing that a new entity cannot have yet, for what one has looked at and another changes
  makes one of them run again: of eight at a time one in two did, now hardly any does.
`;
}

function verdict(rows) {
  const missed = rows.filter((row) => !isMet(row));
  if (missed.length === 0) return 'All marks are met.';
  return `Not met yet: ${missed.map(({ name }) => name).join('; ')}.`;
}
