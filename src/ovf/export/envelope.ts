/**
 * A deployment plan as an OVF 1.1 envelope (DSP0243): whoever reads it plans the same appliance again. What OVF 1.1 cannot
 * say (shared disks, placement, scale-out) is said in the sections of OVF 2, as optional extensions. Values that are secret, or
 * that a descriptor cannot say, are not in it: they are to be filled in again.
 */

import type { Element } from '@xmldom/xmldom';
import { iconFiles } from '../envelope/bundles.js';
import type { Envelope, Located, VirtualHardwareSection } from '../envelope/model.js';
import { DEFAULT_LANGUAGE } from '../envelope/vocabulary.js';
import type {
  DeploymentPlan,
  PlannedCollection,
  PlannedEnvironment,
  PlannedImage,
  PlannedMachine,
  ResolvedProperty,
} from '../plan.js';
import { planFile } from '../planning/disks.js';
import { allocationItems, hardwareSection } from './hardware.js';
import { diskElement, fileElement } from './files.js';
import { membersOf, type PlacementGroup, placementGroups } from './placement.js';
import { OriginalExtensions } from './extensions.js';
import { NOT_EMPTY, OriginalTexts } from './texts.js';
import { OvfDocument, type AttributeTexts, type Child } from './xml.js';

/**
 * @param original the descriptor the plan was made of, with its message bundles: what it says to people is said again, and
 *   its licences are to be accepted again
 * @param icons files of its icons that go along, or can be had where they are; the others are left out
 */
export function exportEnvelope(
  plan: DeploymentPlan,
  original?: Envelope,
  icons: readonly PlannedImage[] = original ? iconFiles(original).map(planFile) : [],
): string {
  return new EnvelopeWriter(plan, original, icons).write();
}

type StartedMachine = DeploymentPlan['startup'][number]['machines'][number];

class EnvelopeWriter {
  readonly #plan: DeploymentPlan;
  readonly #document = new OvfDocument();
  readonly #groups: readonly PlacementGroup[];
  readonly #keys: ReadonlySet<string>;
  readonly #steps: ReadonlyMap<string, { readonly order: number; readonly item: StartedMachine }>;

  readonly #texts: OriginalTexts | undefined;
  readonly #extensions: OriginalExtensions | undefined;
  readonly #original: Envelope | undefined;

  readonly #icons: readonly PlannedImage[];

  constructor(plan: DeploymentPlan, original: Envelope | undefined, icons: readonly PlannedImage[]) {
    this.#plan = plan;
    this.#icons = icons;
    this.#original = original;
    this.#extensions = original && new OriginalExtensions(this.#document, original);
    this.#texts = original && new OriginalTexts(this.#document, original, plan.configuration, icons);
    this.#groups = placementGroups(plan);
    const holders = [...plan.machines.map(({ environment }) => environment), ...plan.collections];
    this.#keys = new Set(holders.flatMap(({ properties }) => properties.map(({ key }) => key)));
    this.#steps = new Map(
      plan.startup.flatMap(({ machines }, order) => machines.map((item) => [item.id, { order, item }] as const)),
    );
  }

  write(): string {
    const { images, files = [], disks, networks, configuration } = this.#plan;
    const referenced = new Map([...this.#icons, ...images, ...files].map((file) => [file.id, file]));
    const shared = disks.filter((disk) => disk.shared);
    const own = disks.filter((disk) => !disk.shared);
    const children = [
      this.#element('References', {}, ...[...referenced.values()].map((file) => fileElement(this.#document, file))),
      own.length > 0 &&
        this.#section('DiskSection', 'Virtual disks', ...own.map((disk) => diskElement(this.#document, 'Disk', disk))),
      networks.length > 0 &&
        this.#section(
          'NetworkSection',
          'Networks',
          ...networks.map(({ name, description }) =>
            this.#element(
              'Network',
              { name },
              ...(this.#texts?.network(name) ?? this.#optional('Description', description)),
            ),
          ),
        ),
      configuration !== undefined &&
        this.#section(
          'DeploymentOptionSection',
          'Configurations',
          this.#element(
            'Configuration',
            { id: configuration, default: true },
            ...(this.#texts?.configuration(configuration) ?? [
              this.#element('Label', {}, configuration),
              this.#element('Description', {}, 'The configuration that was deployed'),
            ]),
          ),
        ),
      shared.length > 0 &&
        this.#extension(
          'SharedDiskSection',
          {},
          'Disks that several machines share',
          ...shared.map((disk) => diskElement(this.#document, 'ovf2:SharedDisk', disk)),
        ),
      ...this.#groups.map(({ id, policy }) =>
        this.#extension('PlacementGroupSection', { 'ovf2:id': id, 'ovf2:policy': policy }, 'Placement'),
      ),
      ...this.#extensionsOf(this.#original),
      this.#root(),
      ...(this.#texts?.strings() ?? []),
    ];
    return this.#document.serialize(children, this.#texts?.lang ?? DEFAULT_LANGUAGE);
  }

  #root(): Element {
    const { collections, machines, annotation } = this.#plan;
    const sections = annotation === undefined || this.#texts ? [] : [this.#annotation(annotation)];
    const top = collections.find(({ parent }) => parent === undefined);
    if (top) return this.#collection(top, sections);
    const [machine] = machines;
    return machine ? this.#machine(machine, sections) : this.#element('VirtualSystemCollection', { id: this.#plan.id });
  }

  #annotation(text: string): Element {
    return this.#section('AnnotationSection', 'Annotation', this.#element('Annotation', {}, text));
  }

  /* --- contents ----------------------------------------------------------------------------------------------- */

  #collection(collection: PlannedCollection, sections: readonly Child[] = []): Element {
    const { id, title, properties, allocation } = collection;
    const children = this.#childrenOf(id);
    return this.#element(
      'VirtualSystemCollection',
      { id },
      this.#element('Info', {}, 'A collection of virtual machines'),
      this.#texts ? this.#texts.name(id, title) : this.#element('Name', {}, title),
      ...sections,
      ...(this.#texts?.annotations(id) ?? []),
      allocation &&
        this.#section('ResourceAllocationSection', 'Resources', ...allocationItems(this.#document, allocation)),
      this.#startup(children),
      ...this.#products(id, properties),
      ...(this.#texts?.eulas(id) ?? []),
      this.#placed(id),
      ...this.#extensionsOf(this.#texts?.content(id)),
      ...children.map((child) => ('cores' in child ? this.#machine(child) : this.#collection(child))),
    );
  }

  /** Machines and collections of a collection in the order in which their machines come. */
  #childrenOf(parent: string): readonly (PlannedMachine | PlannedCollection)[] {
    const machines = this.#plan.machines.filter(({ collection }) => collection === parent);
    const inner = this.#plan.collections.filter((collection) => collection.parent === parent);
    const position = new Map(this.#plan.machines.map(({ id }, index) => [id, index]));
    const children: (PlannedMachine | PlannedCollection)[] = [];
    for (const collection of inner) {
      const [first] = membersOf(this.#plan, collection.id);
      const until = first === undefined ? -1 : (position.get(first) ?? -1);
      while (machines[0] && (position.get(machines[0].id) ?? 0) < until) children.push(...machines.splice(0, 1));
      children.push(collection);
    }
    return [...children, ...machines];
  }

  #machine(machine: PlannedMachine, sections: readonly Child[] = []): Element {
    const { id, title, install, environment } = machine;
    return this.#element(
      'VirtualSystem',
      { id },
      this.#element('Info', {}, 'A virtual machine'),
      this.#texts ? this.#texts.name(id, title) : this.#element('Name', {}, title),
      ...sections,
      ...(this.#texts?.annotations(id) ?? []),
      this.#operatingSystem(machine),
      install && this.#section('InstallSection', 'Installation', { initialBootStopDelay: install.bootStopDelay }),
      ...hardwareSection(this.#document, machine, this.#extensionsOf(this.#hardwareOf(machine))),
      ...this.#products(id, environment.properties),
      ...(this.#texts?.eulas(id) ?? []),
      this.#environmentFiles(environment),
      this.#scaleOut(machine),
      this.#placed(id),
      ...this.#extensionsOf(this.#texts?.content(id)),
    );
  }

  /** What vendors added to an element of the descriptor. */
  #extensionsOf(original: Located | undefined): readonly Element[] {
    return this.#extensions?.of(original?.at) ?? [];
  }

  /** The alternative that was planned. */
  #hardwareOf({ id, virtualSystemType }: PlannedMachine): VirtualHardwareSection | undefined {
    const content = this.#texts?.content(id);
    const hardware = content?.kind === 'VirtualSystem' ? content.hardware : [];
    const planned = hardware.find(
      ({ system }) => virtualSystemType !== undefined && system?.virtualSystemTypes.includes(virtualSystemType),
    );
    return planned ?? hardware[0];
  }

  #operatingSystem({ id: machine, operatingSystem, architecture }: PlannedMachine): Child {
    if (!operatingSystem) return undefined;
    const { id, version, description } = operatingSystem;
    const content = this.#texts?.content(machine);
    const written = content?.kind === 'VirtualSystem' ? content.operatingSystem?.vendorType : undefined;
    // The number alone does not always tell the width; VMware's word for it does.
    const osType = written?.endsWith('Guest') ? written : architecture === 'x64' ? 'other64Guest' : undefined;
    return this.#section(
      'OperatingSystemSection',
      'Guest operating system',
      { id, version, 'vmw:osType': osType },
      ...this.#optional('Description', description),
    );
  }

  #products(id: string, properties: readonly ResolvedProperty[]): readonly Child[] {
    if (this.#texts) return this.#texts.products(id, properties, (property) => this.#valueOf(property));
    return [this.#product(properties)];
  }

  /** What a machine has from its collection is written as its own: it reaches the same guest by the same path. */
  #environmentFiles({ files = [] }: PlannedEnvironment): Child {
    if (files.length === 0) return undefined;
    const there = new Set(this.#plan.files?.map(({ id }) => id));
    return this.#extension(
      'EnvironmentFilesSection',
      {},
      'Files for the guest',
      ...files
        .filter(({ file }) => there.has(file))
        .map(({ file, path }) => this.#element('ovf2:File', { 'ovf2:fileRef': file, 'ovf2:path': path })),
    );
  }

  /** Composed keys are written whole; what is not written, its owner fills in again. */
  #product(properties: readonly ResolvedProperty[]): Child {
    const own = properties.filter(({ from }) => from === 'own');
    if (own.length === 0) return undefined;
    return this.#section(
      'ProductSection',
      'Properties',
      ...own.map((property) =>
        this.#element('Property', {
          key: property.key,
          type: 'string',
          ...this.#valueOf(property),
        }),
      ),
    );
  }

  /**
   * What draws on another value draws on it again, as long as the keys it names are those that are written here. What is secret,
   * or would be read as a reference, is to be filled in again.
   */
  #valueOf({ value, secret, declared, literal }: ResolvedProperty): AttributeTexts {
    const userConfigurable = true;
    if (!secret && (declared ?? literal) === undefined) return { value, userConfigurable };
    const names = [...(declared ?? '').matchAll(/\$\{([^{}]*)\}/g)].map(([, name = '']) => name);
    if (declared !== undefined && (this.#texts ?? names.every((name) => this.#keys.has(name))))
      return { value: declared };
    return { password: secret ? true : undefined, qualifiers: NOT_EMPTY, userConfigurable };
  }

  #scaleOut({ id, instances }: PlannedMachine): Child {
    const { normal, min, max } = instances;
    if (normal === 1 && min === undefined && max === undefined) return undefined;
    const counts = { 'ovf2:minimum': min, 'ovf2:default': normal, 'ovf2:maximum': max };
    return this.#extension(
      'ScaleOutSection',
      { 'ovf2:id': id },
      'Instances',
      this.#element('ovf2:InstanceCount', counts),
    );
  }

  #placed(content: string): Child {
    const group = this.#groups.find(({ contents }) => contents.includes(content));
    return group && this.#extension('PlacementSection', { 'ovf2:group': group.id }, 'Placement');
  }

  /** DSP0243 §9.7: each child stands where the first of its machines starts. */
  #startup(children: readonly (PlannedMachine | PlannedCollection)[]): Child {
    const items = children.flatMap((child) => {
      const ids = 'cores' in child ? [child.id] : membersOf(this.#plan, child.id);
      const orders = ids.flatMap((id) => this.#steps.get(id)?.order ?? []);
      if (orders.length === 0) return [];
      const item = 'cores' in child ? this.#steps.get(child.id)?.item : undefined;
      return [{ id: child.id, order: Math.min(...orders), item }];
    });
    if (items.every(({ order, item }) => order === 0 && isPlain(item))) return undefined;
    return this.#section(
      'StartupSection',
      'Start-up order',
      ...items.map(({ id, order, item }) =>
        this.#element('Item', {
          id,
          order,
          startDelay: positive(item?.startDelay),
          waitingForGuest: item?.waitingForGuest === true ? true : undefined,
          stopDelay: positive(item?.stopDelay),
          startAction: item?.startAction === 'none' ? 'none' : undefined,
          stopAction: item?.stopAction === 'powerOff' ? undefined : item?.stopAction,
        }),
      ),
    );
  }

  /* --- elements ----------------------------------------------------------------------------------------------- */

  #element(name: string, attributes: Parameters<OvfDocument['element']>[1], ...children: readonly Child[]): Element {
    return this.#document.element(name, attributes, ...children);
  }

  /** A section of OVF 1; attributes may come first among the children. */
  #section(name: string, info: string, ...rest: readonly (Child | Readonly<Record<string, unknown>>)[]): Element {
    const [first] = rest;
    const plain = typeof first === 'object' && !('nodeType' in first);
    const attributes = plain ? (first as Parameters<OvfDocument['element']>[1]) : {};
    const children = (plain ? rest.slice(1) : rest) as readonly Child[];
    return this.#element(name, attributes, this.#element('Info', {}, info), ...children);
  }

  /** A section of OVF 2, which readers of OVF 1 may pass over. */
  #extension(
    name: string,
    attributes: Parameters<OvfDocument['element']>[1],
    info: string,
    ...children: readonly Child[]
  ): Element {
    return this.#element(
      `ovf2:${name}`,
      { required: false, ...attributes },
      this.#element('Info', {}, info),
      ...children,
    );
  }

  #optional(name: string, text: string | undefined): readonly Child[] {
    return text === undefined ? [] : [this.#element(name, {}, text)];
  }
}

function isPlain(item: StartedMachine | undefined): boolean {
  if (!item) return true;
  const { startDelay, stopDelay, waitingForGuest, startAction, stopAction } = item;
  return (
    startDelay === 0 && stopDelay === 0 && !waitingForGuest && startAction === 'powerOn' && stopAction === 'powerOff'
  );
}

function positive(delay: number | undefined): number | undefined {
  return delay === 0 ? undefined : delay;
}
