/** Servers of Nova: made, listed as it lists them, and removed. */

import { fault, noMarker, paged, type Answer, type Json, type Request } from './answers.js';
import { refuseOverQuota } from './compute-quota.js';
import { BIRTH, lives, STILLBIRTH } from './lives.js';
import type { Orders } from './orders.js';
import type { Plugs } from './plugs.js';
import type { Scheduler } from './scheduler.js';
import { isSeenBy } from './glance.js';
import { flavorOfRequest, refuseTooSmall } from './server-request.js';
import { momentOf, type Grant, type Server, type Thing, type World } from './world.js';

export interface ServerServices {
  readonly world: World;
  readonly scheduler: Scheduler;
  readonly plugs: Plugs;
  readonly orders: Orders;
  readonly stepMs: number;
}

/** A server that is not there yet. */
interface Coming {
  readonly server: Server;
  readonly volumes: readonly Thing[];
  readonly ports: readonly string[];
  readonly hints: Json;
  /** Where it must run. */
  readonly host: string | undefined;
}

/** Of servers that were accepted at the same time as others. */
const LATE_QUOTA = {
  code: 413,
  message: 'Quota exceeded for instances: Requested 1, but already used 10 of 10 instances',
};

export class Servers {
  readonly #services: ServerServices;
  readonly #slow: Coming[] = [];

  constructor(services: ServerServices) {
    this.#services = services;
  }

  /** A server of the project that asks. */
  own(id: string, { project }: Grant): Server {
    const server = this.#services.world.servers.get(id);
    if (server?.project === project.id) return server;
    throw fault(404, `Instance ${id} could not be found.`);
  }

  create(wanted: Json, grant: Grant, requestId: string, minor: number): Answer {
    const { world, plugs, orders } = this.#services;
    const { server: asked } = wanted;
    const hints = wanted['os:scheduler_hints'] ?? {};
    const flavor = flavorOfRequest(world, asked, minor);
    const image = asked.imageRef === undefined ? undefined : world.images.get(asked.imageRef);
    if (asked.imageRef !== undefined && !(image?.body.status === 'active' && isSeenBy(image, grant.project)))
      throw fault(400, 'Can not find requested image');
    const mapping = (asked.block_device_mapping_v2 ?? []) as Json[];
    const volumes = mapping.filter((each) => each.source_type === 'volume').map(({ uuid }) => plugs.find(uuid));
    if (!image && volumes.length === 0) throw fault(400, 'Invalid imageRef provided.');
    const boot = volumes[0];
    if (!image && boot?.body.bootable !== 'true') throw fault(400, `Block Device ${boot?.id} is not bootable.`);
    refuseTooSmall(flavor, image?.body ?? boot?.body.volume_image_metadata ?? {});
    refuseOverQuota(world, grant.project, flavor);
    if (mapping.length > 0 && !mapping.some((each) => each.boot_index === 0))
      throw fault(
        400,
        'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
      );
    if (asked.host !== undefined && !world.hosts.includes(asked.host))
      throw fault(400, `Compute host ${asked.host} could not be found.`);
    if (asked.availability_zone !== undefined && !world.zones.get(asked.availability_zone))
      throw fault(400, 'The requested availability zone is not available');
    const id = world.uuid();
    // One by one: what is reserved stays so where a later one is refused.
    for (const volume of volumes) plugs.reserve(plugs.free(volume, minor), id);
    const server: Server = {
      id,
      project: grant.project.id,
      user: grant.user.id,
      name: asked.name,
      created: world.now(),
      image: image?.id,
      flavor,
      metadata: { ...asked.metadata },
      tags: asked.tags ?? [],
      group: hints.group,
      zone: asked.availability_zone ?? 'nova',
      host: null,
      configDrive: asked.config_drive === true,
      userData: asked.user_data,
      moments: [],
      locked: false,
      volumes: volumes.map((volume) => volume.id),
      actions: [{ id: requestId, action: 'create', error: false, done: true }],
    };
    const ports = (Array.isArray(asked.networks) ? asked.networks : []).map(({ port }: Json) => port as string);
    const coming: Coming = { server, volumes, ports, hints, host: asked.host };
    if (orders.take('slow-create')) this.#slow.push(coming);
    else this.#born(coming);
    const self = `http://controller.internal/v2.1/servers/${id}`;
    const made = {
      id,
      links: [{ rel: 'self', href: self }],
      'OS-DCF:diskConfig': 'MANUAL',
      security_groups: [{ name: 'default' }],
      adminPass: 'secret-of-the-guest',
    };
    return { status: 202, headers: { location: self }, body: { server: made } };
  }

  /** Servers that were ordered to come slowly are there from now on. */
  hurry(): void {
    for (const coming of this.#slow.splice(0)) this.#born(coming);
  }

  remove(server: Server): Answer {
    const { world, plugs, stepMs } = this.#services;
    const { status, vm, power } = momentOf(server);
    const stages = [
      [status, vm, 'deleting', power],
      ['DELETED', 'deleted', null, 0],
    ] as const;
    lives(server, stages, stepMs, () => {
      world.servers.delete(server.id);
      plugs.letGo(server);
    });
    return { status: 204 };
  }

  list(request: Request, { project }: Grant): Answer {
    const tags = request.query.get('tags')?.split(',') ?? [];
    // MySQL finds tags without regard to case; what VEP asks for has none.
    const mine = [...this.#services.world.servers.values()].filter(
      (server) => server.project === project.id && tags.every((tag) => server.tags.includes(tag)),
    );
    return { status: 200, body: paged(request, 'servers', mine.reverse(), (server) => this.#shown(server), noMarker) };
  }

  show(server: Server): Answer {
    return { status: 200, body: { server: this.#shown(server) } };
  }

  #born({ server, volumes, ports, hints, host }: Coming): void {
    const { world, scheduler, plugs, orders, stepMs } = this.#services;
    const late = orders.take('late-quota');
    const failing = orders.take('fail-create') || late;
    const lost = ports.find((port) => !world.ports.has(port));
    const chosen = failing || lost !== undefined ? undefined : scheduler.choose(server, host, hints);
    world.servers.set(server.id, server);
    if (chosen === undefined) {
      const fallen = late ? LATE_QUOTA : { code: 500, message: 'No valid host was found. ' };
      const message = `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${server.id}.`;
      lives(server, STILLBIRTH, stepMs, () => (server.fault = lost === undefined ? fallen : { code: 500, message }));
      for (const volume of volumes) plugs.release(volume, server);
      return;
    }
    server.host = chosen;
    for (const [index, volume] of volumes.entries()) world.after(stepMs, () => plugs.use(volume, server, index));
    for (const port of ports) plugs.bind(port, server);
    lives(server, BIRTH, stepMs);
  }

  #shown(server: Server): Json {
    const { world } = this.#services;
    const { status, vm, task, power } = momentOf(server);
    const { vcpus, ram, disk, name } = server.flavor;
    return {
      id: server.id,
      name: server.name,
      status,
      tenant_id: server.project,
      user_id: server.user,
      metadata: server.metadata,
      hostId: server.host === null ? '' : Buffer.from(`${server.project}${server.host}`).toString('hex').slice(-56),
      image: server.image === undefined ? '' : { id: server.image },
      flavor: { vcpus, ram, disk, ephemeral: 0, swap: 0, original_name: name, extra_specs: {} },
      created: server.created,
      updated: world.now(),
      addresses: {},
      accessIPv4: '',
      accessIPv6: '',
      'OS-DCF:diskConfig': 'MANUAL',
      'OS-EXT-AZ:availability_zone': server.host === null ? '' : server.zone,
      config_drive: server.configDrive ? 'True' : '',
      key_name: null,
      'OS-SRV-USG:launched_at': null,
      'OS-SRV-USG:terminated_at': null,
      'OS-EXT-STS:task_state': task,
      'OS-EXT-STS:vm_state': vm,
      'OS-EXT-STS:power_state': power,
      'OS-EXT-SRV-ATTR:host': server.host,
      'os-extended-volumes:volumes_attached': server.volumes.map((id) => ({ id })),
      locked: server.locked,
      locked_reason: null,
      description: null,
      tags: server.tags,
      server_groups: server.group === undefined ? [] : [server.group],
      ...(status === 'ERROR' ? { fault: { ...server.fault, created: world.now() } } : {}),
    };
  }
}
