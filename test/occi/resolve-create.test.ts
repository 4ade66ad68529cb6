/** Creation requests against the registry: kinds, mixins, attributes, links, and all that can be wrong with them. */

import { Problem } from '../../src/base/errors.js';
import {
  COMPUTE,
  CORE_ENTITY,
  CORE_LINK,
  CORE_RESOURCE,
  INFRASTRUCTURE,
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
  type AttributeValue,
} from '../../src/occi/model.js';
import type { AttributeInput, CategoryRef, EntityInput, LinkInput } from '../../src/occi/request.js';
import { resolveCreate, type CreateOptions, type ResolvedCreate } from '../../src/occi/resolve/index.js';
import { registry, tag, ubuntu } from './registry-fixture.js';

const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const START = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';
const SECURITYGROUP = `${INFRASTRUCTURE}securitygroup`;

function refs(...ids: string[]): CategoryRef[] {
  return ids.map((id) => ({ scheme: id.slice(0, id.indexOf('#') + 1), term: id.slice(id.indexOf('#') + 1) }));
}

function values(record: Record<string, AttributeValue>, typed: boolean): Map<string, AttributeInput> {
  return new Map(Object.entries(record).map(([name, value]) => [name, { value, typed }]));
}

function input(
  categories: string[],
  attributes: Record<string, AttributeValue> = {},
  links: LinkInput[] = [],
  typed = true,
): EntityInput {
  return { categories: refs(...categories), attributes: values(attributes, typed), links, actionLinks: [] };
}

function linkTo(target: string, more: Partial<LinkInput> = {}): LinkInput {
  return { target, rel: [], categories: [], attributes: new Map(), ...more };
}

function create(entity: EntityInput, options: Partial<CreateOptions> = {}): ResolvedCreate {
  return resolveCreate(entity, registry, { version: '1.2', ...options });
}

function refusal(entity: EntityInput, options: Partial<CreateOptions> = {}): string[] {
  try {
    create(entity, options);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    for (const fault of error.faults)
      expect(fault).toMatchObject({
        place: { field: expect.any(String) as unknown },
        rule: expect.any(String) as unknown,
        remedy: expect.any(String) as unknown,
      });
    return [error.kind, ...error.faults.map(({ code }) => code)];
  }
  return [];
}

describe('resolveCreate: categories', () => {
  it('C-003, I-019 finds kind and mixins without a class and closes the mixins', () => {
    const { kind, mixins } = create(input([SMALL, COMPUTE, ubuntu.id]));
    expect(kind.id).toBe(COMPUTE);
    expect(mixins.map(({ id }) => id)).toEqual([SMALL, RESOURCE_TPL, ubuntu.id, OS_TPL]);
  });

  it.each<[string, string[], string[]]>([
    ['C-009 an entity', [CORE_ENTITY], ['invalid', 'kind.abstract']],
    ['C-010 no kind', [], ['invalid', 'kind.missing']],
    ['C-010 only a mixin', [SMALL], ['invalid', 'kind.missing']],
    ['C-011 two kinds', [COMPUTE, NETWORK], ['invalid', 'kind.several']],
    ['C-012 an unknown kind', ['http://example.org/#thing'], ['invalid', 'category.unknown']],
    ['C-013 an unknown mixin', [COMPUTE, 'http://example.org/#thing'], ['invalid', 'category.unknown']],
    ['C-031 an action', [COMPUTE, START], ['invalid', 'category.action']],
    [
      'C-083 ssh_key and user_data on a network',
      [NETWORK, SSH_KEY, USER_DATA],
      ['invalid', 'mixin.not-applicable', 'mixin.not-applicable', 'attribute.required', 'attribute.required'],
    ],
  ])('refuses %s', (_, categories, expected) => {
    expect(refusal(input(categories))).toEqual(expected);
  });

  it('takes one kind named twice', () => {
    expect(create(input([COMPUTE, COMPUTE])).kind.id).toBe(COMPUTE);
  });

  it('C-204 refuses a kind that is called a mixin', () => {
    const entity = { ...input([]), categories: [{ ...refs(COMPUTE)[0], class: 'mixin' } as CategoryRef] };
    expect(refusal(entity)).toEqual(['invalid', 'category.class', 'kind.missing']);
  });

  it('C-030, A01 a mixin that does not apply is forbidden in 1.1 and invalid in 1.2', () => {
    expect(refusal(input([COMPUTE, IPNETWORK]), { version: '1.1' })).toEqual(['forbidden', 'mixin.not-applicable']);
    expect(refusal(input([COMPUTE, IPNETWORK]), { version: '1.2' })).toEqual(['invalid', 'mixin.not-applicable']);
    expect(refusal(input([COMPUTE, IPNETWORK], { nonsense: 1 }), { version: '1.1' })).toEqual([
      'invalid',
      'mixin.not-applicable',
      'attribute.unknown',
    ]);
  });

  it('a mixin for a kind applies to what comes from that kind', () => {
    expect(create(input([`${INFRASTRUCTURE}ipreservation`, IPNETWORK])).mixins).toHaveLength(1);
  });

  it('C-115 refuses a kind in the collection of another', () => {
    expect(refusal(input([NETWORK]), { expectedKind: COMPUTE })).toEqual(['invalid', 'kind.location']);
    expect(create(input([NETWORK]), { expectedKind: NETWORK }).kind.id).toBe(NETWORK);
  });

  it('a mixin of a user brings what it depends on', () => {
    const layer = registry.with([tag('mine', { depends: [SMALL] })]);
    const { mixins, attributes } = resolveCreate(input([COMPUTE, 'http://example.org/alice#mine']), layer, {
      version: '1.1',
    });
    expect(mixins.map(({ term }) => term)).toEqual(['mine', 'small', 'resource_tpl']);
    expect(attributes['occi.compute.ephemeral_storage.size']).toBe(10);
  });
});

describe('resolveCreate: attributes', () => {
  it('C-019, C-020, C-021 honours what is given and keeps core attributes apart', () => {
    const given = {
      'occi.core.id': 'my-id',
      'occi.core.title': 'web',
      'occi.core.summary': 'front',
      'occi.compute.cores': 4,
      'occi.compute.hostname': 'a b',
    };
    expect(create(input([COMPUTE], given))).toMatchObject({
      id: 'my-id',
      title: 'web',
      summary: 'front',
      attributes: { 'occi.compute.cores': 4, 'occi.compute.hostname': 'a b' },
    });
  });

  it('C-025, C-026, C-234 defaults of the kind apply, those of a mixin override them', () => {
    expect(create(input([COMPUTE])).attributes).toEqual({
      'occi.compute.architecture': 'x64',
      'occi.compute.cores': 1,
      'occi.compute.memory': 1,
    });
    const medium = SMALL.replace('small', 'medium');
    expect(create(input([COMPUTE, medium])).attributes).toMatchObject({
      'occi.compute.cores': 2,
      'occi.compute.memory': 2,
      'occi.compute.ephemeral_storage.size': 20,
    });
  });

  it('C-077, C-261, A25 a resource template wins over the sizes of the client, silently', () => {
    const sized = create(
      input([COMPUTE, SMALL], {
        'occi.compute.cores': 8,
        'occi.compute.ephemeral_storage.size': 99,
        'occi.compute.architecture': 'x86',
      }),
    );
    expect(sized.attributes).toMatchObject({
      'occi.compute.cores': 1,
      'occi.compute.ephemeral_storage.size': 10,
      'occi.compute.architecture': 'x86',
    });
  });

  it('C-024, C-063, C-172 wants what is required, all at once', () => {
    expect(refusal(input([STORAGE]))).toEqual(['invalid', 'attribute.required']);
    expect(refusal(input([STORAGELINK]))).toEqual(['invalid', 'attribute.required', 'attribute.required']);
    expect(refusal(input([COMPUTE, SSH_KEY, USER_DATA]))).toEqual([
      'invalid',
      'attribute.required',
      'attribute.required',
    ]);
  });

  it('C-023 refuses what only the server sets', () => {
    expect(refusal(input([COMPUTE], { 'occi.compute.state': 'active' }))).toEqual(['forbidden', 'attribute.immutable']);
    expect(refusal(input([COMPUTE], { 'occi.compute.state': 'active', 'occi.compute.x': 1 }))).toEqual([
      'invalid',
      'attribute.immutable',
      'attribute.unknown',
    ]);
  });

  it('A24 takes what is given once: user data and the device name of an interface', () => {
    expect(
      create(input([COMPUTE, USER_DATA], { 'occi.compute.userdata': 'x' })).attributes['occi.compute.userdata'],
    ).toBe('x');
    const nic = {
      'occi.core.source': '/compute/1',
      'occi.core.target': '/network/1',
      'occi.networkinterface.interface': 'eth1',
    };
    expect(create(input([NETWORKINTERFACE], nic)).attributes).toEqual({ 'occi.networkinterface.interface': 'eth1' });
  });

  it('C-045, C-157 refuses unknown attributes, among them those of the other version and of other kinds', () => {
    expect(refusal(input([COMPUTE], { 'occi.compute.speed': 2 }))).toEqual(['invalid', 'attribute.unknown']);
    expect(
      create(input([COMPUTE], { 'occi.compute.speed': 2 }), { version: '1.1' }).attributes['occi.compute.speed'],
    ).toBe(2);
    expect(
      create(input([COMPUTE], { 'occi.compute.share': 2 }), { version: '1.1' }).attributes['occi.compute.share'],
    ).toBe(2);
    expect(
      refusal(
        input([COMPUTE], { 'occi.core.source': '/compute/1', 'occi.storage.size': 1, owner: 'eve', toString: 'x' }),
      ),
    ).toEqual(['invalid', ...Array<string>(4).fill('attribute.unknown')]);
  });

  it.each<[AttributeValue, string]>([
    [0, 'attribute.pattern'],
    [-5, 'attribute.pattern'],
    [1.5, 'attribute.pattern'],
    [1e9, 'attribute.pattern'],
    [Infinity, 'attribute.type'],
    ['4', 'attribute.type'],
    [true, 'attribute.type'],
    [[1], 'attribute.type'],
    [{ n: 1 }, 'attribute.type'],
  ])('S-084, C-239 refuses %j cores in JSON', (value, code) => {
    expect(refusal(input([COMPUTE], { 'occi.compute.cores': value }))).toEqual(['invalid', code]);
  });

  it.each<[AttributeValue, string]>([
    ['-5', 'attribute.pattern'],
    ['1.5', 'attribute.pattern'],
    ['1e9', 'attribute.pattern'],
    ['NaN', 'attribute.type'],
    ['٤', 'attribute.type'],
    ['４', 'attribute.type'],
    ['', 'attribute.type'],
    ['0x4', 'attribute.type'],
    ['1e999', 'attribute.type'],
  ])('S-084 refuses %j cores in text', (value, code) => {
    expect(refusal(input([COMPUTE], { 'occi.compute.cores': value }, [], false))).toEqual(['invalid', code]);
  });

  it('I-005, I-015, I-016 coerces what text clients quote or do not quote', () => {
    const text = create(
      input(
        [COMPUTE],
        {
          'occi.compute.cores': '2.0',
          'occi.compute.memory': '1e1',
          'occi.compute.hostname': 42,
          'occi.core.title': true,
        },
        [],
        false,
      ),
    );
    expect(text.attributes).toMatchObject({
      'occi.compute.cores': 2,
      'occi.compute.memory': 10,
      'occi.compute.hostname': '42',
    });
    expect(text.title).toBe('true');
    const written = new Map<string, AttributeInput>([
      ['occi.compute.hostname', { value: 7, typed: false, written: '007' }],
    ]);
    expect(create({ ...input([COMPUTE]), attributes: written }).attributes['occi.compute.hostname']).toBe('007');
  });

  it('takes lists as JSON in text and holds them to their pattern', () => {
    const rules = (value: AttributeValue, typed: boolean) =>
      input([SECURITYGROUP], { 'occi.securitygroup.rules': value }, [], typed);
    expect(create(rules('[{"type":"inbound","protocol":"tcp","port":"22"}]', false)).attributes).toEqual({
      'occi.securitygroup.rules': [{ type: 'inbound', protocol: 'tcp', port: '22' }],
    });
    expect(refusal(rules('[{"type":"sideways"}]', false))).toEqual(['invalid', 'attribute.pattern']);
    expect(refusal(rules('[{"type":', false))).toEqual(['invalid', 'attribute.type']);
    expect(refusal(rules([{ type: 'inbound', range: '10.0.0.0/33' }], true))).toEqual(['invalid', 'attribute.pattern']);
  });

  it('refuses text that no database keeps', () => {
    expect(refusal(input([COMPUTE], { 'occi.core.title': 'a\0b', 'occi.core.summary': '\ud800' }))).toEqual([
      'invalid',
      'attribute.type',
      'attribute.type',
    ]);
  });

  it('quotes no value back that may hold secrets', () => {
    const secret = input([COMPUTE, USER_DATA], { 'occi.compute.userdata': ['hunter2'] });
    expect(() => create(secret)).toThrow(Problem);
    try {
      create(secret);
    } catch (error) {
      expect(JSON.stringify((error as Problem).faults)).not.toContain('hunter2');
    }
  });

  it.each<[string, string, AttributeValue, boolean]>([
    [NETWORK, 'occi.network.vlan', 0, true],
    [NETWORK, 'occi.network.vlan', 4095, true],
    [NETWORK, 'occi.network.vlan', 4096, false],
    [NETWORK, 'occi.network.vlan', -1, false],
    [NETWORK, 'occi.network.address', '192.168.0.1/24', true],
    [NETWORK, 'occi.network.address', 'fc00::/7', true],
    [NETWORK, 'occi.network.address', '192.168.0.1', false],
    [NETWORK, 'occi.network.address', '192.168.0.1/33', false],
    [NETWORK, 'occi.network.address', '192.168.0.1/24/1', false],
    [NETWORK, 'occi.network.gateway', '192.168.0.1', true],
    [NETWORK, 'occi.network.gateway', '::1', true],
    [NETWORK, 'occi.network.gateway', '192.168.0.256', false],
    [NETWORK, 'occi.network.allocation', 'dynamic', true],
    [NETWORK, 'occi.network.allocation', 'random', false],
    [STORAGE, 'occi.storage.size', 0.1, true],
    [STORAGE, 'occi.storage.size', 0, false],
    [COMPUTE, 'occi.compute.architecture', 'arm', false],
  ])('C-059 %s with %s = %j', (kind, name, value, fits) => {
    expect(refusal(input(kind === NETWORK ? [kind, IPNETWORK] : [kind], { [name]: value }))).toEqual(
      fits ? [] : ['invalid', 'attribute.pattern'],
    );
  });
});

it('I-036 pOCCI asks for an architecture of its own in 1.1, and gets one that there is', () => {
  const asked = input([COMPUTE], { 'occi.compute.architecture': 'arch' });
  expect(resolveCreate(asked, registry, { version: '1.1' }).attributes['occi.compute.architecture']).toBe('x64');
  expect(refusal(asked)).toEqual(['invalid', 'attribute.pattern']);
});

describe('resolveCreate: links', () => {
  it.each<[string, LinkInput, string]>([
    ['its category', linkTo('/network/1', { categories: [NETWORKINTERFACE] }), NETWORKINTERFACE],
    ['the target’s type', linkTo('/n/1', { rel: [NETWORK] }), NETWORKINTERFACE],
    ['a type that comes from network', linkTo('/n/1', { rel: [`${INFRASTRUCTURE}ipreservation`] }), NETWORKINTERFACE],
    ['storage', linkTo('/s/1', { rel: [STORAGE] }), STORAGELINK],
    ['security group', linkTo('/g/1', { rel: [SECURITYGROUP] }), `${INFRASTRUCTURE}securitygrouplink`],
    ['the path of the target', linkTo('https://h.example.org:8787/storage/1'), STORAGELINK],
    ['a mixin of the link', linkTo('/n/1', { categories: [IPNETWORKINTERFACE] }), NETWORKINTERFACE],
    ['nothing', linkTo('http://elsewhere.org/x'), CORE_LINK],
  ])('C-168 the kind of a link follows from %s', (_, link, kind) => {
    expect(create(input([COMPUTE], {}, [link])).links[0]?.kind.id).toBe(kind);
  });

  it('C-170 attributes of a link become its own, with defaults and mixins', () => {
    const link = linkTo('/network/6f', {
      rel: [NETWORK],
      id: 'urn:uuid:7',
      categories: [NETWORKINTERFACE, IPNETWORKINTERFACE],
      attributes: values(
        { 'occi.networkinterface.address': '10.0.0.5', 'occi.core.title': 'front', 'occi.core.source': '/compute/0' },
        false,
      ),
    });
    const [resolved] = create(input([COMPUTE], {}, [link])).links;
    expect(resolved).toMatchObject({
      target: '/network/6f',
      targetKind: NETWORK,
      title: 'front',
      id: 'urn:uuid:7',
      attributes: { 'occi.networkinterface.address': '10.0.0.5' },
    });
    expect(resolved?.mixins.map(({ id }) => id)).toEqual([IPNETWORKINTERFACE]);
  });

  it('I-026 the target may be in occi.core.target behind an arbitrary <…>', () => {
    const link = linkTo('/networkinterface/own', {
      categories: [NETWORKINTERFACE],
      attributes: values({ 'occi.core.target': '/network/2' }, false),
    });
    expect(create(input([COMPUTE], {}, [link])).links[0]).toMatchObject({ target: '/network/2', targetKind: NETWORK });
  });

  it('refuses links that are none, with everything that is wrong with them', () => {
    const faulty = [
      linkTo('/network/1', { categories: [COMPUTE] }),
      linkTo('/network/1', { categories: [NETWORKINTERFACE, STORAGELINK] }),
      linkTo('', {
        categories: [STORAGELINK],
        attributes: values({ 'occi.storagelink.state': 'active', nonsense: 1 }, true),
      }),
      linkTo('/storage/1', { categories: [STORAGELINK, IPNETWORKINTERFACE, 'http://e.org/#x'] }),
    ];
    expect(refusal(input([COMPUTE], {}, faulty))).toEqual([
      'invalid',
      'link.kind',
      'link.kind',
      'link.target',
      'attribute.immutable',
      'attribute.unknown',
      'category.unknown',
      'mixin.not-applicable',
    ]);
    expect(refusal(input([], {}, faulty.slice(0, 1)))).toEqual(['invalid', 'kind.missing', 'link.kind']);
  });

  it('C-156 a link has no links', () => {
    const link = input([STORAGELINK], { 'occi.core.source': '/compute/1', 'occi.core.target': '/storage/1' }, [
      linkTo('/network/1'),
    ]);
    expect(refusal(link)).toEqual(['invalid', 'link.on-link']);
  });

  it('C-171 a link of its own keeps its ends apart', () => {
    const link = input([STORAGELINK], {
      'occi.core.source': '/compute/1',
      'occi.core.target': '/storage/1',
      'occi.core.target.kind': STORAGE,
      'occi.core.source.kind': COMPUTE,
    });
    expect(create(link)).toMatchObject({
      source: '/compute/1',
      target: '/storage/1',
      targetKind: STORAGE,
      attributes: {},
    });
  });

  it('bounds what it reports', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
    expect(refusal(input([CORE_RESOURCE], many))).toHaveLength(101);
  });
});
