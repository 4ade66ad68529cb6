/** The category registry: lookups, inheritance and the rules that hold it together (GFD.221 §5.3). */

import type { Problem } from '../../src/base/errors.js';
import {
  COMPUTE,
  CORE_ENTITY,
  CORE_LINK,
  CORE_RESOURCE,
  INFRASTRUCTURE,
  NETWORK,
  OS_TPL,
  RESOURCE_TPL,
  STORAGE,
  type AnyCategory,
  type Kind,
  type Mixin,
} from '../../src/occi/model.js';
import { CategoryRegistry } from '../../src/occi/registry.js';
import { debian, provided, registry, tag, ubuntu } from './registry-fixture.js';

const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const MEDIUM = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#medium';

function codesOf(categories: readonly AnyCategory[]): string[] {
  try {
    CategoryRegistry.of(categories);
    return [];
  } catch (error) {
    return (error as Problem).faults.map((fault) => fault.code);
  }
}

function kind(term: string, more: Partial<Kind> = {}): Kind {
  const scheme = 'http://example.org/kinds#';
  return {
    class: 'kind',
    id: scheme + term,
    scheme,
    term,
    attributes: new Map(),
    actions: [],
    parent: CORE_RESOURCE,
    location: `/${term}s/`,
    ...more,
  };
}

describe('CategoryRegistry.of', () => {
  it('C-001, C-008 wants the core kinds with their attributes', () => {
    expect(codesOf([])).toEqual(['registry.core', 'registry.core', 'registry.core']);
    const bare = provided.map((category) =>
      category.id === CORE_LINK ? { ...category, attributes: new Map() } : category,
    );
    expect(codesOf(bare)).toEqual(['registry.core', 'registry.core']);
  });

  it('C-002 refuses a repeated identifier', () => {
    expect(codesOf([...provided, kind('thing'), kind('thing', { location: '/others/' })])).toEqual([
      'registry.duplicate',
    ]);
  });

  it('C-088 refuses a repeated location', () => {
    expect(codesOf([...provided, kind('a', { location: '/compute/' })])).toEqual(['registry.location']);
  });

  it('C-004 wants every chain of parents to end at core#entity', () => {
    const { parent: _, ...orphan } = kind('orphan');
    expect(codesOf([...provided, orphan])).toEqual(['registry.ancestry']);
    expect(codesOf([...provided, kind('lost', { parent: 'http://example.org/#none' })])).toEqual([
      'registry.parent',
      'registry.ancestry',
    ]);
    const a = kind('a', { parent: 'http://example.org/kinds#b' });
    const b = kind('b', { parent: 'http://example.org/kinds#a' });
    expect(codesOf([...provided, a, b])).toEqual(['registry.ancestry', 'registry.ancestry']);
  });

  it('C-007 wants every action, dependency and kind named to be there, and reports all that are not', () => {
    const faulty: Mixin = tag('faulty', { depends: ['http://a.b/#x'], applies: [OS_TPL], actions: [COMPUTE] });
    expect(codesOf([...provided, faulty, kind('k', { actions: ['http://a.b/#y'] })])).toEqual([
      'registry.depends',
      'registry.applies',
      'registry.action',
      'registry.action',
    ]);
  });

  it('refuses mixins that depend on themselves and attributes that change their type', () => {
    const a = tag('a', { depends: ['http://example.org/alice#b'] });
    const b = tag('b', { depends: ['http://example.org/alice#a'] });
    expect(codesOf([...provided, a, b])).toEqual(['registry.depends', 'registry.depends']);
    const retyped = kind('k', {
      attributes: new Map([
        ['occi.core.title', { name: 'occi.core.title', type: 'number', mutable: true, required: false }],
      ]),
    });
    expect(codesOf([...provided, retyped])).toEqual(['registry.attribute-type']);
  });
});

describe('CategoryRegistry', () => {
  it('C-003 finds categories by scheme and term, with or without a class', () => {
    expect(registry.resolveRef({ scheme: INFRASTRUCTURE, term: 'compute' })?.id).toBe(COMPUTE);
    expect(registry.kind(COMPUTE)?.term).toBe('compute');
    expect(registry.mixin(COMPUTE)).toBeUndefined();
    expect(registry.action(`http://schemas.ogf.org/occi/infrastructure/compute/action#start`)?.term).toBe('start');
    expect(registry.atLocation('/mixin/resource_tpl/small/')?.id).toBe(SMALL);
    expect(registry.atLocation('/nowhere/')).toBeUndefined();
  });

  it('knows what comes from what', () => {
    expect(registry.isA(COMPUTE, CORE_RESOURCE)).toBe(true);
    expect(registry.isA(COMPUTE, COMPUTE)).toBe(true);
    expect(registry.isA(COMPUTE, CORE_LINK)).toBe(false);
    expect(registry.isA('http://a.b/#none', CORE_ENTITY)).toBe(false);
    expect(registry.descendants(NETWORK).map(({ term }) => term)).toEqual(['network', 'ipreservation']);
    expect(registry.instantiable(CORE_ENTITY)).toBe(false);
    expect(registry.instantiable(CORE_RESOURCE)).toBe(true);
  });

  it('C-028 closes mixins over what they depend on', () => {
    expect(registry.closure([SMALL, debian.id, 'http://a.b/#none']).map(({ id }) => id)).toEqual([
      SMALL,
      RESOURCE_TPL,
      debian.id,
      OS_TPL,
    ]);
    expect(registry.dependsOn(SMALL, RESOURCE_TPL)).toBe(true);
    expect(registry.dependsOn(debian.id, RESOURCE_TPL)).toBe(false);
    expect(registry.applies(ubuntu, COMPUTE)).toBe(true);
    expect(registry.applies(ubuntu, STORAGE)).toBe(false);
  });

  it('C-006, C-026 gives inherited attributes, with a mixin overriding the kind and keeping its pattern', () => {
    expect([...registry.attributesOf(STORAGE).keys()]).toEqual([
      'occi.core.id',
      'occi.core.title',
      'occi.core.summary',
      'occi.storage.size',
      'occi.storage.state',
      'occi.storage.state.message',
    ]);
    expect(registry.attributesOf(COMPUTE).get('occi.compute.cores')?.default).toBe(1);
    const medium = registry.attributesOf(COMPUTE, [MEDIUM, RESOURCE_TPL]).get('occi.compute.cores');
    expect(medium).toMatchObject({
      default: 2,
      description: 'Number of virtual CPU cores',
      pattern: { maximum: 4096 },
    });
    expect(registry.attributesOf(COMPUTE, [MEDIUM, SMALL]).get('occi.compute.cores')?.default).toBe(1);
    expect(registry.attributesOf(COMPUTE, [MEDIUM])).toBe(registry.attributesOf(COMPUTE, [MEDIUM]));
  });

  it('gives the actions of the kind, its parents and its mixins', () => {
    const terms = registry
      .actionsOf('http://schemas.ogf.org/occi/infrastructure#ipreservation')
      .map(({ id }) => id.split('/').slice(-2).join('/'));
    expect(terms).toEqual([
      'ipreservation/action#up',
      'ipreservation/action#down',
      'network/action#up',
      'network/action#down',
    ]);
  });

  it('lists the categories of a version in stable order', () => {
    const terms = (version: '1.1' | '1.2') => registry.categories(version).map(({ term }) => term);
    expect(terms('1.2').slice(0, 4)).toEqual(['entity', 'resource', 'link', 'compute']);
    expect(terms('1.2')).toContain('save');
    expect(terms('1.2')).not.toContain('snapshot');
    expect(terms('1.1')).toContain('snapshot');
    expect(terms('1.1')).not.toContain('save');
  });
});

describe('user mixins as a layer (K15)', () => {
  const mine = tag('mine', { depends: [SMALL] });
  const layer = registry.with([mine]);

  it('share the provider part and come last', () => {
    expect(layer.provider).toBe(registry);
    expect(layer.with([]).provider).toBe(registry);
    expect(layer.userMixins).toEqual([mine]);
    expect(layer.categories('1.2').at(-1)).toBe(mine);
    expect(layer.atLocation('/mine/')).toBe(mine);
    expect(layer.kind(COMPUTE)).toBe(registry.kind(COMPUTE));
    expect(registry.get(mine.id)).toBeUndefined();
    expect(layer.attributesOf(COMPUTE)).toBe(registry.attributesOf(COMPUTE));
  });

  it('bring the capabilities of what they depend on', () => {
    expect(layer.closure([mine.id]).map(({ term }) => term)).toEqual(['mine', 'small', 'resource_tpl']);
    expect(layer.attributesOf(COMPUTE, [mine.id]).get('occi.compute.ephemeral_storage.size')?.default).toBe(10);
  });

  it('lose against the provider', () => {
    expect(registry.with([tag('x', { location: '/compute/' })])).toBe(registry);
    expect(registry.with([tag('x', { id: COMPUTE })])).toBe(registry);
  });

  it('may depend on what does not exist (I-021)', () => {
    const odd = registry.with([tag('odd', { depends: ['http://example.com/occi/something_else#mixin'] })]);
    expect(odd.closure(['http://example.org/alice#odd']).map(({ term }) => term)).toEqual(['odd']);
  });

  it('keep a bounded number of combinations', () => {
    const many = registry.with(Array.from({ length: 5000 }, (_, index) => tag(`t${index}`)));
    for (let index = 0; index < 5000; index += 1) many.attributesOf(COMPUTE, [`http://example.org/alice#t${index}`]);
    expect(many.attributesOf(COMPUTE, ['http://example.org/alice#t0']).size).toBe(registry.attributesOf(COMPUTE).size);
  });
});
