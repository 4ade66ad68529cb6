/**
 * A fake oned: a world with users, hosts, images, networks and machines behind oned's XML-RPC, which answers like the one
 * that was recorded (`recorded.json`), checks every call against what that one declares (`methods.json`) and fails on
 * order. Its machines live in real time, some fifty times faster than those of the dummy drivers.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { packageRoot } from '../../../src/base/package-root.js';
import { addressOf } from '../../../src/iaas/ranges.js';
import type { Handlers } from './call.js';
import { handlersOf } from './calls.js';
import { Lives, type Pace } from './lives.js';
import { Publisher } from './publisher.js';
import { Template } from './template.js';
import { Fault, Refused, answerOf, checkCall, faultOf, readCall, refusalOf, type Call } from './wire.js';
import { HOST_CLUSTER, World } from './world.js';

export interface FakeOnedOptions {
  readonly hosts?: number;
  readonly cores?: number;
  readonly version?: string;
  readonly pace?: Pace;
  /** Calls that this version does not have. */
  readonly lacks?: readonly string[];
  /** Without the network that reservations are cut from, as a fresh oned is. */
  readonly bare?: boolean;
}

const { methods } = JSON.parse(readFileSync(join(packageRoot, 'test/support/fake-oned/methods.json'), 'utf8')) as {
  methods: Record<string, readonly string[]>;
};

type Order = 'fail-allocate' | 'fail-deploy' | 'fail-resize' | 'ignore-action';

export class FakeOned {
  readonly world: World;
  readonly publisher = new Publisher();
  /** Every call that was understood. */
  readonly calls: Call[] = [];
  /** Those of them that came over a connection which their caller closes. */
  readonly closing: Call[] = [];
  /** What calls did wrong by `methods.json`. */
  readonly violations: string[] = [];
  /** Milliseconds before each answer. */
  answerMs = 0;
  /** Most calls that were open at the same time. */
  busiest = 0;
  readonly #orders: Order[] = [];
  #waiting: { readonly method: string; readonly resolve: () => void }[] = [];
  readonly #lives: Lives;
  readonly #handlers: Handlers;
  readonly #methods: Record<string, readonly string[]>;
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));
  #open = 0;
  #publishedAt = '';

  static async start(options: FakeOnedOptions = {}): Promise<FakeOned> {
    const fake = new FakeOned(options);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    fake.#publishedAt = await fake.publisher.listen();
    return fake;
  }

  private constructor({
    hosts = 4,
    cores = 8,
    version = '6.10.0.1',
    pace = { lagMs: 2, stepMs: 3 },
    lacks = [],
    bare = false,
  }: FakeOnedOptions) {
    this.world = new World(() => Date.now());
    this.#lives = new Lives(this.world, pace, (key, body) => this.publisher.publish(key, body));
    const orders = { take: (what: Order) => this.#take(what) };
    const stage = { world: this.world, lives: this.#lives, orders, imageMs: pace.stepMs * 2 };
    this.#handlers = handlersOf(stage, version);
    this.#methods = Object.fromEntries(Object.entries(methods).filter(([name]) => !lacks.includes(name)));
    for (let index = 1; index <= hosts; index++) this.#addHost(`node${index}`, cores);
    this.world.old = version.startsWith('5.');
    if (bare) return;
    this.addParent('vep-parent', '192.168.0.0', 65_536);
    this.addParent('vep-public', '203.0.113.8', 200);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/RPC2`;
  }

  /** Where its hook manager publishes. */
  get publishedAt(): string {
    return this.#publishedAt;
  }

  #addHost(name: string, cores: number): void {
    const id = this.world.nextId(this.world.hosts);
    const template = Template.parse(`RACK="r${1 + (id % 2)}"\nHYPERVISOR="dummy"`);
    this.world.hosts.set(id, { id, name, cores, memoryKib: 32 * 2 ** 20, cluster: HOST_CLUSTER, state: 2, template });
  }

  /** A network that reservations can be cut from. */
  addParent(name: string, first: string, size: number, attributes = ''): number {
    const oneadmin = this.world.named('oneadmin');
    if (!oneadmin) throw new Error('oned has no oneadmin');
    const template = Template.parse(`BRIDGE="br0"\nVN_MAD="dummy"\nSECURITY_GROUPS="0"\n${attributes}`);
    const thing = this.world.thing(this.world.networks, oneadmin, name, template);
    this.world.networks.set(thing.id, {
      ...thing,
      state: 1,
      parent: undefined,
      clusters: new Set([HOST_CLUSTER]),
      ranges: [{ id: 0, first: addressOf(first) ?? 0, size }],
      leases: [],
    });
    return thing.id;
  }

  /** The next call of the kind fails as ordered. */
  order(what: Order): void {
    this.#orders.push(what);
  }

  /** Whether the fake does a call, or leaves it out because VEP never makes it. */
  knows(method: string): boolean {
    return method in this.#handlers || !(method in this.#methods);
  }

  /** Resolves when a method is called the next time, before it is answered. */
  called(method: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ method, resolve }));
  }

  clear(): void {
    this.#orders.splice(0);
    for (const user of this.world.users.values()) delete user.cpuQuota;
  }

  #take(what: Order): boolean {
    const index = this.#orders.indexOf(what);
    if (index !== -1) this.#orders.splice(index, 1);
    return index !== -1;
  }

  async close(): Promise<void> {
    this.#lives.close();
    this.publisher.close();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** What oned answers to the text of a call. */
  answer(text: string): string {
    let method = '';
    try {
      const call = readCall(text);
      method = call.method;
      checkCall(call, this.#methods);
      this.calls.push(call);
      for (const each of this.#waiting.filter((waiting) => waiting.method === method)) each.resolve();
      this.#waiting = this.#waiting.filter((waiting) => waiting.method !== method);
      const handler = this.#handlers[method];
      if (!handler) throw new Error(`the fake oned does not know ${method}`);
      const [session, ...parameters] = call.parameters;
      return answerOf(handler(this.world.userOf(String(session)), parameters));
    } catch (error) {
      if (error instanceof Refused) return refusalOf(method, error);
      const fault = error instanceof Fault ? error : new Fault(-500, String(error));
      this.violations.push(`${method}: ${fault.message}`);
      return faultOf(fault);
    }
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    this.#open += 1;
    this.busiest = Math.max(this.busiest, this.#open);
    try {
      const pieces: Buffer[] = [];
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
      if (request.method !== 'POST') return void response.writeHead(405).end();
      if (this.answerMs > 0) await pause(this.answerMs);
      response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8' });
      const before = this.calls.length;
      response.end(this.answer(Buffer.concat(pieces).toString('utf8')));
      if (request.headers.connection === 'close') this.closing.push(...this.calls.slice(before));
    } catch {
      response.destroy();
    } finally {
      this.#open -= 1;
    }
  }
}
