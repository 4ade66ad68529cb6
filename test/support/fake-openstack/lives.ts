/** The lives of servers: sequences of status, vm_state, task_state and power_state as they were recorded. */

import type { Moment, Server } from './world.js';

type Stage = readonly [status: string, vm: string, task: string | null, power: number];

export interface Life {
  /** vm_states it may begin in; everything else is a conflict. */
  readonly from: readonly string[];
  readonly stages: readonly Stage[];
  /** What instance actions call it. */
  readonly action: string;
}

export const BIRTH: readonly Stage[] = [
  ['BUILD', 'building', 'scheduling', 0],
  ['BUILD', 'building', null, 0],
  ['BUILD', 'building', 'networking', 0],
  ['BUILD', 'building', 'spawning', 0],
  ['ACTIVE', 'active', null, 1],
];

export const STILLBIRTH: readonly Stage[] = [
  ['BUILD', 'building', 'scheduling', 0],
  ['ERROR', 'error', null, 0],
];

/** By the member of an action's body. */
export const LIVES: Readonly<Record<string, Life>> = {
  'os-stop': {
    from: ['active', 'error'],
    stages: [
      ['ACTIVE', 'active', 'powering-off', 1],
      ['SHUTOFF', 'stopped', null, 4],
    ],
    action: 'stop',
  },
  'os-start': {
    from: ['stopped'],
    stages: [
      ['SHUTOFF', 'stopped', 'powering-on', 4],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'start',
  },
  suspend: {
    from: ['active'],
    stages: [
      ['ACTIVE', 'active', 'suspending', 1],
      ['SUSPENDED', 'suspended', null, 1],
    ],
    action: 'suspend',
  },
  resume: {
    from: ['suspended'],
    stages: [
      ['SUSPENDED', 'suspended', 'resuming', 1],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'resume',
  },
  pause: {
    from: ['active'],
    stages: [
      ['ACTIVE', 'active', 'pausing', 1],
      ['PAUSED', 'paused', null, 1],
    ],
    action: 'pause',
  },
  unpause: {
    from: ['paused'],
    stages: [
      ['PAUSED', 'paused', 'unpausing', 1],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'unpause',
  },
  shelve: {
    from: ['active', 'stopped', 'paused', 'suspended'],
    stages: [
      ['ACTIVE', 'active', 'shelving', 1],
      ['SHELVED', 'shelved', 'shelving_offloading', 4],
      ['SHELVED_OFFLOADED', 'shelved_offloaded', null, 4],
    ],
    action: 'shelve',
  },
  unshelve: {
    from: ['shelved', 'shelved_offloaded'],
    stages: [
      ['SHELVED_OFFLOADED', 'shelved_offloaded', 'unshelving', 4],
      ['SHELVED_OFFLOADED', 'shelved_offloaded', 'spawning', 4],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'unshelve',
  },
};

export const REBOOTS: Readonly<Record<string, Life>> = {
  SOFT: {
    from: ['active'],
    stages: [
      ['REBOOT', 'active', 'rebooting', 1],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'reboot',
  },
  HARD: {
    from: ['active', 'stopped', 'paused', 'suspended', 'error'],
    stages: [
      ['HARD_REBOOT', 'active', 'rebooting_hard', 1],
      ['ACTIVE', 'active', null, 1],
    ],
    action: 'reboot',
  },
};

/** A change of size; what runs goes on running. */
export function resizing(power: number): Life {
  return {
    from: ['active', 'stopped'],
    stages: [
      ['RESIZE', 'active', 'resize_prep', power],
      ['RESIZE', 'active', 'resize_migrated', power],
      ['RESIZE', 'active', 'resize_finish', power],
      ['VERIFY_RESIZE', 'resized', null, power],
    ],
    action: 'resize',
  };
}

/** Lets a server live through stages from now on, `stepMs` for each but the last, which lasts. */
export function lives(server: Server, stages: readonly Stage[], stepMs: number, then?: () => void): void {
  const now = Date.now();
  const moments = stages.map(([status, vm, task, power], index): Moment => ({
    at: now + index * stepMs,
    status,
    vm,
    task,
    power,
    ...(index === stages.length - 1 && then ? { then } : {}),
  }));
  server.moments.splice(0, server.moments.length, ...moments);
}
