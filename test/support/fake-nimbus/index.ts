/**
 * The Query front end of a Nimbus for tests, from what its source does: signatures of version 1 and 2, the operations that
 * it has and no others, four states, errors that are all of status 400 with their messages unescaped, and instances that
 * show their client token and nothing else that a caller chose.
 */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { membersOf, Parameters, Refusal, treeOf, type Answer } from '../fake-ec2/query.js';
import { Unsigned, verifyQuery } from '../fake-ec2/signature.js';

export const ACCESS_ID = 'NimbusAccessIdExample';
export const SECRET = 'nimbus-secret-example';

export interface NimbusInstance {
  readonly id: string;
  readonly image: string;
  readonly type: string;
  readonly clientToken: string;
  readonly key: string;
  readonly userData: string;
  readonly runsAt: number;
  goneAt?: number;
  problem?: string;
}

/** How long an instance propagates before it runs, and shuts down before it is gone. */
const STEP_MS = 15;

export class FakeNimbus {
  readonly instances = new Map<string, NimbusInstance>();
  readonly keys = new Map<string, string>();
  /** Instances that were rebooted, each time that they were. */
  readonly reboots: string[] = [];
  readonly images = ['debian.gz', 'base-image'];
  readonly secrets = new Map([[ACCESS_ID, SECRET]]);
  readonly asked: string[] = [];
  limit = 100;
  failNext = false;
  readonly #server: http.Server;
  #count = 0;

  static async start(): Promise<FakeNimbus> {
    const fake = new FakeNimbus();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  private constructor() {
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** A machine of somebody else under the same account. */
  foreign(): string {
    this.#count += 1;
    const id = `i-${(0x2000_0000 + this.#count).toString(16)}`;
    const theirs = { image: 'debian.gz', type: 'm1.small', clientToken: 'theirs', key: '', userData: '' };
    this.instances.set(id, { id, ...theirs, runsAt: 0 });
    return id;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const { method = 'GET', url = '/', headers } = request;
    const given = new URLSearchParams(method === 'POST' ? body.toString('utf8') : url.split('?')[1]);
    try {
      verifyQuery({ method, target: url, headers, body }, new Map(given), this.secrets, Date.now());
      const asked = new Parameters(treeOf(given));
      const action = asked.text('Action') ?? '';
      const version = asked.text('Version') ?? '';
      if (!/^\d{4}-\d\d-\d\d$/.test(version)) throw new Refusal('NoSuchVersion', `Version ${version} is not supported`);
      this.asked.push(action);
      const members = membersOf(this.#answer(action, asked));
      const text = `<?xml version="1.0"?><${action}Response xmlns="http://ec2.amazonaws.com/doc/${version}/"><requestId></requestId>${members}</${action}Response>`;
      response.writeHead(200, { 'content-type': 'text/xml' }).end(text);
    } catch (error) {
      const code = error instanceof Refusal || error instanceof Unsigned ? error.code : 'InternalError';
      // As it comes: Nimbus escapes nothing here.
      const words = (error as Error).message;
      const text = `<Response><Errors><Error><Code>${code}</Code><Message>${words}</Message></Error></Errors><RequestID></RequestID></Response>`;
      response.writeHead(400, { 'content-type': 'text/xml' }).end(text);
    }
  }

  #answer(action: string, asked: Parameters): Answer {
    switch (action) {
      case 'DescribeAvailabilityZones':
        return { availabilityZoneInfo: [{ zoneName: 'default', zoneState: 'available', regionName: 'nimbus' }] };
      case 'DescribeRegions':
        return { regionInfo: [{ regionName: 'nimbus', regionUrl: this.url }] };
      case 'DescribeSecurityGroups':
        return { securityGroupInfo: [] };
      case 'DescribeImages':
        return { imagesSet: this.images.map((imageId) => ({ imageId, imageState: 'available', isPublic: true })) };
      case 'DescribeKeyPairs':
        return { keySet: [...this.keys.keys()].map((keyName) => ({ keyName, keyFingerprint: 'none' })) };
      case 'ImportKeyPair':
        this.keys.set(asked.text('KeyName') ?? '', asked.text('PublicKeyMaterial') ?? '');
        return { keyName: asked.text('KeyName') ?? '', keyFingerprint: 'none' };
      case 'DeleteKeyPair':
        this.keys.delete(asked.text('KeyName') ?? '');
        return { return: true };
      case 'RunInstances':
        return this.#run(asked);
      case 'DescribeInstances':
        return { reservationSet: this.#shown(asked.texts('InstanceId')).map((each) => this.#reservation([each])) };
      case 'RebootInstances':
        this.reboots.push(...this.#named(asked).map(({ id }) => id));
        return { return: true };
      case 'TerminateInstances':
        return {
          instancesSet: this.#named(asked).map((instance) => {
            instance.goneAt ??= Date.now() + STEP_MS;
            return { instanceId: instance.id, shutdownState: { code: 32, name: 'shutting-down' } };
          }),
        };
      default:
        throw new Refusal('InvalidAction', `The action ${action} is not valid for this web service.`);
    }
  }

  #run(asked: Parameters): Answer {
    const token = asked.text('ClientToken') ?? '';
    const [image, type] = [asked.text('ImageId') ?? '', asked.text('InstanceType') ?? 'm1.small'];
    const earlier = [...this.instances.values()].find((each) => token !== '' && each.clientToken === token);
    if (earlier) {
      if (earlier.image !== image || earlier.type !== type)
        throw new Refusal('IdempotentParameterMismatch', 'The request differs from the one of this token');
      return this.#reservation([earlier]);
    }
    if (!this.images.includes(image)) throw new Refusal('GeneralError', `cannot find <${image}> in the repository`);
    const key = asked.text('KeyName') ?? '';
    if (key !== '' && !this.keys.has(key))
      throw new Refusal('GeneralError', `There is no key '${key}' registered for you to use`);
    if (this.#shown([]).length >= this.limit)
      throw new Refusal('InstanceLimitExceeded', 'request denied: you have reached your limit of VMs');
    this.#count += 1;
    const instance: NimbusInstance = {
      id: `i-${(0x1000_0000 + this.#count).toString(16)}`,
      image,
      type,
      clientToken: token,
      key,
      userData: asked.text('UserData') ?? '',
      runsAt: Date.now() + STEP_MS,
    };
    if (this.failNext) instance.problem = 'propagation failed & was given up';
    this.failNext = false;
    this.instances.set(instance.id, instance);
    return this.#reservation([instance]);
  }

  #named(asked: Parameters): NimbusInstance[] {
    const ids = asked.texts('InstanceId');
    if (ids.length === 0) throw new Refusal('InvalidArgument', 'Specify at least one instance');
    return ids.map((id) => {
      const found = this.#shown([]).find((each) => each.id === id);
      if (!found) throw new Refusal('GeneralError', `unknown instance: ${id}`);
      return found;
    });
  }

  #shown(ids: readonly string[]): NimbusInstance[] {
    const now = Date.now();
    return [...this.instances.values()]
      .filter(({ goneAt }) => goneAt === undefined || goneAt > now)
      .filter(({ id }) => ids.length === 0 || ids.includes(id));
  }

  #reservation(instances: readonly NimbusInstance[]): Answer & { instancesSet: Answer[] } {
    return {
      reservationId: 'r-1',
      ownerId: 'alice',
      groupSet: [{ groupId: 'default' }],
      instancesSet: instances.map((instance) => ({
        instanceId: instance.id,
        imageId: instance.image,
        instanceState: stateOf(instance, Date.now()),
        reason: instance.problem,
        dnsName: `${instance.id}.example.org`,
        privateDnsName: `${instance.id}.local`,
        ipAddress: `192.0.2.${Number.parseInt(instance.id.slice(2), 16) % 250}`,
        privateIpAddress: `10.0.0.${Number.parseInt(instance.id.slice(2), 16) % 250}`,
        keyName: instance.key === '' ? '[no key]' : instance.key,
        amiLaunchIndex: '0',
        instanceType: instance.type,
        launchTime: new Date(instance.runsAt).toISOString(),
        placement: { availabilityZone: 'default' },
        monitoring: { state: 'disabled' },
        clientToken: instance.clientToken,
      })),
    };
  }
}

function stateOf({ problem, runsAt, goneAt }: NimbusInstance, now: number): Answer {
  if (goneAt !== undefined) return { code: 32, name: 'shutting-down' };
  if (now < runsAt) return { code: 0, name: 'pending' };
  return problem === undefined ? { code: 16, name: 'running' } : { code: 48, name: 'terminated' };
}
