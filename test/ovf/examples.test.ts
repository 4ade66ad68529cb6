/** The appliances of examples/: strictly valid, without a warning, deployable without any input, and what they mean. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { isJsonObject, type JsonObject } from '../../src/base/json.js';
import {
  buildEnvironment,
  createOvfSchemas,
  NO_INPUTS,
  planAppliance,
  SCHEMA_FILES,
  secretKey,
  type DeploymentPlan,
  type PlanInputs,
  type PlanResult,
} from '../../src/ovf/index.js';

const GIB = 2 ** 30;
const schemas = createOvfSchemas(
  new Map(SCHEMA_FILES.map((name) => [name, readFileSync(join(packageRoot, 'ovf-schema', name))])),
);

function example(name: string): Buffer {
  return readFileSync(join(packageRoot, 'examples', name, `${name}.ovf`));
}

function plan(name: string, inputs: Partial<PlanInputs> = {}): PlanResult & { readonly plan: DeploymentPlan } {
  const result = planAppliance(example(name), { ...NO_INPUTS, ...inputs }, { mode: 'strict', schemas });
  const { plan: ready } = result;
  if (!ready) throw new Error(JSON.stringify(result.findings));
  return { ...result, plan: ready };
}

describe.each(['single-vm', 'web-shop', 'options'])('the example %s', (name) => {
  it('is strictly valid, without a warning, and needs no input', () => {
    const result = plan(name);
    expect(result.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(result.unresolved).toMatchObject({ blocked: false, eulas: [], assumedSizes: [] });
    expect(result.plan.conformanceLevel).toBe(1);
  });

  it('gives the same plan every time', () => {
    expect(plan(name).plan).toEqual(plan(name).plan);
  });

  it('refers to an image of the size it says, if it says one, virtually 2 GiB', () => {
    for (const image of plan(name).plan.images) {
      const bytes = readFileSync(join(packageRoot, 'examples', name, image.href));
      expect(image.sizeBytes ?? bytes.length).toBe(bytes.length);
      expect(bytes.toString('latin1', 0, 4)).toBe('QFI\xfb');
      expect(bytes.readBigUInt64BE(24)).toBe(2n ** 31n);
    }
  });
});

describe('the single machine', () => {
  it('is one core, 1 GiB, one disk and one network', () => {
    expect(plan('single-vm').plan).toMatchObject({
      id: 'single-vm',
      title: 'Single machine',
      machines: [
        {
          id: 'single-vm',
          hostname: 'single-vm',
          architecture: 'x64',
          cores: { normal: 1 },
          memoryBytes: { normal: GIB },
          drives: [
            { kind: 'disk', disk: 'root', bus: 'scsi', boot: true },
            { kind: 'cdrom', bus: 'ide', boot: false },
          ],
          interfaces: [{ name: 'eth0', network: 'lan', model: 'virtio' }],
          environment: { transports: ['iso'], properties: [{ key: 'greeting', value: 'Hello from VEP' }] },
          instances: { normal: 1 },
        },
      ],
      networks: [{ name: 'lan' }],
      disks: [{ id: 'root', capacityBytes: 4 * GIB, image: 'base-image', format: 'qcow2', shared: false }],
      images: [{ id: 'base-image', href: 'images/base.qcow2', compression: 'identity' }],
      startup: [{ order: 0, machines: [{ id: 'single-vm' }] }],
      collections: [],
    });
  });
});

describe('the web shop', () => {
  it('has a database and two web servers, started in that order', () => {
    const { plan: shop } = plan('web-shop');
    expect(shop.machines.map(({ id, collection }) => [id, collection])).toEqual([
      ['db', 'web-shop'],
      ['web1', 'web-tier'],
      ['web2', 'web-tier'],
    ]);
    expect(shop.collections).toMatchObject([{ id: 'web-shop' }, { id: 'web-tier', parent: 'web-shop' }]);
    expect(shop.startup.map(({ machines }) => machines.map(({ id }) => id))).toEqual([['db'], ['web1', 'web2']]);
    expect(shop.startup[0]?.machines[0]).toMatchObject({ startDelay: 2, stopDelay: 2, stopAction: 'guestShutdown' });
    expect(shop.disks.map(({ id, capacityBytes, image }) => [id, capacityBytes / GIB, image])).toEqual([
      ['db-root', 4, 'base-image'],
      ['db-data', 20, undefined],
      ['web1-root', 4, 'base-image'],
      ['web2-root', 4, 'base-image'],
    ]);
    expect(shop.machines[1]?.interfaces.map(({ name, network }) => [name, network])).toEqual([
      ['eth0', 'frontend'],
      ['eth1', 'backend'],
    ]);
  });

  it('lets the web servers see the shop through their collection, the password by key only', () => {
    const { plan: shop, secrets } = plan('web-shop', { properties: { title: 'Alpha & Ω', dbPassword: '12345678' } });
    expect(shop.machines[1]?.environment.properties).toEqual([
      { key: 'httpd.workers', value: '4', secret: false, from: 'own' },
      { key: 'shopTitle', value: 'Welcome to Alpha & Ω', secret: false, from: 'parent' },
      { key: 'shopCurrency', value: 'EUR', secret: false, from: 'parent' },
      { key: 'databaseUrl', secret: true, from: 'parent', declared: expect.stringContaining('${dbPassword}') },
    ]);
    expect(secrets.get(secretKey('web1', 'databaseUrl'))).toBe('postgresql://shop:12345678@db/shop');
    expect(JSON.stringify(shop)).not.toContain('12345678');
    const document = buildEnvironment(shop, 'web1', secrets, { kind: 'VEP', version: '1', vendor: 'VEP' });
    expect(document).toContain('oe:value="Welcome to Alpha &amp; Ω"');
    expect(document).toContain('<Entity oe:id="web2">');
  });

  it('has an agreement that names its descriptor and its parts', () => {
    const agreement = JSON.parse(
      readFileSync(join(packageRoot, 'examples', 'web-shop', 'gold.json'), 'utf8'),
    ) as JsonObject;
    const [service] = agreement['services'] as readonly JsonObject[];
    expect(service?.['ovf']).toEqual({
      href: 'web-shop.ovf',
      sha256: createHash('sha256').update(example('web-shop')).digest('hex'),
    });
    const { plan: shop } = plan('web-shop');
    const known = new Set([...shop.machines, ...shop.disks].map(({ id }) => id));
    for (const item of service?.['items'] as readonly JsonObject[]) {
      expect(item['kind'] === 'Application' || known.has(item['ref'] as string)).toBe(true);
    }
    const items = new Set((service?.['items'] as readonly JsonObject[]).map(({ id }) => id));
    for (const term of agreement['terms'] as readonly JsonObject[]) {
      expect(isJsonObject(term)).toBe(true);
      for (const id of term['scope'] as readonly string[]) expect(items).toContain(id);
    }
  });
});

describe('the deployment options', () => {
  it.each([
    ['small', 1, 1, 10, '5'],
    ['medium', 2, 4, 10, '25'],
    ['large', 8, 16, 100, '500'],
  ])('%s: %i cores, %i GiB of memory, %i GiB of data', (configuration, cores, memory, data, users) => {
    const { plan: wiki, unresolved } = plan('options', { configuration });
    expect(wiki).toMatchObject({
      configuration,
      machines: [{ cores: { normal: cores }, memoryBytes: { normal: memory * GIB } }],
    });
    expect(wiki.disks.find(({ id }) => id === 'data')?.capacityBytes).toBe(data * GIB);
    expect(wiki.machines[0]?.environment.properties).toContainEqual({
      key: 'users',
      value: users,
      secret: false,
      from: 'own',
    });
    expect(unresolved.configurations.filter(({ chosen }) => chosen).map(({ id }) => id)).toEqual([configuration]);
  });

  it('are medium unless the user chooses', () => {
    expect(plan('options').plan.configuration).toBe('medium');
  });

  it('take the size of the data disk from the user', () => {
    const { plan: wiki } = plan('options', { properties: { dataSize: '33' } });
    expect(wiki.disks.find(({ id }) => id === 'data')?.capacityBytes).toBe(33 * GIB);
  });
});
