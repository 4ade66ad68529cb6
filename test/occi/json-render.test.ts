/** Entities and categories in JSON, and that what is written reads back as it was. */

import fc from 'fast-check';
import {
  categoryFragments,
  categoryJson11,
  entityFragment11,
  parseEntityView,
  parseJson,
  renderCategoriesJson,
  renderCollectionJson,
  renderEntityJson,
  renderEntityJson11,
} from '../../src/occi/json/index.js';
import {
  COMPUTE,
  CORE_ENTITY,
  NETWORK,
  STORAGE,
  STORAGELINK,
  isLinkView,
  type EntityView,
  type LinkView,
} from '../../src/occi/model.js';
import { categoriesVisibleIn, categoryView } from '../../src/occi/visible.js';
import { entityView } from './entity-arbitrary.js';
import { registry, tag } from './registry-fixture.js';

const link: LinkView = {
  id: 'urn:uuid:5e',
  kind: STORAGELINK,
  mixins: [],
  attributes: { 'occi.storagelink.deviceid': 'vdb' },
  actions: [],
  source: { location: '/compute/2b', kind: COMPUTE },
  target: { location: 'http://elsewhere.org/9' },
};
const compute: EntityView = {
  id: 'urn:uuid:2b',
  kind: COMPUTE,
  mixins: ['http://e.org/#gold'],
  title: 'web "1"',
  summary: 'front',
  attributes: { 'occi.compute.memory': 1.5, 'occi.compute.state': 'active' },
  actions: ['http://e.org/#start'],
  links: [link],
};
const urlOf = ({ kind, id }: { kind: string; id: string }) =>
  `http://h${registry.kind(kind)?.location}${id.slice('urn:uuid:'.length)}`;

describe('renderEntityJson', () => {
  it('C-222…C-226, C-236 writes the members of GFD.226 in its order and no others', () => {
    expect(renderEntityJson(compute)).toBe(
      `{"kind":"${COMPUTE}","id":"urn:uuid:2b","mixins":["http://e.org/#gold"],` +
        '"attributes":{"occi.compute.memory":1.5,"occi.compute.state":"active"},"actions":["http://e.org/#start"],' +
        `"links":[{"kind":"${STORAGELINK}","id":"urn:uuid:5e","source":{"location":"/compute/2b","kind":"${COMPUTE}"},` +
        '"target":{"location":"http://elsewhere.org/9"},"attributes":{"occi.storagelink.deviceid":"vdb"}}],' +
        '"summary":"front","title":"web \\"1\\""}',
    );
  });

  it('is undone by parseEntityView', () => {
    fc.assert(fc.property(entityView, (view) => expect(parseEntityView(renderEntityJson(view))).toEqual(view)));
  });

  it('C-237 says to parseJson what the entity is', () => {
    fc.assert(
      fc.property(entityView, (view) => {
        const { entities } = parseJson(renderEntityJson(view));
        expect(entities).toHaveLength(1);
        const [entity] = entities;
        expect(entity?.categories.map(({ scheme, term }) => scheme + term)).toEqual([view.kind, ...view.mixins]);
        const values = Object.fromEntries([...(entity?.attributes ?? [])].map(([name, { value }]) => [name, value]));
        expect(values).toEqual({ ...view.attributes, ...coreOf(view) });
        expect(entity?.actionLinks).toEqual(view.actions);
        expect(entity?.links.map(({ id, target }) => [id, target])).toEqual(
          isLinkView(view) ? [] : view.links.map((own) => [own.id, own.target.location]),
        );
      }),
    );
  });
});

describe('renderCollectionJson', () => {
  it.each<[string[], string[], string]>([
    [[], [], '{"resources":[]}'],
    [['{"a":1}', '{"b":2}'], [], '{"resources":[{"a":1},{"b":2}]}'],
    [[], ['{"c":3}'], '{"links":[{"c":3}]}'],
    [['{"a":1}'], ['{"c":3}'], '{"resources":[{"a":1}],"links":[{"c":3}]}'],
  ])('C-228 joins %j and %j', (resources, links, text) => {
    expect(renderCollectionJson({ resources, links })).toBe(text);
  });
});

describe('renderCategoriesJson', () => {
  const parse = (text: string) => JSON.parse(text) as Record<'kinds' | 'mixins' | 'actions', Record<string, unknown>[]>;
  const provided = categoryFragments(categoriesVisibleIn(registry, '1.2'));

  it('C-229…C-233, I-028 writes kinds, mixins and actions with their attributes', () => {
    const { kinds, mixins, actions } = parse(renderCategoriesJson(provided));
    expect(kinds.find(({ term }) => term === 'storage')).toEqual({
      term: 'storage',
      scheme: 'http://schemas.ogf.org/occi/infrastructure#',
      title: 'Storage Resource',
      parent: 'http://schemas.ogf.org/occi/core#resource',
      location: '/storage/',
      actions: ['online', 'offline'].map((term) => `http://schemas.ogf.org/occi/infrastructure/storage/action#${term}`),
      attributes: expect.objectContaining({
        'occi.core.title': expect.anything() as unknown,
        'occi.storage.size': {
          mutable: true,
          required: true,
          type: 'number',
          description: 'Size in gibibytes',
        },
      }) as unknown,
    });
    expect(
      kinds
        .filter(({ location }) => location === undefined)
        .map(({ scheme, term }) => `${String(scheme)}${String(term)}`),
    ).toEqual([CORE_ENTITY]);
    expect(mixins.find(({ term }) => term === 'small')).toMatchObject({
      location: '/mixin/resource_tpl/small/',
      depends: ['http://schemas.ogf.org/occi/infrastructure#resource_tpl'],
      applies: [COMPUTE],
      attributes: { 'occi.compute.memory': { default: 1, type: 'number' } },
    });
    expect(actions.find(({ term }) => term === 'save')).toMatchObject({ attributes: { method: { required: false } } });
  });

  it('K15 puts the caller’s own mixins behind the shared part', () => {
    const layer = registry.with([tag('mine', { title: 'Mine' })]);
    const own = categoryFragments(layer.userMixins.map((mixin) => categoryView(mixin, layer, '1.2')));
    expect(parse(renderCategoriesJson(provided, own)).mixins.at(-1)).toEqual({
      term: 'mine',
      scheme: 'http://example.org/alice#',
      title: 'Mine',
      attributes: {},
      location: '/mine/',
    });
    expect(renderCategoriesJson()).toBe('{"kinds":[],"mixins":[],"actions":[]}');
  });

  it('writes the draft of the 1.1 era nested and with related', () => {
    const { kinds, actions } = parse(
      renderCategoriesJson(categoryFragments(categoriesVisibleIn(registry, '1.1'), categoryJson11)),
    );
    expect(kinds.find(({ term }) => term === 'network')).toMatchObject({
      related: ['http://schemas.ogf.org/occi/core#resource'],
      attributes: {
        occi: {
          core: { id: { mutable: false } },
          network: { vlan: { mutable: true, required: false, type: 'number' } },
        },
      },
    });
    expect(kinds[0]).toMatchObject({ term: 'entity', related: [] });
    expect(actions[0]).not.toHaveProperty('related');
  });
});

describe('renderEntityJson11', () => {
  it('nests attributes, wraps the entity and names links by URL', () => {
    expect(JSON.parse(renderEntityJson11(compute, urlOf))).toEqual({
      resources: [
        {
          kind: COMPUTE,
          mixins: ['http://e.org/#gold'],
          actions: ['http://e.org/#start'],
          attributes: {
            occi: {
              core: { id: 'urn:uuid:2b', title: 'web "1"', summary: 'front' },
              compute: { memory: 1.5, state: 'active' },
            },
          },
          id: 'urn:uuid:2b',
          title: 'web "1"',
          summary: 'front',
          links: ['http://h/storagelink/5e'],
        },
      ],
    });
    const inside: LinkView = { ...link, target: { location: '/storage/9', kind: STORAGE } };
    expect(JSON.parse(renderEntityJson11(inside, urlOf))).toMatchObject({
      links: [{ rel: STORAGE, source: '/compute/2b', target: '/storage/9' }],
    });
  });

  it('keeps a name dotted where its beginning is a name, too', () => {
    const view: EntityView = {
      ...compute,
      kind: NETWORK,
      links: [],
      attributes: { 'occi.network.state.message': 'x', 'occi.network.state': 'error' },
    };
    expect(JSON.parse(entityFragment11(view, urlOf))).toMatchObject({
      attributes: { occi: { network: { state: 'error', 'state.message': 'x' } } },
    });
  });

  it('says to parseJson what the entity is', () => {
    fc.assert(
      fc.property(entityView, (view) => {
        const [entity] = parseJson(renderEntityJson11(view, urlOf)).entities;
        const values = Object.fromEntries([...(entity?.attributes ?? [])].map(([name, { value }]) => [name, value]));
        const { 'occi.core.source.kind': _, ...core } = coreOf(view);
        expect(values).toEqual({ ...view.attributes, ...core });
      }),
    );
  });
});

function coreOf(view: EntityView): Record<string, string> {
  const values = {
    'occi.core.id': view.id,
    'occi.core.title': view.title,
    ...(isLinkView(view)
      ? {
          'occi.core.source': view.source.location,
          'occi.core.source.kind': view.source.kind,
          'occi.core.target': view.target.location,
          'occi.core.target.kind': view.target.kind,
        }
      : { 'occi.core.summary': view.summary }),
  };
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
