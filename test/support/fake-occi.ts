/**
 * A server of OCCI 1.1 (GFD.183–185) with nothing but one of the text renderings and Basic authentication, as the field had them
 * before JSON: what a client sends is read by rules of its own and strictly, states change a moment after they were asked
 * for, and nobody can tell what it is at work on. An `occi.core.id` that is taken is refused.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { headersOf, linesOf } from './fake-occi-headers.js';

const S = 'http://schemas.ogf.org/occi/infrastructure';
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  compute: ['start', 'stop', 'restart', 'suspend'],
  network: ['up', 'down'],
  storage: ['online', 'offline', 'backup', 'snapshot'],
};
const KINDS = ['compute', 'network', 'storage', 'networkinterface', 'storagelink'] as const;
type Term = (typeof KINDS)[number];
export type TextForm = 'text/plain' | 'text/occi';
const LEADS_TO: Readonly<Record<string, string>> = {
  start: 'active',
  stop: 'inactive',
  suspend: 'suspended',
  up: 'active',
  down: 'inactive',
  online: 'online',
  offline: 'offline',
};
const SETTLE_MS = 15;

interface Entity {
  readonly term: Term;
  readonly path: string;
  readonly mixins: readonly string[];
  readonly attributes: Map<string, string>;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Order = 'fail' | 'ignore' | 'quota';

export class FakeOcci {
  static readonly USER = 'vep';
  static readonly PASSWORD = 'text-only-secret';
  static readonly TEMPLATE = 'http://occi.example.org/os_tpl#debian';
  /** Paths of the machines that were restarted, each time that they were. */
  readonly restarted: string[] = [];
  /** What the account's password is now. */
  password = FakeOcci.PASSWORD;
  readonly #form: TextForm;
  // User data travels in the headers.
  readonly #server = http.createServer(
    { maxHeaderSize: 2 ** 20 },
    (request, response) => void this.#serve(request, response),
  );
  readonly #entities = new Map<string, Entity>();
  readonly #orders: Order[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(form: TextForm) {
    this.#form = form;
  }

  static async start(form: TextForm = 'text/plain'): Promise<FakeOcci> {
    const fake = new FakeOcci(form);
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/occi`;
  }

  /** Lets the next creation end in error, the next action come to nothing, or every creation meet its quota. */
  order(what: Order): void {
    this.#orders.push(what);
  }

  clear(): void {
    this.#orders.length = 0;
  }

  /** A machine of somebody else under the same account, whose title nearly looks like a mark of VEP. */
  foreign(): string {
    const title = `vep:vep:${'0'.repeat(40)}:%zz`;
    return this.#make('compute', [FakeOcci.TEMPLATE], new Map([['occi.core.title', title]])).path;
  }

  /** Paths of the machines there are. */
  get machines(): readonly string[] {
    return [...this.#entities.values()].filter(({ term }) => term === 'compute').map(({ path }) => path);
  }

  /** Somebody gives a thing that VEP has made another title. */
  rename(ref: string, title: string): void {
    this.#entities.get(new URL(ref, this.url).pathname)?.attributes.set('occi.core.title', title);
  }

  /** Somebody removes a thing that VEP has made, by its reference. */
  drop(ref: string): void {
    if (!this.#entities.delete(new URL(ref, this.url).pathname)) throw new Error(`there is no ${ref}`);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const inHeaders = this.#form === 'text/occi';
    try {
      const body = Buffer.concat(pieces).toString('utf8');
      const { status, type, text, location } = this.#answer(request, inHeaders ? linesOf(request.headers) : body);
      response.setHeader('Content-Type', inHeaders ? this.#form : type);
      response.setHeader('Server', 'fake OCCI/1.1');
      if (location !== undefined) response.setHeader('Location', location);
      if (inHeaders) response.writeHead(status, headersOf(text)).end(Buffer.from('OK'));
      else response.writeHead(status).end(text);
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500;
      const { message } = error as Error;
      if (inHeaders) response.writeHead(status, { 'content-type': this.#form, 'x-occi-error': message }).end();
      else response.writeHead(status, { 'content-type': this.#form }).end(message);
    }
  }

  #answer(request: http.IncomingMessage, body: string): Answer {
    const expected = Buffer.from(`${FakeOcci.USER}:${this.password}`).toString('base64');
    if (request.headers.authorization !== `Basic ${expected}`) throw new Refusal(401, 'who are you');
    const accept = request.headers.accept ?? 'text/plain';
    const spoken = this.#form === 'text/occi' ? /text\/occi/ : /text\/|\*\/\*/;
    if (!spoken.test(accept)) throw new Refusal(406, 'this server speaks text');
    const { method = 'GET', url = '/' } = request;
    const [path = '', query = ''] = url.replace(/^\/occi/, '').split('?');
    if (path === '/-/') return { status: 200, type: 'text/plain', text: model() };
    const collection = KINDS.find((term) => path === `/${term}/`);
    if (method === 'GET' && collection) return this.#list(collection, accept);
    if (body !== '' && request.headers['content-type']?.startsWith(this.#form) !== true)
      throw new Refusal(415, this.#form);
    if (method === 'POST' && collection) return this.#create(collection, body);
    const entity = this.#entities.get(`/occi${path}`);
    if (!entity) throw new Refusal(404, 'no such entity');
    if (method === 'GET') return { status: 200, type: 'text/plain; charset=utf-8', text: rendered(entity) };
    if (method === 'DELETE') return this.#delete(entity);
    if (method === 'POST' && query.startsWith('action=')) return this.#act(entity, query.slice('action='.length), body);
    throw new Refusal(405, 'not here');
  }

  #list(term: Term, accept: string): Answer {
    const urls = [...this.#entities.values()]
      .filter((entity) => entity.term === term)
      .map(({ path }) => this.#at(path));
    if (accept.includes('text/uri-list')) return { status: 200, type: 'text/uri-list', text: urls.join('\n') };
    return { status: 200, type: 'text/plain', text: urls.map((url) => `X-OCCI-Location: ${url}`).join('\n') };
  }

  #at(path: string): string {
    return new URL(path, this.url).href;
  }

  #create(term: Term, body: string): Answer {
    const { categories, attributes } = read(body);
    const kind = categories.find((each) => each.class === 'kind');
    if (kind?.id !== `${S}#${term}`) throw new Refusal(400, `a ${term} is of kind ${term}`);
    const mixins = categories.filter((each) => each.class === 'mixin').map(({ id }) => id);
    if (this.#orders.includes('quota')) throw new Refusal(403, 'Quota exceeded for cores');
    if (term === 'compute' && !mixins.includes(FakeOcci.TEMPLATE)) throw new Refusal(400, 'a compute needs an os_tpl');
    const entity = this.#make(term, mixins, attributes);
    return {
      status: 201,
      type: 'text/plain',
      text: `X-OCCI-Location: ${this.#at(entity.path)}`,
      location: this.#at(entity.path),
    };
  }

  #make(term: Term, mixins: readonly string[], given: ReadonlyMap<string, string>): Entity {
    const attributes = new Map(given);
    const id = attributes.get('occi.core.id') ?? randomUUID();
    const path = `/occi/${term}/${id}`;
    if (this.#entities.has(path)) throw new Refusal(409, 'this id is taken');
    attributes.set('occi.core.id', id);
    if (term === 'network') checkNetwork(attributes);
    if (term === 'networkinterface' || term === 'storagelink') this.#plug(term, attributes);
    const entity: Entity = { term, path, mixins, attributes };
    this.#entities.set(path, entity);
    const state = `occi.${term}.state`;
    attributes.set(state, term === 'storage' ? 'offline' : 'inactive');
    if (this.#take('fail')) attributes.set(state, 'error');
    else if (term === 'storage') attributes.set(state, 'online');
    else if (term === 'network') attributes.set(state, 'active');
    else this.#follow(entity);
    return entity;
  }

  #plug(term: Term, attributes: Map<string, string>): void {
    const [source, target] = ['source', 'target'].map((end) => attributes.get(`occi.core.${end}`) ?? '');
    if (!this.#entities.has(source ?? '') || !this.#entities.has(target ?? ''))
      throw new Refusal(404, 'an end is missing');
    const others = [...this.#entities.values()].filter((entity) => entity.term === term);
    const values = (name: string): Set<string> => new Set(others.map((each) => each.attributes.get(name) ?? ''));
    if (term === 'storagelink') {
      if (values('occi.core.target').has(target ?? '')) throw new Refusal(409, 'the volume is attached elsewhere');
      const taken = new Set(
        others
          .filter((each) => each.attributes.get('occi.core.source') === source)
          .map((each) => each.attributes.get('occi.storagelink.deviceid')),
      );
      const letter = [...'bcdefghijklmnop'].find((each) => !taken.has(`vd${each}`));
      attributes.set('occi.storagelink.deviceid', `vd${letter ?? 'z'}`);
      return;
    }
    const onSame = others.filter((each) => each.attributes.get('occi.core.source') === source);
    const names = new Set(onSame.map((each) => each.attributes.get('occi.networkinterface.interface')));
    attributes.set(
      'occi.networkinterface.interface',
      `eth${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].find((each) => !names.has(`eth${each}`)) ?? 10}`,
    );
    attributes.set(
      'occi.networkinterface.mac',
      `02:${[...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`,
    );
    const range = this.#entities.get(target ?? '')?.attributes.get('occi.network.address') ?? '10.0.0.0/24';
    const inUse = new Set(
      others
        .filter((each) => each.attributes.get('occi.core.target') === target)
        .map((each) => each.attributes.get('occi.networkinterface.address')),
    );
    const wanted = attributes.get('occi.networkinterface.address');
    const free = hosts(range);
    if (wanted !== undefined && !free.includes(wanted)) throw new Refusal(400, 'the address is not of this network');
    if (wanted !== undefined && inUse.has(wanted)) throw new Refusal(409, 'the address is in use');
    const address = wanted ?? free.find((each) => !inUse.has(each));
    if (address === undefined) throw new Refusal(409, 'Not enough addresses');
    attributes.set('occi.networkinterface.address', address);
  }

  /** A link is active while its machine is. */
  #follow({ term, attributes }: Entity): void {
    if (term !== 'networkinterface' && term !== 'storagelink') return;
    const machine = this.#entities.get(attributes.get('occi.core.source') ?? '');
    const active = machine?.attributes.get('occi.compute.state') === 'active';
    attributes.set(`occi.${term}.state`, active ? 'active' : 'inactive');
  }

  #delete({ path, term }: Entity): Answer {
    this.#entities.delete(path);
    for (const other of [...this.#entities.values()]) {
      if (term === 'compute' && other.attributes.get('occi.core.source') === path) this.#entities.delete(other.path);
    }
    return { status: 200, type: 'text/plain', text: 'OK' };
  }

  #act(entity: Entity, action: string, body: string): Answer {
    const { categories } = read(body);
    const scheme = `${S}/${entity.term}/action#`;
    if (categories[0]?.id !== scheme + action || categories[0].class !== 'action')
      throw new Refusal(400, 'what action');
    if (ACTIONS[entity.term]?.includes(action) !== true) throw new Refusal(400, 'no such action');
    const to = LEADS_TO[action];
    const isIgnored = this.#take('ignore');
    if (action === 'restart' && !isIgnored) this.restarted.push(entity.path);
    if (!isIgnored && to !== undefined) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        entity.attributes.set(`occi.${entity.term}.state`, to);
        for (const other of this.#entities.values()) this.#follow(other);
      }, SETTLE_MS);
      this.#timers.add(timer);
    }
    return { status: 200, type: 'text/plain', text: 'OK' };
  }

  #take(order: Order): boolean {
    const at = this.#orders.indexOf(order);
    if (at >= 0) this.#orders.splice(at, 1);
    return at >= 0;
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly location?: string;
}

interface Category {
  readonly id: string;
  readonly class: string | undefined;
}

function read(body: string): { categories: Category[]; attributes: Map<string, string> } {
  const categories: Category[] = [];
  const attributes = new Map<string, string>();
  for (const line of body.split(/\r?\n/).filter((each) => each !== '')) {
    const category = /^Category: ([a-z0-9_-]+); ?scheme="([^"]+)"(?:; ?class="?([a-z]+)"?)?/.exec(line);
    const attribute = /^X-OCCI-Attribute: ([a-z][a-z0-9._-]*)=("(?:[^"\\]|\\.)*"|[0-9.]+|true|false)$/s.exec(line);
    if (category) categories.push({ id: `${category[2] ?? ''}${category[1] ?? ''}`, class: category[3] });
    else if (attribute) attributes.set(attribute[1] ?? '', plain(attribute[2] ?? ''));
    else if (!line.startsWith('Link: ')) throw new Refusal(400, 'this line is no OCCI');
  }
  return { categories, attributes };
}

function plain(written: string): string {
  return written.startsWith('"') ? written.slice(1, -1).replace(/\\(.)/gs, '$1') : written;
}

function rendered({ term, path, mixins, attributes }: Entity): string {
  const values = [...attributes].map(([name, value]) => {
    const bare = /^(occi\.compute\.(cores|memory)|occi\.storage\.size|occi\.network\.vlan)$/.test(name);
    return `X-OCCI-Attribute: ${name}=${bare ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
  });
  const actions = (ACTIONS[term] ?? []).map(
    (each) => `Link: <${path}?action=${each}>; rel="${S}/${term}/action#${each}"`,
  );
  return [
    `Category: ${term}; scheme="${S}#"; class="kind"`,
    ...mixins.map(
      (id) => `Category: ${id.slice(id.indexOf('#') + 1)}; scheme="${id.slice(0, id.indexOf('#') + 1)}"; class="mixin"`,
    ),
    ...values,
    ...actions,
  ].join('\n');
}

function model(): string {
  const kinds = KINDS.map((term) => {
    const rel =
      term.endsWith('e') && !term.startsWith('net') && term !== 'storage' && term !== 'compute' ? 'link' : 'resource';
    const actions = (ACTIONS[term] ?? []).map((each) => `${S}/${term}/action#${each}`).join(' ');
    return `Category: ${term}; scheme="${S}#"; class="kind"; title="${term}"; rel="http://schemas.ogf.org/occi/core#${rel}"; location="/occi/${term}/"${actions === '' ? '' : `; actions="${actions}"`}`;
  });
  const actions = Object.entries(ACTIONS).flatMap(([term, names]) =>
    names.map((each) => `Category: ${each}; scheme="${S}/${term}/action#"; class="action"; title="${each}"`),
  );
  const mixins = [
    `Category: os_tpl; scheme="${S}#"; class="mixin"; location="/occi/mixin/os_tpl/"`,
    `Category: debian; scheme="http://occi.example.org/os_tpl#"; class="mixin"; title="Debian"; rel="${S}#os_tpl"; location="/occi/mixin/os_tpl/debian/"`,
    `Category: ipnetwork; scheme="${S}/network#"; class="mixin"; location="/occi/mixin/ipnetwork/"`,
    `Category: ipnetworkinterface; scheme="${S}/networkinterface#"; class="mixin"; location="/occi/mixin/ipnetworkinterface/"`,
    'Category: user_data; scheme="http://schemas.openstack.org/compute/instance#"; class="mixin"; location="/occi/mixin/user_data/"',
  ];
  return [...kinds, ...mixins, ...actions].join('\n');
}

function numberOf(address: string): number | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function checkNetwork(attributes: ReadonlyMap<string, string>): void {
  const range = attributes.get('occi.network.address');
  if (range === undefined) return;
  if (numberOf(range.split('/')[0] ?? '') === undefined) throw new Refusal(400, 'this is no range');
  const gateway = attributes.get('occi.network.gateway');
  if (gateway !== undefined && !hosts(range, true).includes(gateway)) throw new Refusal(400, 'the gateway is outside');
}

/** Addresses a range gives out: not its first, its last and its gateway. */
function hosts(range: string, all = false): string[] {
  const [base = '', prefix = '24'] = range.split('/');
  const first = numberOf(base) ?? 0;
  const count = Math.min(256, 2 ** (32 - Number(prefix)));
  return Array.from({ length: count }, (_, index) => first + index)
    .slice(all ? 1 : 2, -1)
    .map((each) => [24, 16, 8, 0].map((shift) => Math.floor(each / 2 ** shift) % 256).join('.'));
}
