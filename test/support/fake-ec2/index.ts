/**
 * An EC2 for tests: it checks signatures (version 4) as EC2 does, knows the operations the adapter uses, answers in the
 * words that were recorded, takes its time, and shows new things late. On the same port it is as much of S3 as an import
 * of images needs.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as compute from './compute.js';
import * as addresses from './addresses.js';
import * as network from './network.js';
import * as groups from './security-groups.js';
import { getMetricData } from './cloud-watch.js';
import * as placement from './placement-groups.js';
import { escaped, membersOf, Parameters, Refusal, treeOf, type Answer } from './query.js';
import { Unsigned, verifyV4, type Signed } from './signature.js';
import * as storage from './storage.js';
import { checkTags, passes, World, type Pace } from './world.js';

export interface FakeEc2Options {
  readonly pace?: Pace;
  /** Absent: the first of all. */
  readonly zones?: readonly string[];
  readonly secrets?: ReadonlyMap<string, string>;
}

export const KEY = 'AKIDEXAMPLE';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';

type Handler = (world: World, asked: Parameters, orders: compute.Orders) => Answer;

const HANDLERS: Readonly<Record<string, Handler>> = {
  AttachNetworkInterface: network.attachNetworkInterface,
  AttachVolume: storage.attachVolume,
  AllocateAddress: addresses.allocateAddress,
  AssociateAddress: addresses.associateAddress,
  DescribeAddresses: addresses.describeAddresses,
  DisassociateAddress: addresses.disassociateAddress,
  ReleaseAddress: addresses.releaseAddress,
  AuthorizeSecurityGroupEgress: groups.authorize(true),
  AuthorizeSecurityGroupIngress: groups.authorize(false),
  RevokeSecurityGroupEgress: groups.revoke(true),
  RevokeSecurityGroupIngress: groups.revoke(false),
  CreateImage: storage.createImage,
  CreateNetworkInterface: network.createNetworkInterface,
  CreatePlacementGroup: placement.createPlacementGroup,
  CreateSecurityGroup: groups.createGroup,
  CreateSnapshot: storage.createSnapshot,
  CreateSubnet: network.createSubnet,
  CreateTags: createTags,
  DeleteTags: deleteTags,
  CreateVolume: storage.askVolume,
  DeleteKeyPair: compute.deleteKeyPair,
  DeleteNetworkInterface: network.deleteInterface,
  DeletePlacementGroup: placement.deletePlacementGroup,
  DeleteSecurityGroup: groups.deleteGroup,
  DeleteSnapshot: storage.deleteSnapshot,
  DeleteSubnet: network.deleteSubnet,
  DeleteVolume: storage.deleteVolume,
  DeregisterImage: storage.deregisterImage,
  DescribeAvailabilityZones: describeZones,
  DescribeImages: storage.describeImages,
  DescribeImportSnapshotTasks: storage.describeImports,
  DescribeInstanceTypes: (_world, asked) => compute.describeTypes(asked),
  DescribeInstances: compute.describeInstances,
  DescribeNetworkInterfaces: network.describeInterfaces,
  DescribePlacementGroups: placement.describePlacementGroups,
  DescribeSecurityGroups: groups.describeGroups,
  DescribeSnapshots: storage.describeSnapshots,
  DescribeSubnets: network.describeSubnets,
  DescribeVolumes: storage.describeVolumes,
  DescribeVpcs: (_world, asked) => network.describeVpcs(asked),
  DetachNetworkInterface: network.detachNetworkInterface,
  DetachVolume: storage.detachVolume,
  ImportKeyPair: compute.importKeyPair,
  ImportSnapshot: storage.importSnapshot,
  ModifyInstanceAttribute: compute.modifyInstance,
  ModifyNetworkInterfaceAttribute: network.modifyInterface,
  ModifyVolume: storage.modifyVolume,
  RebootInstances: compute.rebootInstances,
  RegisterImage: storage.registerImage,
  RunInstances: compute.runInstances,
  StartInstances: (world, asked, orders) => compute.changeInstances(world, asked, 'start', orders),
  StopInstances: (world, asked, orders) => compute.changeInstances(world, asked, 'stop', orders),
  TerminateInstances: (world, asked, orders) => compute.changeInstances(world, asked, 'terminate', orders),
};

export class FakeEc2 {
  readonly world: World;
  readonly secrets: Map<string, string>;
  /** Other accounts, by access key. */
  readonly others = new Map<string, World>();
  readonly orders: compute.Orders = { failLaunch: false, ignoreAction: false, loseGroup: false };
  /** Actions that the account may not do. */
  readonly denied = new Set<string>();
  /** How many of the next requests are refused as too many. */
  throttled = 0;
  /** Actions in the order in which they were asked for. */
  readonly asked: string[] = [];
  readonly #server: http.Server;
  readonly #watchers = new Map<string, (() => void)[]>();
  readonly #pace: Pace;
  readonly #zones: readonly string[] | undefined;
  #uploads = 0;
  /** Uploads in parts that were begun and not completed. */
  readonly begun = new Map<string, { readonly name: string; at: number; readonly parts: Map<number, Buffer> }>();

  static async start(options: FakeEc2Options = {}): Promise<FakeEc2> {
    const fake = new FakeEc2(options);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  private constructor({ pace = { stepMs: 15, lagMs: 5 }, zones, secrets = new Map([[KEY, SECRET]]) }: FakeEc2Options) {
    this.#pace = pace;
    this.#zones = zones;
    this.world = this.#world();
    this.secrets = new Map(secrets);
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resolves when an action is asked for the next time, before it is done. */
  called(action: string): Promise<void> {
    return new Promise((resolve) => this.#watchers.set(action, [...(this.#watchers.get(action) ?? []), resolve]));
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Another account, with a key of its own; or another key of one that is there. */
  addAccount(key: string, secret: string, world = this.#world(String(100_000_000_001 + this.others.size))): World {
    this.secrets.set(key, secret);
    this.others.set(key, world);
    return world;
  }

  #world(account?: string): World {
    return new World(this.#pace, Date.now, this.#zones, account);
  }

  /** The answer to parameters that nobody has signed: what a test looks at. */
  answer(parameters: Iterable<readonly [string, string]>, world = this.world): string {
    const asked = new Parameters(treeOf(parameters));
    const action = asked.text('Action') ?? '';
    if (action === 'GetMetricData') return getMetricData(world, asked);
    const handler = HANDLERS[action];
    if (!handler) throw new Refusal('InvalidAction', `The action ${action} is not valid for this web service.`);
    if (asked.text('DryRun') === 'true')
      throw new Refusal('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);
    world.settle();
    const members = membersOf(handler(world, asked, this.orders));
    return (
      `<?xml version="1.0" encoding="UTF-8"?>\n<${action}Response xmlns="${NAMESPACE}">` +
      `<requestId>59dbff89-35bd-4eac-99ed-be587ed81825</requestId>${members}</${action}Response>`
    );
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const { method = 'GET', url = '/', headers } = request;
    const signed = { method, target: url, headers, body };
    if (url !== '/') return this.#bucket(signed, response);
    try {
      const parameters = new URLSearchParams(body.toString('utf8'));
      const action = parameters.get('Action') ?? '';
      const service = action === 'GetMetricData' ? 'monitoring' : 'ec2';
      const key = verifyV4(signed, this.secrets, service, this.world.now());
      this.asked.push(action);
      for (const watcher of this.#watchers.get(action)?.splice(0) ?? []) watcher();
      if (this.throttled > 0) {
        this.throttled -= 1;
        throw new Refusal('RequestLimitExceeded', 'Request limit exceeded.', 503);
      }
      if (this.denied.has(action))
        throw new Refusal('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403);
      const answer = this.answer(parameters, this.others.get(key));
      response.writeHead(200, { 'content-type': 'text/xml;charset=UTF-8' }).end(answer);
    } catch (error) {
      const { code, status, message } =
        error instanceof Refusal
          ? error
          : error instanceof Unsigned
            ? { code: error.code, status: 401, message: error.message }
            : { code: 'InternalError', status: 500, message: String(error) };
      response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(errorDocument(code, message));
    }
  }

  #listing({ pathname, searchParams }: URL): string {
    const begins = `${pathname.slice(1)}${searchParams.get('prefix') ?? ''}`;
    const { objects, putAt, now } = this.world;
    const time = (at: number): string => new Date(at).toISOString();
    const key = (name: string): string => `<Key>${escaped(name.slice(pathname.length - 1))}</Key>`;
    if (searchParams.has('uploads')) {
      const begun = [...this.begun].filter(([, { name }]) => name.startsWith(begins));
      const uploads = begun.map(
        ([id, { name, at }]) =>
          `<Upload>${key(name)}<UploadId>${id}</UploadId><Initiated>${time(at)}</Initiated></Upload>`,
      );
      return `<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`;
    }
    const names = [...objects.keys()].filter((name) => name.startsWith(begins));
    const contents = names.map(
      (name) => `<Contents>${key(name)}<LastModified>${time(putAt.get(name) ?? now())}</LastModified></Contents>`,
    );
    return `<ListBucketResult>${contents.join('')}</ListBucketResult>`;
  }

  /** As much of S3 as an upload needs; buckets are there when they are named. */
  #bucket(signed: Signed, response: http.ServerResponse): void {
    const url = new URL(signed.target, 'http://bucket');
    const key = decodeURIComponent(url.pathname.slice(1));
    const upload = url.searchParams.get('uploadId');
    try {
      verifyV4(signed, this.secrets, 's3', this.world.now());
      if (this.denied.has('s3')) throw new Unsigned('AccessDenied', 'Access Denied');
    } catch (error) {
      const { code, message } = error as Unsigned;
      // S3 has a word of its own for a key that it does not know.
      const said = code === 'AuthFailure' ? 'InvalidAccessKeyId' : code;
      response.writeHead(403).end(`<Error><Code>${said}</Code><Message>${escaped(message)}</Message></Error>`);
      return;
    }
    const tag = `"${createHash('md5').update(signed.body).digest('hex')}"`;
    if (signed.method === 'GET') return void response.writeHead(200).end(this.#listing(url));
    if (signed.method === 'POST' && url.searchParams.has('uploads')) {
      const id = `upload-${(this.#uploads += 1)}`;
      this.begun.set(id, { name: key, at: this.world.now(), parts: new Map() });
      return void response.writeHead(200).end(`<R><UploadId>${id}</UploadId></R>`);
    }
    if (signed.method === 'PUT' && upload !== null) {
      this.begun.get(upload)?.parts.set(Number(url.searchParams.get('partNumber')), signed.body);
      return void response.writeHead(200, { etag: tag }).end();
    }
    if (signed.method === 'POST' && upload !== null) {
      const parts = [...(this.begun.get(upload)?.parts ?? [])].sort(([one], [other]) => one - other);
      this.world.objects.set(key, Buffer.concat(parts.map(([, bytes]) => bytes)));
      this.begun.delete(upload);
      return void response.writeHead(200).end('<CompleteMultipartUploadResult/>');
    }
    if (signed.method === 'DELETE') {
      if (upload === null) this.world.objects.delete(key);
      else this.begun.delete(upload);
      return void response.writeHead(204).end();
    }
    this.world.objects.set(key, signed.body);
    response.writeHead(200, { etag: tag }).end();
  }
}

function errorDocument(code: string, message: string): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code>` +
    `<Message>${escaped(message)}</Message></Error></Errors><RequestID>7a62c49f-347e-4fc4-9331-6e8ed81825aa</RequestID></Response>`
  );
}

function createTags(world: World, asked: Parameters): Answer {
  const tags = new Map(asked.list('Tag').map((tag) => [tag.text('Key') ?? '', tag.text('Value') ?? '']));
  checkTags(tags);
  for (const id of asked.texts('ResourceId')) {
    const found = world.tagged(id);
    if (!found) throw new Refusal('InvalidID', `The ID '${id}' is not valid`);
    for (const [key, value] of tags) found.tags.set(key, value);
    if (found.tags.size > 50) throw new Refusal('TagLimitExceeded', `The maximum number of tags for ${id} is 50`);
  }
  return { return: true };
}

function deleteTags(world: World, asked: Parameters): Answer {
  const keys = asked.list('Tag').map((tag) => tag.text('Key') ?? '');
  for (const id of asked.texts('ResourceId')) for (const key of keys) world.tagged(id)?.tags.delete(key);
  return { return: true };
}

function describeZones({ zones }: World, asked: Parameters): Answer {
  return {
    availabilityZoneInfo: zones
      .filter((zone) => passes(asked, new Map(), { 'zone-name': zone }))
      .map((zone, index) => ({
        zoneName: zone,
        zoneState: 'available',
        regionName: zone.slice(0, -1),
        zoneId: `euc1-az${index + 1}`,
        zoneType: 'availability-zone',
        messageSet: [],
      })),
  };
}
