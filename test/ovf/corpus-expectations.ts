/**
 * What a descriptor asks for, read with plain XPath and nothing of VEP: the second opinion of the corpus test. It knows
 * the standard (DSP0243 §8, the DSP0004 units) and the liberties that the field takes with it, and no more.
 */

import { XmlDocument, type XmlElement, type XmlNode } from 'libxml2-wasm';

export interface ExpectedMachine {
  readonly id: string;
  /** Absent: the descriptor does not say. */
  readonly cores?: number;
  readonly memoryBytes?: number;
  /** Capacity in bytes of every disk that a drive names, sorted; absent where the image has to tell. */
  readonly disks: readonly (number | undefined)[];
  /** Networks of the adapters, sorted; `''` for an adapter without one. */
  readonly adapters: readonly string[];
}

export interface Expectation {
  readonly configuration?: string;
  readonly machines: readonly ExpectedMachine[];
  /** Declared networks and those that adapters name, sorted. */
  readonly networks: readonly string[];
}

export function expectationOf(bytes: Uint8Array): Expectation {
  using document = XmlDocument.fromBuffer(withoutPreamble(withoutTypes(bytes)));
  const { root } = document;
  const configuration =
    first(
      root,
      'o:DeploymentOptionSection/o:Configuration[@*[local-name()="default"][.="true" or .="1"]]/@*[local-name()="id"]',
    ) ?? first(root, 'o:DeploymentOptionSection/o:Configuration/@*[local-name()="id"]');
  const systems = all(
    root,
    '//o:VirtualSystem[not(ancestor::*[local-name()!="Envelope" and local-name()!="VirtualSystemCollection"])]',
  );
  const machines = systems.map((system) => machineOf(root, system as XmlElement, configuration));
  const declared = texts(root, 'o:NetworkSection/o:Network/@*[local-name()="name"]');
  const networks = new Set([...declared, ...machines.flatMap(({ adapters }) => adapters)]);
  networks.delete('');
  return { ...(configuration !== undefined && { configuration }), machines, networks: [...networks].sort() };
}

/** In OVF 0.9 and drafts of 1.0 the type of a `Section` or `Content` is its name in OVF 1, and only the root stands in the namespace. */
function withoutTypes(bytes: Uint8Array): Uint8Array {
  const namespaces = ['http://www.vmware.com/schema/ovf/1/envelope', 'http://schemas.dmtf.org/ovf/envelope/1'];
  const text = Buffer.from(bytes).toString('latin1');
  const before = namespaces.find((each) => new RegExp(`<([\\w-]+:)?Envelope[^>]*"${each}"`).test(text));
  if (before === undefined || !/<(?:[\w-]+:)?Content\s[^>]*type="/.test(text)) return bytes;
  const open: string[] = [];
  const renamed = text.replace(/<(\/?)(?:[\w-]+:)?(Section|Content)\b([^>]*?)(\/?)>/g, (_, end, name, rest, empty) => {
    const type = end ? open.pop() : (/type="(?:[\w-]+:)?(\w+)_Type"/.exec(rest)?.[1] ?? name);
    if (!end && !empty) open.push(type);
    return `<${end}${type}${rest}${empty}>`;
  });
  const plain = renamed.replace(/<(\/?)[\w-]+:(?=(?:Envelope|References|Info|Disk|Network|System|Item)\b)/g, '<$1');
  return Buffer.from(
    plain.replace(/<Envelope/, `<Envelope xmlns="${before}"`).replace(/( xmlns="[^"]*")(.*?) xmlns="[^"]*"/s, '$1$2'),
    'latin1',
  );
}

/** A byte order mark and white space in front of the XML declaration are no part of a document. */
function withoutPreamble(bytes: Uint8Array): Uint8Array {
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while ([0x09, 0x0a, 0x0d, 0x20].includes(bytes[start] ?? 0)) start += 1;
  return bytes.subarray(start);
}

/* --- machines -------------------------------------------------------------------------------------------------- */

function machineOf(root: XmlElement, system: XmlElement, configuration: string | undefined): ExpectedMachine {
  const items = effectiveItems(itemsOf(hardwareOf(system)), configuration ?? '');
  const ofType = (...types: string[]): Item[] => items.filter(({ type }) => types.includes(type));
  const [cores] = ofType('3').filter(({ subType }) => subType !== 'cpuspeed');
  const [memory] = ofType('4');
  const adapters = items.filter(({ type, element }) => type === '10' || element === 'EthernetPortItem');
  return {
    id: first(system, '@*[local-name()="id"]') ?? '',
    ...(cores?.quantity && { cores: Number(cores.quantity) }),
    ...(memory?.quantity && { memoryBytes: Number(memory.quantity) * memoryUnit(memory) }),
    disks: ofType('17', '31')
      .flatMap((item) => diskOf(root, system, item, configuration))
      .sort(bySize),
    adapters: adapters.map(({ connection }) => connection).sort(),
  };
}

/** The first alternative for a hypervisor of the family that VEP's sites have, else the first (§8.1). */
function hardwareOf(system: XmlElement): XmlElement | undefined {
  const sections = all(system, 'o:VirtualHardwareSection') as XmlElement[];
  const known = (section: XmlElement): boolean =>
    /(^|[\s,])(vmx-|xen|virtualbox-|kvm|qemu|hvm)/i.test(first(section, '*/*[local-name()="VirtualSystemType"]') ?? '');
  return sections.find(known) ?? sections[0];
}

interface Item {
  readonly element: string;
  readonly instance: string;
  readonly bound: string;
  readonly configurations: readonly string[];
  readonly type: string;
  readonly subType: string;
  readonly quantity: string;
  readonly units: string;
  readonly connection: string;
  readonly hostResource: string;
  /** VMware's `vcloud:capacity`, in mebibytes. */
  readonly hostCapacity: string;
}

function itemsOf(section: XmlElement | undefined): Item[] {
  const elements = section ? (all(section, 'o:Item | o:EthernetPortItem | o:StorageItem') as XmlElement[]) : [];
  return elements.map((element, index) => {
    const attribute = (name: string): string => first(element, `@*[local-name()="${name}"]`) ?? '';
    const child = (name: string): string => first(element, `*[local-name()="${name}"]`) ?? '';
    return {
      element: element.name,
      instance: child('InstanceID') || child('InstanceId') || `#${index}`,
      bound: attribute('bound') || 'normal',
      configurations: words(attribute('configuration')),
      type: child('ResourceType'),
      subType: child('ResourceSubType').toLowerCase(),
      quantity: child('VirtualQuantity'),
      units: child('AllocationUnits') || child('VirtualQuantityUnits'),
      connection: child('Connection'),
      hostResource: child('HostResource'),
      hostCapacity: first(element, '*[local-name()="HostResource"]/@*[local-name()="capacity"]') ?? '',
    };
  });
}

/**
 * §8.3, §8.4: items of the configuration go before those of all, among several the one naming the fewest, then the last.
 * An instance that has only bounds stands at the lower one. Different devices under one InstanceID are all meant.
 */
function effectiveItems(items: readonly Item[], configuration: string): readonly Item[] {
  const holding = items.filter(({ configurations: named }) => named.length === 0 || named.includes(configuration));
  return grouped(holding, ({ instance }) => instance).flatMap((same) => {
    const bound = ['normal', 'min', 'max'].find((each) => same.some((item) => item.bound === each));
    const standing = same.filter((item) => item.bound === bound);
    const specific = standing.filter(({ configurations: named }) => named.length > 0);
    const fewest = Math.min(...specific.map(({ configurations: named }) => named.length));
    const chosen = specific.filter(({ configurations: named }) => named.length === fewest).at(-1);
    return chosen
      ? [chosen]
      : grouped(standing, ({ type, subType }) => `${type} ${subType}`).flatMap(([one]) => one ?? []);
  });
}

function grouped(items: readonly Item[], key: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}

/* --- disks ----------------------------------------------------------------------------------------------------- */

function diskOf(
  root: XmlElement,
  system: XmlElement,
  { hostResource, hostCapacity }: Item,
  configuration: string | undefined,
): (number | undefined)[] {
  if (hostResource === '') return hostCapacity === '' ? [] : [Number(hostCapacity) * 2 ** 20];
  if (hostResource.includes('/file/')) return [undefined];
  const id = hostResource.slice(hostResource.lastIndexOf('/') + 1);
  const disks = all(root, 'o:DiskSection/o:Disk | o:SharedDiskSection/o:SharedDisk') as XmlElement[];
  const disk = disks.find((each) => first(each, '@*[local-name()="diskId"]') === id);
  const capacity = disk && first(disk, '@*[local-name()="capacity"]');
  if (!disk || capacity === undefined || capacity === '') return [undefined];
  const key = /^\$\{(.*)\}$/.exec(capacity)?.[1];
  const number = key === undefined ? capacity : propertyOf(system, key, configuration);
  return [Number(number) * unit(first(disk, '@*[local-name()="capacityAllocationUnits"]') ?? 'byte')];
}

/** The value a property has if nobody fills it in, of the system or the nearest collection round it. */
function propertyOf(system: XmlElement, key: string, configuration: string | undefined): string | undefined {
  const path = `ancestor-or-self::*/o:ProductSection/o:Property[@*[local-name()="key"]="${key}"]`;
  const property = all(system, path).at(-1) as XmlElement | undefined;
  if (!property) return undefined;
  const value = `o:Value[@*[local-name()="configuration"]="${configuration ?? ''}"]/@*[local-name()="value"]`;
  return first(property, value) ?? first(property, '@*[local-name()="value"]');
}

function bySize(a: number | undefined, b: number | undefined): number {
  return (a ?? 0) - (b ?? 0);
}

/* --- units ----------------------------------------------------------------------------------------------------- */

/** Without a unit, or with one that is no size, megabytes are meant. */
function memoryUnit({ units }: Item): number {
  return /b/i.test(units) ? unit(units) : 2 ** 20;
}

/** `byte`, `byte * 2^20`, `byte*1024*1024`, `MegaBytes`, `GB`, …: what 900 descriptors write. */
function unit(written: string): number {
  const text = written.toLowerCase().replace(/\s/g, '');
  const letter = /^([kmgt]?)(?:ilo|ega|iga|era|ibi|ebi|i)?b(?:ytes?)?$/.exec(text)?.[1];
  if (letter !== undefined) return 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(letter);
  return text
    .split('*')
    .slice(1)
    .map((factor) => factor.split('^').map(Number))
    .reduce((product, [base = NaN, exponent = 1]) => product * base ** exponent, text.startsWith('byte') ? 1 : NaN);
}

/* --- XPath ----------------------------------------------------------------------------------------------------- */

/** In an expression `o:` is the namespace of the root, whichever of OVF's it is. */
function all(from: XmlElement, path: string): XmlNode[] {
  const { namespaceUri } = from.doc.root;
  return from.find(path, { o: namespaceUri });
}

function texts(from: XmlElement, path: string): string[] {
  return all(from, path).map((node) => node.content.trim());
}

function first(from: XmlElement, path: string): string | undefined {
  return texts(from, path)[0];
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
