/** Filters, category lists and the mixins of users against the registry. */

import { Problem } from '../../src/base/errors.js';
import { COMPUTE, INFRASTRUCTURE, NETWORK, RESOURCE_TPL, type AttributeValue } from '../../src/occi/model.js';
import type { AttributeInput, CategoryRef } from '../../src/occi/request.js';
import { resolveCategories, resolveFilter, resolveUserMixin } from '../../src/occi/resolve/index.js';
import { registry, tag } from './registry-fixture.js';

const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';

function refs(...ids: string[]): CategoryRef[] {
  return ids.map((id) => ({ scheme: id.slice(0, id.indexOf('#') + 1), term: id.slice(id.indexOf('#') + 1) }));
}

function given(record: Record<string, AttributeValue>): Map<string, AttributeInput> {
  return new Map(Object.entries(record).map(([name, value]) => [name, { value, typed: false }]));
}

function refusal(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.kind, ...error.faults.map(({ code }) => code)];
  }
  return [];
}

describe('resolveFilter', () => {
  it('C-108, C-109, I-022, A39 sorts categories and types values', () => {
    const filter = resolveFilter(
      refs(COMPUTE, SMALL, SMALL),
      given({ 'occi.compute.cores': '2', 'occi.compute.hostname': 'a b c', 'occi.core.title': 7 }),
      registry,
    );
    expect(filter).toEqual({
      kinds: [COMPUTE],
      mixins: [SMALL],
      attributes: [
        ['occi.compute.cores', 2],
        ['occi.compute.hostname', 'a b c'],
        ['occi.core.title', '7'],
      ],
    });
  });

  it('C-111 takes values that no entity can have, and nothing', () => {
    expect(resolveFilter([], given({ 'occi.compute.state': 'dancing' }), registry).attributes).toEqual([
      ['occi.compute.state', 'dancing'],
    ]);
    expect(resolveFilter([], new Map(), registry)).toEqual({ kinds: [], mixins: [], attributes: [] });
  });

  it('C-093 refuses a broken filter with everything that is wrong', () => {
    const broken = () =>
      resolveFilter(refs('http://e.org/#x'), given({ nonsense: 1, 'occi.compute.cores': 'many' }), registry);
    expect(refusal(broken)).toEqual(['invalid', 'category.unknown', 'attribute.unknown', 'attribute.type']);
  });
});

describe('resolveCategories', () => {
  it('C-090, C-101 answers categories of any class and refuses unknown ones', () => {
    const start = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';
    expect(resolveCategories(refs(COMPUTE, start), registry).map((category) => category.class)).toEqual([
      'kind',
      'action',
    ]);
    expect(refusal(() => resolveCategories(refs('http://e.org/#x', 'http://e.org/#y'), registry))).toEqual([
      'invalid',
      'category.unknown',
      'category.unknown',
    ]);
  });
});

describe('resolveUserMixin', () => {
  const mine: CategoryRef = {
    scheme: 'http://example.com/occi/my_stuff#',
    term: 'my_stuff',
    class: 'mixin',
    location: '/my_stuff/',
  };
  const reserved = ['/', '/-/', '/.well-known/', '/health/', '/log/'];
  const resolve = (more: Partial<CategoryRef>, of = registry) => resolveUserMixin({ ...mine, ...more }, of, reserved);

  it('C-094, I-021 makes a tag, forgetting an unknown relation', () => {
    expect(resolve({ title: 'Mine', rel: ['http://example.com/occi/something_else#mixin'] })).toEqual({
      class: 'mixin',
      id: 'http://example.com/occi/my_stuff#my_stuff',
      scheme: mine.scheme,
      term: 'my_stuff',
      title: 'Mine',
      attributes: new Map(),
      depends: [],
      applies: [],
      actions: [],
      location: '/my_stuff/',
    });
    expect(resolve({ rel: [RESOURCE_TPL], applies: [COMPUTE] })).toMatchObject({
      depends: [RESOURCE_TPL],
      applies: [COMPUTE],
    });
  });

  it('A17 takes a location with scheme and host', () => {
    expect(resolve({ location: 'http://vep.example.org:8787/my_stuff/' }).location).toBe('/my_stuff/');
  });

  it.each<[string, Partial<CategoryRef>, string[]]>([
    ['C-095 no location', { location: '' }, ['invalid', 'mixin.location']],
    ['C-088 a location without its slash', { location: '/mine' }, ['invalid', 'mixin.location']],
    ['a location that climbs', { location: '/a/../compute/' }, ['invalid', 'mixin.location']],
    ['a location with a query', { location: '/a/?b/' }, ['invalid', 'mixin.location']],
    ['the root as location', { location: '/' }, ['invalid', 'mixin.location']],
    ['K02 the well-known location', { location: '/.well-known/' }, ['conflict', 'mixin.location-taken']],
    ['K02 the query interface', { location: '/-/' }, ['conflict', 'mixin.location-taken']],
    ['K02 a reserved location', { location: '/health/mine/' }, ['conflict', 'mixin.location-taken']],
    ['K02 a location of the provider', { location: '/compute/' }, ['conflict', 'mixin.location-taken']],
    ['a location below one of the provider', { location: '/compute/mine/' }, ['conflict', 'mixin.location-taken']],
    ['the location of a mixin', { location: '/mixin/os_tpl/' }, ['conflict', 'mixin.location-taken']],
    ['a location above some of the provider', { location: '/mixin/' }, ['conflict', 'mixin.location-taken']],
    ['a term that breaks the grammar', { term: 'my stuff' }, ['invalid', 'mixin.term']],
    ['a scheme that is none', { scheme: 'mine#' }, ['invalid', 'mixin.scheme']],
    ['a title without end', { title: 'x'.repeat(1000) }, ['invalid', 'mixin.title']],
    ['a kind', { class: 'kind' }, ['invalid', 'mixin.class']],
    ['attributes', { hasAttributes: true }, ['invalid', 'mixin.capabilities']],
    ['an unknown kind to apply to', { applies: [NETWORK, 'http://e.org/#x'] }, ['invalid', 'mixin.applies']],
    [
      'S-074 a scheme of the standards',
      { scheme: 'http://schemas.ogf.org/occi/mine#' },
      ['forbidden', 'mixin.scheme-reserved'],
    ],
    [
      'S-074 a scheme of VEP',
      { scheme: 'http://schemas.contrail-project.eu/occi/mine#' },
      ['forbidden', 'mixin.scheme-reserved'],
    ],
    ['S-076 a built-in scheme', { scheme: INFRASTRUCTURE }, ['conflict', 'mixin.name-taken']],
    ['C-096 a built-in category', { scheme: INFRASTRUCTURE, term: 'os_tpl' }, ['conflict', 'mixin.name-taken']],
    [
      'everything at once',
      { scheme: INFRASTRUCTURE, term: '', location: '/compute/', title: 'x'.repeat(1000) },
      ['invalid', 'mixin.term', 'mixin.title', 'mixin.name-taken', 'mixin.location-taken'],
    ],
  ])('refuses %s', (_, more, expected) => {
    expect(refusal(() => resolve(more))).toEqual(expected);
  });

  it('C-096 refuses the name and the place of another mixin', () => {
    const layer = registry.with([tag('other')]);
    expect(refusal(() => resolve({ location: '/other/' }, layer))).toEqual(['conflict', 'mixin.location-taken']);
    expect(refusal(() => resolve({ scheme: 'http://example.org/alice#', term: 'other' }, layer))).toEqual([
      'conflict',
      'mixin.name-taken',
    ]);
    expect(resolve({ location: '/other/mine/' }, layer).location).toBe('/other/mine/');
  });
});
