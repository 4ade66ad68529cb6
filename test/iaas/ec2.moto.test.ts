/**
 * EC2 before moto, a work-alike that others have made, where it is installed (it is no package of Debian): a large image by way
 * of a bucket and `examples/web-shop` under `kill -9` every time, and the behaviour suite of all adapters in the nightly run.
 */

import { describeAdapter } from '../support/adapter-suite.js';
import { describeWith } from '../support/counterparts.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { elements, Moto } from '../support/moto.js';
import { optionsFor } from './ec2-harness.js';
import { BUCKET, motoHarness, motoOptions } from './ec2-moto-harness.js';

// moto answers in tens of milliseconds where a fake answers in one.

describeWith('moto_server')('with a moto of its own', () => {
  it('sends a large image in parts, and leaves nothing of it in the bucket', async () => {
    const harness = await motoHarness({ bucket: { partMib: 5 } });
    const { adapter, moto } = harness;
    const sizeBytes = 5 * 2 ** 20 + 512;
    const open = (): Promise<AsyncIterable<Uint8Array>> => Promise.resolve(zeros(sizeBytes));
    const spec = { id: 'large', name: 'large', format: 'raw', sizeBytes, virtualSizeBytes: sizeBytes, open };
    const ref = await adapter.importImage(spec, spec.id);
    expect((await adapter.describe('image', [ref])).get(ref)).toMatchObject({
      id: 'large',
      state: 'active',
      sizeBytes,
    });
    const parts = moto.asked.filter((line) => line.startsWith(`PUT /${BUCKET}/`));
    expect(parts.map((line) => /partNumber=\d+/.exec(line)?.[0])).toEqual(['partNumber=1', 'partNumber=2']);
    // What the front was told to import is whole: S3 has put the parts together.
    expect(moto.imported).toEqual([sizeBytes]);
    expect(await moto.objects(BUCKET)).toEqual([]);
    await adapter.delete('image', ref);
    await harness.close();
  });

  it('reads what CloudWatch has measured of a machine', async () => {
    const harness = await motoHarness({ isMeasured: true });
    const { adapter, moto } = harness;
    const machine = await harness.foreign.createMachine();
    expect(await adapter.metrics([machine])).toEqual([]);
    const end = Math.floor(Date.now() / 60_000) * 60_000;
    const figures = { CPUUtilization: 25, NetworkIn: 60_000, NetworkOut: 30_000, EBSReadBytes: 0, EBSWriteBytes: 120 };
    for (const [name, value] of Object.entries(figures))
      await moto.measured(machine, name, value, new Date(end - 30_000));
    const samples = await adapter.metrics([machine, 'i-00000000']);
    expect(samples.map(({ ref, metric, at, value }) => [ref, metric, at, value])).toEqual([
      [machine, 'vm.cpu.utilization', end, 0.25],
      [machine, 'vm.network.io', end, 1500],
      [machine, 'vm.disk.io', end, 2],
    ]);
    await harness.close();
  });

  it('spans the zones of its region: each has its part of a network, and a machine its volumes where it is', async () => {
    const harness = await motoHarness({ spansAll: true });
    const { adapter, moto } = harness;
    const zones = (await adapter.inventory()).hosts.map(({ name }) => name);
    expect(zones).toEqual(elements(await moto.ask('DescribeAvailabilityZones'), 'zoneName').sort());
    expect(zones.length).toBeGreaterThan(1);
    const network = await adapter.createNetwork({ id: 'net', name: 'net' }, 'net');
    const [image = ''] = elements(await moto.ask('DescribeImages'), 'imageId');
    for (const host of zones) {
      const size = { cores: 2, memoryBytes: 2 ** 30, image };
      const nics = [{ id: `nic-${host}`, network }];
      const ref = await adapter.createCompute({ id: host, name: host, ...size, host, nics }, host);
      const volume = await adapter.createStorage(
        { id: `v-${host}`, name: 'v', sizeBytes: 1, madeFor: ref },
        `v-${host}`,
      );
      await adapter.attachStorage({ id: `l-${host}`, compute: ref, storage: volume }, `l-${host}`);
      const [found, disk] = [
        await moto.ask('DescribeInstances', { 'InstanceId.1': ref }),
        await moto.ask('DescribeVolumes', { 'VolumeId.1': volume }),
      ];
      expect([elements(found, 'availabilityZone'), elements(disk, 'availabilityZone')]).toEqual([[host], [host]]);
      await adapter.delete('compute', ref);
    }
    // One without a network has an interface of its own all the same.
    const before = await moto.count('DescribeNetworkInterfaces', 'interfaceType>');
    const alone = await adapter.createCompute({ id: 'm', name: 'm', cores: 2, memoryBytes: 2 ** 30, image }, 'm');
    expect(await moto.count('DescribeNetworkInterfaces', 'interfaceType>')).toBe(before + 1);
    await adapter.delete('compute', alone);
    await adapter.tidy?.();
    await adapter.delete('network', network);
    expect(await moto.count('DescribeSubnets', 'subnetId>')).toBe(zones.length);
    await harness.close();
  });

  it('deploys the web shop, survives kill -9 at three calls, and leaves nothing behind', async () => {
    const moto = await Moto.start();
    await moto.createBucket(BUCKET);
    const site = await motoOptions(moto);
    const before = await contents(moto);
    const server = await KilledServer.start({
      site: (directory) => {
        const images = { images: { bucket: { name: BUCKET, endpoint: moto.url } } };
        const options = optionsFor(`${moto.url}/`, moto.url, directory, { ...site, ...images });
        return { name: 'cloud', type: 'ec2', options };
      },
    });
    try {
      const calls = ['CreateSubnet', 'RegisterImage', 'RunInstances'].map((action) => () => moto.called(action));
      const location = await server.deploy(examplePackage('web-shop'), ...calls);
      expect(await contents(moto)).toMatchObject({ machines: 3, interfaces: 5, volumes: 4 });
      await server.remove(location, () => moto.called('TerminateInstances'));
      expect(await contents(moto)).toEqual(before);
      expect(await moto.objects(BUCKET)).toEqual([]);
    } finally {
      await server.close();
      await moto.close();
    }
  }, 900_000);

  if (process.env['VEP_TEST_NIGHTLY'] === '1') describeAdapter('moto', () => motoHarness());
  else it.skip('the behaviour suite: only in npm run test:nightly', () => undefined);
});

/** How many there are of everything that VEP makes; of each answer, an element that each of them has once. */
async function contents(moto: Moto): Promise<Readonly<Record<string, number>>> {
  const running = { 'Filter.1.Name': 'instance-state-name', 'Filter.1.Value.1': 'running' };
  return {
    machines: await moto.count('DescribeInstances', 'instanceId>', running),
    interfaces: await moto.count('DescribeNetworkInterfaces', 'interfaceType>'),
    volumes: await moto.count('DescribeVolumes', 'volumeType>'),
    subnets: await moto.count('DescribeSubnets', 'subnetId>'),
    groups: await moto.count('DescribeSecurityGroups', 'groupDescription>'),
    keys: await moto.count('DescribeKeyPairs', 'keyName>'),
  };
}

async function* zeros(sizeBytes: number): AsyncIterable<Uint8Array> {
  const piece = new Uint8Array(2 ** 20);
  for (let left = sizeBytes; left > 0; left -= piece.byteLength) {
    await Promise.resolve();
    yield piece.subarray(0, Math.min(left, piece.byteLength));
  }
}
