/** `POST /servers/{id}/action`: each action leads a server through a life of its own, and is kept as an instance action. */

import { fault, type Answer, type Json } from './answers.js';
import type { Cinder } from './cinder.js';
import { usedBy } from './compute-quota.js';
import type { Glance } from './glance.js';
import { LIVES, lives, REBOOTS, resizing, STILLBIRTH, type Life } from './lives.js';
import type { Orders } from './orders.js';
import { isOver, momentOf, type Flavor, type Project, type Server, type World } from './world.js';

export interface ActionServices {
  readonly world: World;
  readonly glance: Glance;
  readonly cinder: Cinder;
  readonly orders: Orders;
  readonly stepMs: number;
}

export class ServerActions {
  readonly #services: ActionServices;

  constructor(services: ActionServices) {
    this.#services = services;
  }

  act(server: Server, body: Json, requestId: string): Answer {
    const [name = '', parameters] = Object.entries(body as Record<string, Json>)[0] ?? [];
    const moment = momentOf(server);
    if (server.locked) throw fault(409, `Instance ${server.id} is locked`);
    if (name === 'confirmResize') return this.#confirm(server, moment.power);
    if (name === 'createImage') return this.#save(server, parameters);
    const life =
      name === 'reboot' ? REBOOTS[parameters.type] : name === 'resize' ? resizing(moment.power) : LIVES[name];
    if (!life) throw fault(400, `There is no such action: ${name}`);
    if (moment.vm === 'building' || (moment.vm === 'error' && server.host === null && name !== 'os-stop'))
      throw fault(409, `Instance ${server.id} is not ready`);
    if (moment.task !== null)
      throw fault(409, `Cannot '${life.action}' instance ${server.id} while it is in task_state ${moment.task}`);
    if (!life.from.includes(moment.vm))
      throw fault(409, `Cannot '${life.action}' instance ${server.id} while it is in vm_state ${moment.vm}`);
    const action = { id: requestId, action: life.action, error: false, done: false };
    const flavor = name === 'resize' ? this.#flavorFor(server, parameters.flavorRef) : undefined;
    server.actions.unshift(action);
    this.#live(server, life, action, () => {
      if (flavor) server.flavor = flavor;
    });
    return { status: 202 };
  }

  /** What became of an action: `GET /servers/{id}/os-instance-actions/{request}`. */
  show(server: Server, requestId: string | undefined): Answer {
    const found = server.actions.find(({ id }) => id === requestId);
    if (!found) throw fault(404, `Action for request_id ${requestId} on instance ${server.id} not found`);
    const { id, action, done, error } = found;
    const event = {
      event: `compute_${action}_instance`,
      finish_time: done ? this.#services.world.now() : null,
      result: done ? (error ? 'Error' : 'Success') : null,
    };
    const message = error && done ? 'Error' : null;
    return { status: 200, body: { instanceAction: { action, request_id: id, message, events: [event] } } };
  }

  #live(server: Server, life: Life, action: Server['actions'][number], then: () => void): void {
    const { orders, stepMs } = this.#services;
    const before = momentOf(server);
    if (orders.take('ignore-action')) {
      // Taken, begun, failed, and the server is where it was.
      const stages = [
        life.stages[0] ?? STILLBIRTH[0],
        [before.status, before.vm, null, before.power],
      ] as Life['stages'];
      lives(server, stages, stepMs, () => Object.assign(action, { error: true, done: true }));
      return;
    }
    lives(server, life.stages, stepMs, () => {
      action.done = true;
      then();
    });
  }

  #flavorFor(server: Server, flavorRef: string): Flavor {
    const { world } = this.#services;
    const flavor = world.flavors.get(flavorRef);
    if (!flavor) throw fault(400, `Flavor ${flavorRef} could not be found.`);
    const { quota } = world.projects.get(server.project) as Project;
    const { cores } = usedBy(world, server.project);
    const more = flavor.vcpus - server.flavor.vcpus;
    if (isOver(cores + more, quota.cores))
      throw fault(
        403,
        `Quota exceeded for cores: Requested ${more}, but already used ${cores} of ${quota.cores} cores`,
      );
    return flavor;
  }

  #confirm(server: Server, power: number): Answer {
    if (momentOf(server).vm !== 'resized')
      throw fault(409, `Cannot 'confirmResize' instance ${server.id} while it is in vm_state ${momentOf(server).vm}`);
    const after = power === 4 ? (['SHUTOFF', 'stopped', null, 4] as const) : (['ACTIVE', 'active', null, 1] as const);
    // Shown as before for a while.
    lives(server, [['VERIFY_RESIZE', 'resized', null, power], after], this.#services.stepMs);
    return { status: 204 };
  }

  #save(server: Server, { name, metadata }: Json): Answer {
    const { status, vm, task, power } = momentOf(server);
    if (task !== null) throw fault(409, `Cannot 'createImage' instance ${server.id} while it is in task_state ${task}`);
    if (!['active', 'stopped', 'paused', 'suspended'].includes(vm))
      throw fault(409, `Cannot 'createImage' instance ${server.id} while it is in vm_state ${vm}`);
    const { glance, world, stepMs } = this.#services;
    const base = { name, ...metadata, disk_format: 'qcow2', container_format: 'bare', visibility: 'private' };
    if (server.image === undefined) {
      const mapping = { block_device_mapping: JSON.stringify(this.#snapshots(server, name)), bdm_v2: 'True' };
      const made = glance.add(server.project, { ...base, ...mapping, status: 'active', size: 0 });
      return { status: 202, body: { image_id: made.id } };
    }
    const made = glance.add(server.project, base);
    const stages = [
      [status, vm, 'image_snapshot', power],
      [status, vm, null, power],
    ] as Life['stages'];
    const disk = world.images.get(server.image)?.body.bytes ?? Buffer.alloc(4096);
    lives(server, stages, stepMs, () => glance.fill(made, disk));
    return { status: 202, body: { image_id: made.id } };
  }

  /** Of the volumes of a server that boots from one, as its image names them. */
  #snapshots(server: Server, name: string): Json[] {
    return server.volumes.map((volume, index) => ({
      boot_index: index === 0 ? 0 : null,
      source_type: 'snapshot',
      destination_type: 'volume',
      snapshot_id: this.#services.cinder.snapshot(volume, `snapshot for ${name}`, server.project).id,
    }));
  }
}
