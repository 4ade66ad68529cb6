/** The agreement's categories and its state machine against GFD.228 (`spec/occi.md` §8, C-240…C-247). */

import fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseCategoryDocument } from '../../src/occi/category-document.js';
import { CategoryRegistry } from '../../src/occi/registry.js';
import { AGREEMENT_STATES, AGREEMENT_TRANSITIONS, INITIAL_STATE, transitionFrom } from '../../src/sla/states.js';

const SCHEME = 'http://schemas.ogf.org/occi/sla#';
const documents = [
  ...readdirSync('occi-kinds').map((file) => join('occi-kinds', file)),
  'extensions/sla/categories.json',
].map((file) => parseCategoryDocument(JSON.parse(readFileSync(file, 'utf8')), file));
const registry = CategoryRegistry.of(documents.flatMap(({ categories }) => categories));

describe('the categories of agreements', () => {
  it('C-240 has the kinds agreement and agreement_link', () => {
    expect(registry.kind(`${SCHEME}agreement`)?.parent).toBe('http://schemas.ogf.org/occi/core#resource');
    expect(registry.kind(`${SCHEME}agreement_link`)?.parent).toBe('http://schemas.ogf.org/occi/core#link');
  });

  it('C-241 C-247 exposes state and agreedAt as immutable, the effective dates as mutable', () => {
    const attributes = registry.attributesOf(`${SCHEME}agreement`, []);
    const mutable = ['state', 'agreedAt', 'effectiveFrom', 'effectiveUntil'].map(
      (name) => attributes.get(`occi.agreement.${name}`)?.mutable,
    );
    expect(mutable).toEqual([false, false, true, true]);
    expect(attributes.get('occi.agreement.state')?.pattern).toEqual({ enum: [...AGREEMENT_STATES] });
  });

  it('C-243 has every action of the state machine in the scheme of GFD.228', () => {
    const actions = AGREEMENT_TRANSITIONS.map(({ term }) => SCHEME + term);
    expect(registry.kind(`${SCHEME}agreement`)?.actions).toEqual(actions);
  });

  it('C-249 has the mixins for templates and terms', () => {
    expect(registry.mixin(`${SCHEME}agreement_tpl`)).toBeDefined();
    expect(registry.mixin(`${SCHEME}agreement_term`)).toBeDefined();
  });

  it('I-011 offers names with capitals to 1.2 alone', () => {
    const names = [...registry.attributesOf(`${SCHEME}agreement`, []).values()].filter(({ name }) =>
      /[A-Z]/.test(name),
    );
    expect(names.map(({ version }) => version)).toEqual(['1.2', '1.2', '1.2']);
  });
});

describe('the life of an agreement', () => {
  it.each([
    ['C-242 a new one', INITIAL_STATE, '', 'pending'],
    ['C-244 accept', 'pending', 'accept', 'accepted'],
    ['C-244 reject', 'pending', 'reject', 'rejected'],
    ['C-245 suspend', 'accepted', 'suspend', 'suspended'],
    ['C-245 resume', 'suspended', 'resume', 'accepted'],
    ['C-245 terminate', 'accepted', 'terminate', 'terminated'],
    ['C-245 terminate when suspended', 'suspended', 'terminate', 'terminated'],
  ])('%s', (_name, from, term, to) => {
    expect(transitionFrom(from, term)?.to ?? from).toBe(to);
  });

  it('C-246 knows no other transition, and terminate alone is open to both sides', () => {
    const known = AGREEMENT_TRANSITIONS.flatMap(({ from, term }) => from.map((state) => `${state} ${term}`));
    expect(known).toHaveLength(6);
    expect(AGREEMENT_TRANSITIONS.filter(({ side }) => side === 'either').map(({ term }) => term)).toEqual([
      'terminate',
    ]);
  });

  it('never leaves its states and never leaves a final one', () => {
    const terms = fc.array(fc.constantFrom(...AGREEMENT_TRANSITIONS.map(({ term }) => term)), { maxLength: 12 });
    fc.assert(
      fc.property(terms, (walk) => {
        let state: string = INITIAL_STATE;
        for (const term of walk) {
          const next = transitionFrom(state, term)?.to;
          if (['rejected', 'terminated'].includes(state)) expect(next).toBeUndefined();
          state = next ?? state;
          expect(AGREEMENT_STATES).toContain(state);
        }
      }),
    );
  });
});
