/**
 * What is sent to a site that deploys appliances by itself: an appliance as it came, as an agreement has settled it, or a parcel
 * of its machines; with the files that came along, and what there is to fill in.
 */

import { stringAt } from '../../src/base/json.js';
import { IaasError, type SiteRef } from '../../src/iaas/adapter.js';
import type { ApplianceFile, ApplianceSpec } from '../../src/iaas/appliance-site.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import { foldReplicas } from '../../src/ovf/instances.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { Blob, BlobStore } from '../../src/transfer/blob-store.js';
import { SLA } from '../sla/agreements.js';
import { mappedNetworks, networkKey } from './mapped-networks.js';
import { openAppliance, type OpenedAppliance } from './opened-appliance.js';
import { outgoingPackage } from './outgoing-package.js';
import { planOfParcel, propertiesOfParcel } from './parcels.js';
import { withInstanceSecrets } from './sealed-inputs.js';
import type { ApplianceRow } from './tables.js';
import { OVF_CONFIGURATION, OVF_KEEP_ON_FAILURE, OVF_URL } from './vocabulary.js';

export interface DeliveryServices {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Opens secrets (K26). */
  readonly secretKey: Uint8Array;
}

/** Machines of an appliance that travel without the others. */
export interface Consignment {
  readonly id: string;
  readonly site: string;
  /** Ids of the machines in the plan. */
  readonly machines: ReadonlySet<string>;
  /** The networks that were made for the appliance on the site, by name. */
  readonly networks: ReadonlyMap<string, EntityRecord>;
}

export class Deliveries {
  readonly #services: DeliveryServices;

  constructor(services: DeliveryServices) {
    this.#services = services;
  }

  /**
   * The appliance as its user sent it. Which of the sites here it may be on says nothing to the site that takes it.
   *
   * @throws IaasError `invalid` where something of it is no longer kept, `transient` while a network of it is being made
   */
  async whole(entity: EntityRecord): Promise<ApplianceSpec> {
    const opened = await this.#opened(entity.id);
    const { row, inputs } = opened;
    const { sites: _here, ...sent } = inputs.sent ?? {};
    const networks = await this.#mapped(row.plan, entity.site ?? '');
    const configuration = stringAt(entity.wanted, OVF_CONFIGURATION);
    return {
      id: entity.id,
      name: entity.title ?? entity.id,
      source: await this.#source(entity, opened),
      inputs: Object.keys(networks).length === 0 ? sent : { ...sent, networks },
      ...(configuration === undefined ? {} : { configuration }),
      keepOnFailure: isKept(entity),
    };
  }

  /** @throws IaasError as {@link whole} */
  async part(entity: EntityRecord, { id, site, machines, networks }: Consignment): Promise<ApplianceSpec> {
    const { row, inputs } = await this.#opened(entity.id);
    const { properties, credentials } = inputs;
    const plan = planOfParcel(row.plan, machines);
    const made = plan.networks.filter(({ mappedTo }) => mappedTo === undefined);
    const own = Object.fromEntries(made.map(({ name }) => [name, placeOf(name, networks.get(name))]));
    return {
      id,
      name: entity.title ?? entity.id,
      source: await this.#packed(plan, row),
      inputs: {
        properties: propertiesOfParcel(plan, withInstanceSecrets(row.plan, properties)),
        networks: { ...own, ...(await this.#mapped(plan, site)) },
        // For the images that the site fetches by itself.
        ...(plan.images.some(({ id }) => 'url' in (row.images[id] ?? {})) ? { credentials } : {}),
      },
      keepOnFailure: isKept(entity),
    };
  }

  /** As it came; where an agreement has settled sizes and numbers, as it was planned under it. */
  async #source(entity: EntityRecord, { row, packageUrl }: OpenedAppliance): Promise<ApplianceSpec['source']> {
    if (entity.mixins.includes(SLA)) return this.#packed(foldReplicas(row.plan), row);
    const url = packageUrl ?? shownPackageUrl(entity);
    if (url !== undefined && /^https?:/.test(url)) return { url };
    return { descriptor: row.descriptor, files: await this.#files(row) };
  }

  async #packed(plan: DeploymentPlan, { images }: ApplianceRow): Promise<ApplianceSpec['source']> {
    const outgoing = await outgoingPackage(this.#services.blobs, { plan, images });
    const files = outgoing.members.map(({ name, ...blob }) => this.#file(name, blob));
    return { descriptor: exportEnvelope(outgoing.plan), files };
  }

  /** Files that came with the descriptor; what it names by URL the site fetches by itself. */
  async #files({ plan, images }: ApplianceRow): Promise<ApplianceFile[]> {
    const companions = Object.entries(images).flatMap(([id, origin]) =>
      'href' in origin && origin.href !== undefined ? [{ id, href: origin.href }] : [],
    );
    const files = await Promise.all(
      [...plan.images, ...(plan.files ?? []), ...companions].map(async ({ id, href }): Promise<ApplianceFile[]> => {
        const origin = images[id];
        if (!origin || !('sha256' in origin)) return [];
        const blob = await this.#services.blobs.find(origin.sha256);
        if (!blob) throw new IaasError('invalid', `the file ${href} is no longer kept`);
        return [this.#file(href, blob)];
      }),
    );
    const byName = new Map(files.flat().map((file) => [file.href, file]));
    return [...byName.values()];
  }

  #file(href: string, { sha256, sizeBytes }: Blob): ApplianceFile {
    return { href, sizeBytes, read: (first, length) => this.#services.blobs.read(sha256, first, length) };
  }

  /** Networks of this VEP, under the names that the site has for them. */
  async #mapped(plan: DeploymentPlan, site: string): Promise<Record<string, string>> {
    const mapped = await mappedNetworks(this.#services.store, plan);
    const networks: Record<string, string> = {};
    for (const { name, mappedTo } of plan.networks) {
      if (mappedTo === undefined) continue;
      const network = mapped.get(networkKey(name, site));
      if (!network) throw new IaasError('invalid', `the network ${name} is mapped to is on another site`);
      networks[name] = placeOf(name, network);
    }
    return networks;
  }

  async #opened(appliance: string): Promise<OpenedAppliance> {
    const opened = await openAppliance(this.#services, appliance);
    if (opened) return opened;
    throw new IaasError('invalid', 'the appliance has lost its descriptor');
  }
}

/** Where its user said that the package is, as far as that may be shown. */
export function shownPackageUrl({ wanted, observed }: EntityRecord): string | undefined {
  return stringAt(wanted, OVF_URL) ?? stringAt(observed, OVF_URL);
}

function placeOf(name: string, network: EntityRecord | undefined): SiteRef {
  if (!network) throw new IaasError('invalid', `the network ${name} is on is gone`);
  if (network.siteRef !== null) return network.siteRef;
  throw new IaasError('transient', `the network ${name} is on is being made`);
}

function isKept({ wanted }: EntityRecord): boolean {
  return wanted[OVF_KEEP_ON_FAILURE] === true;
}
