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

  /** A volume that nothing uses yet. */
  free(uuid: string): Thing {
    const volume = this.#world.volumes.get(uuid);
    if (!volume) throw fault(400, `Block Device Mapping is Invalid: failed to get volume ${uuid}.`);
    if (volume.body.status !== 'available')
      throw fault(400, `Invalid volume: status must be 'available'. Currently in '${volume.body.status}' status`);
    return volume;
  }

  use({ id, body }: Thing, server: Server, index: number): void {
    body.status = 'in-use';
    const attachment = {
      id,
      attachment_id: this.#world.uuid(),
      volume_id: id,
      server_id: server.id,
      device: device(index),
      attached_at: this.#world.now(),
    };
    body.attachments = [attachment];
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

  attach(server: Server, { volumeAttachment: asked }: Json): Answer {
    settled(server, 'attach_volume');
    const volume = this.free(asked.volumeId);
    volume.body.status = 'attaching';
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
    if (!volume || !server.volumes.includes(id)) throw fault(404, `Volume ${id} could not be found.`);
    if (server.image === undefined && server.volumes[0] === id) throw fault(400, 'Cannot detach a root device volume');
    server.volumes.splice(server.volumes.indexOf(id), 1);
    volume.body.status = 'detaching';
    this.#world.after(this.#stepMs, () => release(volume));
    return { status: 202 };
  }

  /** A server is gone: what it was plugged into is there for others. */
  letGo(server: Server): void {
    for (const { body } of this.#world.ports.values())
      if (body.device_id === server.id) Object.assign(body, { device_id: '', device_owner: '', status: 'DOWN' });
    for (const id of server.volumes) {
      const volume = this.#world.volumes.get(id);
      if (volume) release(volume);
    }
  }
}

function device(index: number): string {
  return `/dev/vd${String.fromCharCode(97 + index)}`;
}

function release({ body }: Thing): void {
  Object.assign(body, { status: 'available', attachments: [] });
}

function settled(server: Server, action: string): void {
  const { vm, task } = momentOf(server);
  if (task !== null) throw fault(409, `Cannot '${action}' instance ${server.id} while it is in task_state ${task}`);
  if (!['active', 'stopped', 'paused'].includes(vm))
    throw fault(409, `Cannot '${action}' instance ${server.id} while it is in vm_state ${vm}`);
}
