/** What each protocol version shows of categories and entities (the mode table of OCCI 1.1 beside 1.2). */

import {
  COMPUTE,
  INFRASTRUCTURE,
  NETWORK,
  NETWORKINTERFACE,
  OS_TPL,
  STORAGE,
  type EntityView,
  type LinkView,
} from '../../src/occi/model.js';
import { categoryView, isAccepted, visibleIn } from '../../src/occi/visible.js';
import { debian, registry, tag, ubuntu } from './registry-fixture.js';

const ACTION = `${INFRASTRUCTURE.slice(0, -1)}/compute/action#`;

const nic: LinkView = {
  id: 'urn:uuid:2',
  kind: NETWORKINTERFACE,
  mixins: [],
  attributes: { 'occi.networkinterface.state': 'error', 'occi.networkinterface.state.message': 'gone' },
  actions: [],
  source: { location: '/compute/1', kind: COMPUTE },
  target: { location: '/network/3', kind: NETWORK },
};

const compute: EntityView = {
  id: 'urn:uuid:1',
  kind: COMPUTE,
  mixins: [ubuntu.id, OS_TPL],
  title: 'web',
  attributes: {
    'occi.compute.cores': 2,
    'occi.compute.speed': 2.4,
    'occi.compute.share': 5,
    'occi.compute.state': 'error',
    'occi.compute.state.message': 'no host',
  },
  actions: [`${ACTION}start`, `${ACTION}save`],
  links: [nic],
};

describe('visibleIn', () => {
  it('1.1 hides what came with 1.2 and says inactive for error, in links too', () => {
    expect(visibleIn(compute, '1.1', registry)).toEqual({
      ...compute,
      mixins: [OS_TPL],
      attributes: { 'occi.compute.cores': 2, 'occi.compute.speed': 2.4, 'occi.compute.state': 'inactive' },
      actions: [`${ACTION}start`],
      links: [{ ...nic, attributes: { 'occi.networkinterface.state': 'inactive' } }],
    });
  });

  it('1.2 hides speed alone', () => {
    const { 'occi.compute.speed': _, ...attributes } = compute.attributes;
    expect(visibleIn(compute, '1.2', registry)).toEqual({ ...compute, attributes });
  });

  it.each([
    ['1.1', 'error', 'offline'],
    ['1.1', 'degraded', 'degraded'],
    ['1.2', 'degraded', 'online'],
    ['1.2', 'error', 'error'],
    ['1.2', 'snapshot', 'online'],
  ] as const)('in %s a storage in state %s is shown %s', (version, state, shown) => {
    const storage: EntityView = {
      id: 'urn:uuid:4',
      kind: STORAGE,
      mixins: [],
      attributes: { 'occi.storage.state': state },
      actions: [],
      links: [],
    };
    expect(visibleIn(storage, version, registry).attributes).toEqual({ 'occi.storage.state': shown });
  });

  it('hides names that the 1.1 grammar cannot say', () => {
    const agreement: EntityView = {
      id: 'urn:uuid:5',
      kind: STORAGE,
      mixins: [],
      attributes: { 'occi.agreement.agreedAt': 'x' },
      actions: [],
      links: [],
    };
    expect(visibleIn(agreement, '1.1', registry).attributes).toEqual({});
    expect(visibleIn(agreement, '1.2', registry)).toBe(agreement);
  });

  it('answers the same object where nothing is hidden', () => {
    const plain: EntityView = {
      ...compute,
      mixins: [debian.id],
      attributes: { 'occi.compute.cores': 1 },
      actions: [],
      links: [{ ...nic, attributes: {} }],
    };
    expect(visibleIn(plain, '1.1', registry)).toBe(plain);
    expect(visibleIn(nic, '1.2', registry)).toBe(nic);
  });
});

describe('categoryView', () => {
  it('I-021 never names a relation that is not shown', () => {
    const layer = registry.with([tag('odd', { depends: ['http://example.com/#none', ubuntu.id] })]);
    const odd = layer.userMixins[0];
    expect(odd && categoryView(odd, layer, '1.1')).toMatchObject({ depends: [], attributes: [], actions: [] });
    expect(odd && categoryView(odd, layer, '1.1').rel).toBeUndefined();
    expect(odd && categoryView(odd, layer, '1.2').rel).toBe(ubuntu.id);
  });
});

describe('isAccepted', () => {
  it('lets 1.1 use extensions, but not 1.2 what it dropped', () => {
    expect([
      isAccepted({ version: '1.1' }, '1.2'),
      isAccepted({ version: '1.2' }, '1.1'),
      isAccepted({}, '1.2'),
    ]).toEqual([false, true, true]);
  });
});
