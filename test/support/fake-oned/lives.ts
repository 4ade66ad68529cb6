/** The lives of machines in a fake oned: what is legal when, through which states it goes and how long it takes. */

import { imageXml, vmXml } from './bodies.js';
import { Refused } from './wire.js';
import type { Host, Image, Machine, World } from './world.js';

/** Milliseconds: how long the old state is still shown after an action was accepted, and how long each state on the way lasts. */
export interface Pace {
  readonly lagMs: number;
  readonly stepMs: number;
}

/** STATE and LCM_STATE. */
export type At = readonly [state: number, lcm: number];

/** The states of images that are told of. */
const IMAGE_STATES: Readonly<Record<number, string>> = { 1: 'READY', 3: 'DISABLED', 5: 'ERROR' };

const NAMES: Readonly<Record<string, string>> = {
  '1 0': 'PENDING',
  '2 0': 'HOLD',
  '3 1': 'PROLOG',
  '3 2': 'BOOT',
  '3 3': 'RUNNING',
  '3 5': 'SAVE_STOP',
  '3 6': 'SAVE_SUSPEND',
  '3 10': 'EPILOG_STOP',
  '3 11': 'EPILOG',
  '3 12': 'SHUTDOWN',
  '3 17': 'HOTPLUG',
  '3 18': 'SHUTDOWN_POWEROFF',
  '3 20': 'BOOT_POWEROFF',
  '3 21': 'BOOT_SUSPENDED',
  '3 25': 'HOTPLUG_NIC',
  '3 26': 'HOTPLUG_SAVEAS',
  '3 29': 'SHUTDOWN_UNDEPLOY',
  '3 30': 'EPILOG_UNDEPLOY',
  '3 33': 'HOTPLUG_PROLOG_POWEROFF',
  '3 34': 'HOTPLUG_EPILOG_POWEROFF',
  '3 36': 'BOOT_FAILURE',
  '3 62': 'DISK_RESIZE',
  '3 63': 'DISK_RESIZE_POWEROFF',
  '3 64': 'DISK_RESIZE_UNDEPLOYED',
  '4 0': 'STOPPED',
  '5 0': 'SUSPENDED',
  '6 0': 'DONE',
  '8 0': 'POWEROFF',
  '9 0': 'UNDEPLOYED',
  '10 0': 'CLONING',
  '11 0': 'CLONING_FAILURE',
};

export function stateName({ state, lcm }: Pick<Machine, 'state' | 'lcm'>): string {
  return NAMES[`${state} ${lcm}`] ?? `${state} ${lcm}`;
}

const RUNNING = 'RUNNING';
/** LCM_STATE of machines that are on: RUNNING, and what is plugged or saved meanwhile. */
const ON = [3, 17, 24, 25, 26, 62];
const isOn = ([state, lcm]: At): boolean => state === 3 && ON.includes(lcm);

/** Where a machine has disks on a host or in its place of rest, which an EPILOG takes away. */
const OFF = ['SUSPENDED', 'POWEROFF', 'STOPPED', 'UNDEPLOYED'];
const NOWHERE = ['PENDING', 'HOLD', 'CLONING', 'CLONING_FAILURE', 'BOOT_FAILURE'];

/** By EPILOG into DONE; what runs is shut down before. */
const END: Readonly<Record<string, readonly At[]>> = {
  [RUNNING]: [
    [3, 12],
    [3, 11],
    [6, 0],
  ],
  ...Object.fromEntries(
    OFF.map((name) => [
      name,
      [
        [3, 11],
        [6, 0],
      ],
    ]),
  ),
  ...Object.fromEntries(NOWHERE.map((name) => [name, [[6, 0]]])),
  DONE: [],
};

/** What each action goes through, by the state it is legal in. */
const ACTIONS: Readonly<Record<string, Readonly<Record<string, readonly At[]>>>> = {
  hold: { PENDING: [[2, 0]] },
  release: { HOLD: [[1, 0]] },
  poweroff: {
    [RUNNING]: [
      [3, 18],
      [8, 0],
    ],
  },
  'poweroff-hard': {
    [RUNNING]: [
      [3, 18],
      [8, 0],
    ],
  },
  suspend: {
    [RUNNING]: [
      [3, 6],
      [5, 0],
    ],
  },
  stop: {
    [RUNNING]: [
      [3, 5],
      [3, 10],
      [4, 0],
    ],
    SUSPENDED: [
      [3, 10],
      [4, 0],
    ],
  },
  undeploy: {
    [RUNNING]: [
      [3, 29],
      [3, 30],
      [9, 0],
    ],
    POWEROFF: [
      [3, 30],
      [9, 0],
    ],
  },
  'undeploy-hard': {
    [RUNNING]: [
      [3, 29],
      [3, 30],
      [9, 0],
    ],
    POWEROFF: [
      [3, 30],
      [9, 0],
    ],
  },
  resume: {
    SUSPENDED: [
      [3, 21],
      [3, 3],
    ],
    POWEROFF: [
      [3, 20],
      [3, 3],
    ],
    STOPPED: [[1, 0]],
    UNDEPLOYED: [[1, 0]],
  },
  reboot: { [RUNNING]: [] },
  'reboot-hard': { [RUNNING]: [] },
  terminate: END,
  'terminate-hard': END,
};

export class Lives {
  readonly #world: World;
  readonly #pace: Pace;
  readonly #publish: (key: string, body: string) => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(world: World, pace: Pace, publish: (key: string, body: string) => void) {
    this.#world = world;
    this.#pace = pace;
    this.#publish = publish;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  /** An action of `one.vm.action`. `quietly`: accepted, and the guest does not do it. */
  act(vm: Machine, action: string, quietly: boolean): void {
    const legal = ACTIONS[action];
    if (!legal) throw new Refused(2048, `Action "${action}" is not supported`);
    const path = legal[stateName(vm)];
    if (!path) {
      const words =
        action.startsWith('terminate') && vm.state === 3
          ? `Could not terminate VM ${vm.id}, wrong state ${stateName(vm)}.`
          : `This action is not available for state ${stateName(vm)}`;
      throw new Refused(2048, `Error performing action "${action}": ${words}`);
    }
    if (action.startsWith('reboot')) this.#world.reboots.push(vm.id);
    const [first] = path;
    // What needs no driver is so at once.
    if (path.length === 1 && first && vm.state !== 3) this.put(vm, first);
    else if (quietly && first && isOn([vm.state, vm.lcm])) this.go(vm, [first, [3, 3]]);
    else this.go(vm, path);
  }

  deploy(vm: Machine, host: Host, fails: boolean): void {
    if (!['HOLD', 'PENDING', 'STOPPED', 'UNDEPLOYED'].includes(stateName(vm)))
      throw new Refused(2048, `Could not deploy VM ${vm.id}, wrong state ${stateName(vm)}.`);
    vm.host = host;
    this.#record(vm, host);
    this.go(
      vm,
      fails
        ? [
            [3, 1],
            [3, 2],
            [3, 36],
          ]
        : [
            [3, 1],
            [3, 2],
            [3, 3],
          ],
      () => {
        if (fails) vm.user.set('ERROR', `Sun Nov 22 10:30:52 2026: DEPLOY: ${host.name}:${vm.name}:dummy`);
      },
    );
  }

  #record(vm: Machine, host: Host): void {
    const { now } = this.#world;
    vm.history.push(
      new Map(
        Object.entries({
          OID: vm.id,
          SEQ: vm.history.length,
          HOSTNAME: host.name,
          HID: host.id,
          CID: 100,
          STIME: now,
          ETIME: 0,
          VM_MAD: 'dummy',
          TM_MAD: 'dummy',
          DS_ID: 100,
          PSTIME: now,
          PETIME: now,
          RSTIME: now,
          RETIME: 0,
          ESTIME: 0,
          EETIME: 0,
          ACTION: 0,
          UID: -1,
          GID: -1,
          REQUEST_ID: -1,
        }).map(([name, value]) => [name, String(value)]),
      ),
    );
  }

  /** Ends the record of a machine that is switched off, and begins another when it is on again. */
  #keepAccount(vm: Machine): void {
    const last = vm.history.at(-1);
    if (!last) return;
    const open = last.get('RETIME') === '0';
    if (open && isOn(vm.previous) && !isOn([vm.state, vm.lcm]))
      for (const name of ['RETIME', 'ETIME']) last.set(name, String(this.#world.now));
    else if (!open && isOn([vm.state, vm.lcm]) && vm.host) this.#record(vm, vm.host);
  }

  /** Leads a machine along a path, the old state showing for a while; `then` when it has arrived. */
  go(vm: Machine, path: readonly At[], then: () => void = () => undefined): void {
    const { lagMs, stepMs } = this.#pace;
    const { turn } = vm;
    const step = (index: number, expected: number): void => {
      if (vm.turn !== expected || vm.state === 6) return;
      const at = path[index];
      if (!at) return;
      if (index === path.length - 1) then();
      this.put(vm, at);
      if (index < path.length - 1) this.after(stepMs, () => step(index + 1, expected + 1));
    };
    this.after(lagMs, () => step(0, turn));
  }

  put(vm: Machine, [state, lcm]: At): void {
    vm.turn += 1;
    vm.previous = [vm.state, vm.lcm];
    vm.state = state;
    vm.lcm = lcm;
    this.#keepAccount(vm);
    if (state === 6) this.#end(vm);
    this.tell(vm);
  }

  #end(vm: Machine): void {
    vm.ended = this.#world.now;
    for (const net of this.#world.networks.values())
      net.leases = net.leases.filter(({ by }) => by === 'held' || !('vm' in by) || by.vm !== vm.id);
    for (const disk of vm.template.vectors('DISK')) {
      const image = this.#world.images.get(Number(disk.get('IMAGE_ID')));
      if (image && this.#world.usesOf(image) === 0) image.state = 1;
    }
  }

  tell(vm: Machine): void {
    const state = vm.state === 3 ? `ACTIVE/${stateName(vm)}` : `${stateName(vm)}/LCM_INIT`;
    const head = `<HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>VM</HOOK_OBJECT><STATE>${vm.state === 3 ? 'ACTIVE' : stateName(vm)}</STATE>`;
    const body = `<HOOK_MESSAGE>${head}<LCM_STATE>${vm.state === 3 ? stateName(vm) : 'LCM_INIT'}</LCM_STATE><RESOURCE_ID>${vm.id}</RESOURCE_ID><REMOTE_HOST>${vm.host?.name ?? ''}</REMOTE_HOST>${vmXml(this.#world, vm)}</HOOK_MESSAGE>`;
    this.#publish(`EVENT STATE VM/${state}/${vm.id} `, body);
  }

  tellImage(image: Image): void {
    const state = IMAGE_STATES[image.state] ?? '';
    const head = `<HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>IMAGE</HOOK_OBJECT><STATE>${state}</STATE><RESOURCE_ID>${image.id}</RESOURCE_ID>`;
    this.#publish(
      `EVENT STATE IMAGE/${state}//${image.id} `,
      `<HOOK_MESSAGE>${head}${imageXml(this.#world, image)}</HOOK_MESSAGE>`,
    );
  }
}
