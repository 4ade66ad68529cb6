import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { STATE_MACHINES, legalActions, transition } from '../../extensions/infrastructure/states.js';
import { parseCategoryDocument } from '../../src/occi/category-document.js';
import type { Kind } from '../../src/occi/model.js';

const kinds = ['infrastructure.json', 'interop-egi.json']
  .flatMap((file) => parseCategoryDocument(JSON.parse(readFileSync(`occi-kinds/${file}`, 'utf8')), file).categories)
  .filter((category): category is Kind => category.class === 'kind');

const machines = Object.entries(STATE_MACHINES);
const states = machines.flatMap(([kind, { initial, transitions }]) =>
  [...new Set([initial, ...transitions.flatMap(({ from, to }) => [...from, ...(to === undefined ? [] : [to])])])].map(
    (state) => ({ kind, state }),
  ),
);

describe('the state machines of the infrastructure kinds', () => {
  it.each(machines)('C-072 %s shows a state attribute that its kind defines as an enumeration', (kind, machine) => {
    const definition = kinds.find((candidate) => candidate.id === kind)?.attributes.get(machine.attribute);
    expect(definition?.mutable).toBe(false);
    // `degraded` is a word of 1.1 alone; 1.2 shows it as online (`spec/occi.md` §3.4).
    const words = [...(definition?.pattern?.['enum'] as string[]), 'degraded'];
    expect(words).toContain(machine.initial);
    for (const { from, to } of machine.transitions)
      expect(words).toEqual(expect.arrayContaining([...from, ...(to ? [to] : [])]));
  });

  it.each(machines)('C-007 every action of %s that some state allows is one its kind has', (kind, machine) => {
    const offered = kinds.find((candidate) => candidate.id === kind)?.actions ?? [];
    for (const { term } of machine.transitions) expect(offered).toContain(machine.actionScheme + term);
  });

  it.each([
    ['compute', 'inactive', ['start', 'save']],
    ['compute', 'active', ['stop', 'restart', 'suspend', 'save']],
    ['compute', 'suspended', ['start']],
    ['compute', 'error', ['start']],
    ['network', 'inactive', ['up']],
    ['network', 'active', ['down']],
    ['ipreservation', 'inactive', ['up']],
    ['ipreservation', 'active', ['down']],
    ['securitygroup', 'active', []],
    ['storage', 'offline', ['online']],
    ['storage', 'online', ['offline', 'backup', 'snapshot', 'resize']],
  ])('C-057 a %s that is %s offers %j', (term, state, expected) => {
    const machine = STATE_MACHINES[`http://schemas.ogf.org/occi/infrastructure#${term}`];
    const offered = machine ? legalActions(machine, state).map((id) => id.slice(id.indexOf('#') + 1)) : [];
    expect(offered.sort()).toEqual([...expected].sort());
  });

  it('never leaves the states of its kind, whatever actions are tried in whatever order', () => {
    const walk = fc.record({ start: fc.constantFrom(...states), terms: fc.array(fc.string()) });
    const anyTerm = fc.constantFrom(
      ...machines.flatMap(([, { transitions }]) => transitions.map(({ term }) => term)),
      'nonsense',
    );
    fc.assert(
      fc.property(walk, fc.array(anyTerm, { maxLength: 20 }), ({ start }, terms) => {
        const machine = STATE_MACHINES[start.kind];
        if (!machine) return;
        const known = states.filter(({ kind }) => kind === start.kind).map(({ state }) => state);
        let state = start.state;
        for (const term of terms) {
          const found = transition(machine, term, state);
          const offered = legalActions(machine, state).includes(machine.actionScheme + term);
          expect(found !== undefined).toBe(offered);
          state = found?.to ?? state;
          expect(known).toContain(state);
        }
      }),
    );
  });
});
