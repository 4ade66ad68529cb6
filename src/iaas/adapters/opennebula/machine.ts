/** A virtual machine as oned describes it, read once into what the adapter wants to know of it. */

import type { Observed } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { marksIn, plugMarksIn, type Marks } from './marks.js';
import { ownedBy, type Owned } from './as-owner.js';
import { RUNNING, VM, machineMeaning } from './states.js';

const MIB = 2 ** 20;

/** A NIC or a disk of a machine. */
export interface Plug {
  /** NIC_ID or DISK_ID. */
  readonly number: number;
  readonly marks: Marks | undefined;
  /** Being attached or detached. */
  readonly busy: boolean;
  readonly vector: Branch;
}

export interface Machine extends Owned {
  readonly id: number;
  readonly state: number;
  readonly lifeCycle: number;
  /** Undefined for a machine that is done. */
  readonly meaning: ReturnType<typeof machineMeaning>;
  readonly marks: Marks | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly nics: readonly Plug[];
  readonly disks: readonly Plug[];
  /** Host it is on, or that VEP has chosen for it. */
  readonly host: { readonly id: number; readonly name: string } | undefined;
  /** It takes room on its host in the eyes of oned. */
  readonly placed: boolean;
  /** Switched on for the first time only so that something can be plugged in; see plugs.ts. */
  readonly priming: boolean;
  /** Digests of NICs and disks that are let go of and cannot be detached yet; see plugs.ts. */
  readonly left: ReadonlySet<string>;
  readonly message: string | undefined;
  readonly body: Branch;
}

export function readMachine(body: Branch, realm: string): Machine {
  const [state, lifeCycle] = [body.number(-1, 'STATE'), body.number(0, 'LCM_STATE')];
  const [template, user] = [body.child('TEMPLATE'), body.child('USER_TEMPLATE')];
  const placed = [VM.active, VM.poweroff, VM.suspended].includes(state as 3 | 8 | 5);
  return {
    id: body.number(-1, 'ID'),
    ...ownedBy(body),
    state,
    lifeCycle,
    meaning: machineMeaning(state, lifeCycle),
    marks: marksIn(user, realm),
    cores: template?.number(Math.ceil(template.number(1, 'CPU')), 'VCPU') ?? 1,
    memoryBytes: (template?.number(0, 'MEMORY') ?? 0) * MIB,
    nics: plugsOf(template, 'NIC', 'NIC_ID'),
    disks: plugsOf(template, 'DISK', 'DISK_ID'),
    host: placed ? hostOf(body) : chosenHost(user),
    placed,
    priming: user?.value('VEP_PRIMING') === 'YES',
    left: new Set((user?.value('VEP_LEFT') ?? '').split(',').filter(Boolean)),
    message: messageOf(user),
    body,
  };
}

export const isRunning = (machine: Machine): boolean => machine.state === VM.active && machine.lifeCycle === RUNNING;

function plugsOf(template: Branch | undefined, name: string, number: string): readonly Plug[] {
  return (template?.all(name) ?? []).map((vector) => ({
    number: vector.number(-1, number),
    marks: plugMarksIn(vector),
    busy: vector.value('ATTACH') === 'YES',
    vector,
  }));
}

function hostOf(body: Branch): Machine['host'] {
  const last = body.child('HISTORY_RECORDS')?.all('HISTORY').at(-1);
  const name = last?.value('HOSTNAME');
  return name === undefined ? undefined : { id: last?.number(-1, 'HID') ?? -1, name };
}

function chosenHost(user: Branch | undefined): Machine['host'] {
  const [id, name] = [user?.number(-1, 'VEP_HOST_ID') ?? -1, user?.value('VEP_HOST')];
  return id === -1 || name === undefined ? undefined : { id, name };
}

/** oned's drivers and its scheduler leave their words in the user's part of the template, with a date before them. */
function messageOf(user: Branch | undefined): string | undefined {
  const text = user?.value('ERROR') ?? user?.value('SCHED_MESSAGE');
  return text?.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4} ?: /, '');
}

type ObservedMachine = Extract<Observed, { readonly class: 'compute' }>;

/** The machine in OCCI's words; nothing when it is gone. */
export function observeMachine(machine: Machine): ObservedMachine | undefined {
  const { meaning, marks, host, message, body } = machine;
  if (!meaning) return undefined;
  // Whoever asked for something to be plugged in has not started it.
  const primed = machine.priming && meaning.state !== 'error';
  const state = primed ? 'inactive' : meaning.state;
  const words = state === 'error' ? (message ?? meaning.name) : message;
  return {
    class: 'compute',
    ref: String(machine.id),
    ...(marks === undefined ? {} : { id: marks.id }),
    name: body.value('NAME') ?? '',
    state,
    busy: meaning.busy === true || (primed && isRunning(machine)),
    cores: machine.cores,
    memoryBytes: machine.memoryBytes,
    ...(host === undefined ? {} : { host: host.name }),
    ...(words === undefined ? {} : { message: words }),
  };
}
