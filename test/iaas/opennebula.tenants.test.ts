/** Users, groups and rules of OpenNebula that stand for principals and Virtual Organizations: made, taken away, kept from. */

import type { ComputeSpec, ImageSpec, Owner, SiteAdapter } from '../../src/iaas/adapter.js';
import { NO_SHARE, type TenantShare } from '../../src/iaas/tenant.js';
import type { FakeOned } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import { openNebulaHarness, openSite, optionsFor, OWNER, type OpenNebulaHarness } from './opennebula-harness.js';

let harness: OpenNebulaHarness;
let fake: FakeOned;
let sites: SiteAdapter[];
beforeEach(async () => {
  harness = await openNebulaHarness();
  ({ fake } = harness);
  sites = [];
});
afterEach(async () => {
  await Promise.all(sites.map((site) => site.close()));
  await harness.close();
});

async function open(more: Parameters<typeof optionsFor>[2] = {}): Promise<SiteAdapter> {
  const site = await openSite(optionsFor(fake.url, harness.directory, more), harness.directory);
  sites.push(site);
  return site;
}

async function image(site: SiteAdapter): Promise<string> {
  const { format, bytes } = harness.image;
  const spec: ImageSpec = {
    ...{ id: 'image-1', name: 'base', format, sizeBytes: bytes.byteLength },
    open: () =>
      Promise.resolve(
        (async function* () {
          yield await Promise.resolve(bytes);
        })(),
      ),
  };
  return site.importImage(spec, spec.id);
}

async function machine(site: SiteAdapter, id = 'vm-1', owner: Owner = OWNER): Promise<string> {
  const spec: ComputeSpec = { id, name: id, cores: 1, memoryBytes: 2 ** 29, image: await image(site), owner };
  return site.createCompute(spec, id);
}

const vm = (ref: string): Machine => {
  const found = fake.world.machines.get(Number(ref));
  if (!found) throw new Error(`oned has no machine ${ref}`);
  return found;
};
const called = (method: string): number => fake.calls.filter((call) => call.method === method).length;
/** In whose name a method was called the last time. */
const caller = (method: string): string | undefined =>
  String(fake.calls.findLast((call) => call.method === method)?.parameters[0]).split(':')[1];
const userOf = (ref: string): string => fake.world.names.get(vm(ref).uid) ?? '';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await harness.advance(3);
}

async function running(site: SiteAdapter, id = 'vm-1', owner: Owner = OWNER): Promise<string> {
  const ref = await machine(site, id, owner);
  await site.actCompute(ref, 'start', undefined);
  await until(() => vm(ref).lcm === 3);
  return ref;
}

describe('tenants', () => {
  it('are made on first sight, group, rule and user, and VEP acts for the user from then on', async () => {
    const site = await open();
    const ref = await machine(site);
    await machine(site, 'vm-2');
    const owner = fake.world.users.get(vm(ref).uid);
    expect(owner?.name).toMatch(/^vep-local_alice-[0-9a-f]{8}$/);
    expect(fake.world.groups.get(vm(ref).gid)?.name).toMatch(/^vep-vo_climate-[0-9a-f]{8}$/);
    expect(owner?.template.get('VEP_PRINCIPAL')).toBe('local:alice');
    // Without the rule the first allocation would be refused: a group made over XML-RPC may create nothing.
    expect([...fake.world.rules.values()][0]).toMatchObject({ resource: 0x121429400000000n, rights: 8 });
    expect([called('one.group.allocate'), called('one.user.allocate')]).toEqual([1, 1]);
    expect(caller('one.vm.allocate')).toBe(owner?.name);
  });

  it('use an image by a rule of their group, and nobody else does', async () => {
    const ref = await machine(await open());
    const used = Number(vm(ref).template.vectors('DISK')[0]?.get('IMAGE_ID'));
    const uses = [...fake.world.rules.values()].filter((rule) => rule.resource === 0x8100000000n + BigInt(used));
    expect(uses).toMatchObject([{ user: 0x200000000n + BigInt(vm(ref).gid), rights: 1 }]);
    expect(fake.world.images.get(used)?.mode.other).toBe(false);
  });

  it('are taken out of the virtual data centre that has everything', async () => {
    const { gid } = vm(await machine(await open({ tenants: { vdc: 'vdc100' } })));
    expect([fake.world.vdcs.get(100)?.groups.has(gid), fake.world.vdcs.get(0)?.groups.has(gid)]).toEqual([true, false]);
  });

  it('have everything in the VO it was made for, also what a user of two makes in the second', async () => {
    const site = await open();
    const group = (id: number | undefined): string | undefined => fake.world.groups.get(id ?? -1)?.name;
    for (const name of ['vo-a', 'vo-b', 'vo-a']) {
      const owner = { user: OWNER.user, group: name };
      const id = `${name} ${fake.calls.length}`;
      const ref = await running(site, id, owner);
      const storage = await site.createStorage({ id, name: 'v', sizeBytes: 2 ** 30, owner }, `volume ${id}`);
      const network = await site.createNetwork({ id, name: 'n', owner }, `network ${id}`);
      await site.securityGroups?.create({ id, name: 'g', rules: [], owner }, `group ${id}`);
      await site.attachNic({ id: `nic ${id}`, compute: ref, network }, `nic ${id}`);
      const { world } = fake;
      const made = [vm(ref), world.images.get(Number(storage)), world.networks.get(Number(network))];
      const guard = [...world.securityGroups.values()].at(-1);
      expect([...made, guard].map((thing) => group(thing?.gid))).toEqual(Array(4).fill(`vep-${name}`));
    }
    expect([
      called('one.user.allocate'),
      new Set([...fake.world.machines.values()].map(({ uid }) => uid)).size,
    ]).toEqual([1, 1]);
  });

  it('have what is theirs counted by the quota of the VO that it was made for', async () => {
    const site = await open();
    await machine(site, 'vm-1', { user: OWNER.user, group: 'vo-a' });
    await machine(site, 'vm-2', { user: OWNER.user, group: 'vo-b' });
    const group = [...fake.world.groups.values()].find(({ name }) => name === 'vep-vo-b');
    group?.quotas.set('VM/VMS', 1);
    await machine(site, 'vm-3', { user: OWNER.user, group: 'vo-a' });
    await expect(machine(site, 'vm-4', { user: OWNER.user, group: 'vo-b' })).rejects.toMatchObject({ class: 'quota' });
  });

  it('are found where another process makes them at the same instant', async () => {
    const [one, other] = [await open(), await open()];
    await image(one);
    fake.answerMs = 20;
    const refs = await Promise.all([machine(one, 'vm-1'), machine(other, 'vm-2')]);
    expect(new Set(refs.map((ref) => `${vm(ref).uid} ${vm(ref).gid}`)).size).toBe(1);
    const ours = (of: Map<number, { readonly name: string }>): unknown[] =>
      [...of.values()].filter(({ name }) => name.startsWith('vep-'));
    expect([ours(fake.world.users).length, ours(fake.world.groups).length]).toEqual([1, 1]);
  });

  it('are in one VM group with those of others, which is open to all', async () => {
    const site = await open();
    const spec = { cores: 1, memoryBytes: 2 ** 29, image: await image(site) };
    const [first, second] = [OWNER, { user: 'local:bob', group: 'vo-b' }];
    const one = await site.createCompute({ ...spec, id: 'a', name: 'a', apartFrom: ['b'], owner: first }, 'a');
    const other = await site.createCompute({ ...spec, id: 'b', name: 'b', apartFrom: ['a'], owner: second }, 'b');
    const groups = [one, other].map((ref) => vm(ref).template.vectors('VMGROUP')[0]?.get('VMGROUP_ID'));
    expect(groups).toEqual(['0', '0']);
  });

  it('have hosts set aside once', async () => {
    const site = await open();
    const share = { ...NO_SHARE, hosts: ['node1', 'node2'] };
    const settle = (now: TenantShare, before: TenantShare): Promise<unknown> =>
      site.tenants?.settle('vo-a', now, before) ?? Promise.resolve();
    const vdc = (): unknown => [...fake.world.vdcs.values()].find(({ name }) => name === 'vep-vo-a-hosts');
    const quiet = { name: 'group vep-vo-a', findings: [] };
    expect(await settle(share, NO_SHARE)).toEqual(quiet);
    expect(await settle(share, share)).toEqual(quiet);
    expect([called('one.vdc.allocate'), called('one.vdc.addgroup'), called('one.vdc.addhost')]).toEqual([1, 1, 2]);
    expect(vdc()).toMatchObject({ hosts: new Set([1, 2].map((index) => [...fake.world.hosts.keys()][index - 1])) });
    expect(await settle({ ...share, hosts: ['node2'] }, share)).toEqual(quiet);
    expect(called('one.vdc.delhost')).toBe(1);
    expect(await settle(NO_SHARE, share)).toEqual(quiet);
    expect(await settle(NO_SHARE, share)).toEqual(quiet);
    expect([vdc(), called('one.vdc.delete')]).toEqual([undefined, 1]);
  });

  function removeAll(of: Map<number, { readonly name: string }>): void {
    for (const [id, { name }] of of) if (name.startsWith('vep-')) of.delete(id);
  }
  const removals: readonly (readonly [what: string, remove: () => void])[] = [
    ['the user', () => removeAll(fake.world.users)],
    ['every rule', () => fake.world.rules.clear()],
    [
      'user, group and rules',
      () => {
        removeAll(fake.world.users);
        removeAll(fake.world.groups);
        fake.world.rules.clear();
      },
    ],
  ];
  it.each(removals)('are made once more where somebody has taken away %s in OpenNebula', async (_what, remove) => {
    const site = await open({ networks: { isolated: { driver: 'vxlan', device: 'eth0' } } });
    const before = await running(site);
    const makes: readonly (() => Promise<string>)[] = [
      () => machine(site, 'vm-2'),
      () => site.createStorage({ id: 'v', name: 'v', sizeBytes: 2 ** 30, owner: OWNER }, 'v'),
      () => site.createNetwork({ id: 'n', name: 'n', owner: OWNER }, 'n'),
      async () => (await site.securityGroups?.create({ id: 'g', name: 'g', rules: [], owner: OWNER }, 'g')) ?? '',
    ];
    for (const make of makes) {
      remove();
      expect(await make()).toMatch(/^\d+$/);
    }
    // What was there before is managed all the same, by VEP itself where a user of that name is another one now.
    await site.actCompute(before, 'stop', 'poweroff');
    await until(() => vm(before).state === 8);
    await site.delete('compute', before);
    await until(() => vm(before).state === 6);
  });

  it('are not acted for by VEP itself where oned refuses a user that it has', async () => {
    const site = await open();
    const ref = await running(site);
    fake.world.refused.add(userOf(ref));
    await expect(site.actCompute(ref, 'stop', 'poweroff')).rejects.toMatchObject({ class: 'denied' });
    await expect(machine(site, 'vm-2')).rejects.toMatchObject({ class: 'denied' });
    fake.world.users.delete(vm(ref).uid);
    await site.actCompute(ref, 'stop', 'poweroff');
    expect(caller('one.vm.action')).toBe('oneadmin');
  });

  it('get no rights of administrators by something of theirs that is in the group of those', async () => {
    const site = await open();
    const ref = await running(site);
    vm(ref).gid = 0;
    await site.actCompute(ref, 'stop', 'poweroff');
    expect(String(fake.calls.findLast(({ method }) => method === 'one.vm.action')?.parameters[0]).split(':')).toEqual([
      'serveradmin',
      userOf(ref),
      expect.any(String),
    ]);
  });
});

describe('locks', () => {
  // Nobody may use, or manage, what is locked at the first two levels; at the third, administrators may not move it.
  it.each([1, 2])('of level %i are told from missing rights, which oned does not', async (lock) => {
    const site = await open();
    const ref = await running(site);
    const storage = await site.createStorage({ id: 'v', name: 'v', sizeBytes: 2 ** 30, owner: OWNER }, 'v');
    await until(() => fake.world.images.get(Number(storage))?.state === 1);
    vm(ref).lock = lock;
    const tries: readonly (() => Promise<unknown>)[] = [
      () => site.actCompute(ref, 'stop', undefined),
      () => site.attachStorage({ id: 'l', compute: ref, storage }, 'l'),
      () => site.saveCompute(ref, 'saved', 'hot', 's'),
      () => site.delete('compute', ref),
    ];
    for (const attempt of tries)
      await expect(attempt()).rejects.toMatchObject({ class: 'conflict', message: /locked/ });
    vm(ref).state = 8;
    await expect(site.resizeCompute(ref, { cores: 2, memoryBytes: 2 ** 29 })).rejects.toMatchObject({
      class: 'conflict',
      message: /locked/,
    });
  });

  it('of level 3 keep a machine from being deployed, and let it be stopped', async () => {
    const site = await open();
    const ref = await machine(site);
    vm(ref).lock = 3;
    await expect(site.actCompute(ref, 'start', undefined)).rejects.toMatchObject({
      class: 'conflict',
      message: /locked/,
    });
    vm(ref).lock = 0;
    await site.actCompute(ref, 'start', undefined);
    await until(() => vm(ref).lcm === 3);
    vm(ref).lock = 3;
    await site.actCompute(ref, 'stop', 'poweroff');
    await until(() => vm(ref).state === 8);
  });
});
