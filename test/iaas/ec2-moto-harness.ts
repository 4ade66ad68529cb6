/** A site of EC2 for tests with moto behind it, EC2 and S3 of another project, and a faulty proxy between. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/base/json.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { SECRET } from '../support/fake-ec2/index.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { elements, Moto, MOTO_ZONE } from '../support/moto.js';
import { isOperationOf, openSite, optionsFor } from './ec2-harness.js';

export const BUCKET = 'vep-images';

/** Options of a site on moto; its VPC is made for it. */
export async function motoOptions(moto: Moto): Promise<JsonObject> {
  const [vpc = ''] = elements(await moto.ask('CreateVpc', { CidrBlock: '192.168.0.0/16' }), 'vpcId');
  return {
    instanceTypes: ['t3.*', 'm5.*', 'c5.*', 'r5.*'],
    zones: [MOTO_ZONE],
    network: { vpc, addresses: true },
    hibernation: false,
    placementGroups: false,
    // moto keeps one machine of those that have a volume.
    volumes: {},
  };
}

/** moto 5.2: each seen, and read in its source. */
const BREAKS = {
  'one-of-a-token': 'a moto that keeps neither client tokens nor names of images apart',
  'own-address': 'a moto that gives one address to several interfaces',
  'end-of-range': 'a moto whose subnets never run out of addresses',
  'used-networks-stay': 'a moto that deletes subnets with interfaces in them',
  'used-groups-stay': 'a moto that deletes security groups that guard interfaces',
};

export interface MotoHarness extends Harness {
  readonly moto: Moto;
  readonly foreign: NonNullable<Harness['foreign']>;
}

export interface MotoSetting {
  /** Of the bucket, beside its name. */
  readonly bucket?: JsonObject;
  /** Reads measurements, of which moto has those alone that a test brings in ({@link Moto.measured}). */
  readonly isMeasured?: true;
  /** Spans all zones of the region. */
  readonly spansAll?: true;
}

export async function motoHarness({ bucket = {}, isMeasured, spansAll }: MotoSetting = {}): Promise<MotoHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-moto-'));
  const moto = await Moto.start();
  await moto.createBucket(BUCKET);
  const proxy = await FaultyProxy.open(moto.url);
  const options = optionsFor(`${proxy.url}/`, moto.url, directory, {
    ...(await motoOptions(moto)),
    ...(spansAll ? { zones: [] } : {}),
    ...(isMeasured ? { metrics: { endpoint: moto.url, periodSeconds: 60 } } : {}),
    images: { bucket: { name: BUCKET, endpoint: moto.url, ...bucket } },
  });
  const open = (): Promise<SiteAdapter> => openSite(options, directory);
  const adapter = await open();
  const wire: Wire = { proxy, isRequestOf: isOperationOf };
  return {
    adapter,
    moto,
    wire,
    breaks: BREAKS,
    secrets: [SECRET],
    advance: (ms) => pause(ms),
    pace: { stepMs: 5, patienceMs: 180_000 },
    image: { format: 'raw', bytes: Buffer.alloc(4096, 'vep'), virtualSizeBytes: 4096 },
    second: open,
    addressing: { gatewayOf: (cidr) => cidr.replace(/0\/\d+$/, '1'), smallest: '192.168.77.0/28' },
    faults: faultsOnTheWire(wire, { clear: () => Promise.resolve() }),
    rename: async (ref, name) => {
      const tags = { 'ResourceId.1': ref, 'Tag.1.Key': 'Name', 'Tag.1.Value': name };
      await moto.ask('CreateTags', tags);
    },
    foreign: {
      createMachine: async () => {
        const [ImageId = ''] = elements(await moto.ask('DescribeImages'), 'imageId');
        const wish = { ImageId, InstanceType: 't3.micro', MinCount: '1', MaxCount: '1' };
        return elements(await moto.ask('RunInstances', wish), 'instanceId')[0] ?? 'none';
      },
    },
    close: async () => {
      await adapter.close();
      const left = await moto.objects(BUCKET);
      await proxy.close();
      await moto.close();
      rmSync(directory, { recursive: true });
      expect(left).toEqual([]);
    },
  };
}
