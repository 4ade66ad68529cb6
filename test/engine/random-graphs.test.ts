/**
 * Random graphs with random mishaps: whatever fails, crashes or is cancelled, every operation ends, what is done is on
 * the site exactly once, what is not is not there at all, edges hold in both directions, and no two steps of one entity
 * are at work at the same time.
 */

import fc from 'fast-check';
import { newUuid } from '../../src/base/ids.js';
import { engineMigrations, engineSchemas } from '../../src/engine/schema.js';
import { tokenOf } from '../../src/engine/operation.js';
import type { GraphMember } from '../../src/engine/engine.js';
import type { Store } from '../../src/store/sql.js';
import { forEachDatabase } from '../support/databases.js';
import type { Mishap } from './fake-site.js';
import { Workshop, type Child } from './workshop.js';

const STEPS: Readonly<Record<string, readonly string[]>> = { make: ['reserve', 'create', 'start'], one: ['create'] };

interface Scenario {
  readonly children: readonly { readonly type: string; readonly entity: number; readonly after: readonly number[] }[];
  readonly mishaps: readonly {
    readonly child: number;
    readonly step: number;
    readonly undo: boolean;
    readonly what: Mishap;
  }[];
  readonly keepOnFailure: boolean;
  /** Rounds after which the graph is cancelled; none: never. */
  readonly cancelAfter: number | null;
  readonly engines: number;
}

const mishap = fc.record({
  child: fc.nat(6),
  step: fc.nat(2),
  undo: fc.constant(false),
  what: fc.constantFrom<Mishap>(
    ...(['transient-before', 'transient-after', 'crash-before', 'crash-after', 'again', 'fatal', 'capacity'] as const),
  ),
});
const undoMishap = fc.record({
  child: fc.nat(6),
  step: fc.nat(2),
  undo: fc.constant(true),
  what: fc.constantFrom<Mishap>(
    ...(['transient-before', 'transient-after', 'crash-before', 'crash-after', 'again'] as const),
  ),
});
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  children: fc.array(
    fc.record({
      type: fc.constantFrom('make', 'one'),
      entity: fc.nat(4),
      after: fc.array(fc.nat(6), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  ),
  mishaps: fc.array(fc.oneof(mishap, undoMishap), { maxLength: 6 }),
  keepOnFailure: fc.boolean(),
  cancelAfter: fc.option(fc.nat(6)),
  engines: fc.constantFrom(1, 1, 2),
});

forEachDatabase((name, database) => {
  let store: Store;
  beforeAll(async () => {
    store = await database.open({ entitySchemas: engineSchemas, migrations: engineMigrations });
  });

  it('end with all or nothing of each operation on the site', async () => {
    const property = fc.asyncProperty(scenarios, (scenario) => play(store, scenario));
    await fc.assert(property, { numRuns: name === 'sqlite' ? 150 : 25, endOnFailure: name !== 'sqlite' });
  });

  it('run every step once when two engines race for them', async () => {
    const shop = new Workshop(store);
    const other = shop.another();
    const keys = Array.from({ length: 30 }, (_, index) => `c${index}`);
    const children = keys.map((key, index) => ({ key, after: index < 3 ? [] : [keys[index - 3]!] }));
    const { parent } = await shop.fileGraph(children);
    await shop.finish([shop.engine, other]);
    expect(shop.runs().toSorted()).toEqual(keys.map((key) => `${key}/create/forward`).toSorted());
    expect((await shop.engine.graph(store, parent)).every(({ state }) => state === 'done')).toBe(true);
  });
});

async function play(store: Store, scenario: Scenario): Promise<void> {
  const shop = new Workshop(store);
  // Steps take a moment, so that failures and cancellations meet others at work.
  shop.site.during = () => new Promise((resolve) => setImmediate(resolve));
  const entities = Array.from({ length: 5 }, () => newUuid());
  const children: Child[] = scenario.children.map(({ type, entity, after }, index) => ({
    key: `c${index}`,
    type,
    entity: entities[entity]!,
    after: [...new Set(after.filter((other) => other < index))].map((other) => `c${other}`),
  }));
  for (const { child, step, undo, what } of scenario.mishaps) {
    const steps = STEPS[scenario.children[child]?.type ?? ''];
    if (!steps) continue;
    const key = `c${child}/${steps[step % steps.length]!}/${undo ? 'undo' : 'forward'}`;
    shop.site.plan(key, ...(shop.site.mishaps.get(key) ?? []), what);
  }
  const { parent } = await shop.fileGraph(children, { keepOnFailure: scenario.keepOnFailure });
  if (scenario.cancelAfter !== null) {
    await shop.rounds(scenario.cancelAfter, scenario.engines);
    await shop.write((tx) => shop.engine.cancel(tx, parent));
  }
  await shop.finish(shop.crew(scenario.engines));
  for (let retries = 0; (await shop.state(parent)) === 'dead' && retries < 10; retries++) {
    await shop.write((tx) => shop.engine.retry(tx, parent));
    await shop.finish(shop.crew(scenario.engines));
  }
  const members = await shop.engine.graph(store, parent);
  checkEnds(members, scenario);
  checkSite(shop, members);
  checkOrder(shop, members);
  expect(shop.site.overlaps).toEqual([]);
}

function checkEnds(members: readonly GraphMember[], scenario: Scenario): void {
  const states = members.map(({ state }) => state);
  expect(states.filter((state) => !['done', 'failed', 'cancelled'].includes(state))).toEqual([]);
  const children = states.slice(0, -1);
  const all = children.every((state) => state === 'done');
  expect(states.at(-1) === 'done').toBe(all);
  if (!scenario.keepOnFailure && !all) expect(children).not.toContain('done');
  if (states.at(-1) === 'failed') expect(members.at(-1)?.findings.length).toBeGreaterThan(0);
}

function checkSite(shop: Workshop, members: readonly GraphMember[]): void {
  const expected = members
    .filter(({ state }) => state === 'done')
    .flatMap((member) => (STEPS[member.type] ?? []).map((step) => tokenOf(member, step)));
  expect([...shop.site.things].sort()).toEqual(expected.sort());
}

function checkOrder(shop: Workshop, members: readonly GraphMember[]): void {
  const { log } = shop.site;
  const names = new Map(members.map((member) => [member.id, member.input['name'] as string]));
  const places = (what: string, id: string, direction: string): number[] =>
    log.flatMap((line, place) =>
      line.startsWith(`${what} ${names.get(id)}/`) && line.endsWith(direction) ? [place] : [],
    );
  for (const member of members) {
    for (const before of member.after) {
      const begun = Math.min(...places('begin', member.id, 'forward'));
      const forward = places('end', before, 'forward').filter((place) => place < begun);
      if (begun < Infinity) expect(forward.length).toBeGreaterThan(0);
      expect(places('begin', before, 'forward').every((place) => place < begun)).toBe(true);
      const undone = Math.min(...places('begin', before, 'undo'));
      expect(places('begin', member.id, 'undo').every((place) => place < undone)).toBe(true);
    }
  }
}
