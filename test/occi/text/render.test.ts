/** How entities, categories and locations are written: the vectors V1–V3 and what strict parsers demand (I-009…I-014). */

import {
  COMPUTE,
  CORE_RESOURCE,
  NETWORK,
  NETWORKINTERFACE,
  type AttributeDefinition,
  type AttributeValue,
} from '../../../src/occi/model.js';
import type { AnyCategory, LinkView, ResourceView } from '../../../src/occi/model.js';
import {
  fromHeader,
  longestHeaderLine,
  renderCategories,
  renderEntity,
  renderLocations,
  renderOk,
  renderUriList,
  type RenderedCategory,
} from '../../../src/occi/text/index.js';

const locationOf = (kind: string): string => `/${kind.slice(kind.indexOf('#') + 1)}/`;

const networkInterface: LinkView = {
  id: 'urn:uuid:77',
  kind: NETWORKINTERFACE,
  mixins: ['http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface'],
  attributes: {
    'occi.networkinterface.interface': 'eth0',
    'occi.networkinterface.state': 'inactive',
    'occi.networkinterface.address': '10.0.0.5',
  },
  actions: [],
  source: { location: '/compute/2b1c', kind: COMPUTE },
  target: { location: '/network/6f0a', kind: NETWORK },
};

const compute: ResourceView = {
  id: 'urn:uuid:2b1c',
  kind: COMPUTE,
  mixins: ['http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small'],
  title: 'web, "front"',
  attributes: { 'occi.compute.cores': 1, 'occi.compute.memory': 1.5, 'occi.compute.state': 'inactive' },
  links: [networkInterface],
  actions: ['http://schemas.ogf.org/occi/infrastructure/compute/action#start'],
};

const COMPUTE_LINES = [
  'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; location="/compute/"',
  'Category: small; scheme="http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#"; class="mixin"',
  'X-OCCI-Attribute: occi.core.id="urn:uuid:2b1c"',
  'X-OCCI-Attribute: occi.core.title="web, \\"front\\""',
  'X-OCCI-Attribute: occi.compute.cores=1',
  'X-OCCI-Attribute: occi.compute.memory=1.5',
  'X-OCCI-Attribute: occi.compute.state="inactive"',
  'Link: </network/6f0a>; rel="http://schemas.ogf.org/occi/infrastructure#network"; self="/networkinterface/77"; category="http://schemas.ogf.org/occi/infrastructure#networkinterface http://schemas.ogf.org/occi/infrastructure/networkinterface#ipnetworkinterface"; occi.core.id="urn:uuid:77"; occi.networkinterface.interface="eth0"; occi.networkinterface.state="inactive"; occi.networkinterface.address="10.0.0.5"',
  'Link: </compute/2b1c?action=start>; rel="http://schemas.ogf.org/occi/infrastructure/compute/action#start"',
];

function bodyOf(attributes: Record<string, AttributeValue>): string {
  const { body } = renderEntity({ ...compute, attributes, links: [], actions: [] }, 'text/plain', locationOf);
  return body.split('\r\n').at(-2) ?? '';
}

describe('entities', () => {
  it('V3 C-213 puts one field on a line, the kind first', () => {
    expect(renderEntity(compute, 'text/plain', locationOf)).toEqual({
      headers: [],
      body: COMPUTE_LINES.join('\r\n') + '\r\n',
    });
  });

  it('C-214 joins the fields of a name in one header', () => {
    const valuesOf = (name: string): string =>
      COMPUTE_LINES.filter((line) => line.startsWith(`${name}: `))
        .map((line) => line.slice(name.length + 2))
        // jOCCI passes over an attribute with a blank before it.
        .join(name === 'X-OCCI-Attribute' ? ',' : ', ');
    expect(renderEntity(compute, 'text/occi', locationOf)).toEqual({
      headers: ['Category', 'X-OCCI-Attribute', 'Link'].map((name) => [name, valuesOf(name)]),
      body: 'OK',
    });
  });

  it('C-177 C-219 shows the ends of a link with their kinds', () => {
    const { body } = renderEntity({ ...networkInterface, title: 't' }, 'text/plain', locationOf);
    expect(body.split('\r\n').filter((line) => line.includes('occi.core.'))).toEqual([
      'X-OCCI-Attribute: occi.core.id="urn:uuid:77"',
      'X-OCCI-Attribute: occi.core.title="t"',
      'X-OCCI-Attribute: occi.core.source="/compute/2b1c"',
      `X-OCCI-Attribute: occi.core.source.kind="${COMPUTE}"`,
      'X-OCCI-Attribute: occi.core.target="/network/6f0a"',
      `X-OCCI-Attribute: occi.core.target.kind="${NETWORK}"`,
    ]);
  });

  it('shows the ends alone in 1.1', () => {
    const { body } = renderEntity(networkInterface, 'text/plain', locationOf, '1.1');
    expect(body).toContain('occi.core.target="/network/6f0a"');
    expect(body).not.toContain('.kind=');
  });

  it('shows a summary, the title of a link, and a target outside as a resource', () => {
    const link: LinkView = {
      ...networkInterface,
      mixins: [],
      title: 'up, link',
      attributes: { n: 1 },
      target: { location: 'http://x/?a=<b>' },
    };
    const { body } = renderEntity({ ...compute, summary: 's', links: [link] }, 'text/plain', locationOf);
    expect(body).toContain('X-OCCI-Attribute: occi.core.summary="s"\r\n');
    expect(body).toContain(
      `Link: <http://x/?a=%3Cb%3E>; rel="${CORE_RESOURCE}"; self="/networkinterface/77"; category="${NETWORKINTERFACE}"; occi.core.id="urn:uuid:77"; occi.core.title="up, link"; n=1\r\n`,
    );
  });

  it.each<[AttributeValue, string]>([
    [0, '0'],
    [-0, '0'],
    [2.5, '2.5'],
    [-5, '"-5"'],
    [-1e-7, '"-0.0000001"'],
    [1e21, '1000000000000000000000'],
    [1.25e24, '1250000000000000000000000'],
    [1.5e-7, '0.00000015'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [true, 'true'],
    [false, 'false'],
    ['', '""'],
    ['true', '"true"'],
    ['a\\b"c', '"a\\\\b\\"c"'],
    ['line\r\nbreak\u0000\u007f', '"line  break  "'],
    ['tab\tä🙂', '"tab\tä🙂"'],
    [['a', 1, { b: null }], '"[\\"a\\",1,{\\"b\\":null}]"'],
    [{ a: { b: 'c\n' } }, '"{\\"a\\":{\\"b\\":\\"c\\\\n\\"}}"'],
  ])('C-208 I-010 writes the value %j as %s', (value, written) => {
    expect(bodyOf({ x: value })).toBe(`X-OCCI-Attribute: x=${written}`);
  });

  it('sends UTF-8 as the latin-1 string that Node takes', () => {
    const { headers } = renderEntity({ ...compute, title: 'Grüße 🙂' }, 'text/occi', locationOf);
    const value = headers.find(([name]) => name === 'X-OCCI-Attribute')?.[1] ?? '';
    expect(value).toMatch(/^[\t\u0020-\u007e\u0080-\u00ff]*$/);
    expect(fromHeader(value)).toContain('occi.core.title="Grüße 🙂"');
  });
});

describe('collections of entities', () => {
  const urls = ['https://vep.example.org/compute/1', 'https://vep.example.org/compute/2'];

  it('C-105 I-023 lists URLs in text/plain', () => {
    expect(renderLocations(urls, 'text/plain')).toEqual({
      headers: [],
      body: 'X-OCCI-Location: https://vep.example.org/compute/1\r\nX-OCCI-Location: https://vep.example.org/compute/2\r\n',
    });
    expect(renderLocations([], 'text/plain')).toEqual({ headers: [], body: '' });
  });

  it('C-217 lists them in both headers in text/occi', () => {
    expect(renderLocations(urls, 'text/occi')).toEqual({
      headers: [
        ['X-OCCI-Location', 'https://vep.example.org/compute/1, https://vep.example.org/compute/2'],
        // jOCCI takes a blank for a part of the URL.
        ['Location', 'https://vep.example.org/compute/1,https://vep.example.org/compute/2'],
      ],
      body: 'OK',
    });
    expect(renderLocations([], 'text/occi')).toEqual(renderOk());
  });

  it('C-216 lists them in text/uri-list', () => {
    expect(renderUriList(urls).body).toBe('https://vep.example.org/compute/1\r\nhttps://vep.example.org/compute/2\r\n');
    expect(renderUriList(urls, '\n').body).toBe(
      'https://vep.example.org/compute/1\nhttps://vep.example.org/compute/2\n',
    );
    expect(renderUriList([]).body).toBe('');
  });

  it('C-218 K21 tells how long the longest header line is', () => {
    expect(longestHeaderLine(renderLocations(['/äö'], 'text/occi'))).toBe(Buffer.byteLength('X-OCCI-Location: /äö'));
    expect(longestHeaderLine(renderOk())).toBe(0);
  });
});

describe('categories', () => {
  const attribute = (name: string, properties: Partial<AttributeDefinition> = {}): AttributeDefinition => ({
    name,
    type: 'string',
    mutable: true,
    required: false,
    ...properties,
  });
  const OGF = 'http://schemas.ogf.org/occi';
  const storage: RenderedCategory = {
    category: {
      class: 'kind',
      id: `${OGF}/infrastructure#storage`,
      scheme: `${OGF}/infrastructure#`,
      term: 'storage',
      title: 'Storage Resource',
      attributes: new Map(),
      actions: [],
      location: '/storage/',
    },
    rel: `${OGF}/core#resource`,
    attributes: [
      attribute('occi.core.id', { mutable: false, required: true }),
      attribute('occi.core.title'),
      attribute('occi.storage.size', { required: true }),
      attribute('occi.storage.state', { mutable: false }),
      attribute('eu.contrail-project.ovf.url', { mutable: true, createOnly: true }),
    ],
    actions: [`${OGF}/infrastructure/storage/action#online`, `${OGF}/infrastructure/storage/action#offline`],
  };
  const stop: AnyCategory = {
    class: 'action',
    id: `${OGF}/infrastructure/compute/action#stop`,
    scheme: `${OGF}/infrastructure/compute/action#`,
    term: 'stop',
    title: 'Stop, gracefully,"now"',
    attributes: new Map(),
  };
  const tag: AnyCategory = {
    class: 'mixin',
    id: 'http://x#tag',
    scheme: 'http://x#',
    term: 'tag',
    attributes: new Map(),
    depends: [],
    applies: [],
    actions: [],
    location: '/tag/',
  };

  const STORAGE = `storage; scheme="${OGF}/infrastructure#"; class="kind"; title="Storage Resource"; rel="${OGF}/core#resource"; location="/storage/"; attributes="occi.core.id{immutable} occi.core.title occi.storage.size{required} occi.storage.state{immutable} eu.contrail-project.ovf.url"; actions="${OGF}/infrastructure/storage/action#online ${OGF}/infrastructure/storage/action#offline"`;
  const STOP = `stop; scheme="${OGF}/infrastructure/compute/action#"; class="action"; title="Stop gracefully \\"now\\""; attributes="method"`;
  const TAG = 'tag; scheme="http://x#"; class="mixin"; location="/tag/"';
  const all: readonly RenderedCategory[] = [
    storage,
    { category: stop, attributes: [attribute('method')], actions: [] },
    { category: tag, attributes: [], actions: [] },
  ];

  it('V1 I-009 I-012 writes parameters in the order of the grammar, none empty, no comma in a title', () => {
    expect(renderCategories(all, 'text/plain').body).toBe(
      `Category: ${STORAGE}\r\nCategory: ${STOP}\r\nCategory: ${TAG}\r\n`,
    );
  });

  it('joins them in one header in text/occi', () => {
    expect(renderCategories(all, 'text/occi')).toEqual({
      headers: [['Category', `${STORAGE}, ${STOP}, ${TAG}`]],
      body: 'OK',
    });
    expect(renderCategories([], 'text/plain')).toEqual({ headers: [], body: '' });
  });
});
