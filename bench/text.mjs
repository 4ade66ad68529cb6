/**
 * Reading text: the parsers of the text renderings against `JSON.parse` on the same content, and on input that grows ten
 * times and does its worst. Both are ratios of times that were measured in turn, so that they hold on a busy machine.
 */

import { parseTextOcci, parseTextPlain } from '../dist/src/occi/text/index.js';

const ROUNDS = 15;
/** The same resource in both: a compute with links, as a client sends it. */
const LINKS = 20;
const INFRA = 'http://schemas.ogf.org/occi/infrastructure';

function content() {
  const links = Array.from({ length: LINKS }, (_, index) => ({
    kind: `${INFRA}#networkinterface`,
    target: {
      location: `/network/018f0000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      kind: `${INFRA}#network`,
    },
    attributes: { 'occi.networkinterface.interface': `eth${index}`, 'occi.networkinterface.mac': '02:00:00:00:00:01' },
  }));
  const attributes = {
    'occi.core.title': 'A machine of the benchmark',
    'occi.compute.cores': 2,
    'occi.compute.memory': 4.5,
    'occi.compute.hostname': 'benchmark.example.org',
    'occi.compute.architecture': 'x64',
  };
  const value = (of) => (typeof of === 'string' ? `"${of}"` : String(of));
  const text = [
    `Category: compute; scheme="${INFRA}#"; class="kind"`,
    ...Object.entries(attributes).map(([name, of]) => `X-OCCI-Attribute: ${name}=${value(of)}`),
    ...links.map(
      ({ kind, target, attributes: own }) =>
        `Link: <${target.location}>; rel="${target.kind}"; category="${kind}"` +
        Object.entries(own)
          .map(([name, of]) => `; ${name}=${value(of)}`)
          .join(''),
    ),
  ].join('\r\n');
  return { json: JSON.stringify({ kind: `${INFRA}#compute`, attributes, links }), text };
}

/** Throughput of the text parser as a share of that of `JSON.parse`, both in bytes of their own rendering. */
export function throughput() {
  const { json, text } = content();
  const ratios = rounds(
    () => repeated(() => parseTextPlain(text), 200) / (200 * text.length),
    () => repeated(() => JSON.parse(json), 200) / (200 * json.length),
  );
  const same = rounds(
    () => repeated(() => parseTextPlain(text), 200),
    () => repeated(() => JSON.parse(json), 200),
  );
  return { text: text.length, json: json.length, ofBytes: 1 / median(ratios), ofContent: 1 / median(same) };
}

/** Input that makes careless parsers quadratic, by the length of its tail. */
const HOSTILE = {
  'quotes that never close': (n) => `X-OCCI-Attribute: ${'a="b\\"'.repeat(n)}`,
  'opening brackets': (n) => `Link: ${'<'.repeat(n)}`,
  'separators alone': (n) => `Category: ${'a; ; , '.repeat(n)}`,
  blanks: (n) => `Category: ${' '.repeat(n)}x`,
  'one attribute after another': (n) =>
    `X-OCCI-Attribute: ${Array.from({ length: n / 10 }, (_, i) => `a.b${i}=1`).join(',')}`,
  'line ends of every kind': (n) => '\r\n\n\r'.repeat(n),
};
const LONG = { line: Infinity, values: Infinity };
const SMALL = 20_000;

/** How much longer ten times the input takes: about 10 when the cost is linear, about 100 when it is quadratic. */
export function growth() {
  return Object.entries(HOSTILE).map(([name, make]) => {
    const [small, large] = [make(SMALL), make(SMALL * 10)];
    const read = (text) => () => {
      attempt(() => parseTextPlain(text, LONG));
      attempt(() => parseTextOcci([['Category', text.slice(10)]], LONG));
    };
    return {
      name,
      times: median(
        rounds(
          () => repeated(read(large), 2),
          () => repeated(read(small), 2),
        ),
      ),
    };
  });
}

/** Ratios of one to the other, measured in turn. */
function rounds(one, other) {
  one();
  other();
  return Array.from({ length: ROUNDS }, () => one() / other());
}

function repeated(work, count) {
  const { user, system } = process.cpuUsage();
  for (let index = 0; index < count; index++) work();
  const after = process.cpuUsage();
  return Math.max(after.user + after.system - user - system, 1);
}

/** What is refused has been read as well. */
function attempt(work) {
  try {
    work();
  } catch {
    // The refusal is the expected outcome.
  }
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
