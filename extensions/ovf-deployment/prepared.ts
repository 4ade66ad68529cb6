/**
 * An appliance made ready before its transaction begins: package received, descriptor judged, plan made, images located.
 * Everything the request can be refused for on account of the document is found here, all of it at once.
 */

import { createHash } from 'node:crypto';
import { Problem, problem, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.js';
import type { NewEntity } from '../../src/extension/entity-draft.js';
import type { Attachment, RequestContext } from '../../src/extension/extension.js';
import type { Sites } from '../../src/iaas/sites.js';
import {
  checkCompleteness,
  NO_INPUTS,
  parsePlanInputs,
  planAppliance,
  type DeploymentInputs,
  type OvfSchemas,
  type PlanResult,
} from '../../src/ovf/index.js';
import { UNSIGNED, type Signature } from '../../src/ovf/package/certificate.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import type { Governed } from './governance.js';
import type { GuestReports } from './guest-reports.js';
import { sizedByImages } from './image-sizes.js';
import { withMappedNetworks, type NetworkServices } from './mapped-networks.js';
import { isOpen, originsOf, receivePackage, type ImageOrigins, type Package, type PackageServices } from './package.js';
import { refusedSignature } from './signature-policy.js';
import { OVF_CONFIGURATION, OVF_INPUTS, OVF_SITE, OVF_URL } from './vocabulary.js';
import { checkCredentials } from '../../src/transfer/source-credentials.js';
import { DELTA_DISKS, DELTA_REMEDY, deltaDisks } from './site-verdict.js';

export interface PreparationServices extends PackageServices, NetworkServices {
  readonly sites: Sites;
  readonly schemas: OvfSchemas;
  readonly reports: GuestReports;
}

/** What a dry run shows and a deployment begins with. */
export class PreparedDeployment {
  readonly result: PlanResult;
  readonly descriptor: string;
  readonly digest: string;
  readonly images: ImageOrigins;
  readonly site: string;
  readonly inputs: DeploymentInputs;
  /** The inputs as they were sent, for a site that deploys the appliance by itself. */
  readonly sentInputs: JsonObject;
  /** The agreement document that came along, not yet judged. */
  readonly agreement: Attachment | undefined;
  /** Findings of the package itself, beside those of the plan. */
  readonly findings: readonly Fault[];
  /** Absent while the work has to look for a certificate. */
  readonly signature: Signature | undefined;

  #governed: Governed | undefined;

  constructor(parts: Omit<PreparedDeployment, 'plan' | 'allFindings' | 'governed' | 'governedBy'>) {
    this.result = parts.result;
    this.descriptor = parts.descriptor;
    this.digest = parts.digest;
    this.images = parts.images;
    this.site = parts.site;
    this.inputs = parts.inputs;
    this.sentInputs = parts.sentInputs;
    this.agreement = parts.agreement;
    this.findings = parts.findings;
    this.signature = parts.signature;
  }

  /** Notes what was settled about agreement and hosts. */
  governedBy(governed: Governed): this {
    this.#governed = governed;
    return this;
  }

  governed(): Governed {
    if (this.#governed) return this.#governed;
    throw problem('internal', 'appliance.not-admitted', 'the appliance has not been admitted');
  }

  get allFindings(): readonly Fault[] {
    return [...this.findings, ...this.result.findings];
  }

  /** The plan, if there is nothing in its way. @throws Problem `invalid` with everything that is. */
  plan(): DeploymentPlan {
    throwIfFaulty('invalid', this.allFindings);
    if (this.result.plan) return this.result.plan;
    throw new Problem('invalid', blocking(this.result));
  }
}

export async function prepareDeployment(
  services: PreparationServices,
  context: RequestContext,
  entity: NewEntity,
): Promise<PreparedDeployment> {
  const { attributes } = entity.resolved;
  const attachments = entity.attachments ?? [];
  const site = siteOf(services.sites, attributes[OVF_SITE]);
  const inputs = inputsOf(attributes[OVF_INPUTS], attributes[OVF_CONFIGURATION]);
  const url = attributes[OVF_URL];
  const from = typeof url === 'string' ? url : undefined;
  const received = await receivePackage(services, context, attachments, from, inputs.credentials);
  const digest = createHash('sha256').update(received.descriptor).digest('hex');
  const planned = readable(digest, () =>
    planAppliance(received.descriptor, inputs, { mode: 'lenient', schemas: services.schemas }),
  );
  const { origins, findings } = locateImages(services.sites, site, received, planned.draft?.images ?? []);
  const sized = await sizedByImages(services.blobs, planned, origins);
  const { result, faults } = await withMappedNetworks(services, context, sized, site);
  // Whether the work will look for a signature; where it will not, there is none.
  const judged = received.signature ?? (isOpen(origins) ? undefined : UNSIGNED);
  const incomplete = received.contents ? checkCompleteness(planned.envelope, received.contents, 'lenient') : [];
  return new PreparedDeployment({
    result,
    descriptor: Buffer.from(received.descriptor).toString('utf8'),
    digest,
    images: origins,
    site,
    inputs,
    sentInputs: sentInputs(attributes[OVF_INPUTS]),
    agreement: attachments.find((attachment) => attachment.name === 'sla'),
    signature: received.signature,
    findings: [
      ...received.findings,
      ...refusedSignature(services.signatures, judged),
      ...incomplete,
      ...findings,
      ...faults,
      ...waitingForGuests(result, site, services.reports.canReach(site)),
      ...unreachableGuests(services.sites, site, result),
      ...unflattened(services.sites, site, result),
    ],
  });
}

/** A descriptor of which no plan can be made: a fault of the request, and what a dry run is asked to tell. */
export class UnreadableDescriptor extends Problem {
  /** SHA-256 of the descriptor. */
  readonly digest: string;

  constructor(digest: string, { kind, faults }: Problem) {
    super(kind, faults);
    this.digest = digest;
  }
}

function readable<T>(digest: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof Problem && error.kind !== 'internal' ? new UnreadableDescriptor(digest, error) : error;
  }
}

/** K34: where guests cannot report, what waits for them waits for its delay. */
function waitingForGuests({ draft }: PlanResult, site: string, reachable: boolean): Fault[] {
  const waiting = (draft?.startup ?? []).flatMap(({ machines }) =>
    machines.filter((machine) => machine.waitingForGuest && !(reachable && machine.startDelay > 0)),
  );
  return waiting.map(({ id, startDelay }) => ({
    code: 'ovf.waiting-for-guest',
    severity: 'warning',
    message: reachable
      ? `${id} is waited for until it is ready, but no longer than its startDelay of 0 s`
      : `${id} cannot report from site ${site} that it is ready: what comes after it starts ${startDelay} s later`,
    value: id,
    rule: 'K34',
    remedy: reachable
      ? 'give it a startDelay: the longest time that its report may take'
      : 'choose startDelay so that the guest is ready by then, or have the provider set guestUrl for the site',
  }));
}

/** O-065: properties are there to reach a guest. */
function unreachableGuests(sites: Sites, site: string, { draft }: PlanResult): Fault[] {
  const told = draft?.machines.some(({ environment }) => environment.properties.length > 0) === true;
  if (!told || sites.adapter(site).capabilities().transports.length > 0) return [];
  return [
    {
      code: 'ovf.O-065',
      message: `site ${site} has no way to bring the properties of the appliance to its guests`,
      place: { field: OVF_SITE },
      rule: 'O-065',
      remedy: 'choose another site',
    },
  ];
}

/** O-037: a delta without what it is a delta of would be a broken disk. */
function unflattened(sites: Sites, site: string, { draft }: PlanResult): Fault[] {
  const disks = draft === undefined ? [] : deltaDisks(draft);
  const { imageless } = sites.adapter(site).capabilities();
  return disks.map((disk) => ({
    code: 'ovf.delta-disk',
    severity: imageless ? 'warning' : 'error',
    message: imageless ? `${DELTA_DISKS}; it looks at no images, so the disk is made all the same` : DELTA_DISKS,
    rule: 'O-037',
    value: disk,
    remedy: DELTA_REMEDY,
  }));
}

function siteOf(sites: Sites, wanted: JsonValue | undefined): string {
  if (typeof wanted !== 'string' || wanted === '') return sites.default;
  if (sites.has(wanted)) return wanted;
  throw problem('invalid', 'ovf.site-unknown', 'no site of that name is here', {
    place: { field: OVF_SITE },
    remedy: `name one of ${sites.names.join(', ')}, or leave it out`,
  });
}

/** As an object, whichever way the rendering carried them (K04). */
function sentInputs(inputs: JsonValue | undefined): JsonObject {
  const value: unknown = typeof inputs === 'string' && inputs !== '' ? JSON.parse(inputs) : inputs;
  return isJsonObject(value) ? value : {};
}

function inputsOf(inputs: JsonValue | undefined, configuration: JsonValue | undefined): DeploymentInputs {
  const parsed = inputs === undefined ? NO_INPUTS : parsePlanInputs(inputs);
  checkCredentials(parsed.credentials);
  return typeof configuration === 'string' ? { ...parsed, configuration } : parsed;
}

/** Where the images are. One that nobody sent is an error, unless the site runs machines without looking at images. */
function locateImages(
  sites: Sites,
  site: string,
  received: Package,
  images: readonly PlannedImage[],
): { origins: ImageOrigins; findings: Fault[] } {
  const { origins, missing } = originsOf(images, received);
  const { imageless } = sites.adapter(site).capabilities();
  const findings = missing.map((image): Fault => ({
    code: 'ovf.file-not-sent',
    severity: imageless ? 'warning' : 'error',
    message: imageless
      ? `the file ${image.href} was not sent: its disks stay empty, which site ${site} allows because it runs no guests`
      : `the file ${image.href} was not sent`,
    place: { field: image.href },
    rule: 'O-013',
    remedy: 'send it with the descriptor (multipart/form-data or an OVA), or give its absolute URL in the descriptor',
  }));
  return { origins, findings };
}

/** Why a plan without errors cannot be deployed yet, one fault for each thing to fill in. */
function blocking({ unresolved }: PlanResult): Fault[] {
  const place = { field: OVF_INPUTS };
  return [
    ...unresolved.properties
      .filter((property) => property.blocking)
      .map((property): Fault => ({
        code: 'ovf.property-missing',
        message: `the property ${property.key} has no value`,
        place,
        rule: 'O-061',
        remedy: `give properties.${property.key}`,
      })),
    ...unresolved.eulas.map((eula): Fault => ({
      code: 'ovf.eula-not-accepted',
      message: `the licence ${eula.id} is not accepted`,
      place,
      rule: 'O-072',
      remedy: 'read it with ?dry-run and list its id under eulas',
    })),
  ];
}
