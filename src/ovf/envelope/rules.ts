/**
 * The rules beyond the schema, applied to a whole envelope: those of the package here (files, disks, networks, options,
 * bundles; O-011 to O-015, O-032 to O-042, O-053, O-057, O-073), those of hardware and of the content tree beside it.
 */

import { excerpt } from '../../base/errors.js';
import { shownUrl } from '../../base/shown-url.js';
import { safeHref } from './href.js';
import { toBytes } from '../units.js';
import { capacityReference } from './capacity.js';
import { composedKey } from './product.js';
import { checkContent } from './rules-content.js';
import { checkUnit } from './rules-units.js';
import type { Content, Disk, Envelope, Located } from './model.js';
import { PLACEHOLDER, unsigned, type Reading } from './reading.js';
import type { RuleCode } from './rulebook.js';

/** Reports every broken rule; properties and their values are judged when the plan is made. */
export function checkRules(reading: Reading, envelope: Envelope): void {
  checkFiles(reading, envelope);
  checkDisks(reading, envelope);
  unique(reading, 'O-042', 'network', envelope.networkSection?.networks ?? [], (network) => network.name);
  checkOptions(reading, envelope);
  checkStrings(reading, envelope);
  checkContent(reading, envelope, envelope.content);
}

function unique<T extends Located>(
  reading: Reading,
  rule: RuleCode,
  what: string,
  nodes: readonly T[],
  idOf: (node: T) => string,
): void {
  const seen = new Set<string>();
  for (const node of nodes) {
    const id = idOf(node);
    if (id !== '' && seen.has(id)) reading.findings.error(rule, node.at, `the ${what} id is used twice`, id);
    seen.add(id);
  }
}

function checkFiles(reading: Reading, { references }: Envelope): void {
  unique(reading, 'O-011', 'file', references, (file) => file.id);
  const seen = new Set<string>();
  for (const file of references) {
    const href = safeHref(file.href);
    if (href.kind === 'unsafe') {
      if (file.href !== '' || !reading.findings.has('D08', file.at)) {
        reading.findings.error('O-015', file.at, `ovf:href cannot be used: ${href.reason}`, shownUrl(file.href));
      }
      continue;
    }
    const target = href.kind === 'url' ? href.url : href.path;
    if (seen.has(target)) {
      reading.findings.deviation(
        'O-012',
        file.at,
        'two File elements name the same file',
        'it is fetched once',
        shownUrl(file.href),
      );
    }
    seen.add(target);
  }
}

function checkDisks(reading: Reading, envelope: Envelope): void {
  const disks = envelope.diskSection?.disks ?? [];
  const files = new Set(envelope.references.map((file) => file.id));
  unique(reading, 'O-032', 'disk', disks, (disk) => disk.diskId);
  const properties = disks.some((disk) => capacityReference(disk) !== undefined)
    ? propertyKeys(envelope.content)
    : new Set<string>();
  for (const disk of disks) {
    checkCapacity(reading, disk, properties);
    if (disk.fileRef === undefined) continue;
    if (!files.has(disk.fileRef)) reading.findings.error('O-013', disk.at, 'ovf:fileRef names no File', disk.fileRef);
    if (disk.format === undefined) {
      reading.findings.deviation('O-038', disk.at, 'the disk has an image but no ovf:format', 'guessed from the image');
    }
  }
  checkParents(reading, disks);
}

/** Everything that a property can be called, wherever it is. */
function propertyKeys(content: Content): Set<string> {
  const own = content.products.flatMap((section) =>
    section.properties.flatMap((property) => [property.key, composedKey(section, property)]),
  );
  const children = content.kind === 'VirtualSystem' ? [] : content.children;
  return new Set([...own, ...children.flatMap((child) => [...propertyKeys(child)])]);
}

function checkCapacity(reading: Reading, disk: Disk, properties: ReadonlySet<string>): void {
  const unit = checkUnit(reading, disk.at, disk.capacityAllocationUnits);
  const reference = capacityReference(disk);
  if (reference !== undefined) {
    if (!properties.has(reference)) {
      const message = 'the capacity names no property that any system or collection has';
      reading.findings.error('O-034', disk.at, message, disk.capacity);
    }
    return;
  }
  const capacity = unsigned(disk.capacity);
  if (capacity === undefined || capacity === 0n) {
    if (disk.capacity !== '' || !(reading.findings.has('D08', disk.at) || reading.findings.has('O-034', disk.at))) {
      const message = PLACEHOLDER.test(disk.capacity)
        ? "the capacity still holds a template's placeholder"
        : 'the capacity is neither a whole number greater than 0 nor a reference to a property';
      reading.findings.error('O-034', disk.at, message, disk.capacity);
    }
    return;
  }
  if (unit === undefined) return;
  const bytes = toBytes(capacity, unit);
  if ('fault' in bytes) reading.findings.error('O-035', disk.at, bytes.fault.message, disk.capacityAllocationUnits);
  else if (disk.populatedSize !== undefined && disk.populatedSize > bytes.value) {
    reading.findings.deviation(
      'O-036',
      disk.at,
      'populatedSize is greater than the capacity',
      'ignored',
      `${disk.populatedSize}`,
    );
  }
}

function checkParents(reading: Reading, disks: readonly Disk[]): void {
  const byId = new Map(disks.map((disk) => [disk.diskId, disk]));
  const sound = new Set<string>();
  for (const disk of disks) {
    const chain = new Set<string>();
    let at: Disk | undefined = disk;
    while (at?.parentRef !== undefined && !sound.has(at.diskId)) {
      if (chain.has(at.diskId)) {
        reading.findings.error('O-037', disk.at, 'the chain of parentRef is a circle', disk.diskId);
        break;
      }
      chain.add(at.diskId);
      const parent = byId.get(at.parentRef);
      if (parent === undefined && at === disk) {
        reading.findings.error('O-037', disk.at, 'ovf:parentRef names no disk', disk.parentRef);
      }
      at = parent;
    }
    for (const id of chain) sound.add(id);
  }
}

function checkOptions(reading: Reading, envelope: Envelope): void {
  const configurations = envelope.deploymentOptionSection?.configurations ?? [];
  unique(reading, 'O-057', 'configuration', configurations, (configuration) => configuration.id);
  for (const second of configurations.filter((configuration) => configuration.default).slice(1)) {
    reading.findings.deviation(
      'O-057',
      second.at,
      'more than one configuration is the default',
      'one has to be chosen',
      second.id,
    );
  }
}

function checkStrings(reading: Reading, envelope: Envelope): void {
  const files = new Set(envelope.references.map((file) => file.id));
  for (const { fileRef, texts = [], at } of envelope.strings) {
    for (const [msgid, file] of texts) {
      if (files.has(file)) continue;
      const message = `ovf:fileRef of the message "${excerpt(msgid)}" names no File`;
      reading.findings.deviation('O-013', at, message, 'the message is left out', file);
    }
    if (fileRef !== undefined && !files.has(fileRef)) {
      reading.findings.deviation(
        'O-013',
        at,
        'ovf:fileRef of the Strings bundle names no File',
        'the bundle is left out',
        fileRef,
      );
    }
  }
  // The messages of a bundle in a file of its own are not known here.
  if (envelope.strings.some((strings) => strings.fileRef !== undefined)) return;
  const known = new Set(
    envelope.strings.flatMap(({ messages, texts = [] }) => [...messages.keys(), ...new Map(texts).keys()]),
  );
  for (const message of reading.messages) {
    if (message.msgid === undefined || known.has(message.msgid)) continue;
    reading.findings.warning(
      'O-073',
      message.at,
      'the msgid is in no Strings bundle; the text of the element is used',
      message.msgid,
    );
  }
}
