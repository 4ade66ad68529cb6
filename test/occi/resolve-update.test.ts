/** Updates against the entity as it is: what changes, what stays, and what may not. */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { parseJson, renderEntityJson, renderEntityJson11 } from '../../src/occi/json/index.js';
import {
  COMPUTE,
  CORE_RESOURCE,
  IPNETWORKINTERFACE,
  NETWORK,
  NETWORKINTERFACE,
  OS_TPL,
  RESOURCE_TPL,
  SSH_KEY,
  STORAGE,
  USER_DATA,
  type AttributeValue,
  type EntityView,
  type LinkView,
  type OcciVersion,
} from '../../src/occi/model.js';
import type { AttributeInput, EntityInput, LinkInput } from '../../src/occi/request.js';
import { resolveUpdate, type ResolvedUpdate } from '../../src/occi/resolve/index.js';
import { parseTextOcci, parseTextPlain } from '../../src/occi/text/parse.js';
import { renderEntity } from '../../src/occi/text/render.js';
import { visibleIn } from '../../src/occi/visible.js';
import { entityView } from './entity-arbitrary.js';
import { debian, registry, tag, ubuntu } from './registry-fixture.js';

const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const MEDIUM = SMALL.replace('small', 'medium');

const nic: LinkView = {
  id: 'urn:uuid:00000000-0000-7000-8000-000000000007',
  kind: NETWORKINTERFACE,
  mixins: [IPNETWORKINTERFACE],
  attributes: {
    'occi.networkinterface.interface': 'eth0',
    'occi.networkinterface.mac': '02:00:00:00:00:01',
    'occi.networkinterface.state': 'active',
    'occi.networkinterface.address': '10.0.0.5',
  },
  actions: [],
  source: { location: '/compute/00000000-0000-7000-8000-000000000001', kind: COMPUTE },
  target: { location: '/network/00000000-0000-7000-8000-000000000002', kind: NETWORK },
};
const compute: EntityView = {
  id: 'urn:uuid:00000000-0000-7000-8000-000000000001',
  kind: COMPUTE,
  mixins: [SSH_KEY],
  title: 'web',
  summary: 'front',
  attributes: {
    'occi.compute.architecture': 'x64',
    'occi.compute.cores': 4,
    'occi.compute.memory': 1,
    'occi.compute.hostname': 'web1',
    'occi.compute.state': 'error',
    'occi.compute.state.message': 'no  host\nfound',
    'occi.credentials.ssh.publickey': 'ssh-rsa AAAA',
  },
  actions: [],
  links: [nic],
};
const storage: EntityView = {
  id: 'urn:uuid:3',
  kind: STORAGE,
  mixins: [],
  attributes: { 'occi.storage.size': 5, 'occi.storage.state': 'online' },
  actions: [],
  links: [],
};

function values(record: Record<string, AttributeValue>, typed = true): Map<string, AttributeInput> {
  return new Map(Object.entries(record).map(([name, value]) => [name, { value, typed }]));
}

function input(
  attributes: Record<string, AttributeValue>,
  categories: string[] = [],
  links: LinkInput[] = [],
  typed = true,
): EntityInput {
  return {
    categories: categories.map((id) => ({
      scheme: id.slice(0, id.indexOf('#') + 1),
      term: id.slice(id.indexOf('#') + 1),
    })),
    attributes: values(attributes, typed),
    links,
    actionLinks: [],
  };
}

function update(
  entity: EntityInput,
  current: EntityView = compute,
  mode: 'partial' | 'full' = 'partial',
  version: OcciVersion = '1.2',
): ResolvedUpdate {
  return resolveUpdate(entity, registry, current, mode, version);
}

function refusal(
  entity: EntityInput,
  current: EntityView = compute,
  mode: 'partial' | 'full' = 'partial',
  version: OcciVersion = '1.2',
): string[] {
  try {
    update(entity, current, mode, version);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.kind, ...error.faults.map(({ code, place }) => `${code} ${place?.field}`)];
  }
  return [];
}

const changes = ({ attributes }: ResolvedUpdate) => Object.fromEntries(attributes);
const ids = (mixins: readonly { readonly id: string }[]) => mixins.map(({ id }) => id);

describe('partial update', () => {
  it('C-022, C-152 changes what it names and nothing else', () => {
    const { attributes, unchanged, addedMixins, removedMixins, ...rest } = update(
      input({ 'occi.compute.cores': 2, 'occi.compute.memory': 1 }),
    );
    expect(Object.fromEntries(attributes)).toEqual({ 'occi.compute.cores': 2 });
    expect([unchanged, addedMixins, removedMixins]).toEqual([false, [], []]);
    expect(rest).toEqual({ links: { same: [], changed: [], added: [] }, ends: {} });
  });

  it('C-019, C-020 changes title and summary', () => {
    expect(update(input({ 'occi.core.title': 'db', 'occi.core.summary': 'front' }))).toMatchObject({
      title: 'db',
      unchanged: false,
    });
    expect('summary' in update(input({ 'occi.core.summary': 'front' }))).toBe(false);
    expect(refusal(input({ 'occi.core.title': 7 }))).toEqual(['invalid', 'attribute.type occi.core.title']);
    expect(refusal(input({ 'occi.core.summary': 'x' }), nic)).toEqual([
      'invalid',
      'attribute.unknown occi.core.summary',
    ]);
  });

  it('C-023, A40 ignores an immutable attribute that is sent back and refuses one that changes', () => {
    expect(update(input({ 'occi.compute.state': 'error' })).unchanged).toBe(true);
    expect(refusal(input({ 'occi.compute.state': 'active' }))).toEqual([
      'forbidden',
      'attribute.immutable occi.compute.state',
    ]);
    expect(update(input({ 'occi.compute.state': 'inactive' }), compute, 'partial', '1.1').unchanged).toBe(true);
    expect(update(input({ 'occi.compute.state.message': 'no  host found' }, [], [], false)).unchanged).toBe(true);
    expect(refusal(input({ 'occi.compute.state': ['x'], 'occi.compute.cores': 0 }))).toEqual([
      'invalid',
      'attribute.immutable occi.compute.state',
      'attribute.pattern occi.compute.cores',
    ]);
  });

  it('A22, A23 takes the id in any of its forms, but no other', () => {
    const uuid = '00000000-0000-7000-8000-000000000001';
    for (const id of [`urn:uuid:${uuid}`, uuid, `/compute/${uuid}`])
      expect(update(input({ 'occi.core.id': id })).unchanged).toBe(true);
    expect(refusal(input({ 'occi.core.id': 'urn:uuid:other' }))).toEqual([
      'forbidden',
      'attribute.immutable occi.core.id',
    ]);
  });

  it('C-157 refuses unknown attributes', () => {
    expect(refusal(input({ nonsense: 1, 'occi.core.source': '/compute/1' }))).toEqual([
      'invalid',
      'attribute.unknown nonsense',
      'attribute.unknown occi.core.source',
    ]);
  });

  it('C-014 refuses another kind, takes its own', () => {
    expect(refusal(input({}, [NETWORK]))).toEqual(['invalid', 'kind.fixed Category']);
    expect(update(input({}, [COMPUTE])).unchanged).toBe(true);
  });

  it('C-027, C-028, C-154, I-004 associates a mixin with its dependencies, its defaults and over the present sizes', () => {
    const resized = update(input({ 'occi.compute.cores': 64 }, [MEDIUM]));
    expect(ids(resized.addedMixins)).toEqual([MEDIUM, RESOURCE_TPL]);
    expect(changes(resized)).toEqual({
      'occi.compute.cores': 2,
      'occi.compute.memory': 2,
      'occi.compute.ephemeral_storage.size': 20,
    });
  });

  it('C-078 lets a new template win over the old one', () => {
    const small: EntityView = {
      ...compute,
      mixins: [SMALL, RESOURCE_TPL],
      attributes: { 'occi.compute.cores': 1, 'occi.compute.memory': 1, 'occi.compute.ephemeral_storage.size': 10 },
    };
    expect(changes(update(input({}, [MEDIUM]), small))).toEqual({
      'occi.compute.cores': 2,
      'occi.compute.memory': 2,
      'occi.compute.ephemeral_storage.size': 20,
    });
  });

  it('C-024 wants what a new mixin requires', () => {
    expect(refusal(input({}, [USER_DATA]))).toEqual(['invalid', 'attribute.required occi.compute.userdata']);
    expect(changes(update(input({ 'occi.compute.userdata': 'x' }, [USER_DATA])))).toEqual({
      'occi.compute.userdata': 'x',
    });
  });

  it('C-030 refuses a mixin that does not apply', () => {
    expect(refusal(input({}, [IPNETWORKINTERFACE]), compute, 'partial', '1.1')).toEqual([
      'forbidden',
      'mixin.not-applicable Category',
    ]);
    expect(refusal(input({}, [IPNETWORKINTERFACE]))).toEqual(['invalid', 'mixin.not-applicable Category']);
  });

  it('C-082, A24 refuses new user data', () => {
    const contextualized: EntityView = {
      ...compute,
      mixins: [USER_DATA],
      attributes: { 'occi.compute.userdata': 'old' },
    };
    expect(update(input({ 'occi.compute.userdata': 'old' }), contextualized).unchanged).toBe(true);
    expect(refusal(input({ 'occi.compute.userdata': 'new' }), contextualized)).toEqual([
      'forbidden',
      'attribute.immutable occi.compute.userdata',
    ]);
  });

  it('C-155 adds links and changes those it names', () => {
    const links: LinkInput[] = [
      { target: nic.target.location, rel: [NETWORK], categories: [], attributes: new Map() },
      {
        target: nic.target.location,
        rel: [NETWORK],
        self: `http://h/networkinterface/${nic.id.slice(9)}`,
        categories: [NETWORKINTERFACE],
        attributes: values({ 'occi.networkinterface.mac': '02:00:00:00:00:02' }),
      },
    ];
    const { links: updated, unchanged } = update(input({}, [], links));
    expect(updated.same).toEqual([]);
    expect(updated.changed.map(({ link, update: of }) => [link.id, changes(of)])).toEqual([
      [nic.id, { 'occi.networkinterface.mac': '02:00:00:00:00:02' }],
    ]);
    expect(updated.added.map(({ kind, target }) => [kind.id, target])).toEqual([
      [NETWORKINTERFACE, nic.target.location],
    ]);
    expect(unchanged).toBe(false);
  });

  it('C-022 tells which end of a link moves, and takes the kind of that end with it', () => {
    const moved = update(input({ 'occi.core.target': '/network/1', 'occi.core.target.kind': STORAGE }), nic);
    expect([moved.ends, moved.unchanged]).toEqual([{ target: '/network/1' }, false]);
    const echoed = { 'occi.core.target': `http://h${nic.target.location}`, 'occi.core.source': nic.source.location };
    expect(update(input(echoed), nic)).toMatchObject({ ends: {}, unchanged: true });
    const both = { ...echoed, 'occi.core.source': '/compute/2' };
    expect(update(input(both), nic, 'full').ends).toEqual({ source: '/compute/2' });
    expect(refusal(input({ 'occi.core.target.kind': STORAGE }), nic)).toEqual([
      'forbidden',
      'attribute.immutable occi.core.target.kind',
    ]);
  });

  it('C-156, A22 refuses links of links', () => {
    const link: LinkInput = { target: '/network/1', rel: [], categories: [], attributes: new Map() };
    expect(refusal(input({}, [], [link]), nic)).toEqual(['invalid', 'link.on-link Link']);
    const external: LinkView = { ...nic, target: { location: 'http://elsewhere.org/x' } };
    expect(
      update(input({ 'occi.core.target': 'http://elsewhere.org/x', 'occi.core.target.kind': NETWORK }), external)
        .unchanged,
    ).toBe(true);
  });
});

describe('full update', () => {
  it('C-148 removes or resets what is left out, and keeps what clients cannot set', () => {
    const replaced = update(
      input({ 'occi.compute.memory': 2, 'occi.credentials.ssh.publickey': 'ssh-rsa AAAA' }, [COMPUTE, SSH_KEY]),
      compute,
      'full',
    );
    expect(changes(replaced)).toEqual({
      'occi.compute.memory': 2,
      'occi.compute.cores': 1,
      'occi.compute.hostname': undefined,
    });
    expect([replaced.title, replaced.summary, 'title' in replaced, 'summary' in replaced]).toEqual([
      undefined,
      undefined,
      true,
      true,
    ]);
    expect(replaced.removedMixins).toEqual([]);
  });

  it('C-024 wants what is required', () => {
    expect(refusal(input({}, [STORAGE]), storage, 'full')).toEqual(['invalid', 'attribute.required occi.storage.size']);
  });

  it('C-032 takes mixins away that are left out, with their attributes', () => {
    const replaced = update(
      input({ 'occi.compute.cores': 4, 'occi.compute.hostname': 'web1' }, [COMPUTE, debian.id]),
      compute,
      'full',
    );
    expect(ids(replaced.addedMixins)).toEqual([debian.id, OS_TPL]);
    expect(ids(replaced.removedMixins)).toEqual([SSH_KEY]);
    expect(changes(replaced)).toEqual({ 'occi.credentials.ssh.publickey': undefined });
    const echoed = update(
      input(
        { 'occi.compute.cores': 4, 'occi.compute.hostname': 'web1', 'occi.credentials.ssh.publickey': 'ssh-rsa AAAA' },
        [COMPUTE],
      ),
      compute,
      'full',
    );
    expect(changes(echoed)).toEqual({ 'occi.credentials.ssh.publickey': undefined });
  });

  it('leaves the mixins alone when no category comes at all', () => {
    const { removedMixins, attributes } = update(
      input({ 'occi.compute.cores': 4, 'occi.compute.hostname': 'web1', 'occi.credentials.ssh.publickey': 'k' }),
      compute,
      'full',
    );
    expect(removedMixins).toEqual([]);
    expect(Object.fromEntries(attributes)).toEqual({ 'occi.credentials.ssh.publickey': 'k' });
  });

  it('leaves alone what its version does not show', () => {
    const both: EntityView = {
      ...compute,
      mixins: [ubuntu.id, OS_TPL],
      attributes: {
        'occi.compute.share': 5,
        'occi.compute.speed': 2,
        'occi.compute.cores': 1,
        'occi.compute.memory': 1,
        'occi.compute.architecture': 'x64',
      },
    };
    const old = update(input({ 'occi.compute.speed': 3 }, [COMPUTE]), both, 'full', '1.1');
    expect([changes(old), ids(old.removedMixins)]).toEqual([{ 'occi.compute.speed': 3 }, []]);
    const recent = update(input({}, [COMPUTE]), both, 'full', '1.2');
    expect([changes(recent), ids(recent.removedMixins)]).toEqual([
      { 'occi.compute.share': undefined },
      [ubuntu.id, OS_TPL],
    ]);
  });

  it('K20 knows existing links again and tells new ones', () => {
    const link = (more: Partial<LinkInput>): LinkInput => ({
      target: '',
      rel: [],
      categories: [],
      attributes: new Map(),
      ...more,
    });
    const { links } = update(
      input(
        {},
        [],
        [
          link({ self: `/networkinterface/${nic.id.slice(9)}` }),
          link({ target: `http://h:80${nic.target.location}` }),
          link({ target: '/storage/1' }),
        ],
      ),
      { ...compute, mixins: [] },
      'full',
    );
    expect(links.same).toEqual([nic, nic]);
    expect(links.added.map(({ target }) => target)).toEqual(['/storage/1']);
  });

  it('keeps the ends of a link that are left out', () => {
    const bare = update(input({}, [NETWORKINTERFACE, IPNETWORKINTERFACE]), nic, 'full');
    expect(changes(bare)).toEqual({
      'occi.networkinterface.mac': undefined,
      'occi.networkinterface.address': undefined,
    });
  });

  it('C-031 user mixins come and go like others', () => {
    const layer = registry.with([tag('mine')]);
    const plain: EntityView = {
      id: 'urn:uuid:9',
      kind: CORE_RESOURCE,
      mixins: ['http://example.org/alice#mine'],
      attributes: {},
      actions: [],
      links: [],
    };
    expect(ids(resolveUpdate(input({}, [CORE_RESOURCE]), layer, plain, 'full', '1.1').removedMixins)).toEqual([
      'http://example.org/alice#mine',
    ]);
  });
});

describe('K20, A40, C-151 an entity sent back as it was shown changes nothing', () => {
  const locationOf = (kind: string) => registry.kind(kind)?.location ?? '/';
  const urlOf = ({ kind, id }: { kind: string; id: string }) => locationOf(kind) + id.slice('urn:uuid:'.length);

  function unchanged(entity: EntityInput | undefined, view: EntityView, version: OcciVersion): void {
    expect(entity).toBeDefined();
    if (entity === undefined) return;
    for (const mode of ['partial', 'full'] as const) {
      const { unchanged: same, links } = resolveUpdate(entity, registry, view, mode, version);
      expect(same).toBe(true);
      expect(links.same).toEqual('links' in view ? view.links : []);
    }
  }

  it('in JSON of OCCI 1.2', () => {
    fc.assert(
      fc.property(entityView, (view) => {
        const shown = visibleIn(view, '1.2', registry);
        unchanged(parseJson(renderEntityJson(shown)).entities[0], view, '1.2');
      }),
    );
  });

  it('in JSON of the 1.1 era', () => {
    fc.assert(
      fc.property(entityView, (view) => {
        const shown = visibleIn(view, '1.1', registry);
        unchanged(parseJson(renderEntityJson11(shown, urlOf)).entities[0], view, '1.1');
      }),
    );
  });

  it.each(['1.1', '1.2'] as const)('in text of OCCI %s', (version) => {
    fc.assert(
      fc.property(entityView, (view) => {
        const shown = visibleIn(view, version, registry);
        unchanged(parseTextPlain(renderEntity(shown, 'text/plain', locationOf).body).entities[0], view, version);
        unchanged(parseTextOcci(renderEntity(shown, 'text/occi', locationOf).headers).entities[0], view, version);
      }),
    );
  });
});
