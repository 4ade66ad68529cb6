/** What servers are plugged into: ports of Neutron and volumes of Cinder, bound when a server is made or later. */

import { fault, type Answer, type Json } from './answers.js';
import { momentOf, type Server, type Thing, type World } from './world.js';

export class Plugs {
  readonly #world: World;
  readonly #stepMs: number;

  constructor(world: World, stepMs: number) {
    this.#world = world;
    this.#stepMs = stepMs;
  }

  find(uuid: string): Thing {
    const volume = this.#world.volumes.get(uuid);
    if (volume) return volume;
    throw fault(400, `Block Device Mapping is Invalid: failed to get volume ${uuid}.`);
  }

  /** A volume that can be given to one more server. */
  free(volume: Thing, minor: number): Thing {
    const { status, multiattach } = volume.body;
    if (multiattach && minor < 60)
      throw fault(400, 'Multiattach volumes are only supported starting with compute API version 2.60.');
    const takes = multiattach ? ['available', 'in-use', 'downloading'] : ['available', 'downloading'];
    if (!takes.includes(status))
      throw fault(
        400,
        `Invalid volume: Invalid input received: Invalid volume: Volume ${volume.id} status must be ${takes.join(' or ')} to reserve, but the current status is ${status}. (HTTP 400)`,
      );
    return volume;
  }

  /** Cinder holds it for one server, and gives it to no other meanwhile. */
  reserve({ id, body }: Thing, server: string, status: 'reserved' | 'attaching' = 'reserved'): void {
    body.status = status;
    this.#world.reservations.set(id, { id: this.#world.uuid(), server });
  }

  /** What was reserved for a server is there. */
  use({ id, body }: Thing, server: Server, index: number): void {
    if (this.#world.reservations.get(id)?.server !== server.id) return;
    this.#world.reservations.delete(id);
    body.status = 'in-use';
    const attachment = {
      id,
      attachment_id: this.#world.uuid(),
      volume_id: id,
      server_id: server.id,
      device: device(index),
      attached_at: this.#world.now(),
    };
    body.attachments = [...body.attachments, attachment];
  }

  /** A server has let go of a volume, which others may have yet. */
  release({ id, body }: Thing, server: Server): void {
    if (this.#world.reservations.get(id)?.server === server.id) this.#world.reservations.delete(id);
    body.attachments = body.attachments.filter((each: Json) => each.server_id !== server.id);
    if (!this.#world.reservations.has(id)) body.status = body.attachments.length > 0 ? 'in-use' : 'available';
  }

  bind(port: string, server: Server): void {
    const found = this.#world.ports.get(port);
    if (!found) throw fault(400, `Port ${port} could not be found.`);
    Object.assign(found.body, { device_id: server.id, device_owner: 'compute:nova', status: 'ACTIVE' });
  }

  plug(server: Server, port: string): Answer {
    settled(server, 'attach_interface');
    this.bind(port, server);
    const { body } = this.#world.ports.get(port) as Thing;
    const interfaceAttachment = {
      net_id: body.network_id,
      port_id: port,
      mac_addr: body.mac_address,
      port_state: 'ACTIVE',
      fixed_ips: body.fixed_ips,
      tag: null,
    };
    return { status: 200, body: { interfaceAttachment } };
  }

  attach(server: Server, { volumeAttachment: asked }: Json, minor: number): Answer {
    settled(server, 'attach_volume');
    const holders = (this.#world.volumes.get(asked.volumeId)?.body.attachments ?? []).map(
      (each: Json) => each.server_id,
    );
    if (server.volumes.includes(asked.volumeId))
      throw fault(400, `Invalid volume: volume ${asked.volumeId} already attached`);
    if (holders.length > 0 && !this.#world.volumes.get(asked.volumeId)?.body.multiattach)
      throw fault(
        400,
        `Invalid volume: volume ${asked.volumeId} is already attached to instances: ${holders.join(' ')}`,
      );
    const volume = this.free(this.find(asked.volumeId), minor);
    this.reserve(volume, server.id, 'attaching');
    const index = server.volumes.length + 1;
    this.#world.after(this.#stepMs, () => this.use(volume, server, index));
    server.volumes.push(volume.id);
    const volumeAttachment = {
      id: volume.id,
      serverId: server.id,
      volumeId: volume.id,
      device: device(index),
      tag: null,
      delete_on_termination: false,
    };
    return { status: 200, body: { volumeAttachment } };
  }

  detach(server: Server, id: string): Answer {
    const volume = this.#world.volumes.get(id);
    if (!volume) throw fault(404, `Volume ${id} could not be found.`);
    if (!server.volumes.includes(id)) throw fault(404, `Instance ${server.id} is not attached to volume ${id}`);
    if (server.image === undefined && server.volumes[0] === id) throw fault(400, 'Cannot detach a root device volume');
    if (volume.body.status !== 'in-use')
      throw fault(
        400,
        "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
      );
    server.volumes.splice(server.volumes.indexOf(id), 1);
    volume.body.status = 'detaching';
    this.#world.after(this.#stepMs, () => this.release(volume, server));
    return { status: 202 };
  }

  /** A server is gone: what it was plugged into is there for others. */
  letGo(server: Server): void {
    for (const { body } of this.#world.ports.values())
      if (body.device_id === server.id) Object.assign(body, { device_id: '', device_owner: '', status: 'DOWN' });
    for (const id of server.volumes) {
      const volume = this.#world.volumes.get(id);
      if (volume) this.release(volume, server);
    }
  }
}

function device(index: number): string {
  return `/dev/vd${String.fromCharCode(97 + index)}`;
}

function settled(server: Server, action: string): void {
  const { vm, task } = momentOf(server);
  if (task !== null) throw fault(409, `Cannot '${action}' instance ${server.id} while it is in task_state ${task}`);
  if (!['active', 'stopped', 'paused'].includes(vm))
    throw fault(409, `Cannot '${action}' instance ${server.id} while it is in vm_state ${vm}`);
}
