/** A site of EC2 for tests: the adapter, a faulty proxy, and a fake EC2 behind it. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { ec2 } from '../../src/iaas/adapters/ec2/site-type.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { FakeEc2, KEY, SECRET, type FakeEc2Options } from '../support/fake-ec2/index.js';
import { VPC, ZONE } from '../support/fake-ec2/world.js';
import { FaultyProxy, type WireRequest } from '../support/faulty-proxy.js';
import { runLog } from '../support/run.js';

/** The operation of EC2 that does the work of a method of the adapter. */
const OPERATIONS: Readonly<Record<string, RegExp>> = {
  createCompute: /^Action=RunInstances&/,
  createNetwork: /^Action=CreateSubnet&/,
  createStorage: /^Action=CreateVolume&/,
  attachNic: /^Action=AttachNetworkInterface&/,
  attachStorage: /^Action=AttachVolume&/,
  importImage: /^Action=RegisterImage&/,
  createSecurityGroup: /^Action=CreateSecurityGroup&/,
  saveCompute: /^Action=CreateImage&/,
  actCompute: /^Action=(Start|Stop|Reboot)Instances&/,
  delete: /^Action=TerminateInstances&/,
  describe: /^Action=DescribeInstances&/,
  inventory: /^Action=DescribeInstances&/,
  metrics: /^Action=GetMetricData&/,
};

export function isOperationOf(operation: string, { body }: WireRequest): boolean {
  const text = body.toString('latin1', 0, 20_000);
  const action = /(?:^|&)Action=(\w+)/.exec(text)?.[1] ?? '';
  return OPERATIONS[operation]?.test(`Action=${action}&`) ?? false;
}

/** Options of a site that needs them all; `more` on top. */
export function optionsFor(endpoint: string, bucket: string, directory: string, more: JsonObject = {}): JsonObject {
  writeFileSync(join(directory, 'key'), `${KEY}\n`);
  writeFileSync(join(directory, 'secret'), `${SECRET}\n`);
  return {
    region: ZONE.slice(0, -1),
    endpoint,
    zones: [ZONE],
    country: 'DE',
    credentials: {
      accessKeyId: { file: join(directory, 'key') },
      secretAccessKey: { file: join(directory, 'secret') },
    },
    instanceTypes: ['own.*'],
    capacity: { cores: 200, memoryGib: 800, storageGib: 10_000 },
    network: { vpc: VPC, addresses: true },
    images: { bucket: { name: 'vep-images', endpoint: bucket } },
    hibernation: true,
    volumes: { shared: {} },
    patience: { pollMs: 3, settleMs: 2000 },
    ...more,
  };
}

export function openSite(options: JsonObject, directory: string, clock: Clock = systemClock): Promise<SiteAdapter> {
  return ec2.read(options)({ site: 'cloud', clock, log: runLog(), data: { directory } });
}

export interface Ec2Harness extends Harness {
  readonly fake: FakeEc2;
  readonly directory: string;
  /** Another adapter on the same EC2, with options of its own on top, and perhaps a clock. */
  open(more?: JsonObject, clock?: Clock): Promise<SiteAdapter>;
}

export async function ec2Harness(fakeOptions: FakeEc2Options = {}, more: JsonObject = {}): Promise<Ec2Harness> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-ec2-'));
  const fake = await FakeEc2.start(fakeOptions);
  const proxy = await FaultyProxy.open(fake.url);
  const endpoint = `${proxy.url}/`;
  const options = optionsFor(endpoint, fake.url, directory, { metrics: { endpoint, periodSeconds: 60 }, ...more });
  const open = (others: JsonObject = {}, clock?: Clock): Promise<SiteAdapter> =>
    openSite({ ...options, ...others }, directory, clock);
  const adapter = await open();
  let keys = 0;
  const wire: Wire = {
    proxy,
    isRequestOf: isOperationOf,
    // Temporary credentials end; whoever keeps the files has written new ones.
    expireCredentials: () => {
      keys += 1;
      fake.secrets.clear();
      fake.secrets.set(`AKID${keys}`, `secret-${keys}`);
      writeFileSync(join(directory, 'key'), `AKID${keys}\n`);
      writeFileSync(join(directory, 'secret'), `secret-${keys}\n`);
      return Promise.resolve();
    },
    exhaustQuota: () => {
      fake.world.vcpuLimit = 0;
      return Promise.resolve();
    },
  };
  return {
    adapter,
    fake,
    directory,
    open,
    wire,
    secrets: [SECRET],
    advance: (ms) => pause(ms),
    pace: { stepMs: 5, patienceMs: 180_000 },
    image: { format: 'raw', bytes: Buffer.alloc(4096, 'vep'), virtualSizeBytes: 4096 },
    boots: (ref) => Promise.resolve(1 + fake.world.reboots.filter((id) => id === ref).length),
    second: () => open(),
    quota: { cores: 256 },
    addressing: { gatewayOf: (cidr) => cidr.replace(/0\/\d+$/, '1'), smallest: '192.168.77.0/28' },
    faults: faultsOnTheWire(wire, {
      failLater: () => {
        fake.orders.failLaunch = true;
        return Promise.resolve();
      },
      doNothing: () => {
        fake.orders.ignoreAction = true;
        return Promise.resolve();
      },
      clear: () => {
        Object.assign(fake.orders, { failLaunch: false, ignoreAction: false });
        fake.world.vcpuLimit = 256;
        return Promise.resolve();
      },
    }),
    rename: (ref, name) => Promise.resolve(void fake.world.instances.get(ref)?.tags.set('Name', name)),
    foreign: {
      createMachine: async () => {
        const asked = { Action: 'RunInstances', ImageId: 'ami-0c0ffee0c0ffee0c0', InstanceType: 't3.micro' };
        const answer = fake.answer(Object.entries({ ...asked, MinCount: '1', MaxCount: '1' }));
        await pause(fake.world.pace.stepMs * 2 + fake.world.pace.lagMs);
        return /<instanceId>([^<]+)</.exec(answer)?.[1] ?? 'none';
      },
    },
    close: async () => {
      await adapter.close();
      await proxy.close();
      await fake.close();
      rmSync(directory, { recursive: true });
    },
  };
}
