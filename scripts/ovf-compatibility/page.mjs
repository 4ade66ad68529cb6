/** The page docs/ovf-compatibility.md: counts, what was refused and for what, and where other readers see something else. */

import { RULEBOOK } from '../../dist/src/ovf/envelope/rulebook.js';

export function pageOf(files, peers) {
  const envelopes = envelopesOf(files);
  return `${ownPart(files)}
${sentenceOf(peers)}

${peers.map((peer) => comparisonOf(peer, envelopes)).join('\n\n')}
`;
}

/**
 * Where a page and what VEP makes of the files now part: lines that the page lacks, or has too many. What other readers
 * say is left aside, but not the reasons given for refusing what they read.
 */
export function stalenessOf(page, files) {
  const own = ownPart(files);
  const stale = own === page.slice(0, own.length) ? [] : differingLines(own, page.split('\n## Compared with ')[0]);
  const now = new Map(envelopesOf(files).map((file) => [numberOf(file.name), file]));
  const rows = [...page.matchAll(/^\| (\S+) \| (`(?:ovf|xml)\..*?) \| .* \|$/gm)].filter(([, number]) =>
    /^\d+$/.test(number),
  );
  for (const [row, number, reason] of rows) {
    const faults = now.get(number)?.ours.faults ?? [];
    if (faults.length === 0 || kindOf(faults[0]) !== reason) stale.push(row);
  }
  return stale;
}

function differingLines(own, theirs) {
  const [mine, page] = [own, theirs].map((text) => text.trimEnd().split('\n'));
  const without = (lines, others) => lines.filter((line) => !others.includes(line));
  return [...without(mine, page).map((line) => `+ ${line}`), ...without(page, mine).map((line) => `- ${line}`)];
}

function envelopesOf(files) {
  return files.filter(({ ours }) => ours.outcome !== 'other');
}

/** The part of the page that needs no other reader. */
function ownPart(files) {
  const envelopes = envelopesOf(files);
  const count = (outcome) => envelopes.filter(({ ours }) => ours.outcome === outcome).length;
  const refused = envelopes.filter(({ ours }) => ours.outcome === 'refused');
  return `# OVF compatibility

Made by \`npm run compatibility -- --write\` from ${files.length} files that others have written and published: exports of
virtualization products, samples of the standard, templates of builders, and test cases, many of them broken on purpose. A test
holds the page to what VEP makes of them now (\`npm run compatibility -- --check\`).

| | Files |
|---|---|
| read | ${files.length} |
| of these not an envelope (message bundles, environments) | ${files.length - envelopes.length} |
| valid by the letter of the standard (\`strict\`) | ${envelopes.filter(({ ours }) => ours.strict).length} |
| deployed as they are | ${count('deploys')} |
| deployed once the values they ask for are filled in | ${count('asks')} |
| refused | ${refused.length} |

Every plan has the machines, processors, memory, disks, adapters and networks that an independent reading of the XML finds:
\`test/ovf/corpus-expectations.test.ts\` compares them one by one.

## What is repaired, or warned of

Rules that these files break and that do not keep them from being deployed. Each is a warning with line, rule and remedy, and says
what was assumed; \`vep validate\` and the dry run show them.

${table(['Rule', 'What it says', 'Files'], repairRows(envelopes))}

## What is refused, and for what

Nothing that leaves the package is opened, whatever it is called (O-015): what stands outside cannot be sent along. A
template whose placeholders nobody has filled in is no appliance yet (D03, O-034). What two readers would understand in two ways is
refused rather than guessed: references to nothing, ids that stand twice.

${table(['Fault', 'Files', 'Which'], faultRows(refused))}
`;
}

function sentenceOf(peers) {
  if (peers.length === 0) return '## Compared with others\n\nNo other reader was at hand.';
  const names = peers.map(({ name, version }) => (version ? `${name} ${version}` : name));
  return `## Compared with other readers

${names.join(' and ')} have read the same files. Where one of them reads what VEP refuses, it looks at less of the descriptor: neither
needs what the refusal is about to print its summary, and each would lack it when it came to copying disks.`;
}

function repairRows(files) {
  const counts = new Map();
  for (const { ours } of files)
    for (const rule of ours.repairs) counts.set(ruleOf(rule), (counts.get(ruleOf(rule)) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([rule, number]) => [rule, RULEBOOK[rule]?.title ?? 'what the schema of OVF says', number]);
}

/** \`D14\` of \`D14, DSP0243 §4\`. */
function ruleOf(rule = '') {
  return /^(?:D\d+|O-\d+|K\d+)/.exec(rule)?.[0] ?? rule;
}

/** A file stands with each kind of fault it has. */
function faultRows(refused) {
  const kinds = new Map();
  for (const { name, ours } of refused) {
    for (const kind of new Set(ours.faults.map(kindOf))) kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
  }
  return [...kinds]
    .sort(([a, m], [b, n]) => n.length - m.length || (a < b ? -1 : 1))
    .map(([kind, names]) => [kind, names.length, names.map(numberOf).join(', ')]);
}

/** Codes with their first words, without names and numbers of the file. */
function kindOf({ code, message }) {
  const words = message.replace(/"[^"]*"/g, '…').replace(/[|]/g, ' ');
  return code === 'xml.not-well-formed' ? `\`${code}\`` : `\`${code}\` ${words}`;
}

/** Files are numbered; the numbers are enough to find them. */
function numberOf(name) {
  return /^\d+/.exec(name)?.[0] ?? name;
}

function comparisonOf({ name: peer }, files) {
  const read = files.filter(({ theirs }) => theirs[peer].machine);
  const both = read.filter(({ ours }) => ours.machines.length === 1);
  const differing = both.flatMap(({ name, ours, theirs }) => {
    const differences = differencesOf(ours.machines[0], theirs[peer].machine);
    return differences.length === 0 ? [] : [[numberOf(name), differences.join('; '), whyOf(ours)]];
  });
  const alone = read.filter(({ ours }) => ours.outcome === 'refused');
  const several = read.filter(({ ours }) => ours.machines.length > 1).length;
  const ours = files.filter(({ ours: { outcome }, theirs }) => outcome !== 'refused' && !theirs[peer].machine);
  return `## Compared with ${peer}

${table(
  ['', 'Files'],
  [
    [`${peer} finds a machine`, read.length],
    ['both find one machine, and of the same size', both.length - differing.length],
    ['both find one machine, but differ', differing.length],
    [`VEP finds several machines where ${peer} finds one`, several],
    [`only ${peer} reads it`, alone.length],
    ['only VEP reads it', ours.length],
  ],
)}

${differing.length === 0 ? '' : `Where they differ:\n\n${table(['File', `VEP / ${peer}`, 'Of VEP’s plan'], differing)}\n`}
${alone.length === 0 ? `VEP refuses nothing that ${peer} reads.` : `What only ${peer} reads:\n\n${table(['File', 'Why VEP refuses it', 'Why it stays refused'], alone.map(aloneRow))}`}`;
}

function aloneRow({ name, ours }) {
  const [fault] = ours.faults;
  return [
    numberOf(name),
    kindOf(fault),
    STAYS_REFUSED.find(([pattern]) => pattern.test(`${fault.code} ${fault.message}`))?.[1] ?? '',
  ];
}

/** Why a fault is no deviation with one safe meaning. */
const STAYS_REFUSED = [
  [
    /O-015 .*leaves the package/,
    'the image lies beside or above the package: no upload can bring it, and no server should follow',
  ],
  [/O-015/, 'the href names nothing that a package can hold'],
  [
    /O-034 .*placeholder/,
    "a builder's template: names and sizes are filled in when the appliance is built; what comes out of it deploys",
  ],
  [
    /O-034/,
    'a size that is no number: the rest of the descriptor relies on it (quota, placement), and its author meant another one',
  ],
  [/O-013/, 'the disk has an image that is declared nowhere: a blank disk in its place would not boot'],
  [/D03/, "a builder's template: the quantity is filled in when the appliance is built"],
];

function differencesOf(ours, theirs) {
  const differences = [];
  const note = (what, own, other) => differences.push(`${what} ${own} / ${other}`);
  if (ours.cores !== undefined && ours.cores !== theirs.cores) note('cores', ours.cores, theirs.cores);
  const memory = ours.memoryBytes;
  // COT prints four digits.
  if (memory !== undefined && Math.abs(memory - theirs.memoryBytes) > memory / 500)
    note('MiB', memory / 2 ** 20, theirs.memoryBytes / 2 ** 20);
  if (ours.disks.length !== theirs.disks) note('disks', ours.disks.length, theirs.disks);
  if (ours.adapters !== theirs.adapters) note('adapters', ours.adapters, theirs.adapters);
  return differences;
}

/** What of a plan a plainer reader does not take into account. */
function whyOf({ configuration, repairs }) {
  const reasons = [
    ...(configuration === undefined ? [] : [`configuration ${configuration}`]),
    ...repairs.map(ruleOf).filter((rule) => ['D01', 'D14', 'D21', 'O-035', 'O-047', 'O-050'].includes(rule)),
  ];
  return reasons.join(', ');
}

function table(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
