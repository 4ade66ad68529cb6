/** A VEP with one appliance of two machines, as far as the command line can tell. */

import { FakeServer, problem, type Asked, type Reply } from '../client/fake-server.js';
import type { JsonObject } from '../../src/base/json.js';

export const SHOP = '01890000-0000-7000-8000-0000000000a1';
const WEB = '01890000-0000-7000-8000-0000000000c1';
const DB = '01890000-0000-7000-8000-0000000000c2';
const LAN = '01890000-0000-7000-8000-0000000000e1';
const DISK = '01890000-0000-7000-8000-0000000000d1';
const NIC = '01890000-0000-7000-8000-0000000000f1';

const OGF = 'http://schemas.ogf.org/occi';
const INFRASTRUCTURE = `${OGF}/infrastructure#`;
const CONTRAIL = 'http://schemas.contrail-project.eu/occi';
const APPLIANCE = `${CONTRAIL}/ovf#appliance`;

const kind = (id: string, location: string): JsonObject => {
  const cut = id.indexOf('#') + 1;
  return { term: id.slice(cut), scheme: id.slice(0, cut), location };
};
const KINDS = [
  kind(APPLIANCE, '/appliance/'),
  kind(`${INFRASTRUCTURE}compute`, '/compute/'),
  kind(`${INFRASTRUCTURE}network`, '/network/'),
  kind(`${INFRASTRUCTURE}storage`, '/storage/'),
  kind(`${OGF}/sla#agreement`, '/agreement/'),
];

const link = (
  kind: string,
  id: string,
  target: string,
  targetKind: string,
  attributes: JsonObject = {},
): JsonObject => ({
  kind,
  id: `urn:uuid:${id}`,
  source: { location: '/' },
  target: { location: target, kind: targetKind },
  attributes,
});

export class FakeVep {
  readonly server: FakeServer;
  state = 'active';
  message: string | undefined;
  /** When its site was last heard of, where it is down. */
  observedAt: string | undefined;
  /** Where the user wants it. */
  wish: string | undefined;
  /** Sites where the appliance is in accounts of its user. */
  accounts: string | undefined;
  /** Bodies of `/events/`, one for each connection. */
  events: string[] = [];
  /** Goes before everything else. */
  override: (asked: Asked) => Reply | undefined = () => undefined;

  private constructor(server: FakeServer) {
    this.server = server;
    server.answering = (asked) => this.override(asked) ?? this.#answer(asked);
  }

  static async start(): Promise<FakeVep> {
    return new FakeVep(await FakeServer.start());
  }

  get environment(): Record<string, string> {
    return { VEP_ENDPOINT: this.server.url, VEP_TOKEN: 'vep_x' };
  }

  #answer({ method, url }: Asked): Reply | undefined {
    const date = { Date: new Date(1000).toUTCString() };
    const paths: Readonly<Record<string, () => Reply>> = {
      'GET /-/': () => ({ body: { kinds: KINDS } }),
      'GET /appliance/': () => ({ body: { resources: [this.#shop()] } }),
      [`GET /appliance/${SHOP}`]: () => ({ body: this.#shop(), headers: date }),
      'POST /appliance/': () => ({ status: 201, body: this.#shop(), headers: { Location: `/appliance/${SHOP}` } }),
      'GET /compute/': () => ({
        body: { resources: [machine(WEB, 'web', 'Web', this.#observed), machine(DB, 'db', 'Database')] },
      }),
      'GET /network/': () => ({ body: { resources: [NETWORK] } }),
      'GET /storage/': () => ({ body: { resources: [STORAGE] } }),
      'GET /agreement/': () => ({ body: { resources: [AGREEMENT] } }),
      [`GET /compute/${WEB}`]: () => ({ body: machine(WEB, 'web', 'Web') }),
      [`GET /events/?subject=${SHOP}`]: () => ({ body: this.events.shift() ?? '', open: true }),
      [`DELETE /appliance/${SHOP}`]: () => ({ body: {} }),
      [`POST /appliance/${SHOP}`]: () => ({ body: this.#shop() }),
      'GET /health/ready': () => ({ body: { status: 'ready' }, headers: { Server: 'vep/0.1.0 OCCI/1.2' } }),
      'GET /health/sites': () => ({ body: { sites: [SITE] } }),
      'GET /health/sites/sim/check': () => ({ body: { site: 'sim', type: 'simulator', findings: [] } }),
      'GET /health/surroundings': () => ({ body: { findings: [] } }),
      'GET /health/operations': () => ({ body: { dead: [] } }),
    };
    const action = method === 'POST' && /^\/(appliance|compute)\/[^/]+\?action=/.test(url);
    return action ? { body: {} } : paths[`${method} ${url}`]?.();
  }

  get #observed(): JsonObject {
    return this.observedAt === undefined ? {} : { 'eu.contrail-project.observed.at': this.observedAt };
  }

  #shop(): JsonObject {
    const component = (id: string, path: string, term: string): JsonObject =>
      link(`${CONTRAIL}/ovf#component`, `${id.slice(0, -2)}0${id.slice(-1)}`, path, INFRASTRUCTURE + term);
    return {
      kind: APPLIANCE,
      id: `urn:uuid:${SHOP}`,
      title: 'Shop',
      attributes: {
        'eu.contrail-project.appliance.state': this.state,
        'eu.contrail-project.appliance.deployed': true,
        'eu.contrail-project.appliance.sites': 'sim',
        ...(this.wish === undefined ? {} : { 'eu.contrail-project.ovf.site': this.wish }),
        ...this.#observed,
        ...(this.message === undefined ? {} : { 'eu.contrail-project.appliance.state.message': this.message }),
        ...(this.accounts === undefined ? {} : { 'eu.contrail-project.appliance.accounts': this.accounts }),
      },
      actions: [`${CONTRAIL}/ovf/appliance/action#stop`],
      links: [
        component(WEB, `/compute/${WEB}`, 'compute'),
        component(DB, `/compute/${DB}`, 'compute'),
        component(LAN, `/network/${LAN}`, 'network'),
        component(DISK, `/storage/${DISK}`, 'storage'),
      ],
    };
  }
}

function machine(id: string, ovfId: string, title: string, more: JsonObject = {}): JsonObject {
  const links = [
    link(`${INFRASTRUCTURE}networkinterface`, NIC, `/network/${LAN}`, `${INFRASTRUCTURE}network`, {
      'occi.networkinterface.interface': 'eth0',
      'occi.networkinterface.address': '10.0.0.2',
      'occi.networkinterface.state': 'active',
    }),
    link(`${INFRASTRUCTURE}storagelink`, `${NIC.slice(0, -1)}2`, `/storage/${DISK}`, `${INFRASTRUCTURE}storage`, {
      'occi.storagelink.deviceid': 'vda',
      'occi.storagelink.state': 'active',
    }),
  ];
  return {
    kind: `${INFRASTRUCTURE}compute`,
    id: `urn:uuid:${id}`,
    title,
    attributes: {
      'occi.compute.state': 'active',
      'occi.compute.cores': 2,
      'occi.compute.memory': 1.5,
      'occi.compute.hostname': ovfId,
      'eu.contrail-project.ovf.id': ovfId,
      'eu.contrail-project.ovf.placed': 'sim',
      'eu.contrail-project.ovf.host': 'host-1',
      ...more,
    },
    actions: [`${OGF}/infrastructure/compute/action#restart`],
    ...(ovfId === 'web' ? { links } : {}),
  };
}

const NETWORK: JsonObject = {
  kind: `${INFRASTRUCTURE}network`,
  id: `urn:uuid:${LAN}`,
  title: 'lan',
  attributes: {
    'occi.network.state': 'active',
    'occi.network.address': '10.0.0.0/24',
    'eu.contrail-project.ovf.id': 'lan',
  },
};
const STORAGE: JsonObject = {
  kind: `${INFRASTRUCTURE}storage`,
  id: `urn:uuid:${DISK}`,
  title: 'root',
  attributes: { 'occi.storage.state': 'online', 'occi.storage.size': 4 },
};
const AGREEMENT: JsonObject = {
  kind: `${OGF}/sla#agreement`,
  id: 'urn:uuid:01890000-0000-7000-8000-0000000000b1',
  title: 'gold',
  attributes: { 'occi.agreement.state': 'accepted' },
  links: [link(`${OGF}/sla#agreement_link`, '01890000-0000-7000-8000-0000000000b2', `/appliance/${SHOP}`, APPLIANCE)],
};
const SITE = {
  name: 'sim',
  type: 'simulator',
  up: true,
  since: 1,
  capacity: {
    ageMs: 5,
    hosts: { up: 3, total: 4 },
    cores: { free: 10, total: 16 },
    memoryBytes: { free: 2 ** 33, total: 2 ** 34 },
    storageFreeBytes: 2 ** 40,
    countries: ['DE'],
    zones: ['z1'],
  },
};

/** Events of a deployment whose outermost operation ends in this state. */
export function deploymentEvents(ending: string, at = 2000): string {
  const operations: JsonObject[] = [
    { operation: 'root', operationType: 'appliance.deploy', parent: null, entity: SHOP, state: 'waiting', percent: 0 },
    {
      operation: 'i',
      operationType: 'appliance.image',
      parent: 'root',
      entity: 'x',
      state: 'running',
      percent: 40,
      message: 'a.vmdk: 4 of 10 bytes',
    },
    {
      operation: 'i',
      operationType: 'appliance.image',
      parent: 'root',
      entity: 'x',
      state: 'done',
      percent: 100,
      message: 'done',
    },
    {
      operation: 'w',
      operationType: 'infrastructure.provision',
      parent: 'root',
      entity: WEB,
      state: 'running',
      step: 'make',
      percent: 0,
    },
    ...(ending === 'done'
      ? [
          {
            operation: 'w',
            operationType: 'infrastructure.provision',
            parent: 'root',
            entity: WEB,
            state: 'done',
            percent: 100,
          },
        ]
      : [
          {
            operation: 'w',
            operationType: 'infrastructure.provision',
            parent: 'root',
            entity: WEB,
            state: 'failed',
            percent: 0,
            findings: [{ class: 'capacity', message: 'no host has \u001b[2J room' }],
          },
        ]),
    { operation: 'root', operationType: 'appliance.deploy', parent: null, entity: SHOP, state: ending, percent: 100 },
  ];
  return operations
    .map(
      (operation, index) =>
        `id: ${index + 1}\ndata: ${JSON.stringify({ seq: index + 1, at, type: 'operation', ...operation })}\n\n`,
    )
    .join('');
}

export { problem };
