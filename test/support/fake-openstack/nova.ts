/** Compute v2.1: servers through their lives, what they are plugged into, flavors, groups, hosts and limits. */

import { documentOf, fault, paged, type Answer, type Json, type Request } from './answers.js';
import type { Cinder } from './cinder.js';
import type { Glance } from './glance.js';
import { BIRTH, LIVES, lives, REBOOTS, resizing, STILLBIRTH, type Life } from './lives.js';
import { serveQuotas } from './quotas.js';
import { host, Scheduler } from './scheduler.js';
import { momentOf, type Flavor, type Grant, type Project, type Server, type Thing, type World } from './world.js';

const HIGHEST = 93;

/** What a test can order of the next server or action. */
export type Order = 'fail-create' | 'slow-create' | 'ignore-action';

export class Nova {
  readonly orders: Order[] = [];
  readonly #world: World;
  readonly #glance: Glance;
  readonly #cinder: Cinder;
  readonly #stepMs: number;
  readonly #slow: (() => void)[] = [];
  readonly scheduler: Scheduler;

  constructor(world: World, glance: Glance, cinder: Cinder, stepMs: number) {
    this.#world = world;
    this.#glance = glance;
    this.#cinder = cinder;
    this.#stepMs = stepMs;
    this.scheduler = new Scheduler(world);
  }

  serve(request: Request, grant: Grant, admin: boolean): Answer {
    const asked = request.headers['openstack-api-version'] ?? 'compute 2.1';
    const [, minor = '1'] = /^compute 2\.(\d+)$/.exec(asked) ?? [];
    const requestId = `req-${this.#world.uuid()}`;
    const headers = {
      'openstack-api-version': asked,
      vary: 'OpenStack-API-Version',
      'x-openstack-request-id': requestId,
    };
    if (Number(minor) > HIGHEST) {
      const message = `Version 2.${minor} is not supported by the API. Minimum is 2.1 and maximum is 2.${HIGHEST}.`;
      return { status: 406, headers, body: { computeFault: { code: 406, message } } };
    }
    const answer = this.#answer(request, grant, admin, requestId, Number(minor));
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  #answer(request: Request, grant: Grant, admin: boolean, requestId: string, minor: number): Answer {
    const path = request.path.replace(/^\/v2\.1/, '');
    const { method } = request;
    if (path === '' || path === '/')
      return {
        status: 200,
        body: { version: { id: 'v2.1', status: 'CURRENT', version: `2.${HIGHEST}`, min_version: '2.1' } },
      };
    const [, kind = '', id, what, part] = /^\/([a-z-]+)(?:\/([^/]+))?(?:\/([a-z_-]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
    switch (kind) {
      case 'flavors':
        if (method === 'POST') return this.#makeFlavor(documentOf(request).flavor, admin);
        return { status: 200, body: this.#flavors(request) };
      case 'limits':
        return { status: 200, body: this.#limits(grant) };
      case 'os-availability-zone':
        return {
          status: 200,
          body: { availabilityZoneInfo: [{ zoneName: 'nova', zoneState: { available: true }, hosts: null }] },
        };
      case 'os-hypervisors':
        mayOnly(admin, 'os_compute_api:os-hypervisors:list-detail');
        return { status: 200, body: { hypervisors: this.#world.hosts.map((name) => host(name)) } };
      case 'os-services':
        mayOnly(admin, 'os_compute_api:os-services:list');
        return {
          status: 200,
          body: {
            services: this.#world.hosts.map((name) => ({
              binary: 'nova-compute',
              host: name,
              zone: 'nova',
              status: 'enabled',
              state: 'up',
            })),
          },
        };
      case 'os-quota-sets':
        return serveQuotas(
          this.#world,
          request,
          { project: id ?? '', what, own: id === grant.project.id, admin },
          {
            object: 'quota_set',
            names: ['instances', 'cores', 'ram'],
            others: { key_pairs: 100, metadata_items: 128, server_group_members: 10, server_groups: 10 },
            used: (project) => this.#used(project),
            mayNot: (verb) => fault(403, `Policy doesn't allow os_compute_api:os-quota-sets:${verb} to be performed.`),
            refuse: (message) => fault(400, message),
          },
        );
      case 'os-server-groups':
        return this.#groups(request, id, grant);
      case 'servers':
        if (method === 'POST' && id === undefined) return this.#create(documentOf(request), grant, requestId, minor);
        if (id === undefined || id === 'detail') return { status: 200, body: this.#list(request, grant) };
        return this.#one(request, this.#own(id, grant), what, part, requestId);
      default:
        throw fault(404, 'The resource could not be found.');
    }
  }

  #own(id: string, { project }: Grant): Server {
    const server = this.#world.servers.get(id);
    if (server?.project === project.id) return server;
    throw fault(404, `Instance ${id} could not be found.`);
  }

  #one(
    request: Request,
    server: Server,
    what: string | undefined,
    part: string | undefined,
    requestId: string,
  ): Answer {
    const { method } = request;
    switch (what) {
      case undefined:
        if (method === 'DELETE') return this.#delete(server);
        return { status: 200, body: { server: this.#shown(server) } };
      case 'metadata':
        if (momentOf(server).vm === 'resized')
          throw fault(409, `Cannot 'update metadata' instance ${server.id} while it is in vm_state resized`);
        Object.assign(server.metadata, documentOf(request).metadata);
        return { status: 200, body: { metadata: server.metadata } };
      case 'action':
        return this.#act(server, documentOf(request), requestId);
      case 'os-interface':
        return this.#plug(server, documentOf(request).interfaceAttachment.port_id);
      case 'os-volume_attachments':
        return method === 'DELETE' ? this.#detach(server, part ?? '') : this.#attach(server, documentOf(request));
      case 'os-instance-actions': {
        const found = server.actions.find(({ id }) => id === part);
        if (!found) throw fault(404, `Action for request_id ${part} on instance ${server.id} not found`);
        const ended = found.done ? this.#world.now() : null;
        const events = [
          {
            event: `compute_${found.action}_instance`,
            finish_time: ended,
            result: found.done ? (found.error ? 'Error' : 'Success') : null,
          },
        ];
        return {
          status: 200,
          body: {
            instanceAction: {
              action: found.action,
              request_id: found.id,
              message: found.error && found.done ? 'Error' : null,
              events,
            },
          },
        };
      }
      default:
        throw fault(404, 'The resource could not be found.');
    }
  }

  #create(wanted: Json, grant: Grant, requestId: string, minor: number): Answer {
    const { server: asked } = wanted;
    const hints = wanted['os:scheduler_hints'] ?? {};
    const flavor = this.#checked(asked, minor);
    const image = asked.imageRef === undefined ? undefined : this.#world.images.get(asked.imageRef);
    if (asked.imageRef !== undefined && image?.body.status !== 'active')
      throw fault(400, 'Can not find requested image');
    const volumes = ((asked.block_device_mapping_v2 ?? []) as Json[]).map(({ uuid }) => this.#free(uuid));
    if (!image && volumes.length === 0) throw fault(400, 'Invalid imageRef provided.');
    const boot = volumes[0];
    if (!image && boot?.body.bootable !== 'true') throw fault(400, `Block Device ${boot?.id} is not bootable.`);
    this.#withinQuota(grant, flavor);
    if (asked.host !== undefined && !this.#world.hosts.includes(asked.host))
      throw fault(400, `Compute host ${asked.host} could not be found.`);
    if (asked.availability_zone !== undefined && asked.availability_zone !== 'nova')
      throw fault(400, 'The requested availability zone is not available');
    const id = this.#world.uuid();
    const server: Server = {
      id,
      project: grant.project.id,
      user: grant.user.id,
      name: asked.name,
      created: this.#world.now(),
      image: image?.id,
      flavor,
      metadata: { ...asked.metadata },
      tags: asked.tags ?? [],
      group: hints.group,
      zone: 'nova',
      host: null,
      configDrive: asked.config_drive === true,
      userData: asked.user_data,
      moments: [],
      locked: false,
      volumes: volumes.map((volume) => volume.id),
      actions: [{ id: requestId, action: 'create', error: false, done: true }],
    };
    const ports = (Array.isArray(asked.networks) ? asked.networks : []).map(({ port }: Json) => port as string);
    if (this.#ordered('slow-create')) {
      for (const { body } of volumes) body.status = 'reserved';
      this.#slow.push(() => this.#born(server, volumes, ports, hints, asked.host));
    } else this.#born(server, volumes, ports, hints, asked.host);
    const self = `http://controller.internal/v2.1/servers/${id}`;
    return {
      status: 202,
      headers: { location: self },
      body: {
        server: {
          id,
          links: [{ rel: 'self', href: self }],
          'OS-DCF:diskConfig': 'MANUAL',
          security_groups: [{ name: 'default' }],
          adminPass: 'secret-of-the-guest',
        },
      },
    };
  }

  /** Servers that were ordered to come slowly are there from now on. */
  hurry(): void {
    for (const born of this.#slow.splice(0)) born();
  }

  #born(
    server: Server,
    volumes: readonly Thing[],
    ports: readonly string[],
    hints: Json,
    wanted: string | undefined,
  ): void {
    const failing = this.#ordered('fail-create');
    const lost = ports.find((port) => !this.#world.ports.has(port));
    const chosen = failing || lost !== undefined ? undefined : this.scheduler.choose(server, wanted, hints);
    this.#world.servers.set(server.id, server);
    if (chosen === undefined) {
      const message =
        lost === undefined
          ? 'No valid host was found. '
          : `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${server.id}.`;
      lives(server, STILLBIRTH, this.#stepMs, () => (server.fault = { code: 500, message }));
      for (const volume of volumes) volume.body.status = 'available';
      return;
    }
    server.host = chosen;
    for (const [index, volume] of volumes.entries()) this.#inUse(volume, server, index);
    for (const port of ports) this.#bind(port, server);
    lives(server, BIRTH, this.#stepMs);
  }

  /** The request as Nova's schema has it. */
  #checked(asked: Json, minor: number): Flavor {
    const complaint = (what: string): never => {
      throw fault(400, `Invalid input for field/attribute server. Value: ${JSON.stringify(asked)}. ${what}`);
    };
    if (asked.networks === undefined && minor >= 37) complaint("'networks' is a required property");
    const known = [
      'name',
      'flavorRef',
      'imageRef',
      'networks',
      'metadata',
      'user_data',
      'config_drive',
      'tags',
      'block_device_mapping_v2',
      'availability_zone',
      ...(minor >= 74 ? ['host'] : []),
      ...(minor >= 90 ? ['hostname'] : []),
    ];
    for (const name of Object.keys(asked))
      if (!known.includes(name)) complaint(`Additional properties are not allowed ('${name}' was unexpected)`);
    if (!/^(?! )[ -\ud7ff\ue000-\uffff]{1,255}(?<! )$/.test(asked.name)) complaint(`'${asked.name}' does not match`);
    for (const [key, value] of Object.entries(asked.metadata ?? {}))
      if (String(value).length > 255)
        throw fault(
          400,
          `Invalid input for field/attribute ${key}. Value: ${String(value)}. '${String(value)}' is too long`,
        );
    for (const tag of asked.tags ?? []) if (tag.length > 60 || /[,/]/.test(tag)) complaint(`'${tag}' is too long`);
    if (asked.hostname !== undefined && !/^[A-Za-z0-9-]{1,63}$/.test(asked.hostname)) complaint('hostname');
    if (asked.user_data !== undefined && !/^[A-Za-z0-9+/]+=*$/.test(asked.user_data))
      throw fault(400, `'${asked.user_data}' is not a 'base64'`);
    const flavor = this.#world.flavors.get(asked.flavorRef);
    if (!flavor) throw fault(400, `Flavor ${asked.flavorRef} could not be found.`);
    return flavor;
  }

  #free(uuid: string): Thing {
    const volume = this.#world.volumes.get(uuid);
    if (!volume) throw fault(400, `Block Device Mapping is Invalid: failed to get volume ${uuid}.`);
    if (volume.body.status !== 'available')
      throw fault(400, `Invalid volume: status must be 'available'. Currently in '${volume.body.status}' status`);
    return volume;
  }

  #inUse({ id, body }: Thing, server: Server, index: number): void {
    body.status = 'in-use';
    const device = `/dev/vd${String.fromCharCode(97 + index)}`;
    body.attachments = [
      {
        id,
        attachment_id: this.#world.uuid(),
        volume_id: id,
        server_id: server.id,
        device,
        attached_at: this.#world.now(),
      },
    ];
  }

  #bind(port: string, server: Server): void {
    const found = this.#world.ports.get(port);
    if (!found) throw fault(400, `Port ${port} could not be found.`);
    Object.assign(found.body, { device_id: server.id, device_owner: 'compute:nova', status: 'ACTIVE' });
  }

  #used(project: string): { readonly instances: number; readonly cores: number; readonly ram: number } {
    const mine = [...this.#world.servers.values()].filter((server) => server.project === project);
    return {
      instances: mine.length,
      cores: mine.reduce((sum, server) => sum + server.flavor.vcpus, 0),
      ram: mine.reduce((sum, server) => sum + server.flavor.ram, 0),
    };
  }

  #withinQuota({ project }: Grant, flavor: Flavor): void {
    const used = this.#used(project.id);
    const wanted = { instances: 1, cores: flavor.vcpus, ram: flavor.ram };
    const over = (['cores', 'instances', 'ram'] as const).filter(
      (name) => used[name] + wanted[name] > project.quota[name],
    );
    if (over.length === 0) return;
    const numbers = (of: typeof used): string => over.map((name) => of[name]).join(', ');
    throw fault(
      403,
      `Quota exceeded for ${over.join(', ')}: Requested ${numbers(wanted)}, but already used ${numbers(used)} of ${numbers(project.quota)} ${over.join(', ')}`,
    );
  }

  #act(server: Server, body: Json, requestId: string): Answer {
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
    if (name === 'resize') this.#resize(server, parameters.flavorRef);
    server.actions.unshift(action);
    this.#live(server, life, action);
    return { status: 202 };
  }

  #live(server: Server, life: Life, action: Server['actions'][number]): void {
    const before = momentOf(server);
    if (this.#ordered('ignore-action')) {
      // Taken, begun, failed, and the server is where it was.
      const stages = [
        life.stages[0] ?? STILLBIRTH[0],
        [before.status, before.vm, null, before.power],
      ] as Life['stages'];
      lives(server, stages, this.#stepMs, () => Object.assign(action, { error: true, done: true }));
      return;
    }
    lives(server, life.stages, this.#stepMs, () => (action.done = true));
  }

  #resize(server: Server, flavorRef: string): void {
    const flavor = this.#world.flavors.get(flavorRef);
    if (!flavor) throw fault(400, `Flavor ${flavorRef} could not be found.`);
    const { quota } = this.#world.projects.get(server.project) as Project;
    const cores = this.#coresOf(server.project);
    const more = flavor.vcpus - server.flavor.vcpus;
    if (cores + more > quota.cores)
      throw fault(
        403,
        `Quota exceeded for cores: Requested ${more}, but already used ${cores} of ${quota.cores} cores`,
      );
    server.former = server.flavor;
    server.flavor = flavor;
  }

  #coresOf(project: string): number {
    const mine = [...this.#world.servers.values()].filter((server) => server.project === project);
    return mine.reduce((sum, server) => sum + server.flavor.vcpus, 0);
  }

  #confirm(server: Server, power: number): Answer {
    if (momentOf(server).vm !== 'resized')
      throw fault(409, `Cannot 'confirmResize' instance ${server.id} while it is in vm_state ${momentOf(server).vm}`);
    delete server.former;
    const after = power === 4 ? (['SHUTOFF', 'stopped', null, 4] as const) : (['ACTIVE', 'active', null, 1] as const);
    // Shown as before for a while.
    lives(server, [['VERIFY_RESIZE', 'resized', null, power], after], this.#stepMs);
    return { status: 204 };
  }

  #save(server: Server, { name, metadata }: Json): Answer {
    const { vm, task } = momentOf(server);
    if (task !== null) throw fault(409, `Cannot 'createImage' instance ${server.id} while it is in task_state ${task}`);
    if (!['active', 'stopped', 'paused', 'suspended'].includes(vm))
      throw fault(409, `Cannot 'createImage' instance ${server.id} while it is in vm_state ${vm}`);
    const base = { name, ...metadata, disk_format: 'qcow2', container_format: 'bare', visibility: 'private' };
    if (server.image === undefined) {
      const devices = server.volumes.map((volume, index) => {
        const snapshot = this.#cinder.snapshot(volume, `snapshot for ${name}`, server.project);
        return {
          boot_index: index === 0 ? 0 : null,
          source_type: 'snapshot',
          destination_type: 'volume',
          snapshot_id: snapshot.id,
        };
      });
      const mapping = { block_device_mapping: JSON.stringify(devices), bdm_v2: 'True' };
      const made = this.#glance.add(server.project, { ...base, ...mapping, status: 'active', size: 0 });
      return { status: 202, body: { image_id: made.id } };
    }
    const made = this.#glance.add(server.project, base);
    const stages = [
      [momentOf(server).status, vm, 'image_snapshot', momentOf(server).power],
      [momentOf(server).status, vm, null, momentOf(server).power],
    ] as Life['stages'];
    lives(server, stages, this.#stepMs, () =>
      Object.assign(made.body, { status: 'active', size: 4096, virtual_size: 67_108_864 }),
    );
    return { status: 202, body: { image_id: made.id } };
  }

  #plug(server: Server, port: string): Answer {
    this.#settled(server, 'attach_interface');
    this.#bind(port, server);
    const { body } = this.#world.ports.get(port) as Thing;
    return {
      status: 200,
      body: {
        interfaceAttachment: {
          net_id: body.network_id,
          port_id: port,
          mac_addr: body.mac_address,
          port_state: 'ACTIVE',
          fixed_ips: body.fixed_ips,
          tag: null,
        },
      },
    };
  }

  #attach(server: Server, { volumeAttachment }: Json): Answer {
    this.#settled(server, 'attach_volume');
    const volume = this.#free(volumeAttachment.volumeId);
    volume.body.status = 'attaching';
    const index = server.volumes.length + 1;
    this.#world.after(this.#stepMs, () => this.#inUse(volume, server, index));
    server.volumes.push(volume.id);
    return {
      status: 200,
      body: {
        volumeAttachment: {
          id: volume.id,
          serverId: server.id,
          volumeId: volume.id,
          device: `/dev/vd${String.fromCharCode(97 + index)}`,
          tag: null,
          delete_on_termination: false,
        },
      },
    };
  }

  #detach(server: Server, id: string): Answer {
    const volume = this.#world.volumes.get(id);
    if (!volume || !server.volumes.includes(id)) throw fault(404, `Volume ${id} could not be found.`);
    if (server.image === undefined && server.volumes[0] === id) throw fault(400, 'Cannot detach a root device volume');
    server.volumes.splice(server.volumes.indexOf(id), 1);
    volume.body.status = 'detaching';
    this.#world.after(this.#stepMs, () => Object.assign(volume.body, { status: 'available', attachments: [] }));
    return { status: 202 };
  }

  #settled(server: Server, action: string): void {
    const { vm, task } = momentOf(server);
    if (task !== null) throw fault(409, `Cannot '${action}' instance ${server.id} while it is in task_state ${task}`);
    if (!['active', 'stopped', 'paused'].includes(vm))
      throw fault(409, `Cannot '${action}' instance ${server.id} while it is in vm_state ${vm}`);
  }

  #delete(server: Server): Answer {
    const { status, vm, power } = momentOf(server);
    lives(
      server,
      [
        [status, vm, 'deleting', power],
        ['DELETED', 'deleted', null, 0],
      ],
      this.#stepMs,
      () => {
        this.#world.servers.delete(server.id);
        for (const { body } of this.#world.ports.values())
          if (body.device_id === server.id) Object.assign(body, { device_id: '', device_owner: '', status: 'DOWN' });
        for (const id of server.volumes)
          Object.assign(this.#world.volumes.get(id)?.body ?? {}, { status: 'available', attachments: [] });
      },
    );
    return { status: 204 };
  }

  #list(request: Request, { project }: Grant): Json {
    const tags = request.query.get('tags')?.split(',') ?? [];
    // MySQL finds tags without regard to case; what VEP asks for has none.
    const mine = [...this.#world.servers.values()].filter(
      (server) => server.project === project.id && tags.every((tag) => server.tags.includes(tag)),
    );
    return paged(
      request,
      'servers',
      mine.reverse(),
      (server) => this.#shown(server),
      (marker) => fault(400, `marker [${marker}] not found`),
    );
  }

  #shown(server: Server): Json {
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
      updated: this.#world.now(),
      addresses: {},
      accessIPv4: '',
      accessIPv6: '',
      'OS-DCF:diskConfig': 'MANUAL',
      'OS-EXT-AZ:availability_zone': server.host === null ? '' : 'nova',
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
      ...(status === 'ERROR' ? { fault: { ...server.fault, created: this.#world.now() } } : {}),
    };
  }

  #flavors(request: Request): Json {
    const shown = ({ id, name, vcpus, ram, disk }: Flavor): Json => ({
      id,
      name,
      vcpus,
      ram,
      disk,
      swap: '',
      'OS-FLV-EXT-DATA:ephemeral': 0,
      'OS-FLV-DISABLED:disabled': false,
      'os-flavor-access:is_public': true,
      extra_specs: {},
    });
    return paged(request, 'flavors', [...this.#world.flavors.values()], shown, (marker) =>
      fault(400, `marker [${marker}] not found`),
    );
  }

  #makeFlavor({ name, vcpus, ram, disk }: Json, admin: boolean): Answer {
    mayOnly(admin, 'os_compute_api:os-flavor-manage:create');
    if ([...this.#world.flavors.values()].some((flavor) => flavor.name === name))
      throw fault(409, `Flavor with name ${name} already exists.`);
    return { status: 200, body: { flavor: this.#world.addFlavor(name, vcpus, ram, disk) } };
  }

  #groups(request: Request, id: string | undefined, { project }: Grant): Answer {
    const { groups, servers } = this.#world;
    const shown = ({ id: group, body }: Thing): Json => ({
      ...body,
      members: [...servers.values()].filter((server) => server.group === group).map((server) => server.id),
    });
    if (request.method === 'POST') {
      const group = this.#world.uuid();
      const { name, policy } = documentOf(request).server_group;
      const made = {
        id: group,
        project: project.id,
        body: { id: group, name, policy, rules: {}, members: [], project_id: project.id },
      };
      groups.set(group, made);
      return { status: 200, body: { server_group: made.body } };
    }
    if (id === undefined)
      return {
        status: 200,
        body: { server_groups: [...groups.values()].filter((each) => each.project === project.id).map(shown) },
      };
    const group = groups.get(id);
    if (!group) throw fault(404, `Instance group ${id} could not be found.`);
    if (request.method !== 'DELETE') return { status: 200, body: { server_group: shown(group) } };
    groups.delete(id);
    return { status: 204 };
  }

  #limits({ project }: Grant): Json {
    const used = this.#used(project.id);
    const { instances, cores, ram } = project.quota;
    const absolute = {
      maxTotalInstances: instances,
      maxTotalCores: cores,
      maxTotalRAMSize: ram,
      maxServerMeta: 128,
      totalInstancesUsed: used.instances,
      totalCoresUsed: used.cores,
      totalRAMUsed: used.ram,
    };
    return { limits: { rate: [], absolute } };
  }

  #ordered(order: Order): boolean {
    const at = this.orders.indexOf(order);
    if (at === -1) return false;
    this.orders.splice(at, 1);
    return true;
  }
}

function mayOnly(admin: boolean, rule: string): void {
  if (!admin) throw fault(403, `Policy doesn't allow ${rule} to be performed.`);
}
