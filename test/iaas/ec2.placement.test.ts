/** Placement groups of EC2: machines apart on racks of their own, and near each other as far as there is room. */

import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

let harness: Ec2Harness;

beforeEach(async () => {
  harness = await ec2Harness({}, { instanceTypes: ['t3.*', 'm5.*'], hibernation: false });
});
afterEach(() => harness.close());

const spec = (id: string, more: object = {}) => ({
  ...{ id, name: id, cores: 2, memoryBytes: 2 ** 30, image: 'ami-0c0ffee0c0ffee0c0' },
  ...more,
});

/** Launches a machine that is to be apart from the others of a set, or near to them, and waits until EC2 shows it. */
async function make(id: string, more: object = {}): Promise<string> {
  const ref = await harness.adapter.createCompute(spec(id, more), id);
  while ((await harness.adapter.describe('compute', [ref])).get(ref)?.busy !== false) await harness.advance(5);
  return ref;
}

async function remove(ref: string): Promise<void> {
  await harness.adapter.delete('compute', ref);
  while ((await harness.adapter.describe('compute', [ref])).size > 0) await harness.advance(5);
}

const groupOf = (ref: string): string | undefined => harness.fake.world.instances.get(ref)?.group;
const strategyOf = (ref: string): string | undefined =>
  harness.fake.world.placementGroups.get(groupOf(ref) ?? '')?.strategy;
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `m${index}`);
const others = (all: readonly string[], id: string): object => ({ apartFrom: all.filter((other) => other !== id) });

it('launches machines that must be apart into one spread group, also when they come at once', async () => {
  const all = names(4);
  const refs = await Promise.all(all.map((id) => make(id, others(all, id))));
  expect(new Set(refs.map(groupOf)).size).toBe(1);
  expect(refs.map(strategyOf)).toEqual(['spread', 'spread', 'spread', 'spread']);
  // One that joins later names more of them, and goes where they are.
  expect(groupOf(await make('later', { apartFrom: all }))).toBe(groupOf(refs[0] ?? ''));
  expect(harness.fake.world.placementGroups.size).toBe(1);
});

it('refuses an eighth in the zone, as EC2 would, and says so', async () => {
  const all = names(8);
  for (const id of all.slice(0, 7)) await make(id, others(all, id));
  await expect(make('m7', others(all, 'm7'))).rejects.toMatchObject({
    class: 'capacity',
    message: expect.stringContaining('at most 7 machines apart') as string,
  });
});

it('does not pretend to keep a machine apart from one that was launched without a group', async () => {
  await make('alone');
  await expect(make('other', { apartFrom: ['alone'] })).rejects.toMatchObject({ class: 'conflict' });
  await expect(make('third', { togetherWith: ['alone'] })).rejects.toMatchObject({ class: 'unsupported' });
  expect(harness.fake.world.placementGroups.size).toBe(0);
});

it('puts machines near each other where the type can, and lets that be where there is no room', async () => {
  const large = { memoryBytes: 60 * 2 ** 30, cores: 16 };
  const one = await make('one', { near: ['two'], ...large });
  const two = await make('two', { near: ['one'], ...large });
  expect([strategyOf(one), groupOf(two)]).toEqual(['cluster', groupOf(one)]);
  harness.fake.world.full.add(groupOf(one) ?? '');
  expect(groupOf(await make('three', { near: ['one', 'two'], ...large }))).toBe('');
  // The smallest type that fits shares its processors, and is in no cluster.
  expect(groupOf(await make('small', { near: ['one'] }))).toBe('');
});

it('removes a group when its last machine is really gone, and not before', async () => {
  const [one, two] = [await make('one', { apartFrom: ['two'] }), await make('two', { apartFrom: ['one'] })];
  const groups = harness.fake.world.placementGroups;
  await remove(one);
  expect([await harness.adapter.tidy?.(), groups.size]).toEqual([0, 1]);
  await remove(two);
  expect([await harness.adapter.tidy?.(), groups.size]).toEqual([0, 0]);
});

it('tries again where the group went in the meantime, and lives with an account that may see none', async () => {
  const { fake, adapter } = harness;
  // Somebody else, who saw nobody in it yet, removes it.
  fake.orders.loseGroup = true;
  await expect(make('one', { apartFrom: ['two'] })).rejects.toMatchObject({ class: 'transient' });
  expect(strategyOf(await make('one', { apartFrom: ['two'] }))).toBe('spread');
  fake.denied.add('DescribePlacementGroups');
  expect(await adapter.tidy?.()).toBe(0);
  const findings = await adapter.check();
  expect(findings.find(({ code }) => code === 'ec2.rights')?.message).toContain('DescribePlacementGroups');
});

it('says that it has none where the administrator says so', async () => {
  const without = await ec2Harness({}, { placementGroups: false });
  expect(without.adapter.capabilities().within).toBeUndefined();
  const refused = without.adapter.createCompute(spec('a', { apartFrom: ['b'], cores: 1 }), 'a');
  await expect(refused).rejects.toMatchObject({ class: 'unsupported' });
  await without.close();
});
