/**
 * An appliance whose machines share a disk (OVF 2 `SharedDiskSection`), through a running VEP on clouds that let several machines have one
 * volume: it is made once, machines that come later have it too, and it goes with the last of them.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Fault } from '../../src/base/errors.js';
import { packageRoot } from '../../src/base/package-root.js';
import { Client } from '../conformance/client.js';
import * as amazon from '../iaas/ec2-harness.js';
import * as nebula from '../iaas/opennebula-harness.js';
import * as stack from '../iaas/openstack-harness.js';
import { collection, envelope, item, system } from '../ovf/plan-support.js';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import { ZONES } from '../support/fake-ec2/world.js';
import { FakeOned } from '../support/fake-oned/index.js';
import type { Machine } from '../support/fake-oned/world.js';
import type { Json } from '../support/fake-openstack/answers.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { Front } from '../support/real-openstack/front.js';
import { realOpenStack, URLS } from '../support/real-openstack/keystone.js';
import { Tenancy } from '../support/real-openstack/tenancy.js';
import { startTestServer, type Reply, type TestServer } from '../support/server.js';
import { actOn, MESSAGE, pathOf, STATE, untilNothingIsLeft } from './appliance-wire.js';
import { multipart } from './package-wire.js';

const PATIENCE_MS = realOpenStack ? 300_000 : 180_000;
const IMAGE = readFileSync(join(packageRoot, 'examples/web-shop/images/base.qcow2'));

/** What stands behind the site. */
interface Cloud {
  readonly site: object;
  /** Of each volume that is there, how many machines have it, the most first. */
  holders(): Promise<readonly number[]>;
  machines(): Promise<number>;
  /** Formats of images that shared disks are made from; absent: all. */
  readonly formats?: readonly string[];
  close(): Promise<void>;
}

const mostFirst = (counts: readonly number[]): readonly number[] => counts.toSorted((one, other) => other - one);

async function openStack(directory: string): Promise<Cloud> {
  const fake = await FakeOpenStack.start({ stepMs: 20 });
  const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
  const more = { ...stack.ADMINISTRATOR, endpoints: {}, volumes: { sharedType: 'multiattach' } };
  const volumes = (): Json[] => [...fake.world.volumes.values()].map(({ body }) => body);
  return {
    site: { type: 'openstack', options: stack.optionsFor({ ...wish, more }, directory) },
    holders: () => Promise.resolve(mostFirst(volumes().map(({ attachments }) => attachments.length))),
    machines: () => Promise.resolve(fake.world.servers.size),
    close: () => fake.close(),
  };
}

async function realOpenStackCloud(directory: string): Promise<Cloud> {
  const tenancy = await Tenancy.open('admin');
  const front = await Front.open();
  const wish = { url: front.url, user: tenancy.name, password: tenancy.password, project: tenancy.name };
  const more = { ...stack.ADMINISTRATOR, volumes: { sharedType: await tenancy.sharedType() } };
  const volumes = async (): Promise<Json[]> =>
    (await tenancy.account.ask('GET', `${URLS.volume}/${tenancy.project}/volumes/detail`)).volumes;
  return {
    site: { type: 'openstack', options: stack.optionsFor({ ...wish, more }, directory) },
    holders: async () => mostFirst((await volumes()).map(({ attachments }) => attachments.length)),
    machines: async () => (await tenancy.contents())['servers']?.length ?? 0,
    close: async () => {
      await front.close();
      await tenancy.close();
    },
  };
}

/** Over three zones, the first of which is full: all machines are where their disk is. */
async function ec2(directory: string): Promise<Cloud> {
  const fake = await FakeEc2.start({ zones: ZONES });
  const { world } = fake;
  const ami = 'ami-0123456789abcdef0';
  world.addImage(ami, 'debian');
  world.full.add(ZONES[0] ?? '');
  const known = [{ sha256: createHash('sha256').update(IMAGE).digest('hex'), image: ami }];
  return {
    site: { type: 'ec2', options: amazon.optionsFor(fake.url, fake.url, directory, { zones: [], images: { known } }) },
    holders: () => {
      world.settle();
      expect(new Set(world.live.map(({ zone }) => zone)).size).toBeLessThanOrEqual(1);
      return Promise.resolve(mostFirst([...world.volumes.values()].map(({ attachments }) => attachments.length)));
    },
    machines: () => Promise.resolve(world.live.length),
    close: () => fake.close(),
  };
}

async function openNebula(directory: string): Promise<Cloud> {
  const fake = await FakeOned.start();
  const { machines, images } = fake.world;
  const live = (): readonly Machine[] => [...machines.values()].filter(({ state }) => state !== 6);
  const has = ({ template }: Machine, id: number): boolean =>
    template.vectors('DISK').some((disk) => disk.get('IMAGE_ID') === String(id));
  const volumes = (): readonly number[] =>
    [...images.values()].flatMap(({ id, template }) => (template.get('VEP_PURPOSE') === 'volume' ? [id] : []));
  return {
    site: { type: 'opennebula', options: nebula.optionsFor(fake.url, directory) },
    holders: () => Promise.resolve(mostFirst(volumes().map((id) => live().filter((vm) => has(vm, id)).length))),
    machines: () => Promise.resolve(live().length),
    formats: ['raw'],
    close: () => fake.close(),
  };
}

const CLOUDS: readonly (readonly [string, (directory: string) => Promise<Cloud>])[] = [
  ['OpenStack', openStack],
  ['EC2', ec2],
  ['OpenNebula', openNebula],
  ...(realOpenStack ? [['a real OpenStack', realOpenStackCloud] as const] : []),
];

const disk = (id: string, name = 'Disk', from = ''): string =>
  `<${name} ovf:diskId="${id}" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ${from}/>`;
const OWN = 'ovf:fileRef="base" ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"';
const drives = (own: string): string =>
  item({ id: 'scsi', type: 6, address: '0' }) +
  item({ id: 'd1', type: 17, resource: `ovf:/disk/${own}`, parent: 'scsi', slot: 0 }) +
  item({ id: 'd2', type: 17, resource: 'ovf:/disk/quorum', parent: 'scsi', slot: 1 });
const scaled =
  '<ovf2:ScaleOutSection ovf2:id="a" ovf:required="false"><Info/><ovf2:InstanceCount ovf2:default="1" ovf2:maximum="3"/></ovf2:ScaleOutSection>';
const descriptor = (quorum = ''): string =>
  envelope(
    collection('app', system('a', { items: drives('one'), sections: scaled }) + system('b', { items: drives('two') })),
    {
      references: '<File ovf:id="base" ovf:href="base.qcow2"/>',
      disks: disk('one', 'Disk', OWN) + disk('two', 'Disk', OWN),
      sections: `<ovf2:SharedDiskSection ovf:required="false"><Info/>${disk('quorum', 'ovf2:SharedDisk', quorum).replaceAll('ovf:', 'ovf2:')}</ovf2:SharedDiskSection>`,
    },
  );

describe.each(CLOUDS)('on %s', (_name, open) => {
  let cloud: Cloud;
  let server: TestServer;
  let client: Client;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vep-shared-'));
    cloud = await open(directory);
    server = await startTestServer({ config: { sites: [{ ...cloud.site, name: 'cloud' }] as never } });
    client = new Client(server, '1.2');
  });
  afterAll(async () => {
    await server.close();
    await cloud.close();
    rmSync(directory, { recursive: true });
  });

  const send = (path: string, text: string): Promise<Reply> => {
    const { body, type } = multipart([
      ['ovf', 'app.ovf', text],
      ['file', 'base.qcow2', IMAGE],
    ]);
    return server.request('POST', path, { headers: { 'content-type': type, accept: 'application/occi+json' }, body });
  };
  const settled = async (path: string): Promise<void> => {
    const isAtRest = ({ json: { attributes } }: Reply): boolean =>
      attributes[STATE] === 'error' || (attributes[STATE] === 'active' && attributes[MESSAGE] === undefined);
    const { json } = await server.wait(path, isAtRest, { timeoutMs: PATIENCE_MS });
    expect([json.attributes[STATE], json.attributes[MESSAGE]]).toEqual(['active', undefined]);
  };
  const becomes = async (machines: number, holders: readonly number[]): Promise<void> => {
    const until = performance.now() + PATIENCE_MS;
    const now = async (): Promise<object> => ({ machines: await cloud.machines(), holders: await cloud.holders() });
    while (!isDeepStrictEqual(await now(), { machines, holders })) {
      if (performance.now() > until) expect(await now()).toEqual({ machines, holders });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  it(
    'is one volume of all machines, of those that come later too, and goes with the last',
    async () => {
      const path = pathOf(await send('/appliance/', descriptor()));
      await settled(path);
      await becomes(2, [2, 1, 1]);
      const scale = async (count: number): Promise<void> => {
        expect((await actOn(client, path, 'scale', { role: 'a', count })).status).toBe(200);
        await settled(path);
      };
      await scale(3);
      await becomes(4, [4, 1, 1, 1, 1]);
      await scale(1);
      await becomes(2, [2, 1, 1]);
      expect((await client.send('DELETE', path)).status).toBe(200);
      await untilNothingIsLeft(client, PATIENCE_MS);
      await becomes(0, []);
    },
    5 * PATIENCE_MS,
  );

  it('is told by a dry run where an image cannot be shared in its format', async () => {
    const { json } = await send('/appliance/?dry-run', descriptor(OWN));
    const refusals = json.sites[0].refusals.map(({ code, message }: Fault) => [code, message]);
    const words = expect.stringContaining('quorum (qcow2)') as string;
    expect(refusals).toEqual(cloud.formats ? [['site.shared-disk', words]] : []);
  });
});
