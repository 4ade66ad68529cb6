/** Generated entities that fit the shipped categories, as the server would show them. */

import fc from 'fast-check';
import {
  COMPUTE,
  CORE_LINK,
  NETWORK,
  NETWORKINTERFACE,
  RESOURCE_TPL,
  SSH_KEY,
  STORAGE,
  STORAGELINK,
  type Attributes,
  type EntityView,
  type LinkView,
  type ResourceView,
} from '../../src/occi/model.js';

const SMALL = 'http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#small';
const START = 'http://schemas.ogf.org/occi/infrastructure/compute/action#start';

/** Text as hostile as it may legally be: quotes, backslashes, separators, other alphabets. */
export const hostileText = fc
  .oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom(
      'How\'s quoting? \\", occi.compute.memory=1.0',
      'back\\',
      'a,b;c=d',
      '',
      'ünïcode ✓ 😀',
      '<a>',
      ' line\nend\r\n',
      '\t',
    ),
  )
  .map((text) => text.replaceAll('\0', ''));

const uuid = fc.uuid();
const float = fc.integer({ min: 1, max: 4096 }).map((eighths) => eighths / 8);

function optional<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

/** A record without the members that came out undefined. */
function defined<Shape extends object>(record: Shape): { [Name in keyof Shape]: Exclude<Shape[Name], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
}

const linkView: fc.Arbitrary<LinkView> = fc
  .record({
    id: uuid,
    title: optional(hostileText),
    from: uuid,
    to: uuid,
    sort: fc.constantFrom<[string, string, string, Attributes]>(
      [
        NETWORKINTERFACE,
        NETWORK,
        '/network/',
        { 'occi.networkinterface.interface': 'eth0', 'occi.networkinterface.state': 'active' },
      ],
      [
        STORAGELINK,
        STORAGE,
        '/storage/',
        {
          'occi.storagelink.deviceid': 'vdb',
          'occi.storagelink.state': 'error',
          'occi.storagelink.state.message': 'lost, "twice"',
        },
      ],
      [CORE_LINK, COMPUTE, 'http://elsewhere.example.org/compute/', {}],
    ),
  })
  .map(
    ({ id, title, from, to, sort: [kind, targetKind, path, attributes] }) =>
      defined({
        id: `urn:uuid:${id}`,
        kind,
        mixins: [],
        title,
        attributes,
        actions: [],
        source: { location: `/compute/${from}`, kind: COMPUTE },
        target: path.startsWith('/') ? { location: path + to, kind: targetKind } : { location: path + to },
      }) as LinkView,
  );

const resourceView: fc.Arbitrary<ResourceView> = fc
  .record({
    id: uuid,
    title: optional(hostileText),
    summary: optional(hostileText),
    links: fc.uniqueArray(linkView, { maxLength: 3, selector: ({ id }) => id }),
    started: fc.boolean(),
    mixins: fc.subarray([[SMALL, RESOURCE_TPL], [SSH_KEY]]),
    attributes: fc.record({
      'occi.compute.cores': fc.integer({ min: 1, max: 4096 }),
      'occi.compute.memory': float,
      'occi.compute.architecture': fc.constantFrom('x86', 'x64'),
      'occi.compute.hostname': optional(fc.string({ maxLength: 30 }).map((text) => text.trim())),
      'occi.compute.share': optional(fc.integer({ min: 1, max: 1000 })),
      'occi.compute.speed': optional(float.map((value) => value / 50)),
      'occi.compute.state': fc.constantFrom('active', 'inactive', 'suspended', 'error'),
      'occi.compute.state.message': optional(hostileText),
    }),
    key: fc.string({ minLength: 1, maxLength: 20 }).map((text) => `k${text.trim()}`),
  })
  .map(({ id, title, summary, links, started, mixins, attributes, key }) => ({
    ...defined({ id: `urn:uuid:${id}`, kind: COMPUTE, title, summary }),
    mixins: mixins.flat(),
    attributes: {
      ...(defined(attributes) as Attributes),
      ...(mixins.some(([mixin]) => mixin === SMALL) ? { 'occi.compute.ephemeral_storage.size': 10 } : {}),
      ...(mixins.some(([mixin]) => mixin === SSH_KEY) ? { 'occi.credentials.ssh.publickey': key } : {}),
    },
    actions: started ? [START] : [],
    links: links.map((link) => ({ ...link, source: { location: `/compute/${id}`, kind: COMPUTE } })),
  }));

export const entityView: fc.Arbitrary<EntityView> = fc.oneof(resourceView, linkView);
