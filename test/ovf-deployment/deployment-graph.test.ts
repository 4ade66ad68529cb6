import fc from 'fast-check';
import type { Components, MachineComponents } from '../../extensions/ovf-deployment/components.js';
import {
  awaited,
  deploymentGraph,
  startChildren,
  stopChildren,
  type DeploymentParts,
  type SiteWays,
} from '../../extensions/ovf-deployment/deployment-graph.js';
import { TAKE_BACK, parcelChild, type Parcel } from '../../extensions/ovf-deployment/parcels.js';
import type { NewChild } from '../../src/engine/operation.js';
import { COMPUTE, NETWORK, NETWORKINTERFACE, STORAGE, STORAGELINK, type TypeId } from '../../src/occi/model.js';
import type { PlacementConstraint, StartupStep } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { planOf, startupStep } from './plan.js';

const record = (id: string, kind: TypeId, more: Partial<EntityRecord> = {}): EntityRecord =>
  ({ id, kind, site: 'sim', ...more }) as EntityRecord;

const net = record('net', NETWORK);

const NO_WAYS: SiteWays = {
  plugsAtCreation: false,
  bootsFromImage: false,
  bootsAtCreation: false,
  volumesFollow: false,
};

function machineOf(id: string, image?: string): MachineComponents {
  const compute = record(`c-${id}`, COMPUTE);
  return {
    machine: planOf([{ id }]).machines[0] as MachineComponents['machine'],
    compute,
    disks: [
      {
        storage: record(`s-${id}`, STORAGE),
        attachment: record(`a-${id}`, STORAGELINK, { source: compute.id, target: `s-${id}` }),
        disk: undefined,
        image,
        readOnly: false,
      },
    ],
    interfaces: [record(`n-${id}`, NETWORKINTERFACE, { source: compute.id, target: 'net' })],
  };
}

function graphOf(
  machines: readonly MachineComponents[],
  startup: readonly StartupStep[],
  images: readonly string[] = [],
  reporting: readonly string[] = [],
  ways: Partial<SiteWays> = {},
  parcels: readonly Parcel[] = [],
  more: Partial<DeploymentParts> = {},
): NewChild[] {
  const components: Components = { machines, networks: [net] };
  return deploymentGraph({
    appliance: 'app',
    components,
    present: [],
    startup,
    hosts: new Map(),
    constraints: [],
    waysOf: () => ({ ...NO_WAYS, ...ways }),
    reporting: new Set(reporting),
    images: images.map((image) => ({ image, site: 'sim', subject: `i-${image}` })),
    parcels,
    package: undefined,
    ...more,
  });
}

/** All keys that must be done before this one. */
function before(children: readonly NewChild[], key: string): Set<string> {
  const found = new Set<string>();
  const visit = (each: string): void => {
    for (const earlier of children.find((child) => child.key === each)?.after ?? []) {
      if (!found.has(earlier)) {
        found.add(earlier);
        visit(earlier);
      }
    }
  };
  visit(key);
  return found;
}

describe('deploymentGraph', () => {
  it('hands a parcel over when its networks are there, and starts its machines in their turn', () => {
    const [db, web] = [machineOf('db'), machineOf('web', 'base')];
    const parcel: Parcel = { id: 'c-web', site: 'sim', machines: [web] };
    const steps = [startupStep(0, ['db']), startupStep(1, ['web'])];
    const children = graphOf([db, web], steps, [], [], {}, [parcel]);
    const handOver = children.find(({ key }) => key === 'appliance.hand-over c-web');
    expect(handOver).toMatchObject({ site: 'sim', after: ['up net'], input: { parcel: 'c-web', computes: ['c-web'] } });
    expect(children.filter(({ entity }) => ['c-web', 's-web', 'a-web', 'n-web'].includes(entity))).toEqual([
      expect.objectContaining({ key: 'start c-web', after: ['appliance.hand-over c-web', 'start c-db'] }),
    ]);
    expect(parcelChild(TAKE_BACK, 'app', parcel, ['halt c-web'])).toMatchObject({ after: ['halt c-web'], site: 'sim' });
  });

  it('starts a machine when its network is up and its disk, made from its image, is attached', () => {
    const children = graphOf([machineOf('web', 'base')], [startupStep(0, ['web'])], ['base']);
    expect(before(children, 'start c-web')).toEqual(
      new Set([
        'provision c-web',
        'provision a-web',
        'provision n-web',
        'provision s-web',
        'online s-web',
        'image sim base',
        'up net',
        'provision net',
      ]),
    );
  });

  it('O-071 starts groups one after the other, with the delay between them, and stops them in reverse', () => {
    const machines = ['db', 'web'].map((id) => machineOf(id));
    const startup = [startupStep(1, ['db'], { startDelay: 30 }), startupStep(2, ['web'])];
    const children = graphOf(machines, startup);
    expect(before(children, 'start c-web')).toContain('start c-db');
    expect(children.find((child) => child.key === 'pause 1')).toMatchObject({
      input: { seconds: 30 },
      after: ['start c-db'],
    });
    const stops = stopChildren(startup, machines, 'stop');
    expect(before(stops, 'stop c-db')).toContain('stop c-web');
    expect(before(stops, 'stop c-web')).toEqual(new Set());
  });

  it('O-071 makes a machine that boots at once when its turn has come, and stops one that shall not start', () => {
    const machines = ['db', 'web', 'spare'].map((id) => machineOf(id));
    const startup = [startupStep(1, ['db'], { startDelay: 30 }), startupStep(2, ['web'])];
    const children = graphOf(machines, startup, [], [], { plugsAtCreation: true, bootsAtCreation: true });
    expect(before(children, 'provision c-db')).not.toContain('provision c-web');
    expect(before(children, 'provision c-web')).toEqual(
      new Set([...before(children, 'start c-db'), 'start c-db', 'pause 1', 'online s-web', 'provision s-web']),
    );
    expect(children.find(({ key }) => key === 'stop c-spare')?.after).toContain('provision c-spare');
    expect(children.some(({ key }) => key === 'stop c-web')).toBe(false);
  });

  it('K34 waits for those that report no longer than their own delay, and for the others all of theirs', () => {
    const machines = ['db', 'cache', 'web'].map((id) => machineOf(id));
    const startup: StartupStep[] = [
      {
        order: 1,
        machines: [
          ...startupStep(1, ['db'], { startDelay: 600, waitingForGuest: true }).machines,
          ...startupStep(1, ['cache'], { startDelay: 5 }).machines,
        ],
      },
      startupStep(2, ['web'], { startDelay: 9, waitingForGuest: true }),
      startupStep(3, [], { waitingForGuest: true }),
    ];
    expect(awaited(startup, machines).map(({ compute }) => compute.id)).toEqual(['c-db', 'c-web']);
    const pauses = graphOf(machines, startup, [], ['c-db']).filter(({ key }) => key.startsWith('pause'));
    expect(pauses.map(({ input }) => input)).toEqual([{ seconds: 5, guests: { 'c-db': 600 } }, { seconds: 9 }]);
  });

  it('§9.8 boots a machine that installs itself once, in its turn and before its start', () => {
    const [db, web] = ['db', 'web'].map((id) => machineOf(id)) as [MachineComponents, MachineComponents];
    const installing = { ...web, machine: { ...web.machine, install: { bootStopDelay: 90 } } };
    const startup = [startupStep(1, ['db']), startupStep(2, ['web'])];
    const children = graphOf([db, installing], startup);
    expect(children.find(({ key }) => key === 'install c-web')?.input).toEqual({ seconds: 90 });
    expect(before(children, 'install c-web')).toContain('start c-db');
    expect(children.find(({ key }) => key === 'start c-web')?.after).toEqual(['install c-web']);
    const again = startChildren(startup, [db, installing], { reporting: new Set() });
    expect(again.map(({ key }) => key)).toEqual(['start c-db', 'start c-web']);
  });

  it('leaves a machine alone that the descriptor does not start', () => {
    const children = graphOf([machineOf('web')], [startupStep(0, ['web'], { startAction: 'none' })]);
    expect(children.map((child) => child.key)).not.toContain('start c-web');
    expect(children.map((child) => child.key)).toContain('provision c-web');
  });

  it('is a graph without circles whose edges all lead somewhere, with one start for each machine', () => {
    const appliances = fc.array(
      fc.record({ order: fc.integer({ min: 0, max: 3 }), image: fc.constantFrom(undefined, 'a', 'b') }),
      { minLength: 1, maxLength: 8 },
    );
    const sites = fc.record({
      plugsAtCreation: fc.boolean(),
      bootsFromImage: fc.boolean(),
      bootsAtCreation: fc.boolean(),
    });
    fc.assert(
      fc.property(appliances, sites, (shapes, site) => {
        const machines = shapes.map(({ image }, index) => machineOf(`m${index}`, image));
        const orders = [...new Set(shapes.map(({ order }) => order))].sort();
        const startup = orders.map((order) =>
          startupStep(
            order,
            shapes.flatMap((shape, index) => (shape.order === order ? [`m${index}`] : [])),
          ),
        );
        const children = graphOf(machines, startup, ['a', 'b'], [], site);
        const keys = children.map((child) => child.key);
        expect(new Set(keys).size).toBe(keys.length);
        for (const child of children) {
          for (const key of child.after) expect(keys).toContain(key);
          expect(before(children, child.key)).not.toContain(child.key);
        }
        expect(keys.filter((key) => key.startsWith('start '))).toHaveLength(machines.length);
      }),
    );
  });
});

it('makes a machine after what it is plugged into, where the site wants to know', () => {
  const machines = [machineOf('a'), machineOf('b')];
  const startup = [startupStep(0, ['a', 'b'])];
  const whole = graphOf(machines, startup, [], [], { plugsAtCreation: true });
  for (const id of ['a', 'b']) {
    expect(before(graphOf(machines, startup), `provision c-${id}`).size).toBe(0);
    expect([...before(whole, `provision c-${id}`)].sort()).toEqual(
      [`online s-${id}`, `provision s-${id}`, 'provision net', 'up net'].sort(),
    );
    expect(before(whole, `start c-${id}`)).toContain(`provision n-${id}`);
  }
});

it('makes further disks after their machine, where they have to follow it', () => {
  const machines = [machineOf('db')];
  const ways = { plugsAtCreation: true, volumesFollow: true };
  const children = graphOf(machines, [startupStep(0, ['db'])], [], [], ways);
  expect(before(children, 'provision c-db')).toEqual(new Set(['provision net', 'up net']));
  expect(before(children, 'provision s-db')).toContain('provision c-db');
  expect(children.find(({ key }) => key === 'provision s-db')?.input).toEqual({ madeFor: 'c-db' });
  expect(before(children, 'start c-db')).toContain('provision a-db');
  const usual = graphOf(machines, [startupStep(0, ['db'])], [], [], { plugsAtCreation: true });
  expect(before(usual, 'provision c-db')).toContain('provision s-db');
});

it('makes a shared disk after the first of its machines, and the others after the disk, where disks have to follow', () => {
  const disk = { id: 'quorum', shared: true } as NonNullable<MachineComponents['disks'][number]['disk']>;
  const sharing = (id: string): MachineComponents => {
    const { disks, ...rest } = machineOf(id);
    return { ...rest, disks: disks.map((each) => ({ ...each, storage: record('s-quorum', STORAGE), disk })) };
  };
  const machines = [sharing('web'), sharing('db')];
  // The one that starts first, not the one that is named first: that waits for it anyway.
  const startup = [startupStep(1, ['db']), startupStep(2, ['web'])];
  const ways = { plugsAtCreation: true, bootsAtCreation: true, volumesFollow: true };
  const children = graphOf(machines, startup, [], [], ways);
  expect(children.filter(({ key }) => key === 'provision s-quorum').map(({ input }) => input)).toEqual([
    { shared: true, madeFor: 'c-db' },
  ]);
  expect(before(children, 'provision s-quorum')).toContain('provision c-db');
  expect(before(children, 'provision c-db')).toEqual(new Set(['provision net', 'up net']));
  expect(before(children, 'provision c-web')).toContain('online s-quorum');
  for (const { key } of children) expect(before(children, key)).not.toContain(key);
  const usual = graphOf(machines, startup, [], [], { ...ways, volumesFollow: false });
  for (const id of ['db', 'web']) expect(before(usual, `provision c-${id}`)).toContain('online s-quorum');
});

it('makes the boot disk with its machine, and machines in start order, where the site boots what it creates', () => {
  const machines = [machineOf('db', 'base'), machineOf('web', 'base')];
  const startup = [startupStep(1, ['db'], { startDelay: 5 }), startupStep(2, ['web'])];
  const site = { plugsAtCreation: true, bootsFromImage: true, bootsAtCreation: true };
  const children = graphOf(machines, startup, ['base'], [], site);
  const provision = children.find(({ key }) => key === 'provision c-web');
  expect(provision?.input).toMatchObject({ boot: { storage: 's-web', attachment: 'a-web', image: 'base' } });
  expect([...before(children, 'provision c-db')].sort()).toEqual(['image sim base', 'provision net', 'up net']);
  expect(before(children, 'provision c-web')).toContain('pause 1');
  expect(before(children, 'provision s-web')).toContain('provision c-web');
  expect(children.find(({ key }) => key === 'provision s-web')?.input).toEqual({ image: 'base', bootOf: 'c-web' });
});

describe('where something is to be', () => {
  const inputs = (constraints: readonly PlacementConstraint[]): Readonly<Record<string, NewChild['input']>> => {
    const components: Components = { machines: ['db', 'web'].map((id) => machineOf(id)), networks: [net] };
    const hosts = new Map([
      ['db', 'z2'],
      ['web', 'z1'],
    ]);
    return Object.fromEntries(
      graphOf([], [], [], [], {}, [], { components, hosts, constraints }).map((child) => [child.key, child.input]),
    );
  };
  const rule = (name: PlacementConstraint['rule'], values?: readonly string[], hard = true): PlacementConstraint => ({
    rule: name,
    machines: ['db'],
    ...(values ? { values } : {}),
    hard,
    origin: 'a test',
  });

  it('is told of a machine and the networks of its appliance', () => {
    const told = inputs([]);
    expect(told['provision c-db']).toMatchObject({ host: 'z2', hostIsWish: true });
    expect(told['provision net']).toEqual({ host: 'z2' });
  });

  it.each([
    ['zones that rules allow together', [rule('zone', ['z1', 'z2']), rule('zone', ['z2', 'z3'])], ['z2']],
    ['nothing of zones that are wishes', [rule('zone', ['z2'], false)], undefined],
  ] as const)('with %s', (_what, constraints, zones) => {
    expect(inputs(constraints)['provision c-db']?.['zones']).toEqual(zones);
  });

  it.each([
    ['differentHost', true],
    ['country', true],
    ['sameRack', undefined],
    ['dedicatedHost', undefined],
    ['hostTrait', undefined],
  ] as const)('and bound by %s it may go elsewhere: %s', (name, isFree) => {
    expect(inputs([rule(name, ['DE'])])['provision c-db']?.['hostIsWish']).toBe(isFree);
    expect(inputs([rule(name, ['DE'])])['provision c-web']?.['hostIsWish']).toBe(true);
  });

  it('and what is to be separate from others stays where it was put, on either side', () => {
    const told = inputs([rule('separateItems', ['web'])]);
    expect([told['provision c-db']?.['hostIsWish'], told['provision c-web']?.['hostIsWish']]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
