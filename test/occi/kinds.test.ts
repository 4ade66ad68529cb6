/** The shipped category documents against the tables of GFD.221, GFD.224 and GFD.222, and the checks on any document. */

import type { Problem } from '../../src/base/errors.js';
import { parseCategoryDocument } from '../../src/occi/category-document.js';
import { isAttributeName, isTerm } from '../../src/occi/category-grammar.js';
import {
  COMPUTE,
  CORE_ENTITY,
  CORE_LINK,
  CORE_RESOURCE,
  IPNETWORK,
  IPNETWORKINTERFACE,
  NETWORK,
  NETWORKINTERFACE,
  OS_TPL,
  RESOURCE_TPL,
  SSH_KEY,
  STORAGE,
  STORAGELINK,
  USER_DATA,
  type OcciVersion,
} from '../../src/occi/model.js';
import { categoriesVisibleIn, type CategoryView } from '../../src/occi/visible.js';
import { provided, registry } from './registry-fixture.js';

const CRTP = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#';

function view(id: string, version: OcciVersion): CategoryView | undefined {
  return categoriesVisibleIn(registry, version).find(({ category }) => category.id === id);
}

function namesOf(id: string, version: OcciVersion): string[] {
  return (view(id, version)?.attributes ?? []).map(({ name }) => name).filter((name) => !name.startsWith('occi.core.'));
}

function termsOf(id: string, version: OcciVersion): string[] {
  return (view(id, version)?.actions ?? []).map((action) => action.slice(action.indexOf('#') + 1));
}

describe('the kinds of GFD.221 and GFD.224', () => {
  it.each([
    [COMPUTE, CORE_RESOURCE, '/compute/'],
    [NETWORK, CORE_RESOURCE, '/network/'],
    [STORAGE, CORE_RESOURCE, '/storage/'],
    [NETWORKINTERFACE, CORE_LINK, '/networkinterface/'],
    [STORAGELINK, CORE_LINK, '/storagelink/'],
  ])('C-005 %s has parent %s and location %s', (id, parent, location) => {
    expect(registry.kind(id)).toMatchObject({ parent, location });
  });

  it('C-001, C-089 core kinds are there, and entity has no location', () => {
    expect(registry.kind(CORE_ENTITY)?.location).toBeUndefined();
    expect(registry.kind(CORE_RESOURCE)?.location).toBe('/resource/');
    expect(registry.kind(CORE_LINK)?.location).toBe('/link/');
  });

  it.each<[string, string, OcciVersion, string[]]>([
    ['C-044', COMPUTE, '1.1', ['architecture', 'cores', 'hostname', 'speed', 'memory', 'state']],
    [
      'C-044, C-045',
      COMPUTE,
      '1.2',
      ['architecture', 'cores', 'hostname', 'share', 'memory', 'state', 'state.message'],
    ],
    ['C-058', NETWORK, '1.1', ['vlan', 'label', 'state']],
    ['C-058', NETWORK, '1.2', ['vlan', 'label', 'state', 'state.message']],
    ['C-063', STORAGE, '1.1', ['size', 'state']],
    ['C-063', STORAGE, '1.2', ['size', 'state', 'state.message']],
    ['C-068', NETWORKINTERFACE, '1.1', ['interface', 'mac', 'state']],
    ['C-068', NETWORKINTERFACE, '1.2', ['interface', 'mac', 'state', 'state.message']],
    ['C-071', STORAGELINK, '1.1', ['deviceid', 'mountpoint', 'state']],
    ['C-071', STORAGELINK, '1.2', ['deviceid', 'mountpoint', 'state', 'state.message']],
  ])('%s %s defines in %s exactly its attributes', (_, id, version, names) => {
    const term = id.slice(id.indexOf('#') + 1);
    expect(namesOf(id, version)).toEqual(names.map((name) => `occi.${term}.${name}`));
  });

  it.each<[string, string, OcciVersion, string[]]>([
    ['C-046', COMPUTE, '1.1', ['start', 'stop', 'restart', 'suspend']],
    ['C-047', COMPUTE, '1.2', ['start', 'stop', 'restart', 'suspend', 'save']],
    ['C-058', NETWORK, '1.2', ['up', 'down']],
    ['C-064, C-065', STORAGE, '1.1', ['online', 'offline', 'backup', 'snapshot', 'resize']],
    ['C-064, C-066', STORAGE, '1.2', ['online', 'offline']],
  ])('%s %s offers in %s exactly its actions', (_, id, version, terms) => {
    expect(termsOf(id, version)).toEqual(terms);
  });

  it('C-047, C-048 the actions declare their parameters', () => {
    const parameters = (term: string) => [
      ...(registry.action(`http://schemas.ogf.org/occi/infrastructure/${term}`)?.attributes.keys() ?? []),
    ];
    expect(parameters('compute/action#stop')).toEqual(['method']);
    expect(parameters('compute/action#restart')).toEqual(['method']);
    expect(parameters('compute/action#suspend')).toEqual(['method']);
    expect(parameters('compute/action#save')).toEqual(['method', 'name']);
    expect(parameters('storage/action#resize')).toEqual(['size']);
  });

  it('C-061, C-062, C-069, C-070, C-073, C-074, C-080, C-081 the mixins are there and say what they apply to', () => {
    const shown = [IPNETWORK, IPNETWORKINTERFACE, OS_TPL, RESOURCE_TPL, SSH_KEY, USER_DATA].map((id) =>
      view(id, '1.2'),
    );
    expect(shown.map((mixin) => mixin?.applies)).toEqual([
      [NETWORK],
      [NETWORKINTERFACE],
      [COMPUTE],
      [COMPUTE],
      [COMPUTE],
      [COMPUTE],
    ]);
    expect(namesOf(IPNETWORK, '1.1')).toEqual(
      ['address', 'gateway', 'allocation'].map((name) => `occi.network.${name}`),
    );
    expect(namesOf(IPNETWORKINTERFACE, '1.1')).toEqual(
      ['address', 'gateway', 'allocation'].map((name) => `occi.networkinterface.${name}`),
    );
  });

  it('A20 requires what only the client can know', () => {
    const required = provided.flatMap((category) =>
      [...category.attributes.values()].filter((attribute) => attribute.required),
    );
    expect(required.map(({ name }) => name)).toEqual([
      'occi.core.source',
      'occi.core.target',
      'occi.storage.size',
      'occi.credentials.ssh.publickey',
      'occi.compute.userdata',
      'size',
      'org.openstack.credentials.publickey.data',
      'org.openstack.compute.user_data',
    ]);
  });

  it.each([
    ['small', 1, 1, 10],
    ['medium', 2, 2, 20],
    ['large', 4, 4, 40],
    ['mem_small', 1, 4, 10],
    ['mem_medium', 2, 8, 20],
    ['mem_large', 4, 16, 40],
  ])(
    'C-259, C-075, C-076 CRTP template %s has %d cores, %d GiB and a disk of %d GiB, hidden in 1.1',
    (term, cores, memory, disk) => {
      const defaults = view(`${CRTP}${term}`, '1.2')?.attributes.map((attribute) => attribute.default);
      expect(defaults).toEqual([cores, memory, disk, undefined]);
      expect(view(`${CRTP}${term}`, '1.1')?.attributes).toEqual([]);
      expect(view(`${CRTP}${term}`, '1.1')?.rel).toBe(RESOURCE_TPL);
    },
  );

  it('I-011 nothing that 1.1 clients see has capitals or dots in its term', () => {
    for (const { category, attributes } of categoriesVisibleIn(registry, '1.1')) {
      expect(isTerm(category.term, '1.1')).toBe(true);
      for (const { name } of attributes) expect(isAttributeName(name, '1.1')).toBe(true);
    }
    const hidden = categoriesVisibleIn(registry, '1.2').filter(
      ({ category }) => view(category.id, '1.1') === undefined,
    );
    expect(hidden.map(({ category }) => category.term)).toEqual(['ubuntu-22.04', 'save']);
  });

  it('I-012 no title has a comma', () => {
    expect(provided.filter(({ title }) => title === undefined || title.includes(','))).toEqual([]);
  });

  it('C-034 only the standards and what the field took for them use the prefix occi.', () => {
    const foreign = provided.filter(({ scheme }) => !scheme.startsWith('http://schemas.ogf.org/occi/'));
    const names = foreign.flatMap(({ attributes }) => [...attributes.keys()]);
    expect(names.filter((name) => name.startsWith('occi.'))).toEqual([]);
  });
});

describe('parseCategoryDocument', () => {
  const mixin = { term: 'gold', scheme: 'http://example.org/#', location: '/mixin/gold/' };

  function codesOf(document: unknown): string[] {
    try {
      parseCategoryDocument(document, 'test.json');
      return [];
    } catch (error) {
      return (error as Problem).faults.map(
        ({ code, place }) => `${code.replace('category-document.', '')} ${place?.path}`,
      );
    }
  }

  it('reads the defaults of GFD.226: optional immutable strings', () => {
    const { categories } = parseCategoryDocument(
      { specification: 'x', mixins: [{ ...mixin, attributes: { 'org.x': {} } }] },
      'test.json',
    );
    expect(categories[0]?.attributes.get('org.x')).toEqual({
      name: 'org.x',
      type: 'string',
      mutable: false,
      required: false,
    });
  });

  it.each<[string, unknown, string[]]>([
    ['not an object', [], ['shape ']],
    ['no specification', {}, ['shape /specification']],
    ['an unknown member', { specification: 'x', kind: [] }, ['member /kind']],
    ['categories that are no array', { specification: 'x', kinds: {} }, ['shape /kinds']],
    [
      'a category that is no object',
      { specification: 'x', actions: ['start'] },
      ['shape /actions/0', 'shape /actions/0/term', 'shape /actions/0/scheme'],
    ],
    [
      'a mixin without a location',
      { specification: 'x', mixins: [{ term: 'a', scheme: 'http://e.org/#' }] },
      ['shape /mixins/0/location'],
    ],
  ])('C-002, C-088 refuses %s', (_, document, codes) => {
    expect(codesOf(document)).toEqual(codes);
  });

  it('collects every fault with its pointer', () => {
    const faulty = {
      ...mixin,
      term: '-gold',
      scheme: 'example',
      location: '/mixin/gold',
      title: 'gold, really',
      version: '2',
      depends: ['none', 1],
      applies: 'compute',
      attributes: {
        'a b': { type: 'text', mutable: 'yes', pattern: { minimum: 'x' } },
        'org.n': { type: 'number', default: 'x' },
        'org.m': { type: 'number', pattern: { maximum: 3 }, default: 4 },
        'org.o': { pattern: 7, nullable: true },
      },
    };
    expect(codesOf({ specification: 'x', mixins: [faulty] })).toEqual([
      'term /mixins/0/term',
      'scheme /mixins/0/scheme',
      'title /mixins/0/title',
      'version /mixins/0/version',
      'attribute-name /mixins/0/attributes/a b',
      'attribute-type /mixins/0/attributes/a b/type',
      'pattern /mixins/0/attributes/a b/pattern',
      'shape /mixins/0/attributes/a b/mutable',
      'default /mixins/0/attributes/org.n/default',
      'default /mixins/0/attributes/org.m/default',
      'member /mixins/0/attributes/org.o/nullable',
      'shape /mixins/0/attributes/org.o/pattern',
      'location /mixins/0/location',
      'type-id /mixins/0/depends/0',
      'type-id /mixins/0/depends/1',
      'shape /mixins/0/applies',
    ]);
  });
});
