/** What OVF 2 adds to descriptors, from the request to what the site has of it (DSP0243 2.x; decision 0022). */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { GONE, type Thing } from '../../src/iaas/adapters/simulator/cloud.js';
import { COMPUTE, STORAGELINK } from '../../src/occi/model.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { cloudBeside } from '../infrastructure/cloud-beside.js';
import { bootDevices, collection, envelope, item, system } from '../ovf/plan-support.js';
import { sharedFolder } from '../ovf/schema-support.js';
import { serverFor, type Reply } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';
import {
  actOn,
  components,
  locationOf,
  MESSAGE,
  OVF,
  pathOf,
  send,
  STATE,
  untilNothingIsLeft,
} from './appliance-wire.js';

/** Four hosts with room for all machines of a test on each. */
const size = { rack: 'r1', zone: 'z1', country: 'DE', cores: 64, memoryBytes: 2 ** 38 };
const hosts = [1, 2, 3, 4].map((number) => ({ name: `h${number}`, ...size }));
const options = { timeFactor: 1000, hosts };
const sites = [
  { name: 'sim', type: 'simulator', options },
  { name: 'single', type: 'simulator', automatic: false, options: { ...options, lacks: ['sharesVolumes'] } },
  {
    name: 'writing',
    type: 'simulator',
    automatic: false,
    options: { ...options, lacks: ['plugsReadOnly', 'imageless'] },
  },
];
const server = serverFor({ config: { sites: sites as never } });
const client = (): Client => new Client(server(), '1.2');
const cloud = cloudBeside(server);
const corpus = sharedFolder('ovf-corpus');

afterEach(async () => {
  await client().send('DELETE', '/appliance/');
  await untilNothingIsLeft(client());
});

async function deployed(text: string): Promise<string> {
  const path = pathOf(await send(client(), text));
  await settled(path);
  return path;
}

/** Waits for the site to come to what is expected of it. */
async function becomes<T>(read: () => Promise<T>, wanted: T): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const there = await read();
    if (isDeepStrictEqual(there, wanted)) return;
    if (performance.now() > until) expect(there).toEqual(wanted);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const become = (...ids: readonly string[]): Promise<void> =>
  becomes(async () => Object.keys(await machines()).sort(), [...ids].sort());

const settled = (path: string): Promise<Reply> =>
  server().wait(path, ({ json }) => json.attributes[STATE] === 'active' && json.attributes[MESSAGE] === undefined);

async function scaled(path: string, role: string, count: number): Promise<Reply> {
  const reply = await actOn(client(), path, 'scale', { role, count });
  if (reply.status === 200) await settled(path);
  return reply;
}

/** Machines that are there, by the id of their system, with all that is plugged into them. */
async function machines(): Promise<Record<string, { host: string; disks: { device: string; volume: string }[] }>> {
  const rows = await server().rows(`SELECT site_ref, observed FROM entity WHERE site_ref IS NOT NULL`);
  const ids = new Map(rows.map((row) => [row['site_ref'], JSON.parse(String(row['observed']))[`${OVF}.id`]]));
  const { compute, attachment } = (await cloud()).things;
  const attached = [...attachment.values()].filter(isThere);
  const there = [...compute.values()].filter((machine) => isThere(machine) && ids.has(machine.ref));
  return Object.fromEntries(
    there.map(({ ref, host }) => {
      const own = attached.filter((each) => each.compute === ref).sort((a, b) => (a.device < b.device ? -1 : 1));
      return [ids.get(ref), { host, disks: own.map(({ device, storage }) => ({ device, volume: storage })) }];
    }),
  );
}

/** What is being deleted is so for VEP already. */
const isThere = ({ change }: Thing): boolean => change?.to !== GONE;

const hostsOf = async (): Promise<string[]> => Object.values(await machines()).map(({ host }) => host);
const different = (list: readonly unknown[]): number => new Set(list).size;

const group = (policy: string): string =>
  `<ovf2:PlacementGroupSection ovf2:id="g" ovf2:policy="${policy}" ovf:required="false"><Info/></ovf2:PlacementGroupSection>`;
const IN_GROUP = '<ovf2:PlacementSection ovf2:group="g" ovf:required="false"><Info/></ovf2:PlacementSection>';
const scaleOut = (id: string, counts: string): string =>
  `<ovf2:ScaleOutSection ovf2:id="${id}" ovf:required="false"><Info/><ovf2:InstanceCount ${counts}/></ovf2:ScaleOutSection>`;

describe('PlacementGroupSection and PlacementSection', () => {
  const three = ['a', 'b', 'c'].map((id) => system(id, { sections: IN_GROUP })).join('');

  it.each([
    ['affinity', 1],
    ['availability', 3],
  ])('with the policy %s put three machines on %i hosts', async (policy, count) => {
    await deployed(envelope(collection('app', three), { sections: group(policy) }));
    expect(different(await hostsOf())).toBe(count);
  });

  it('count for all machines of a collection that says so', async () => {
    const inner = collection('tier', system('a') + system('b'), IN_GROUP);
    await deployed(envelope(collection('app', inner + system('other')), { sections: group('affinity') }));
    const { a, b } = await machines();
    expect(a?.host).toBe(b?.host);
  });

  it('refuse more machines that are to be apart than there are hosts', async () => {
    const five = ['a', 'b', 'c', 'd', 'e'].map((id) => system(id, { sections: IN_GROUP })).join('');
    const reply = await send(client(), envelope(collection('app', five), { sections: group('availability') }));
    expect([reply.status, reply.json.faults[0]]).toEqual([
      422,
      expect.objectContaining({ remedy: expect.any(String) }),
    ]);
    expect(await machines()).toEqual({});
  });

  it('keep instances apart that come later too', async () => {
    const web = system('web', { sections: scaleOut('web', 'ovf2:default="2" ovf2:maximum="4"') + IN_GROUP });
    const path = await deployed(envelope(collection('app', web + system('db')), { sections: group('availability') }));
    const apart = async (): Promise<number> => {
      const { db: _db, ...instances } = await machines();
      return different(Object.values(instances).map(({ host }) => host));
    };
    await becomes(apart, 2);
    expect((await scaled(path, 'web', 4)).status).toBe(200);
    await becomes(apart, 4);
  });

  (corpus === undefined ? it.skip : it)('are followed in a descriptor of the field (056)', async () => {
    const text = readFileSync(join(corpus ?? '', 'files/056-govmomi-aag-2-vm-vapp.ovf'), 'utf8');
    await deployed(text);
    expect([Object.keys(await machines()).sort(), different(await hostsOf())]).toEqual([['vs1', 'vs2'], 2]);
  });
});

describe('ScaleOutSection', () => {
  const bounded = envelope(
    collection(
      'app',
      system('web', { sections: scaleOut('web', 'ovf2:minimum="2" ovf2:default="3" ovf2:maximum="4"') }),
    ),
  );

  it('says how many there are at first, and between which numbers they are scaled', async () => {
    const path = await deployed(bounded);
    await become('web', 'web-2', 'web-3');
    expect((await scaled(path, 'web', 4)).status).toBe(200);
    await become('web', 'web-2', 'web-3', 'web-4');
    expect((await scaled(path, 'web', 2)).status).toBe(200);
    await become('web', 'web-2');
    for (const count of [1, 5]) {
      const refused = await scaled(path, 'web', count);
      expect([refused.status, refused.json.faults[0].code]).toEqual([400, 'appliance.count-out-of-bounds']);
    }
    await become('web', 'web-2');
  });

  it('of a collection makes all that is in it as often', async () => {
    const tier = collection('tier', system('a') + system('b'), scaleOut('tier', 'ovf2:default="2"'));
    await deployed(envelope(collection('app', tier)));
    await become('a', 'b', 'tier-2/a', 'tier-2/b');
  });

  (corpus === undefined ? it.skip : it).each([
    ['061-govmomi-scaleout.ovf', 4],
    ['063-govmomi-scaleoutUnbound.ovf', 6],
  ])('is followed in the descriptor of the field %s', async (name, most) => {
    const path = await deployed(readFileSync(join(corpus ?? '', 'files', name), 'utf8'));
    await become('vs1', 'vs1-2');
    expect((await scaled(path, 'vs1', most)).status).toBe(200);
    await become('vs1', ...Array.from({ length: most - 1 }, (_, index) => `vs1-${index + 2}`));
    expect((await scaled(path, 'vs1', 1)).status).toBe(200);
    await become('vs1');
  });
});

describe('SharedDiskSection', () => {
  const disk = (id: string, name = 'Disk'): string =>
    `<${name} ovf:diskId="${id}" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30"/>`;
  const drives = (own: string): string =>
    item({ id: 'scsi', type: 6, address: '0' }) +
    item({ id: 'd1', type: 17, resource: `ovf:/disk/${own}`, parent: 'scsi', slot: 0 }) +
    item({ id: 'd2', type: 17, resource: 'ovf:/disk/quorum', parent: 'scsi', slot: 1 });
  const appliance = (more = system('b', { items: drives('two') })): string =>
    envelope(
      collection(
        'app',
        system('a', { items: drives('one'), sections: scaleOut('a', 'ovf2:default="1" ovf2:maximum="3"') }) + more,
      ),
      {
        disks: disk('one') + disk('two'),
        sections: `<ovf2:SharedDiskSection ovf:required="false"><Info/>${disk('quorum', 'ovf2:SharedDisk').replaceAll('ovf:', 'ovf2:')}</ovf2:SharedDiskSection>`,
      },
    );
  const text = appliance();
  const volumes = async (): Promise<number> => [...(await cloud()).things.storage.values()].filter(isThere).length;

  it('gives its machines, and instances that come later, one volume that goes with the last of them', async () => {
    const path = await deployed(text);
    const plugged = async (): Promise<object> => {
      const all = Object.values(await machines());
      const [own, shared] = [0, 1].map((slot) => all.map(({ disks }) => disks[slot]?.volume ?? 'none'));
      return {
        machines: all.length,
        own: different(own ?? []),
        shared: [...new Set(shared)],
        volumes: await volumes(),
      };
    };
    const quorum = (await machines())['b']?.disks[1]?.volume;
    await becomes(plugged, { machines: 2, own: 2, shared: [quorum], volumes: 3 });
    expect((await scaled(path, 'a', 3)).status).toBe(200);
    await becomes(plugged, { machines: 4, own: 4, shared: [quorum], volumes: 5 });
    expect((await scaled(path, 'a', 1)).status).toBe(200);
    await becomes(plugged, { machines: 2, own: 2, shared: [quorum], volumes: 3 });
    expect((await actOn(client(), path, 'undeploy')).status).toBe(200);
    await server().wait(path, (reply) => reply.json.attributes['eu.contrail-project.appliance.deployed'] !== true);
    await becomes(volumes, 0);
  });

  it('is refused by a site that gives a disk to one machine at a time, which the dry run tells before', async () => {
    const named = [`${OVF}.site="single"`];
    const { json } = await send(client(), text, named, '?dry-run');
    const verdict = json.sites.find((site: { name: string }) => site.name === 'single');
    expect(verdict).toMatchObject({
      fits: false,
      refusals: [{ code: 'site.shared-disk', remedy: expect.any(String) }],
    });
    const refused = await send(client(), text, named);
    expect([refused.status, refused.json.faults]).toEqual([
      422,
      [expect.objectContaining({ code: 'site.shared-disk' })],
    ]);
    // With all else that stands against it.
    const size = item({ id: 'cpu', type: 3, quantity: 65 }) + item({ id: 'mem', type: 4, quantity: 1 });
    const b = system('b', { bare: true, items: size + drives('two') });
    const large = await send(client(), appliance(b), named);
    const codes = large.json.faults.map(({ code }: { code: string }) => code);
    expect([large.status, codes]).toEqual([422, ['site.shared-disk', 'placement.too-large']]);
  });
});

describe('SharedDisk with readOnly', () => {
  const text = envelope(
    collection(
      'app',
      ['a', 'b'].map((id) => system(id, { items: item({ id: 'd', type: 17, resource: 'ovf:/disk/data' }) })).join(''),
    ),
    {
      sections:
        '<ovf2:SharedDiskSection ovf:required="false"><Info/><ovf2:SharedDisk ovf2:diskId="data" ovf2:capacity="1073741824" ovf2:readOnly="true"/></ovf2:SharedDiskSection>',
    },
  );

  it('is attached to all its machines for reading only', async () => {
    await deployed(text);
    await becomes(
      async () => [...(await cloud()).things.attachment.values()].filter(isThere).map(({ readOnly }) => readOnly),
      [true, true],
    );
  });

  it('is for reading only to a machine of the user as well', async () => {
    const path = await deployed(text);
    const [disk] = await components(client(), path, '/storage/');
    const make = async (location: string, json: object): Promise<string> =>
      pathOf(await client().send('POST', location, { json, accept: JSON_TYPE }));
    const compute = await make('/compute/', { kind: COMPUTE });
    await make('/storagelink/', {
      kind: STORAGELINK,
      source: { location: compute },
      target: { location: locationOf('storage', disk ?? {}) },
    });
    await becomes(
      async () => [...(await cloud()).things.attachment.values()].filter(isThere).map(({ readOnly }) => readOnly),
      [true, true, true],
    );
    await client().send('DELETE', compute);
  });

  it('is refused by a site that would let machines write, which the dry run tells before', async () => {
    const named = [`${OVF}.site="writing"`];
    const { json } = await send(client(), text, named, '?dry-run');
    expect(json.sites.find((site: { name: string }) => site.name === 'writing')).toMatchObject({
      fits: false,
      refusals: [{ code: 'site.read-only-disk', message: expect.stringContaining('data'), remedy: expect.any(String) }],
    });
    const refused = await send(client(), text, named);
    expect([refused.status, refused.json.faults]).toEqual([
      422,
      [expect.objectContaining({ code: 'site.read-only-disk' })],
    ]);
  });

  it('and so is a CD with something on it, where guests look at what is', async () => {
    const cd = envelope(system('a', { items: item({ id: 'd', type: 15, resource: 'ovf:/file/cd' }) }), {
      references: '<File ovf:id="cd" ovf:href="cd.iso" ovf:size="2048"/>',
    });
    const { json } = await send(client(), cd, [], '?dry-run');
    const codes = json.sites.map(({ name, refusals }: { name: string; refusals: { code: string }[] }) => [
      name,
      refusals.map(({ code }) => code),
    ]);
    expect(codes).toEqual([
      ['sim', []],
      ['single', []],
      ['writing', ['site.read-only-disk']],
    ]);
  });
});

describe('BootDeviceSection', () => {
  const disk = (id: string): string =>
    `<Disk ovf:diskId="${id}" ovf:capacity="${id.length}" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="${id}" ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"/>`;
  const items =
    item({ id: '3', type: 6, address: '0' }) +
    item({ id: '4', type: 17, resource: 'ovf:/disk/root', parent: '3', slot: 0 }) +
    item({ id: '5', type: 17, resource: 'ovf:/disk/rescue', parent: '3', slot: 1 });
  const booting = (...ids: readonly string[]): string =>
    envelope(system('vm', { items, sections: ids.length === 0 ? '' : bootDevices(...ids) }), {
      references: ['root', 'rescue'].map((id) => `<File ovf:id="${id}" ovf:href="${id}.img"/>`).join(''),
      disks: disk('root') + disk('rescue'),
    });

  it.each([
    ['of the second disk', ['5', '4'], [6, 4]],
    ['of the second disk alone', ['5'], [6, 4]],
    ['of nothing', [], [4, 6]],
  ])('%s decides which disk the site gets as the first', async (_, ids, gib) => {
    await deployed(booting(...ids));
    const { storage } = (await cloud()).things;
    const { vm } = await machines();
    const sizes = vm?.disks.map(({ device, volume }) => [device, (storage.get(volume)?.sizeBytes ?? 0) / 2 ** 30]);
    expect(sizes).toEqual([
      ['vda', gib[0]],
      ['vdb', gib[1]],
    ]);
  });
});
