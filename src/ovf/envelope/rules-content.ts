/**
 * Rules of systems and collections (O-004, O-006, O-013, O-040, O-052, O-053, O-068): what their sections say about one
 * another and about the rest of the envelope.
 */

import { unsafeCdPath } from '../cd-path.js';
import { checkHardware, checkItems, type Declared } from './rules-hardware.js';
import type { Content, Envelope, InstanceCount, Located, VirtualSystem, VirtualSystemCollection } from './model.js';
import type { Reading } from './reading.js';

export function checkContent(reading: Reading, envelope: Envelope, top: Content): void {
  const disks = envelope.diskSection?.disks ?? [];
  const declared: Declarations = {
    files: new Set(envelope.references.map((file) => file.id)),
    disks: new Set(disks.map((disk) => disk.diskId)),
    shared: new Set(disks.filter((disk) => disk.shared).map((disk) => disk.diskId)),
    configurations: new Set(envelope.deploymentOptionSection?.configurations.map((configuration) => configuration.id)),
    groups: new Set(envelope.placementGroups.map((group) => group.id)),
    users: new Map(),
  };
  for (const content of contentsOf(top)) {
    checkReferences(reading, content, declared.files);
    checkConfigurations(reading, content, declared.configurations);
    checkPlacement(reading, content, declared.groups);
    if (content.kind === 'VirtualSystem') {
      checkSystem(reading, content, declared);
      checkDiskUse(reading, content, declared);
    } else {
      checkCollection(reading, content);
      checkItems(reading, content.resourceAllocation?.items ?? [], declared.configurations);
    }
  }
}

/** Ids the envelope declares, and the system that uses each disk. */
interface Declarations extends Declared {
  readonly shared: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly users: Map<string, string>;
}

function* contentsOf(content: Content): Generator<Content> {
  yield content;
  if (content.kind === 'VirtualSystemCollection') for (const child of content.children) yield* contentsOf(child);
}

function checkReferences(reading: Reading, content: Content, files: ReadonlySet<string>): void {
  const check = (fileRef: string, node: Located, what: string): void => {
    if (files.has(fileRef)) return;
    reading.findings.deviation('O-013', node.at, `the fileRef of ${what} names no File`, 'left out', fileRef);
  };
  for (const icon of content.products.flatMap((product) => product.icons)) check(icon.fileRef, icon, 'the icon');
  const paths = new Set<string>();
  for (const file of content.environmentFiles) {
    check(file.fileRef, file, 'the environment file');
    const why = unsafeCdPath(file.path);
    const key = file.path.toLowerCase();
    if (why !== undefined) reading.findings.error('O-015', file.at, `ovf:path cannot be used: ${why}`, file.path);
    else if (paths.has(key)) reading.findings.error('O-012', file.at, 'two environment files have one path', file.path);
    paths.add(key);
  }
}

function checkConfigurations(reading: Reading, content: Content, declared: ReadonlySet<string>): void {
  const check = (node: Located & Pick<InstanceCount, 'configurations'>): void => {
    for (const id of node.configurations) {
      if (!declared.has(id)) reading.findings.error('O-053', node.at, 'the configuration is not declared', id);
    }
  };
  for (const { properties } of content.products) {
    for (const property of properties) {
      check(property);
      property.values.forEach(check);
    }
  }
  content.scaleOut?.instanceCounts.forEach(check);
  if (content.kind === 'VirtualSystem') for (const { items } of content.hardware) items.forEach(check);
  else content.resourceAllocation?.items.forEach(check);
}

function checkPlacement(reading: Reading, { placement }: Content, groups: ReadonlySet<string>): void {
  if (placement === undefined || groups.has(placement.group)) return;
  reading.findings.deviation(
    'O-013',
    placement.at,
    'PlacementSection names no PlacementGroupSection',
    'ignored',
    placement.group,
  );
}

function checkSystem(reading: Reading, system: VirtualSystem, declared: Declared): void {
  if (system.hardware.length === 0) {
    reading.findings.deviation(
      'O-004',
      system.at,
      'the VirtualSystem has no VirtualHardwareSection',
      "the site's default is taken",
      system.ovfId,
    );
  }
  for (const section of system.hardware) checkHardware(reading, declared, section);
}

/** Several alternatives of hardware for one system may of course use the same disk. */
function checkDiskUse(reading: Reading, system: VirtualSystem, { shared, users }: Declarations): void {
  for (const section of system.hardware) {
    const here = new Set<string>();
    for (const item of section.items) {
      for (const { target } of item.hostResources) {
        if (target?.kind !== 'disk' || shared.has(target.id) || item.configurations.length > 0) continue;
        const other = users.get(target.id);
        if (here.has(target.id)) {
          reading.findings.warning('O-040', item.at, 'the system uses the disk twice; each use gets a copy', target.id);
        } else if (other !== undefined && other !== system.id) {
          reading.findings.warning(
            'O-040',
            item.at,
            `the disk is also used by "${other}"; each system gets a copy`,
            target.id,
          );
        }
        here.add(target.id);
        users.set(target.id, other ?? system.id);
      }
    }
  }
}

function checkCollection(reading: Reading, collection: VirtualSystemCollection): void {
  if (collection.children.length === 0) {
    reading.findings.warning('O-006', collection.at, 'the VirtualSystemCollection is empty', collection.ovfId);
  }
  const children = new Set(collection.children.map((child) => child.id));
  const seen = new Set<string>();
  for (const item of collection.startup?.items ?? []) {
    if (item.id === '') continue;
    if (seen.has(item.id)) reading.findings.error('O-068', item.at, 'StartupSection names the child twice', item.id);
    else if (!children.has(item.id)) {
      reading.findings.deviation(
        'O-068',
        item.at,
        'StartupSection names no immediate child of its collection',
        'ignored',
        item.id,
      );
    }
    seen.add(item.id);
  }
}
