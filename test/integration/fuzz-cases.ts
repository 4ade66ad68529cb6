/**
 * Requests for the fuzz test: real messages of every sort, sent as they are, put together at random from their parts, and
 * mutated byte by byte, over every sort of URL, method and media type; and messages drawn from the productions of the
 * grammars (`grammar-cases.ts`).
 */

import fc from 'fast-check';
import { ACTION, CRTP, INFRA, JSON_TYPE, USER } from '../conformance/client.js';
import { APPLIANCE, descriptor } from './appliance-wire.js';
import { carried, grammatical, type FuzzCase } from './grammar-cases.js';

export type { FuzzCase };

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'] as const;
const TYPES = [
  ...[
    'text/plain',
    'text/occi',
    'text/uri-list',
    'text/occi+plain',
    JSON_TYPE,
    'application/json',
    `${JSON_TYPE}; version=1.1`,
  ],
  ...[
    'application/ovf+xml',
    'application/x-tar',
    'multipart/form-data; boundary=b',
    'application/x-www-form-urlencoded',
  ],
  ...['text/plain,text/occi', 'text/html', '', 'nonsense', 'text/plain; charset=utf-16', '*/*'],
];
const PATHS = [
  ...[
    '/',
    '/-/',
    '/.well-known/org/ogf/occi/-/',
    '/compute/',
    '/network/',
    '/storage/',
    '/networkinterface/',
    '/storagelink/',
  ],
  ...[
    '/appliance/',
    '/agreement/',
    '/resource/',
    '/link/',
    '/mixin/',
    '/mixin/os_tpl/',
    '/mixin/resource_tpl/small/',
    '/fuzz/',
  ],
  ...[
    '{compute}',
    '{network}',
    '{storage}',
    '{link}',
    '{foreign}',
    '{absent}',
    '/compute',
    '//compute//',
    '/component/',
  ],
  ...[
    '/upload/',
    '/upload/x',
    '/events/',
    '/health',
    '/health/ready',
    '/metrics',
    '/log/',
    '/console/',
    '/guest/x',
    '/nowhere',
  ],
];
const QUERIES = [
  '',
  '',
  '',
  '',
  '?action=start',
  '?action=stop',
  '?action=',
  '?page=1&number=5',
  '?page=1;number=0',
  '?dry-run',
  '?all-tenants',
  '?x=%ff',
  '?subject={compute}',
  '?action=start&action=stop',
];

const kind = (term: string, rest = ''): string => `${term}; scheme="${INFRA}"; class="kind"${rest}`;
const CATEGORIES = [
  ...[kind('compute'), kind('network'), kind('storage'), kind('networkinterface'), kind('storagelink')],
  ...[
    `small; scheme="${CRTP}"; class="mixin"`,
    `compute; scheme="${INFRA}"`,
    `appliance; scheme="${APPLIANCE.slice(0, -9)}"; class="kind"`,
  ],
  ...[
    `fuzz; scheme="${USER}"; class="mixin"; location="/fuzz/"`,
    `start; scheme="${ACTION('compute')}"; class="action"`,
  ],
  ...[
    `stop; scheme="${ACTION('compute')}"; class="action"`,
    'entity; scheme="http://schemas.ogf.org/occi/core#"; class="kind"',
  ],
];
const VALUES = [
  '1',
  '-1',
  '0',
  '1e400',
  '1e9',
  '4.5',
  'NaN',
  '"x"',
  '""',
  '"\\""',
  '"\\\\"',
  '"a, b; c=d"',
  'true',
  'TRUE',
  '{compute}',
  '"{network}"',
  '"{foreign}"',
  '"é\u0000"',
  '"\u202e"',
  '"',
  '1"',
  '٣',
  '"__proto__"',
  '"$(reboot)"',
];
const NAMES = [
  ...[
    'occi.core.title',
    'occi.core.id',
    'occi.core.summary',
    'occi.core.source',
    'occi.core.target',
    'occi.compute.cores',
    'occi.compute.memory',
  ],
  ...[
    'occi.compute.hostname',
    'occi.compute.state',
    'occi.network.vlan',
    'occi.storage.size',
    'eu.contrail-project.ovf.url',
    'eu.contrail-project.ovf.inputs',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'occi', 'occi..x', 'method', ''],
];
const LINKS = [
  `<{network}>; rel="${INFRA}network"; category="${INFRA}networkinterface"`,
  `<{storage}>; rel="${INFRA}storage"; category="${INFRA}storagelink"; occi.storagelink.deviceid="vdb"`,
  `<{foreign}>; rel="${INFRA}network"; category="${INFRA}networkinterface"`,
  `<{compute}?action=start>; rel="${ACTION('compute')}start"`,
  '<>; rel=""',
];

const pick = <T>(...items: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...items);
const attribute = fc.tuple(pick(...NAMES), pick(...VALUES)).map(([name, value]) => `${name}=${value}`);
const fields = fc.record({
  Category: fc.array(pick(...CATEGORIES), { maxLength: 3 }),
  'X-OCCI-Attribute': fc.array(attribute, { maxLength: 4 }),
  Link: fc.array(pick(...LINKS), { maxLength: 2 }),
  'X-OCCI-Location': fc.array(pick('{url}{compute}', '{network}', '{foreign}', 'http://x/', ''), { maxLength: 2 }),
});
type Fields = Record<string, readonly string[]>;

const asText = (from: Fields, end: string): string =>
  Object.entries(from)
    .flatMap(([name, values]) => values.map((value) => `${name}: ${value}`))
    .join(end);
const asHeaders = (from: Fields): Record<string, string> =>
  Object.fromEntries(
    Object.entries(from)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => [name, values.join(', ')]),
  );

const jsonValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    pick<unknown>(1, -1, 1.5, 1e300, '', 'x', true, null, '{compute}', '{network}', 'urn:uuid:x'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(pick(...NAMES, 'location', 'kind'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const kinds = pick(
  ...['compute', 'network', 'storage', 'networkinterface', 'storagelink', 'toaster'].map((term) => INFRA + term),
  APPLIANCE,
  'http://schemas.ogf.org/occi/core#entity',
  '',
);
const entity = fc.record(
  {
    kind: kinds,
    id: jsonValue,
    title: jsonValue,
    mixins: fc.oneof(jsonValue, fc.constant([`${CRTP}small`])),
    attributes: fc.oneof(jsonValue, fc.dictionary(pick(...NAMES), jsonValue, { maxKeys: 4 })),
    links: jsonValue,
    source: jsonValue,
    target: jsonValue,
    actions: jsonValue,
  },
  { requiredKeys: ['kind'] },
);
const document = fc.oneof(
  entity,
  fc.record({ resources: fc.array(entity, { maxLength: 3 }), links: fc.array(entity, { maxLength: 1 }) }),
  fc.record({ action: pick(`${ACTION('compute')}start`, 'x'), attributes: jsonValue }),
  jsonValue,
);

/** Whole messages that a server accepts, before anything happens to them. */
const REAL = [
  `Category: ${kind('compute')}\r\nX-OCCI-Attribute: occi.core.title="real"\r\nX-OCCI-Attribute: occi.compute.cores=2\r\nLink: ${LINKS[0] ?? ''}`,
  `Category: ${CATEGORIES[9] ?? ''}`,
  JSON.stringify({
    kind: `${INFRA}compute`,
    title: 'real',
    attributes: { 'occi.compute.cores': 2 },
    links: [{ kind: `${INFRA}networkinterface`, target: { location: '{network}' } }],
  }),
  JSON.stringify({
    resources: [{ kind: `${INFRA}network` }, { kind: `${INFRA}network`, attributes: { 'occi.network.vlan': 7 } }],
  }),
  descriptor({ machines: ['m1'] }),
  `--b\r\nContent-Disposition: form-data; name="ovf"; filename="a.ovf"\r\nContent-Type: application/ovf+xml\r\n\r\n${descriptor({ machines: ['m1'] })}\r\n--b--\r\n`,
  '{"name":"x.ova","size":10}',
  'form=create&attribute%3Aocci.core.title=x',
  '{url}{compute}\r\n{url}{network}',
];
/** What is put into a message: separators, ends, other encodings, other languages. */
const SPLINTERS = [
  '"',
  '\\',
  ';',
  ',',
  '=',
  '\r\n',
  '\n',
  '\0',
  '<',
  '>',
  '{',
  '}',
  '[',
  ']',
  '%',
  '\u00ff',
  '\ufffe',
  '😀',
  'Category:',
  '<!DOCTYPE x [<!ENTITY e "e">]>',
  '&e;',
  '${x}',
  "' OR 1=1 --",
  '../',
  'A'.repeat(5000),
  ' '.repeat(2000),
  '('.repeat(500),
];

const mutation = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat({ max: 40 }),
  fc.oneof(fc.constant(''), pick(...SPLINTERS)),
  fc.boolean(),
);
type Mutation = readonly [where: number, length: number, splinter: string, cut: boolean];
function mutate(text: string, [where, length, splinter, cut]: Mutation): string {
  const at = Math.floor(where * text.length);
  return cut && length > 35 ? text.slice(0, at) : text.slice(0, at) + splinter + text.slice(at + length);
}
const mutated = fc
  .tuple(pick(...REAL), fc.array(mutation, { maxLength: 4 }))
  .map(([text, mutations]) => mutations.reduce<string>(mutate, text));

const message: fc.Arbitrary<{ headers: Record<string, string>; body: string }> = fc.oneof(
  fc.tuple(fields, pick('\r\n', '\n')).map(([from, end]) => ({ headers: {}, body: asText(from, end) })),
  fields.map((from) => ({ headers: asHeaders(from), body: '' })),
  document.map((value) => ({ headers: {}, body: JSON.stringify(value) })),
  mutated.map((body) => ({ headers: {}, body })),
  fc.constant({ headers: {}, body: '' }),
);

/** A Content-Type that fits the body more often than not, so that cases get past the door. */
function typeOf(body: string, random: string, fitting: boolean): string {
  if (!fitting) return random;
  if (body.startsWith('<?xml')) return 'application/ovf+xml';
  if (body.startsWith('--b')) return 'multipart/form-data; boundary=b';
  if (/^[[{]/.test(body)) return JSON_TYPE;
  return body === '' ? 'text/occi' : 'text/plain';
}

const anywhere: fc.Arbitrary<FuzzCase> = fc
  .record({
    method: fc.oneof({ weight: 3, arbitrary: fc.constant('POST') }, { weight: 3, arbitrary: pick(...METHODS) }),
    path: pick(...PATHS),
    query: pick(...QUERIES),
    message,
    type: pick(...TYPES),
    fitting: fc.integer({ min: 0, max: 3 }).map((dice) => dice > 0),
    accept: pick(undefined, undefined, ...TYPES),
    extra: pick<Record<string, string>>(
      {},
      {},
      {},
      { 'if-match': '"1.0-p"' },
      { 'if-match': 'x' },
      { 'if-none-match': '*' },
      { 'idempotency-key': 'fuzz' },
      { 'content-range': 'bytes 0-1/x' },
      { 'user-agent': 'x OCCI/1.1' },
      { 'user-agent': 'x OCCI/1.2' },
      { 'last-event-id': '-1' },
      { range: 'bytes=0-1' },
    ),
  })
  .map(({ method, path, query, message: { headers, body }, type, fitting, accept, extra }) => {
    const contentType = typeOf(body, type, fitting);
    return {
      method,
      path: path + query,
      headers: carried({
        ...headers,
        ...(contentType === '' ? {} : { 'content-type': contentType }),
        ...(accept === undefined ? {} : { accept }),
        ...extra,
      }),
      body: method === 'GET' || method === 'HEAD' ? '' : body,
    };
  });

/** Attributes that their kinds take, so that what goes wrong is one thing among right ones. */
const GOOD: Readonly<Record<string, readonly string[]>> = {
  compute: ['occi.compute.cores=2', 'occi.compute.memory=1.5', 'occi.compute.hostname="h"', 'occi.core.title="t"'],
  network: ['occi.network.vlan=5', 'occi.network.label="l"', 'occi.core.summary="s"'],
  storage: ['occi.storage.size=1', 'occi.core.title="t"'],
  networkinterface: ['occi.core.source="{compute}"', 'occi.core.target="{network}"'],
};

/** A creation or an update that is right but for at most one thing. */
const nearlyRight: fc.Arbitrary<FuzzCase> = fc
  .record({
    term: pick(...Object.keys(GOOD)),
    update: fc.boolean(),
    wrong: fc.option(attribute),
    splinter: fc.option(pick(...SPLINTERS)),
    method: pick('POST', 'POST', 'PUT'),
    inHeaders: fc.boolean(),
    accept: pick('text/plain', 'text/occi', JSON_TYPE),
    agent: pick('x OCCI/1.1', 'x OCCI/1.2'),
  })
  .map(({ term, update, wrong, splinter, method, inHeaders, accept, agent }) => {
    const attributes = [...(GOOD[term] ?? []), ...(wrong === null ? [] : [wrong])];
    const from: Fields = { Category: [kind(term)], 'X-OCCI-Attribute': attributes };
    const own = term === 'networkinterface' ? '{link}' : `{${term}}`;
    return {
      method: update ? method : 'POST',
      path: update ? own : `/${term}/`,
      headers: carried({
        'user-agent': agent,
        accept,
        'content-type': inHeaders ? 'text/occi' : 'text/plain',
        ...(inHeaders ? asHeaders(from) : {}),
      }),
      body: inHeaders ? '' : asText(from, '\r\n') + (splinter ?? ''),
    };
  });

/** Appliances: descriptors with a splinter in them, most often none. */
const appliances: fc.Arbitrary<FuzzCase> = fc
  .tuple(fc.array(mutation, { maxLength: 1 }), pick('', '?dry-run'), pick(...NAMES), pick(...VALUES))
  .map(([mutations, query, name, value]) => ({
    method: 'POST',
    path: `/appliance/${query}`,
    headers: carried({
      'content-type': 'application/ovf+xml',
      ...(mutations.length > 0 ? {} : { 'X-OCCI-Attribute': `${name}=${value}` }),
    }),
    body: mutations.reduce((text, change) => mutate(text, change), descriptor({ machines: ['m1'] })),
  }));

export const fuzzCase: fc.Arbitrary<FuzzCase> = fc.oneof(
  { weight: 6, arbitrary: anywhere },
  { weight: 3, arbitrary: nearlyRight },
  { weight: 1, arbitrary: appliances },
  { weight: 6, arbitrary: grammatical },
);
