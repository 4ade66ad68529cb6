/** Action invocations against the registry. */

import { Problem } from '../../src/base/errors.js';
import {
  COMPUTE,
  INFRASTRUCTURE,
  NETWORK,
  STORAGE,
  type AttributeValue,
  type OcciVersion,
} from '../../src/occi/model.js';
import type { AttributeInput, OcciRequest } from '../../src/occi/request.js';
import { resolveAction, type ResolvedAction } from '../../src/occi/resolve/index.js';
import { registry } from './registry-fixture.js';

const SCHEME = 'http://schemas.ogf.org/occi/infrastructure/compute/action#';
const STORAGE_SCHEME = 'http://schemas.ogf.org/occi/infrastructure/storage/action#';
const IPRESERVATION = `${INFRASTRUCTURE}ipreservation`;

function given(record: Record<string, AttributeValue>): Map<string, AttributeInput> {
  return new Map(Object.entries(record).map(([name, value]) => [name, { value, typed: false }]));
}

/** As the text parsers deliver it: one category, and an entity of it with the attributes. */
function text(id: string, attributes: Record<string, AttributeValue> = {}): OcciRequest {
  const categories = [{ scheme: id.slice(0, id.indexOf('#') + 1), term: id.slice(id.indexOf('#') + 1) }];
  return {
    entities: [{ categories, attributes: given(attributes), links: [], actionLinks: [] }],
    categories,
    locations: [],
    empty: false,
  };
}

const nothing: OcciRequest = { entities: [], categories: [], locations: [], empty: true };

function act(request: OcciRequest, term: string, kind = COMPUTE, version: OcciVersion = '1.2'): ResolvedAction {
  return resolveAction(request, registry, kind, [], term, version);
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

describe('resolveAction', () => {
  it('C-159, C-220 takes an action in text', () => {
    expect(act(text(`${SCHEME}stop`, { method: 'graceful' }), 'stop')).toEqual({
      action: `${SCHEME}stop`,
      term: 'stop',
      parameters: { method: 'graceful' },
    });
  });

  it('C-235 takes an action in JSON', () => {
    const request: OcciRequest = {
      ...nothing,
      action: { action: { scheme: SCHEME, term: 'start', class: 'action' }, attributes: new Map() },
      empty: false,
    };
    expect(act(request, 'start')).toEqual({ action: `${SCHEME}start`, term: 'start', parameters: {} });
  });

  it('accepts the spelling of rOCCI for a deferred save', () => {
    expect(act(text(`${SCHEME}save`, { method: 'deffered', name: 42 }), 'save').parameters).toEqual({
      method: 'deferred',
      name: '42',
    });
  });

  it('C-066 offers the actions that 1.2 dropped in 1.1 only', () => {
    expect(act(text(`${STORAGE_SCHEME}resize`, { size: '10.5' }), 'resize', STORAGE, '1.1').parameters).toEqual({
      size: 10.5,
    });
    expect(refusal(() => act(text(`${STORAGE_SCHEME}resize`, { size: 1 }), 'resize', STORAGE))).toEqual([
      'invalid',
      'action.not-offered',
    ]);
    expect(act(text(`${SCHEME}save`), 'save', COMPUTE, '1.1').term).toBe('save');
  });

  it.each<[string, OcciRequest, string, string, string[]]>([
    ['C-160 no action in the body', nothing, 'stop', COMPUTE, ['invalid', 'action.missing']],
    ['A36 a term that fits two actions', nothing, 'up', IPRESERVATION, ['conflict', 'action.missing']],
    ['C-161 another term in the URL', text(`${SCHEME}stop`), 'start', COMPUTE, ['invalid', 'action.mismatch']],
    [
      'C-119, C-162 an action of another kind',
      text(`${SCHEME}stop`),
      'stop',
      NETWORK,
      ['invalid', 'action.not-offered'],
    ],
    ['A35 an unknown action', text(`${SCHEME}explode`), 'explode', COMPUTE, ['invalid', 'category.unknown']],
    ['a kind for an action', text(COMPUTE), 'compute', COMPUTE, ['invalid', 'action.class']],
    [
      'C-163 a method that is none',
      text(`${SCHEME}stop`, { method: 'hard' }),
      'stop',
      COMPUTE,
      ['invalid', 'attribute.pattern'],
    ],
    ['an unknown parameter', text(`${SCHEME}stop`, { force: true }), 'stop', COMPUTE, ['invalid', 'attribute.unknown']],
    [
      'several things at once',
      text(`${SCHEME}stop`, { method: 'hard', a: 1 }),
      'start',
      NETWORK,
      ['invalid', 'action.mismatch', 'action.not-offered', 'attribute.pattern', 'attribute.unknown'],
    ],
  ])('refuses %s', (_, request, term, kind, expected) => {
    expect(refusal(() => act(request, term, kind))).toEqual(expected);
  });

  it('refuses a missing parameter and two actions at once', () => {
    expect(refusal(() => act(text(`${STORAGE_SCHEME}resize`), 'resize', STORAGE, '1.1'))).toEqual([
      'invalid',
      'attribute.required',
    ]);
    const two = {
      ...text(`${SCHEME}stop`),
      categories: [...text(`${SCHEME}stop`).categories, ...text(`${SCHEME}start`).categories],
    };
    expect(refusal(() => act(two, 'stop'))).toEqual(['invalid', 'action.several']);
  });
});
