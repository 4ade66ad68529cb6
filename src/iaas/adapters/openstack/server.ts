/** A server as Nova describes it, read once into what the adapter wants to know of it. */

import { isJsonObject, stringAt, type JsonObject } from '../../../base/json.js';
import type { ComputeSize } from '../../adapter.js';
import { itemsOf, membersOf, unkept, type Marks } from './marks.js';
import { GONE, HEADING, MOVING, SHUTDOWN, STATUS, type MachineState } from './states.js';

const MIB = 2 ** 20;

/** What was asked for, and the flavor that was taken for it: the smallest that covers it may be larger. */
export interface Size extends ComputeSize {
  readonly flavor: string;
}

export interface Server {
  readonly id: string;
  readonly project: string;
  readonly created: string;
  readonly name: string;
  readonly status: string;
  readonly task: string | undefined;
  readonly state: MachineState;
  /** On its way to another state by what Nova itself says. */
  readonly busy: boolean;
  /** Where it is on its way to. */
  readonly heading: MachineState | 'gone' | undefined;
  readonly marks: Marks | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly flavor: string;
  /** GiB of the disk that it boots from on its host: a change of size never makes it smaller. 0 for one that boots from a volume. */
  readonly diskGib: number;
  /** It has the flavor that VEP asked for, and so the size. */
  readonly asked: boolean;
  /** VEP is changing its size, and confirms the change when Nova has made it. */
  readonly resizing: boolean;
  /** What was asked for before. */
  readonly before: Size | undefined;
  /** Id of the volume it boots from; it leaves only with the server. */
  readonly bootVolume: string | undefined;
  /** Servers it must not, and must, share a host with, as far as Nova was only given a hint. */
  readonly apart: readonly string[];
  readonly together: readonly string[];
  readonly groups: readonly string[];
  readonly locked: boolean;
  readonly zone: string;
  /** Name of the hypervisor, for those who may know it, and the digest that everybody sees. */
  readonly host: string | undefined;
  readonly hostId: string;
  readonly fault: Fault | undefined;
}

/** Why it is in error. */
export interface Fault {
  /** As a status of HTTP. */
  readonly code: number;
  readonly message: string;
}

export function readServer(body: JsonObject, realm: string): Server {
  const status = stringAt(body, 'status') ?? 'UNKNOWN';
  const task = stringAt(body, 'OS-EXT-STS:task_state');
  const metadata = membersOf(body['metadata']);
  const flavor = membersOf(body['flavor']);
  const flavorName = stringAt(flavor, 'original_name') ?? '';
  const asked = readSize(stringAt(metadata, 'vep_size') ?? '');
  const resizing = stringAt(metadata, 'vep_resizing') ?? NOT_RESIZING;
  const before = readSize(resizing);
  const size = [asked, before].find((each) => each?.flavor === flavorName);
  const known = STATUS[status];
  const off = MOVING.has(status) && body['OS-EXT-STS:power_state'] === SHUTDOWN;
  const words = (name: string): readonly string[] => (stringAt(metadata, name) ?? '').split(',').filter(Boolean);
  return {
    id: stringAt(body, 'id') ?? '',
    project: stringAt(body, 'tenant_id') ?? '',
    created: stringAt(body, 'created') ?? '',
    name: stringAt(body, 'name') ?? '',
    status,
    task,
    state: off ? 'inactive' : (known?.state ?? 'error'),
    busy: (task !== undefined && status !== 'ERROR') || known?.busy === true || task === 'deleting',
    heading: task === undefined ? (status === 'BUILD' ? 'active' : undefined) : (HEADING[task] ?? undefined),
    marks: readMarks(metadata, realm),
    cores: size?.cores ?? Number(flavor['vcpus'] ?? 0),
    memoryBytes: size?.memoryBytes ?? Number(flavor['ram'] ?? 0) * MIB,
    flavor: flavorName,
    diskGib: isJsonObject(body['image']) ? Number(flavor['disk'] ?? 0) : 0,
    asked: asked?.flavor === flavorName,
    resizing: resizing !== NOT_RESIZING,
    before,
    bootVolume: stringAt(metadata, 'vep_boot'),
    apart: words('vep_apart'),
    together: words('vep_together'),
    groups: itemsOf(body['server_groups']).map(String),
    locked: body['locked'] === true,
    zone: stringAt(body, 'OS-EXT-AZ:availability_zone') ?? '',
    host: stringAt(body, 'OS-EXT-SRV-ATTR:host'),
    hostId: stringAt(body, 'hostId') ?? '',
    fault: readFault(membersOf(body['fault'])),
  };
}

export const isGone = ({ status }: Server): boolean => GONE.has(status);

/** Whether it is in a state, or on its way there. */
export function leadsTo(server: Server, state: MachineState): boolean {
  return server.busy ? server.heading === state : server.state === state;
}

function readFault(fault: JsonObject): Fault | undefined {
  const message = stringAt(fault, 'message')?.trim();
  return message === undefined ? undefined : { code: Number(fault['code'] ?? 500), message };
}

function readMarks(metadata: JsonObject, realm: string): Marks | undefined {
  const [id, key] = [stringAt(metadata, 'vep_id'), stringAt(metadata, 'vep_token')];
  if (stringAt(metadata, 'vep_realm') !== realm || id === undefined || key === undefined) return undefined;
  return { id: unkept(id), key };
}

/** `vep_resizing` of a server whose size nobody is changing; else it is the size before. */
export const NOT_RESIZING = 'no';

export function writeSize({ cores, memoryBytes, flavor }: Size): string {
  return `${cores} ${memoryBytes} ${flavor}`.slice(0, 255);
}

function readSize(text: string): Size | undefined {
  const [, cores, memoryBytes, flavor] = /^(\d+) (\d+) (.*)$/.exec(text) ?? [];
  if (flavor === undefined) return undefined;
  return { cores: Number(cores), memoryBytes: Number(memoryBytes), flavor };
}
