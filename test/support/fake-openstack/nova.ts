/** Compute v2.1: which of its parts answers a request, in the microversion that was asked for. */

import { documentOf, fault, mayOnly, type Answer, type Request } from './answers.js';
import type { Cinder } from './cinder.js';
import { showLimits, usedBy } from './compute-quota.js';
import { showDiagnostics } from './diagnostics.js';
import { listFlavors, makeFlavor } from './flavors.js';
import type { Glance } from './glance.js';
import { Orders } from './orders.js';
import { Plugs } from './plugs.js';
import { serveQuotas } from './quotas.js';
import { host, Scheduler, service } from './scheduler.js';
import { ServerActions } from './server-actions.js';
import { serveServerGroups } from './server-groups.js';
import { Servers } from './servers.js';
import { momentOf, type Grant, type Server, type World } from './world.js';

/** A request with who sends it and what Nova has read of its head. */
interface Asked {
  readonly request: Request;
  readonly grant: Grant;
  readonly admin: boolean;
  readonly id: string;
  /** Of the microversion. */
  readonly minor: number;
}

export class Nova {
  readonly orders = new Orders();
  readonly scheduler: Scheduler;
  readonly #world: World;
  readonly #plugs: Plugs;
  readonly #servers: Servers;
  readonly #actions: ServerActions;

  constructor(world: World, glance: Glance, cinder: Cinder, stepMs: number) {
    const { orders } = this;
    this.#world = world;
    this.scheduler = new Scheduler(world);
    this.#plugs = new Plugs(world, stepMs);
    this.#servers = new Servers({ world, scheduler: this.scheduler, plugs: this.#plugs, orders, stepMs });
    this.#actions = new ServerActions({ world, glance, cinder, orders, stepMs });
  }

  serve(request: Request, grant: Grant, admin: boolean): Answer {
    const asked = request.headers['openstack-api-version'] ?? 'compute 2.1';
    const [, minor = '1'] = /^compute 2\.(\d+)$/.exec(asked) ?? [];
    const id = `req-${this.#world.uuid()}`;
    const headers = {
      'openstack-api-version': asked,
      vary: 'OpenStack-API-Version',
      'x-openstack-request-id': id,
    };
    const { novaMinor } = this.#world;
    if (Number(minor) > novaMinor) {
      const message = `Version 2.${minor} is not supported by the API. Minimum is 2.1 and maximum is 2.${novaMinor}.`;
      return { status: 406, headers, body: { computeFault: { code: 406, message } } };
    }
    const answer = this.#answer({ request, grant, admin, id, minor: Number(minor) });
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }

  /** Servers that were ordered to come slowly are there from now on. */
  hurry(): void {
    this.#servers.hurry();
  }

  #answer(asked: Asked): Answer {
    const { request, grant, admin } = asked;
    const path = request.path.replace(/^\/v2\.1/, '');
    if (path === '' || path === '/')
      return {
        status: 200,
        body: { version: { id: 'v2.1', status: 'CURRENT', version: `2.${this.#world.novaMinor}`, min_version: '2.1' } },
      };
    const [, kind = '', id, what, part] = /^\/([a-z-]+)(?:\/([^/]+))?(?:\/([a-z_-]+))?(?:\/([^/]+))?$/.exec(path) ?? [];
    switch (kind) {
      case 'flavors':
        if (request.method === 'POST') return makeFlavor(this.#world, documentOf(request).flavor, admin);
        return listFlavors(this.#world, request);
      case 'limits':
        return showLimits(this.#world, grant.project);
      case 'os-availability-zone': {
        const zones = [...this.#world.zones].map(([zoneName, available]) => ({
          zoneName,
          zoneState: { available },
          hosts: null,
        }));
        return { status: 200, body: { availabilityZoneInfo: zones } };
      }
      case 'os-hypervisors':
        mayOnly(admin, 'os_compute_api:os-hypervisors:list-detail');
        return { status: 200, body: { hypervisors: this.#world.hosts.map(host) } };
      case 'os-services':
        mayOnly(admin, 'os_compute_api:os-services:list');
        return { status: 200, body: { services: this.#world.hosts.map(service) } };
      case 'os-quota-sets':
        return this.#quotas(asked, id ?? '', what);
      case 'os-server-groups':
        return serveServerGroups(this.#world, request, id, grant);
      case 'servers':
        if (request.method === 'POST' && id === undefined)
          return this.#servers.create(documentOf(request), grant, asked.id, asked.minor);
        if (id === undefined || id === 'detail') return this.#servers.list(request, grant);
        return this.#one(asked, this.#servers.own(id, grant), what, part);
      default:
        throw fault(404, 'The resource could not be found.');
    }
  }

  #one(
    { request, admin, id, minor }: Asked,
    server: Server,
    what: string | undefined,
    part: string | undefined,
  ): Answer {
    const { method } = request;
    switch (what) {
      case undefined:
        return method === 'DELETE' ? this.#servers.remove(server) : this.#servers.show(server);
      case 'metadata':
        if (momentOf(server).vm === 'resized')
          throw fault(409, `Cannot 'update metadata' instance ${server.id} while it is in vm_state resized`);
        Object.assign(server.metadata, documentOf(request).metadata);
        return { status: 200, body: { metadata: server.metadata } };
      case 'action':
        return this.#actions.act(server, documentOf(request), id);
      case 'os-instance-actions':
        return this.#actions.show(server, part);
      case 'diagnostics':
        return showDiagnostics(this.#world, server, admin);
      case 'os-interface':
        return this.#plugs.plug(server, documentOf(request).interfaceAttachment.port_id);
      case 'os-volume_attachments':
        if (method === 'DELETE') return this.#plugs.detach(server, part ?? '');
        return this.#plugs.attach(server, documentOf(request), minor);
      default:
        throw fault(404, 'The resource could not be found.');
    }
  }

  #quotas({ request, grant, admin }: Asked, project: string, what: string | undefined): Answer {
    return serveQuotas(
      this.#world,
      request,
      { project, what, own: project === grant.project.id, admin },
      {
        object: 'quota_set',
        names: ['instances', 'cores', 'ram'],
        others: { key_pairs: 100, metadata_items: 128, server_group_members: 10, server_groups: 10 },
        used: (of) => usedBy(this.#world, of),
        mayNot: (verb) => fault(403, `Policy doesn't allow os_compute_api:os-quota-sets:${verb} to be performed.`),
        refuse: (message) => fault(400, message),
      },
    );
  }
}
