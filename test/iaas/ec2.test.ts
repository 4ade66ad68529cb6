/** Pitfalls of EC2 that the behaviour suite does not know of, its signatures, and the fake held to what was recorded. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { meaningOf as meaningOfCode } from '../../src/iaas/adapters/ec2/ec2-error.js';
import { checkAnswer } from '../../src/iaas/adapters/ec2/query-answer.js';
import { signedV2 } from '../../src/iaas/adapters/ec2/signature-v2.js';
import { signedV4 } from '../../src/iaas/adapters/ec2/signature-v4.js';
import { meaningOf } from '../../src/iaas/adapters/ec2/states.js';
import type { IaasError } from '../../src/iaas/adapter.js';
import { FakeEc2 } from '../support/fake-ec2/index.js';
import { verifyQuery, verifyV4 } from '../support/fake-ec2/signature.js';
import { VPC } from '../support/fake-ec2/world.js';
import type { WireRequest } from '../support/faulty-proxy.js';
import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

const shared = process.env['VEP_TEST_SHARED'];
const RECORDED = shared === undefined ? undefined : join(shared, 'data/ec2');
const recorded = RECORDED !== undefined && existsSync(RECORDED) ? it : it.skip;
if (recorded === it.skip) console.info('skipped: no recorded exchanges, as VEP_TEST_SHARED is not set');

describe('signatures', () => {
  const key = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
  const at = Date.UTC(2015, 7, 30, 12, 36);

  it('of version 4 are those that AWS has published', () => {
    const request = {
      method: 'GET',
      url: new URL('https://example.amazonaws.com/'),
      headers: {},
      body: Buffer.alloc(0),
    };
    const { authorization } = signedV4(request, { ...key, region: 'us-east-1', service: 'service' }, at);
    expect(authorization).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
    const signed = { method: 'GET', target: '/', body: Buffer.alloc(0) };
    const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z', authorization };
    const secrets = new Map([[key.accessKeyId, key.secretAccessKey]]);
    expect(verifyV4({ ...signed, headers }, secrets, 'service', at)).toBe('AKIDEXAMPLE');
    const others = [
      { ...headers, host: 'example.org' },
      { ...headers, 'x-amz-date': '20150830T123601Z' },
    ];
    for (const other of others)
      expect(() => verifyV4({ ...signed, headers: other }, secrets, 'service', at)).toThrow(/signature/);
    expect(() => verifyV4({ ...signed, headers }, secrets, 'service', at + 600_000)).toThrow(/expired/);
  });

  it('of version 2 are those that AWS has published, and ours are taken', () => {
    const secrets = new Map([['AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY']]);
    const parameters = new Map([
      ['AWSAccessKeyId', 'AKIAIOSFODNN7EXAMPLE'],
      ['Action', 'DescribeJobFlows'],
      ['SignatureMethod', 'HmacSHA256'],
      ['SignatureVersion', '2'],
      ['Timestamp', '2011-10-03T15:19:30'],
      ['Version', '2009-03-31'],
      ['Signature', 'i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs='],
    ]);
    const request = {
      method: 'GET',
      target: '/',
      headers: { host: 'elasticmapreduce.amazonaws.com' },
      body: Buffer.alloc(0),
    };
    const now = Date.UTC(2011, 9, 3, 15, 20);
    expect(verifyQuery(request, parameters, secrets, now)).toBe('AKIAIOSFODNN7EXAMPLE');
    expect(() => verifyQuery(request, parameters, secrets, now + 600_000)).toThrow(/expired/);

    const mine = { accessId: 'AKIAIOSFODNN7EXAMPLE', secret: secrets.get('AKIAIOSFODNN7EXAMPLE') ?? '' };
    const url = new URL('https://Nimbus.example.org:8444/');
    const body = signedV2(url, { Action: 'RunInstances', UserData: "a+/=~ *'(é" }, mine, now);
    const posted = {
      method: 'POST',
      target: '/',
      headers: { host: 'nimbus.example.org:8444' },
      body: Buffer.from(body),
    };
    expect(verifyQuery(posted, new Map(new URLSearchParams(body)), secrets, now)).toBe(mine.accessId);
    const changed = new Map(new URLSearchParams(body.replace('RunInstances', 'TerminateInstances')));
    expect(() => verifyQuery(posted, changed, secrets, now)).toThrow(/Signature/);
  });

  recorded('that were recorded are accepted', () => {
    const files = readdirSync(RECORDED ?? '').filter((name) => name.endsWith('.request.txt'));
    expect(files.length).toBeGreaterThan(30);
    for (const file of files) {
      const [head = '', body = ''] = readFileSync(join(RECORDED ?? '', file), 'utf8').split(/\r?\n\r?\n/);
      const headers = Object.fromEntries(
        head
          .split(/\r?\n/)
          .slice(1)
          .map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
      );
      const length = Number(headers['content-length']);
      const request = { method: 'POST', target: '/', headers, body: Buffer.from(body).subarray(0, length) };
      const now = Date.UTC(2026, 10, 22, 10, 10, 10);
      expect(verifyV4(request, new Map([['testing', 'testing']]), 'ec2', now)).toBe('testing');
    }
  });
});

describe('the fake', () => {
  recorded('speaks in the words that were recorded', async () => {
    const fake = await FakeEc2.start({ pace: { stepMs: 0, lagMs: 0 } });
    const ask = (action: string, more: Readonly<Record<string, string>> = {}): string =>
      fake.answer(Object.entries({ Action: action, ...more }));
    const named = (text: string, name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1] ?? '';
    const subnet = named(ask('CreateSubnet', { VpcId: VPC, CidrBlock: '192.168.1.0/24' }), 'subnetId');
    const group = named(ask('CreateSecurityGroup', { GroupName: 'web', VpcId: VPC }), 'groupId');
    const rule = {
      'IpPermissions.1.IpProtocol': 'tcp',
      'IpPermissions.1.FromPort': '22',
      'IpPermissions.1.ToPort': '22',
      'IpPermissions.1.IpRanges.1.CidrIp': '0.0.0.0/0',
    };
    ask('AuthorizeSecurityGroupIngress', { GroupId: group, ...rule });
    const instance = named(
      ask('RunInstances', {
        ImageId: 'ami-0c0ffee0c0ffee0c0',
        InstanceType: 't3.small',
        'NetworkInterface.1.DeviceIndex': '0',
        'NetworkInterface.1.SubnetId': subnet,
        'TagSpecification.1.ResourceType': 'instance',
        'TagSpecification.1.Tag.1.Key': 'vep:application',
        'TagSpecification.1.Tag.1.Value': 'urn:uuid:1',
      }),
      'instanceId',
    );
    const volume = named(ask('CreateVolume', { AvailabilityZone: 'eu-central-1a', Size: '1' }), 'volumeId');
    const both = { InstanceId: instance, VolumeId: volume, Device: '/dev/sdf' };
    const one = { 'InstanceId.1': instance };
    const tag = { 'ResourceId.1': instance, 'Tag.1.Key': 'k', 'Tag.1.Value': 'v' };
    const answers: Record<string, string> = {
      AttachVolume: ask('AttachVolume', both),
      DescribeVolumes: ask('DescribeVolumes'),
      DescribeInstances: ask('DescribeInstances', one),
      DescribeImages: ask('DescribeImages'),
      DescribeInstanceTypes: ask('DescribeInstanceTypes', { 'InstanceType.1': 't3.small' }),
      DescribeSubnets: ask('DescribeSubnets'),
      DescribeSecurityGroups: ask('DescribeSecurityGroups'),
      DescribeVpcs: ask('DescribeVpcs'),
      DescribeAvailabilityZones: ask('DescribeAvailabilityZones'),
      CreateTags: ask('CreateTags', tag),
      CreateSnapshot: ask('CreateSnapshot', { VolumeId: volume }),
      CreateImage: ask('CreateImage', { InstanceId: instance, Name: 'img' }),
      DetachVolume: ask('DetachVolume', both),
      DeleteVolume: ask('DeleteVolume', both),
      RebootInstances: ask('RebootInstances', one),
      StopInstances: ask('StopInstances', one),
      StartInstances: ask('StartInstances', one),
      TerminateInstances: ask('TerminateInstances', one),
    };
    await fake.close();
    const words = (text: string): Set<string> =>
      new Set([...text.matchAll(/<([A-Za-z]\w*)/g)].map(([, name]) => name ?? ''));
    for (const [action, answer] of Object.entries(answers)) {
      const theirs = words(readFileSync(join(RECORDED ?? '', `${action}.response.xml`), 'utf8'));
      // The recorded things had no tags, where they could have had some.
      const foreign = [...words(answer)].filter(
        (name) => !theirs.has(name) && !['tagSet', 'key', 'value'].includes(name),
      );
      expect({ action, foreign }).toEqual({ action, foreign: [] });
    }
  });
});

it.each([
  ['RequestLimitExceeded', 503, 'transient'],
  ['InternalError', 500, 'transient'],
  ['AuthFailure', 401, 'denied'],
  ['SignatureDoesNotMatch', 403, 'denied'],
  ['InvalidClientTokenId', 403, 'denied'],
  ['MissingClientTokenId', 400, 'denied'],
  ['RequestExpired', 400, 'denied'],
  ['UnauthorizedOperation', 403, 'denied'],
  ['InvalidInstanceID.NotFound', 400, 'not-found'],
  ['InvalidAMIID.NotFound', 400, 'not-found'],
  ['InvalidGroup.NotFound', 400, 'not-found'],
  ['InvalidKeyPair.NotFound', 400, 'not-found'],
  ['InvalidVolume.NotFound', 400, 'not-found'],
  ['VcpuLimitExceeded', 400, 'quota'],
  ['InstanceLimitExceeded', 400, 'quota'],
  ['VolumeLimitExceeded', 400, 'quota'],
  ['InsufficientInstanceCapacity', 500, 'capacity'],
  ['InsufficientFreeAddressesInSubnet', 400, 'capacity'],
  ['IncorrectInstanceState', 400, 'conflict'],
  ['IncorrectState', 400, 'conflict'],
  ['IdempotentParameterMismatch', 400, 'conflict'],
  ['DependencyViolation', 400, 'conflict'],
  ['VolumeInUse', 400, 'conflict'],
  ['InvalidKeyPair.Duplicate', 400, 'conflict'],
  ['InvalidGroup.Duplicate', 400, 'conflict'],
  ['InvalidGroup.InUse', 400, 'conflict'],
  ['InvalidInstanceID.Malformed', 400, 'invalid'],
  ['InvalidArgument', 400, 'invalid'],
  ['InvalidParameterValue', 400, 'invalid'],
  ['MissingParameter', 400, 'invalid'],
  ['UnsupportedOperation', 400, 'unsupported'],
  ['InvalidAction', 400, 'unsupported'],
  ['Unsupported', 400, 'unsupported'],
  ['NotImplemented', 400, 'unsupported'],
  ['NoSuchVersion', 400, 'unsupported'],
  ['GeneralError', 400, 'fatal'],
  ['SomethingNew', 400, 'fatal'],
  ['SomethingNew', 500, 'transient'],
] as const)('takes %s with status %i for %s', (code, status, meaning) => {
  expect(meaningOfCode(code, status)).toBe(meaning);
});

it.each([
  ['EC2', 'no &lt;image&gt; &quot;a&apos;s&quot; &amp;amp; b', `no <image> "a's" &amp; b`],
  // It escapes nothing.
  ['Nimbus', 'no <image> & b', 'no <image> & b'],
] as const)('tells the words of %s as they are meant', (service, written, words) => {
  const text = `<Response><Errors><Error><Code>GeneralError</Code><Message> ${written} </Message></Error></Errors></Response>`;
  const refused = { said: `GeneralError: ${words}`, message: `${service} refuses (GeneralError): ${words}` };
  expect(() => checkAnswer(service, 'RunInstances', 400, text)).toThrow(expect.objectContaining(refused) as Error);
});

it('tells an instance that ended by itself from one that was terminated', () => {
  const ended = (Code: string) => meaningOf({ State: { Name: 'terminated' }, StateReason: { Code, Message: Code } });
  expect(ended('Client.UserInitiatedShutdown')).toBeUndefined();
  expect(ended('Server.InsufficientInstanceCapacity')).toMatchObject({ state: 'error' });
  expect(meaningOf({ State: { Name: 'terminated' } })).toBeUndefined();
  expect(meaningOf({ State: { Name: 'novel' as never } })).toMatchObject({ state: 'error' });
});

describe('a site', () => {
  let harness: Ec2Harness;
  beforeAll(async () => {
    harness = await ec2Harness({}, { instanceTypes: ['t3.*', 'm5.*'], hibernation: false });
  });
  afterAll(() => harness.close());

  const own = (id: string) => ({ ...spec(id), memoryBytes: 2 ** 29, cores: 1 });
  const spec = (id: string) => ({ id, name: id, cores: 2, memoryBytes: 3 * 2 ** 30, image: 'ami-0c0ffee0c0ffee0c0' });

  it('says which actions the account may not do', async () => {
    harness.fake.denied.add('RunInstances').add('ImportSnapshot').add('s3');
    const findings = await harness.adapter.check();
    harness.fake.denied.clear();
    expect(findings.map(({ code }) => code).sort()).toEqual(['ec2.bucket', 'ec2.rights']);
    expect(findings.find(({ code }) => code === 'ec2.rights')?.message).toContain('ImportSnapshot, RunInstances');
  });

  it('blames no rights for a question without an answer', async () => {
    const { adapter, wire } = harness;
    const isRunDry = ({ body }: WireRequest): boolean => body.toString('latin1').includes('DryRun=true');
    wire?.proxy.next({ kind: 'reset' }, isRunDry, Infinity);
    const codes = (await adapter.check()).map(({ code }) => code);
    wire?.proxy.clear();
    expect(codes).toEqual(['ec2.endpoint']);
  });

  it('is measured by CloudWatch, a hundred machines at a time, or says why not', async () => {
    const { adapter, fake } = harness;
    const made = await adapter.createCompute(spec('measured'), 'measured');
    // As long as the machine does not run there is nothing to tell.
    for (let told = 0; told === 0;) told = (await adapter.metrics([made])).length;
    const others = Array.from({ length: 150 }, (_, index) => `i-${String(index).padStart(8, '0')}`);
    fake.asked.length = 0;
    const samples = await adapter.metrics([...others, made]);
    expect(samples.map(({ metric, value }) => [metric, value])).toEqual([
      ['vm.cpu.utilization', 0.25],
      ['vm.network.io', 1500],
      ['vm.disk.io', 12_288],
    ]);
    expect(samples.every(({ ref, at }) => ref === made && at % 60_000 === 0 && at <= Date.now())).toBe(true);
    // 755 queries in two requests, whose answers come in pages of seven.
    expect(fake.asked.filter((action) => action === 'GetMetricData')).toHaveLength(
      Math.ceil(500 / 7) + Math.ceil(255 / 7),
    );
    fake.denied.add('GetMetricData');
    expect(await adapter.check()).toContainEqual(expect.objectContaining({ code: 'ec2.metrics' }));
    fake.denied.clear();
  });

  it('goes on with new credentials where the old ones end while an image goes up', async () => {
    const { adapter, fake, wire, image } = harness;
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      await wire?.expireCredentials?.();
      return (async function* () {
        yield await Promise.resolve(image.bytes);
      })();
    };
    const sizeBytes = image.bytes.byteLength;
    const ref = await adapter.importImage({ id: 'late', name: 'late', format: 'raw', sizeBytes, open }, 'late');
    const shown = async () => (await adapter.describe('image', [ref])).get(ref);
    while ((await shown())?.busy !== false) await harness.advance(5);
    expect(await shown()).toMatchObject({ id: 'late', state: 'active' });
    // What it went through is empty again.
    expect(fake.world.objects.size).toBe(0);
    fake.secrets.clear();
    expect((await adapter.check()).map(({ code }) => code)).toEqual(['ec2.endpoint']);
    await wire?.expireCredentials?.();
  });

  it('waits when there are too many requests, and says so when it was in vain', async () => {
    harness.fake.throttled = 2;
    expect((await harness.adapter.inventory()).hosts).toHaveLength(1);
    harness.fake.throttled = 1000;
    const error = await harness.adapter.describe('network', ['subnet-01234567']).catch((thrown: unknown) => thrown);
    harness.fake.throttled = 0;
    expect(error).toMatchObject({
      class: 'transient',
      said: expect.stringContaining('RequestLimitExceeded') as string,
    });
  });

  it('launches the smallest type that fits, shows what was asked for, and packs what is too long for it', async () => {
    const { adapter, fake } = harness;
    const userData = `#!/bin/sh\n${'echo hello\n'.repeat(4000)}`;
    const made = await adapter.createCompute({ ...spec('a'), userData, sshKeys: ['ssh-ed25519 AAAA'] }, 'a');
    const instance = fake.world.instances.get(made);
    expect(instance?.type).toBe('t3.medium');
    expect(Buffer.from(instance?.userData ?? '', 'base64').subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect([...fake.world.keyPairs.keys()]).toEqual([instance?.key]);
    expect((await adapter.describe('compute', [made])).get(made)).toMatchObject({ cores: 2, memoryBytes: 3 * 2 ** 30 });
    await adapter.delete('compute', made);
    expect(fake.world.keyPairs.size).toBe(0);
    const noise = Array.from({ length: 40_000 }, (_, index) => ((index * 7919) % 9973).toString(36)).join('');
    const refused = await adapter
      .createCompute({ ...spec('b'), userData: noise }, 'b')
      .catch((error: unknown) => error);
    expect(refused as IaasError).toMatchObject({ class: 'invalid' });
  });

  it('gives a volume to the next machine, or deletes it, right after it was let go of', async () => {
    const slow = await ec2Harness();
    try {
      const { adapter, fake } = slow;
      const [one, other] = [
        await adapter.createCompute(own('one'), 'one'),
        await adapter.createCompute(own('two'), 'two'),
      ];
      const storage = await adapter.createStorage({ id: 'disk', name: 'disk', sizeBytes: 2 ** 30 }, 'disk');
      const attached = await adapter.attachStorage({ id: 'to-one', compute: one, storage }, 'to-one');
      while ((await adapter.describe('attachment', [attached])).get(attached)?.busy !== false) await slow.advance(5);
      // As the real one: it takes its time to let go, and shows only after a while that it does.
      Object.assign(fake.world.pace, { stepMs: 600, lagMs: 400 });
      await adapter.delete('attachment', attached);
      const again = await adapter.attachStorage({ id: 'to-other', compute: other, storage }, 'to-other');
      expect(fake.world.volumes.get(storage)?.attachments.map(({ instance }) => instance)).toEqual([other]);
      while ((await adapter.describe('attachment', [again])).get(again)?.busy !== false) await slow.advance(5);
      await adapter.delete('attachment', again);
      await adapter.delete('storage', storage);
      expect(fake.world.state(fake.world.volumes.get(storage) ?? { line: [], shownFrom: 0 })).not.toBe('available');
    } finally {
      await slow.close();
    }
  });

  it('terminates what another process has made and EC2 does not show yet, and asks for what it never shows too', async () => {
    const { fake, open, adapter } = harness;
    const made = await adapter.createCompute(spec('unseen'), 'unseen');
    const instance = fake.world.instances.get(made);
    if (!instance) throw new Error('not made');
    fake.world.past.add(instance);
    const second = await open({ patience: { pollMs: 1, settleMs: 25_000 } });
    const looked = fake.called('DescribeInstances').then(() => fake.called('DescribeInstances'));
    void looked.then(() => fake.world.past.delete(instance));
    await second.delete('compute', made);
    expect(fake.world.live).not.toContain(instance);
    await second.close();

    fake.asked.length = 0;
    const third = await open({ patience: { pollMs: 1, settleMs: 1 } });
    await third.delete('compute', 'i-0123456789abcdef0');
    expect(fake.asked.at(-1)).toBe('TerminateInstances');
    await third.close();
  });

  it('makes another machine for a token whose machine is gone', async () => {
    const { adapter, fake } = harness;
    const first = await adapter.createCompute(spec('c'), 'c');
    await adapter.delete('compute', first);
    const second = await adapter.createCompute(spec('c'), 'c');
    expect(second).not.toBe(first);
    expect(fake.world.live.map(({ id }) => id)).toContain(second);
    await adapter.delete('compute', second);
    while ((await adapter.describe('compute', [second])).size > 0) await harness.advance(5);
    // EC2 holds their tokens for longer than it shows them.
    for (const each of fake.world.instances.values()) fake.world.past.add(each);
    const third = await adapter.createCompute(spec('c'), 'c');
    expect([first, second]).not.toContain(third);
    await adapter.delete('compute', third);
  });
});
