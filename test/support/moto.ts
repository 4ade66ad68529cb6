/**
 * moto (github.com/getmoto/moto), the work-alike of AWS that others test with: EC2 and S3 of a project that has never heard
 * of VEP, in a process of its own. It knows no ImportSnapshot: a front before it answers that one operation and its
 * task with a snapshot that moto has taken of an empty volume. The front also keeps from it the tags of the snapshots that
 * CreateImage makes, at which it breaks, and removes the interfaces of a machine that is terminated where moto has been asked
 * for that and does not do it, and takes the addresses back that it leaves with such a machine. Everything else goes there as it is.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { programAt } from './counterparts.js';
import { freePort } from './free-port.js';

export const MOTO_ZONE = 'eu-central-1a';

/** Elements of an answer, by name; those of nested lists come in the order of the document. */
export const elements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text);

export class Moto {
  readonly #process: ChildProcess;
  readonly #url: string;
  readonly #front = http.createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });
  readonly #watchers: { readonly action: string; readonly tell: () => void }[] = [];

  /** Requests of S3 that have come: method and path, in their order. */
  readonly asked: string[] = [];
  /** Bytes of the objects that were to be imported. */
  readonly imported: number[] = [];
  /** Imports that were asked for, as they are described. */
  readonly #tasks: string[] = [];
  #lastGroup: Promise<void> = Promise.resolve();
  /** Interfaces that are to go with their machine. */
  readonly #going = new Set<string>();

  private constructor(process: ChildProcess, url: string) {
    this.#process = process;
    this.#url = url;
  }

  static async start(): Promise<Moto> {
    const port = await freePort();
    const child = spawn(programAt('moto_server') ?? 'moto_server', ['-H', '127.0.0.1', '-p', String(port)], {
      stdio: 'ignore',
    });
    process.once('exit', () => child.kill());
    const moto = new Moto(child, `http://127.0.0.1:${port}`);
    while (
      !(await fetch(`${moto.#url}/moto-api/data.json`).then(
        ({ ok }) => ok,
        () => false,
      ))
    ) {
      if (child.exitCode !== null) throw new Error(`moto_server has ended with ${child.exitCode}`);
      await pause(50);
    }
    moto.#front.listen(0, '127.0.0.1');
    await once(moto.#front, 'listening');
    return moto;
  }

  /** Of EC2, S3 and CloudWatch: moto tells them apart by what a signature is for. */
  get url(): string {
    return `http://127.0.0.1:${(this.#front.address() as AddressInfo).port}`;
  }

  /** Resolves when an operation of EC2 has come, before it is passed on. */
  called(action: string): Promise<void> {
    return new Promise((tell) => this.#watchers.push({ action, tell }));
  }

  /** Asks EC2, as somebody who is not VEP; answers the document. */
  ask(action: string, parameters: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.#ask('ec2', action, { Version: '2016-11-15', ...parameters });
  }

  /** Tells CloudWatch a figure of an instance, as EC2 does. */
  async measured(instance: string, MetricName: string, value: number, at: Date): Promise<void> {
    const figure = { MetricName, Value: String(value), Timestamp: at.toISOString() };
    const of = { 'Dimensions.member.1.Name': 'InstanceId', 'Dimensions.member.1.Value': instance };
    const fields = Object.entries({ ...figure, ...of }).map(([name, text]) => [`MetricData.member.1.${name}`, text]);
    const parameters = { Version: '2010-08-01', Namespace: 'AWS/EC2', ...(Object.fromEntries(fields) as object) };
    await this.#ask('monitoring', 'PutMetricData', parameters);
  }

  async #ask(service: string, action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Action: action, ...parameters });
    const response = await fetch(this.#url, { method: 'POST', headers: SIGNED_FOR(service), body });
    const text = await response.text();
    if (!response.ok) throw new Error(`moto refuses ${action}: ${text}`);
    return text;
  }

  /** How many elements of a name an answer of EC2 has. */
  async count(action: string, name: string, parameters: Readonly<Record<string, string>> = {}): Promise<number> {
    return (await this.ask(action, parameters)).split(`<${name}`).length - 1;
  }

  async createBucket(name: string): Promise<void> {
    const location = `<CreateBucketConfiguration><LocationConstraint>${MOTO_ZONE.slice(0, -1)}</LocationConstraint></CreateBucketConfiguration>`;
    const { status } = await fetch(`${this.#url}/${name}`, {
      method: 'PUT',
      headers: SIGNED_FOR('s3'),
      body: location,
    });
    if (status !== 200) throw new Error(`moto makes no bucket: ${status}`);
  }

  /** Names of what is in a bucket. */
  async objects(bucket: string): Promise<string[]> {
    const response = await fetch(`${this.#url}/${bucket}?list-type=2`, { headers: SIGNED_FOR('s3') });
    return elements(await response.text(), 'Key');
  }

  async close(): Promise<void> {
    this.#front.close();
    this.#front.closeAllConnections();
    await once(this.#front, 'close');
    this.#process.kill();
    if (this.#process.exitCode === null) await once(this.#process, 'exit');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Uint8Array);
    } catch {
      return;
    }
    let body = Buffer.concat(pieces);
    const fields = new URLSearchParams(body.toString('latin1', 0, 100_000));
    const action = request.url === '/' ? (fields.get('Action') ?? '') : '';
    if (action === '') this.asked.push(`${request.method} ${request.url}`);
    const watcher = this.#watchers.findIndex((each) => each.action === action);
    if (watcher !== -1) this.#watchers.splice(watcher, 1)[0]?.tell();
    if (action === 'ImportSnapshot' || action === 'DescribeImportSnapshotTasks') {
      const tasks = (): string => this.#tasks.filter((task) => wanted(fields, task)).join('');
      const answer =
        action === 'ImportSnapshot'
          ? await this.#import(fields)
          : documentOf(action, `<importSnapshotTaskSet>${tasks()}</importSnapshotTaskSet>`);
      response.writeHead(200, { 'content-type': 'text/xml' }).end(answer);
      return;
    }
    if (action === 'CreateImage') {
      for (const name of [...fields.keys()]) if (name.startsWith('TagSpecification.2.')) fields.delete(name);
      body = Buffer.from(fields.toString());
    }
    if (fields.get('Attachment.DeleteOnTermination') === 'true')
      this.#going.add(fields.get('NetworkInterfaceId') ?? '');
    const { connection: _connection, host: _host, 'content-length': _length, ...headers } = request.headers;
    const options = { method: request.method, headers: { ...headers, 'content-length': String(body.byteLength) } };
    const ending = action === 'TerminateInstances' ? await this.#interfacesOf(fields) : [];
    const [leaving, lent] = [ending.filter((id) => this.#going.has(id)), await this.#lentTo(ending)];
    const answered = action === 'CreateSecurityGroup' ? await this.#turnOfGroup() : (): void => undefined;
    const outgoing = http.request(`${this.#url}${request.url}`, options, (answer) => {
      const { connection: _closing, 'keep-alive': _alive, ...kept } = answer.headers;
      const [gone, free] = answer.statusCode === 200 ? [leaving, lent] : [[], []];
      // moto removes them though they are still plugged in.
      const removed = [
        ...gone.map((NetworkInterfaceId) => this.ask('DeleteNetworkInterface', { NetworkInterfaceId })),
        ...free.map((AssociationId) => this.ask('DisassociateAddress', { AssociationId })),
      ];
      void Promise.allSettled(removed).then(() => {
        response.writeHead(answer.statusCode ?? 502, kept);
        answer.pipe(response);
      });
    });
    outgoing.on('error', () => response.destroy());
    outgoing.on('close', answered);
    outgoing.end(body);
  }

  /** Of two groups of one name that are asked for at once moto makes both: they are asked for one after the other. */
  async #turnOfGroup(): Promise<() => void> {
    const before = this.#lastGroup;
    let done = (): void => undefined;
    this.#lastGroup = new Promise((resolve) => (done = resolve));
    await before;
    return done;
  }

  /** Interfaces of the machines of a request. */
  async #interfacesOf(fields: URLSearchParams): Promise<readonly string[]> {
    const machines = [...fields].filter(([name]) => name.startsWith('InstanceId.')).map(([, id]) => id);
    const found = await this.ask('DescribeNetworkInterfaces', filtered('attachment.instance-id', machines));
    return elements(found, 'networkInterfaceId');
  }

  /** Addresses that are lent to interfaces, by the ids of their associations. */
  async #lentTo(interfaces: readonly string[]): Promise<readonly string[]> {
    if (interfaces.length === 0) return [];
    const found = await this.ask('DescribeAddresses', filtered('network-interface-id', interfaces));
    return elements(found, 'associationId');
  }

  async #import(fields: URLSearchParams): Promise<string> {
    const at = `${fields.get('DiskContainer.UserBucket.S3Bucket')}/${fields.get('DiskContainer.UserBucket.S3Key')}`;
    const object = await fetch(`${this.#url}/${at}`, { method: 'HEAD', headers: SIGNED_FOR('s3') });
    this.imported.push(Number(object.headers.get('content-length')));
    const volume = await this.ask('CreateVolume', { AvailabilityZone: MOTO_ZONE, Size: '1' });
    const [VolumeId = ''] = elements(volume, 'volumeId');
    const [snapshot = ''] = elements(await this.ask('CreateSnapshot', { VolumeId }), 'snapshotId');
    await this.ask('DeleteVolume', { VolumeId });
    const tag = (at: number, part: string): string | null => fields.get(`TagSpecification.1.Tag.${at}.${part}`);
    let tags = '';
    for (let at = 1; tag(at, 'Key') !== null; at++)
      tags += `<item><key>${tag(at, 'Key')}</key><value>${tag(at, 'Value') ?? ''}</value></item>`;
    const task = `<importTaskId>import-${snapshot}</importTaskId><tagSet>${tags}</tagSet>`;
    const detail = (status: string): string =>
      `<snapshotTaskDetail><snapshotId>${snapshot}</snapshotId><status>${status}</status></snapshotTaskDetail>`;
    this.#tasks.push(`<item>${task}${detail('completed')}</item>`);
    return documentOf('ImportSnapshot', `${task}${detail('active')}`);
  }
}

const filtered = (name: string, values: readonly string[]): Readonly<Record<string, string>> => ({
  'Filter.1.Name': name,
  ...Object.fromEntries(values.map((value, at) => [`Filter.1.Value.${at + 1}`, value])),
});

const documentOf = (action: string, content: string): string =>
  `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId>${content}</${action}Response>`;

/** moto reads who is meant out of the signature and does not check it. */
const SIGNED_FOR = (service: string): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=other/20260101/${MOTO_ZONE.slice(0, -1)}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
});

/** Whether a task is one that is asked for by its id; a filter by tag is left to whoever asks. */
function wanted(fields: URLSearchParams, task: string): boolean {
  const ids = [...fields].filter(([name]) => name.startsWith('ImportTaskId.')).map(([, id]) => id);
  return ids.length === 0 || ids.some((id) => task.includes(`<importTaskId>${id}<`));
}
