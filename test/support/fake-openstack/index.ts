/**
 * A fake OpenStack that answers as a real one (Zed) was recorded to answer: all services below one address, each below a
 * path as DevStack has them, with tokens, microversions, states that take their time, quotas, and refusals in each
 * service's own shape. `openstack.fake.test.ts` holds it against the recording.
 */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refusal, type Answer, type Request } from './answers.js';
import { Cinder } from './cinder.js';
import { Glance } from './glance.js';
import { Keystone } from './keystone.js';
import { Neutron } from './neutron.js';
import { Nova } from './nova.js';
import type { Order } from './orders.js';
import { World, type Flavor, type Project, type Thing, type User } from './world.js';

export interface FakeOptions {
  /** How long each stage of a change takes, in milliseconds. */
  readonly stepMs?: number;
}

export class FakeOpenStack {
  readonly world = new World();
  readonly keystone = new Keystone(this.world);
  readonly project: Project;
  readonly user: User;
  readonly password = 'fake-secret';
  readonly #nova: Nova;
  readonly #glance = new Glance(this.world);
  readonly #cinder: Cinder;
  readonly #neutron = new Neutron(this.world);
  readonly #foreign: string[] = [];
  readonly #watchers: { readonly matches: (method: string, path: string) => boolean; readonly tell: () => void }[] = [];
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));

  static async start(options: FakeOptions = {}): Promise<FakeOpenStack> {
    const fake = new FakeOpenStack(options.stepMs ?? 2);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  private constructor(stepMs: number) {
    const { world } = this;
    this.#cinder = new Cinder(world, stepMs);
    this.#nova = new Nova(world, this.#glance, this.#cinder, stepMs);
    this.project = world.addProject('project-a');
    this.user = world.addUser('alice', this.password);
    this.user.roles.set(this.project.id, ['member', 'reader', 'admin']);
    for (const [name, vcpus, ram, disk] of [
      ['m1.tiny', 1, 512, 1],
      ['m1.small', 1, 2048, 20],
      ['m1.medium', 2, 4096, 40],
      ['m1.huge', 64, 262_144, 10],
      ['m1.wide', 2, 20_480, 1],
    ] as const)
      world.addFlavor(name, vcpus, ram, disk);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  order(order: Order): void {
    this.#nova.orders.give(order);
  }

  clear(): void {
    this.#nova.orders.clear();
  }

  /** Servers that were ordered to come slowly are there from now on. */
  hurry(): void {
    this.#nova.hurry();
  }

  /** Removes a project as Keystone does: nothing in it goes along. */
  removeProject({ id }: Project): void {
    this.world.projects.delete(id);
    for (const user of this.world.users.values()) user.roles.delete(id);
  }

  /** No token that was given is good any more. */
  revokeTokens(): void {
    this.world.grants.clear();
  }

  /** A server of the project that VEP did not make; answers its id. */
  foreignServer(): string {
    const { world, project, user } = this;
    const [flavor] = world.flavors.values();
    const id = world.uuid();
    world.servers.set(id, {
      ...{ id, project: project.id, user: user.id, name: 'theirs', created: world.now(), image: world.uuid() },
      flavor: flavor as Flavor,
      ...{
        metadata: {},
        tags: [],
        group: undefined,
        zone: 'nova',
        host: 'fake1',
        configDrive: false,
        userData: undefined,
      },
      moments: [{ at: 0, status: 'ACTIVE', vm: 'active', task: null, power: 1 }],
      ...{ locked: false, volumes: [], actions: [] },
    });
    this.#foreign.push(id);
    return id;
  }

  /** An image that everybody may use and VEP did not make; answers its id. */
  foreignImage(): string {
    return this.#glance.add(this.world.hex(), { name: 'dummy', visibility: 'public', status: 'active', size: 262_144 })
      .id;
  }

  /** What the projects have by kind, without what others made: names or ids. */
  contents(): Readonly<Record<string, readonly string[]>> {
    this.world.settle();
    const { servers, groups, networks, subnets, ports, volumes, snapshots, images } = this.world;
    const found: Record<string, readonly string[]> = {};
    for (const [kind, things] of Object.entries({ groups, networks, subnets, ports, volumes, snapshots, images }))
      this.#left(found, kind, things);
    const floating = [...this.world.floatingIps.values()];
    if (floating.length > 0) found['floatingIps'] = floating.map(({ id }) => id);
    const guards = [...this.world.securityGroups.values()].filter(({ body }) => body.name !== 'default');
    if (guards.length > 0) found['securityGroups'] = guards.map(({ body }) => body.name);
    const left = [...servers.values()].filter(({ id }) => !this.#foreign.includes(id));
    return left.length > 0 ? { ...found, servers: left.map(({ name }) => name) } : found;
  }

  #left(found: Record<string, readonly string[]>, kind: string, things: ReadonlyMap<string, Thing>): void {
    const left = [...things.values()].filter(({ id }) => !this.#foreign.includes(id));
    if (left.length > 0) found[kind] = left.map(({ id, body }) => body.name || id);
  }

  /** A network outside, and a router of the project that leads there: their names. */
  leadOut(): { readonly external: string; readonly router: string } {
    const { world, project } = this;
    const [external, router] = ['public', 'edge'];
    const [network, edge] = [world.uuid(), world.uuid()];
    const shown = { 'router:external': true, shared: true, admin_state_up: true, subnets: [] };
    world.networks.set(network, { id: network, project: 'provider', body: { id: network, name: external, ...shown } });
    const body = { id: edge, name: router, external_gateway_info: { network_id: network } };
    world.routers.set(edge, { id: edge, project: project.id, body });
    this.#foreign.push(network);
    return { external, router };
  }

  /** Resolves when a call has been made, before it is answered. */
  called(method: string, path: RegExp): Promise<void> {
    return new Promise((tell) =>
      this.#watchers.push({ matches: (asked, at) => asked === method && path.test(at), tell }),
    );
  }

  answer(service: string, request: Request): Answer {
    this.world.settle();
    try {
      return this.#answer(service, request);
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #answer(service: string, request: Request): Answer {
    if (service === 'identity') return this.keystone.serve(request);
    const grant = this.keystone.grantOf(request);
    switch (service) {
      case 'compute':
        return this.#nova.serve(request, grant, this.keystone.isAdmin(grant));
      case 'network':
        return this.#neutron.serve(request, grant, this.keystone.isAdmin(grant));
      case 'volume':
        return this.#cinder.serve(request, grant, this.keystone.isAdmin(grant));
      case 'image':
        return this.#glance.serve(request, grant, this.keystone.isAdmin(grant));
      case 'placement':
        return { status: 200, body: this.#nova.scheduler.candidates() };
      default:
        return { status: 404, page: 'no such service' };
    }
  }

  async #serve(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = incoming;
    const [, service = '', rest = '/'] = /^\/([a-z]+)(.*)$/.exec(url) ?? [];
    const upload = /^\/v2\/images\/([^/]+)\/file$/.exec(rest)?.[1];
    try {
      const refused = upload !== undefined && method === 'PUT' ? this.#glance.begins(upload) : undefined;
      const pieces: Buffer[] = [];
      for await (const piece of incoming as AsyncIterable<Buffer>) pieces.push(piece);
      const target = new URL(rest === '' ? '/' : rest, 'http://fake');
      const request: Request = {
        method,
        path: target.pathname,
        query: target.searchParams,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
        body: Buffer.concat(pieces),
        base: `http://${headers.host}`,
        most: this.world.most,
      };
      for (const watcher of this.#watchers.filter(({ matches }) => matches(method, url.replace(/\?.*$/, '')))) {
        this.#watchers.splice(this.#watchers.indexOf(watcher), 1);
        watcher.tell();
      }
      send(response, refused ?? this.answer(service, request));
    } catch (error) {
      if (upload !== undefined) this.#glance.broke(upload);
      if (incoming.destroyed || response.destroyed) return;
      send(response, { status: 500, body: { computeFault: { code: 500, message: String(error) } } });
    }
  }
}

function send(response: http.ServerResponse, { status, headers = {}, body, page, bytes }: Answer): void {
  const type = page === undefined ? { 'content-type': 'application/json' } : {};
  response.writeHead(status, { ...type, ...headers });
  response.end(bytes ?? page ?? (body === undefined ? '' : JSON.stringify(body)));
}
