/**
 * From envelope and inputs to the deployment plan (DSP0243 §7–§9): the one place where a configuration is chosen, every
 * property gets its value and the whole is put together. Pure: the same envelope and inputs give the same plan (O-085).
 */

import type { Fault } from '../../base/errors.js';
import type { Mode } from '../envelope/findings.js';
import type { Content, Envelope, ResourceAllocationSection } from '../envelope/model.js';
import type { PlanInputs, UnresolvedInputs } from '../inputs.js';
import type { DeploymentPlan, PlannedCollection, PlannedMachine, ResolvedProperty } from '../plan.js';
import { resolveProperties } from '../properties/resolve.js';
import { readScopes, type PropertyScope } from '../properties/scope.js';
import { visibleProperties } from '../properties/visible.js';
import { checkCollectionAllocations, planCollectionAllocation } from './allocation.js';
import { bulkOf, MOST_COPIED } from './bulk.js';
import { chooseConfiguration } from './configuration.js';
import { planDisks, planImages, reportCompression, type DiskUse } from './disks.js';
import type { Media } from './drives.js';
import { EnvironmentFiles, planFiles } from './environment-files.js';
import { Findings } from './findings.js';
import { hostnames } from './hostname.js';
import { MacAddresses } from './mac-addresses.js';
import { planMachine } from './machine.js';
import { planNetworks } from './networks.js';
import { planPlacement } from './placement.js';
import { MAX_CONTENTS, tooMany, withReplicas } from './replicate.js';
import { planStartup } from './startup.js';
import { titleOf } from './title.js';
import { unresolvedInputs } from './unresolved.js';

export interface PlanResult {
  /** Ready to deploy; absent while there are errors or something blocking is unresolved. */
  readonly plan?: DeploymentPlan;
  /** The plan as far as it goes, to be shown by a dry run; absent when there are errors. */
  readonly draft?: DeploymentPlan;
  /** Values of secret properties, by `secretKey`. Never to be stored or shown with the plan (K26). */
  readonly secrets: ReadonlyMap<string, string>;
  readonly unresolved: UnresolvedInputs;
  /** Errors, warnings and notes, at most 1,000. */
  readonly findings: readonly Fault[];
}

export function buildPlan(written: Envelope, inputs: PlanInputs, mode: Mode = 'lenient'): PlanResult {
  const findings = new Findings(mode);
  const configuration = chooseConfiguration(written, inputs.configuration, findings);
  const envelope = { ...written, content: withReplicas(written.content, configuration, findings) };
  const scopes = readScopes(envelope.content, configuration, findings);
  const properties = resolveProperties(scopes, inputs, findings);
  const { propertiesOf, secrets } = visibleProperties(scopes, properties, findings);
  const media = mediaOf(envelope);
  const { machines, collections } = planContents(envelope.content, configuration, media, propertiesOf, findings);
  const disks = planDisks(diskUses(machines, media, scopes), media.disks, media.files, properties, findings);
  const networks = planNetworks(envelope, inputs.networks, findings, adaptersOf(machines));
  const mounted = new Set(machines.flatMap(({ drives }) => drives.flatMap(({ image }) => image ?? [])));
  const files = planFiles(media.files, machines);
  const images = planImages(media.files, disks, mounted);
  reportCompression([...images, ...files], media.files, findings);
  const constraints = planPlacement(envelope, findings);
  const unresolved = unresolvedInputs({ envelope, inputs, configuration, properties, networks, machines, disks });
  const { id, annotations } = envelope.content;
  const draft: DeploymentPlan = {
    version: 1,
    title: titleOf(envelope.content),
    id,
    ...(annotations.length > 0 && { annotation: annotations.map(({ annotation }) => annotation.text).join('\n') }),
    ...(configuration !== undefined && { configuration }),
    machines,
    networks,
    disks,
    images,
    ...(files.length > 0 && { files }),
    startup: planStartup(envelope.content),
    constraints,
    collections,
    findings: findings.all,
    conformanceLevel: envelope.conformanceLevel,
  };
  return {
    ...(!findings.hasErrors && { draft, ...(!unresolved.blocked && { plan: draft }) }),
    secrets,
    unresolved,
    findings: findings.all,
  };
}

function mediaOf(envelope: Envelope): Media {
  return {
    disks: new Map(envelope.diskSection?.disks.map((disk) => [disk.diskId, disk])),
    files: new Map(envelope.references.map((file) => [file.id, file])),
  };
}

interface PlannedContents {
  readonly machines: readonly PlannedMachine[];
  readonly collections: readonly PlannedCollection[];
}

/** Machines and collections in document order, outer collections first. */
function planContents(
  root: Content,
  configuration: string | undefined,
  media: Media,
  propertiesOf: (contentId: string) => readonly ResolvedProperty[],
  findings: Findings,
): PlannedContents {
  const machines: PlannedMachine[] = [];
  const collections: PlannedCollection[] = [];
  const allocated: { planned: PlannedCollection; section: ResourceAllocationSection }[] = [];
  const hostname = hostnames();
  const addresses = new MacAddresses(findings);
  const environmentFiles = new EnvironmentFiles(media.files, findings);
  const shared = { configuration, media, hostname, addresses, findings };
  const visit = (content: Content, parent: Content | undefined): void => {
    const collection = parent?.id;
    const properties = propertiesOf(content.id);
    if (content.kind === 'VirtualSystem') {
      const files = environmentFiles.of(content, parent);
      machines.push(planMachine(content, { ...shared, collection, properties, files }));
      return;
    }
    const { id, resourceAllocation } = content;
    const planned = {
      id,
      title: titleOf(content),
      ...(collection !== undefined && { parent: collection }),
      ...planCollectionAllocation(resourceAllocation, configuration, findings),
      properties,
    };
    collections.push(planned);
    if (resourceAllocation) allocated.push({ planned, section: resourceAllocation });
    for (const child of content.children) visit(child, content);
  };
  visit(root, undefined);
  const total = machines.reduce((sum, { instances }) => sum + instances.normal, 0);
  const copied = machines.reduce((sum, machine) => sum + copiesOf(machine), 0);
  if (total > MAX_CONTENTS || copied > MOST_COPIED) tooMany(root, findings);
  checkCollectionAllocations(allocated, collections, machines, findings);
  return { machines, collections };
}

/** Characters that further instances of a machine add to the plan. */
function copiesOf(machine: PlannedMachine): number {
  const { normal } = machine.instances;
  return normal === 1 ? 0 : bulkOf(machine) * (normal - 1);
}

function diskUses(
  machines: readonly PlannedMachine[],
  media: Media,
  scopes: ReadonlyMap<string, PropertyScope>,
): readonly DiskUse[] {
  return machines.flatMap(({ id, drives }) =>
    drives.flatMap((drive) => {
      const disk = drive.disk === undefined ? undefined : media.disks.get(drive.disk);
      const scope = scopes.get(id);
      return disk && scope ? [{ disk, scope }] : [];
    }),
  );
}

/** Networks that adapters of the chosen hardware and configuration are on. */
function adaptersOf(machines: DeploymentPlan['machines']): ReadonlySet<string> {
  return new Set(machines.flatMap(({ interfaces }) => interfaces.flatMap(({ network }) => network ?? [])));
}
