/**
 * A deployment plan as OCCI entities in text/plain (GFD.185 §3.5, GFD.229): what a client would POST to an OCCI server, in
 * this order, so that every link finds its target. Ids are made from the plan, so that the same plan gives the same text.
 */

import { createHash } from 'node:crypto';
import type { Attributes, LinkView, ResourceView, TypeId } from '../../occi/model.js';
import { COMPUTE, IPNETWORK, NETWORK, NETWORKINTERFACE, STORAGE, STORAGELINK, USER_DATA } from '../../occi/model.js';
import { renderEntity } from '../../occi/text/index.js';
import { withInstances } from '../../ovf/instances.js';
import type { DeploymentPlan, PlannedDrive, PlannedInterface, PlannedMachine } from '../../ovf/plan.js';
import {
  disksOf,
  unsaid,
  unsaidAllocations,
  unsaidByAll,
  unsaidFirmware,
  unsaidModels,
  unsaidReadOnly,
  type GuestsOf,
  type TranslatedDocument,
  type Translation,
} from './translation.js';

export function toOcci(plan: DeploymentPlan, guestsOf: GuestsOf): Translation {
  const entities = new Entities(plan, guestsOf);
  const { machines } = withInstances(plan);
  const storages = new Map(
    machines.flatMap((machine) => entities.storages(machine).map((view) => [view.id, view] as const)),
  );
  const documents = [
    ...plan.networks.filter(({ mappedTo }) => mappedTo === undefined).map((network) => entities.network(network)),
    ...storages.values(),
    ...machines.map((machine) => entities.compute(machine)),
  ].map((view): TranslatedDocument => ({
    title: `${termOf(view.kind)} ${view.title ?? view.id}`,
    text: renderEntity(view, 'text/plain', (kind) => `/${termOf(kind)}/`).body.replaceAll('\r\n', '\n'),
  }));
  return { mediaType: 'text/plain', documents, notes: notesOf(plan) };
}

const GIB = 2 ** 30;

class Entities {
  readonly #plan: DeploymentPlan;
  readonly #guestsOf: GuestsOf;
  readonly #disks: ReturnType<typeof disksOf>;

  constructor(plan: DeploymentPlan, guestsOf: GuestsOf) {
    this.#plan = plan;
    this.#guestsOf = guestsOf;
    this.#disks = disksOf(plan);
  }

  network({ name, description }: DeploymentPlan['networks'][number]): ResourceView {
    const view = this.#resource(NETWORK, name, name, {}, [IPNETWORK]);
    return description === undefined ? view : { ...view, summary: description };
  }

  /** A storage for each drive of a machine that has something in it. */
  storages(machine: PlannedMachine): readonly ResourceView[] {
    return machine.drives.flatMap((drive, index) => {
      const disk = this.#disks.get(drive.disk ?? '');
      const image = this.#plan.images.find(({ id }) => id === (disk?.image ?? drive.image));
      if (!disk && !image) return [];
      const name = this.#storageName(machine, drive, index);
      const size = Math.max(disk?.capacityBytes ?? image?.sizeBytes ?? GIB, 1) / GIB;
      const view = this.#resource(STORAGE, name, name, { 'occi.storage.size': size }, []);
      return [image === undefined ? view : { ...view, summary: `holds ${image.href}` }];
    });
  }

  compute(machine: PlannedMachine): ResourceView {
    const { id, title, hostname } = machine;
    const guest = this.#guestsOf(machine);
    const attributes: Attributes = {
      ...(machine.architecture !== undefined && { 'occi.compute.architecture': machine.architecture }),
      'occi.compute.cores': machine.cores.normal,
      'occi.compute.hostname': hostname,
      'occi.compute.memory': machine.memoryBytes.normal / GIB,
      ...(guest && { 'occi.compute.userdata': Buffer.from(guest.wholeUserData, 'utf8').toString('base64') }),
    };
    const view = this.#resource(COMPUTE, id, title, attributes, guest ? [USER_DATA] : []);
    const links = [
      ...machine.drives.flatMap((drive, index) => this.#storageLink(view, machine, drive, index)),
      ...machine.interfaces.flatMap((adapter) => this.#networkLink(view, machine, adapter)),
    ];
    return { ...view, links };
  }

  #storageLink(source: ResourceView, machine: PlannedMachine, drive: PlannedDrive, index: number): LinkView[] {
    if (!this.#disks.has(drive.disk ?? '') && drive.image === undefined) return [];
    const target = urn(STORAGE, this.#storageName(machine, drive, index));
    return [this.#link(STORAGELINK, source, `${machine.id} ${index}`, location(STORAGE, target), STORAGE, {})];
  }

  #networkLink(source: ResourceView, { id }: PlannedMachine, adapter: PlannedInterface): LinkView[] {
    const network = this.#plan.networks.find(({ name }) => name === adapter.network);
    if (!network) return [];
    const { mappedTo, name } = network;
    const target = mappedTo?.startsWith('/') ? mappedTo : location(NETWORK, urn(NETWORK, mappedTo ?? name));
    const mac = adapter.mac === undefined ? {} : { 'occi.networkinterface.mac': adapter.mac };
    return [this.#link(NETWORKINTERFACE, source, `${id} ${adapter.name}`, target, NETWORK, mac)];
  }

  /** A shared disk is one storage, any other one of each machine's. */
  #storageName({ id }: PlannedMachine, drive: PlannedDrive, index: number): string {
    const disk = this.#disks.get(drive.disk ?? '');
    return disk?.shared ? disk.id : `${id} ${disk?.id ?? drive.image ?? index}`;
  }

  #resource(
    kind: TypeId,
    name: string,
    title: string,
    attributes: Attributes,
    mixins: readonly TypeId[],
  ): ResourceView {
    return { kind, mixins, id: urn(kind, name), title, attributes, actions: [], links: [] };
  }

  #link(
    kind: TypeId,
    source: ResourceView,
    name: string,
    target: string,
    targetKind: TypeId,
    attributes: Attributes,
  ): LinkView {
    return {
      kind,
      mixins: [],
      id: urn(kind, name),
      attributes,
      actions: [],
      source: { location: location(source.kind, source.id), kind: source.kind },
      target: { location: target, kind: targetKind },
    };
  }
}

function termOf(kind: TypeId): string {
  return kind.slice(kind.indexOf('#') + 1);
}

function location(kind: TypeId, id: string): string {
  return `/${termOf(kind)}/${id.replace('urn:uuid:', '')}`;
}

/** A UUID of the eighth version (RFC 9562 §5.8), made from what it names. */
function urn(kind: TypeId, name: string): string {
  const bytes = createHash('sha256').update(`${kind} ${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `urn:uuid:${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')}`;
}

function notesOf(plan: DeploymentPlan): Translation['notes'] {
  const images = plan.images.map(({ href }) => href);
  const mapped = plan.networks.flatMap(({ mappedTo }) =>
    mappedTo === undefined || mappedTo.startsWith('/') ? [] : [mappedTo],
  );
  return [
    ...unsaidByAll(plan),
    ...unsaidAllocations(plan),
    ...unsaidReadOnly(plan),
    ...unsaidFirmware(plan, 'take an os_tpl of the server that starts with it'),
    ...unsaidModels(plan, 'nothing to do, unless the guest needs that one'),
    ...(plan.startup.length > 1
      ? [unsaid('the order in which the machines start is not in it', 'start them in the order of the plan')]
      : []),
    ...(plan.constraints.length > 0 ? [unsaid('placement is not in it', 'OCCI has no words for it')] : []),
    ...(images.length > 0
      ? [
          unsaid(
            'OCCI has no way to fill a storage',
            "take the server's own storages or os_tpl for these",
            images.join(', '),
          ),
        ]
      : []),
    ...(mapped.length > 0
      ? [unsaid('a network of the site is known by its path', 'put that in the place of the target', mapped.join(', '))]
      : []),
  ];
}
