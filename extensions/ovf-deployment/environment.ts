/**
 * What a machine of an appliance is given besides its size: the host placement chose, and the OVF environment with user
 * data, composed when it is handed to the site and never stored (K26).
 */

import { isJsonObject, stringAt } from '../../src/base/json.js';
import type { Operation } from '../../src/engine/operation.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { buildEnvironment, buildNoCloud, combinedUserData, PLATFORM } from '../../src/ovf/index.js';
import { COMPUTE, STORAGE } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { storageSpecOf, type ProvisionInput } from '../infrastructure/site-class.js';
import { environmentDocuments } from './environment-files.js';
import type { GuestReports } from './guest-reports.js';
import { openInputs, withInstanceSecrets } from './sealed-inputs.js';
import { imagesOf, loadAppliance } from './tables.js';
import { OVF_ID } from './vocabulary.js';

export interface EnvironmentServices {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly secretKey: Uint8Array;
  readonly reports: GuestReports;
  readonly sites: Sites;
}

/** Completes the provision of an appliance's component from the operation's input and the appliance's row. */
export async function componentDetails(
  services: EnvironmentServices,
  operation: Operation,
  entity: EntityRecord,
): Promise<ProvisionInput> {
  if (entity.appliance === null) return {};
  const { input } = operation;
  const placement = {
    ...(typeof input['host'] === 'string' ? { host: input['host'] } : {}),
    ...(input['hostIsWish'] === true ? { hostIsWish: true as const } : {}),
    ...(Array.isArray(input['zones']) ? { zones: input['zones'] as string[] } : {}),
    ...(Array.isArray(input['apartFrom']) ? { apartFrom: input['apartFrom'] as string[] } : {}),
    ...(Array.isArray(input['togetherWith']) ? { togetherWith: input['togetherWith'] as string[] } : {}),
    ...(Array.isArray(input['near']) ? { near: input['near'] as string[] } : {}),
    ...(input['readOnly'] === true ? { readOnly: true } : {}),
    ...(input['shared'] === true ? { shared: true as const } : {}),
  };
  if (entity.kind === STORAGE)
    return {
      ...placement,
      ...(typeof input['image'] === 'string' ? { image: await imageOf(services.store, entity, input['image']) } : {}),
      ...(await machineOf(services.store, 'bootOf', input)),
      ...(await machineOf(services.store, 'madeFor', input)),
    };
  if (entity.kind !== COMPUTE || typeof input['machine'] !== 'string') return placement;
  const documents = await guestDocuments(services, entity, input['machine']);
  return { ...placement, ...documents, ...(await bootDisk(services.store, entity, input['boot'])) };
}

/** Whether a link leads to a disk that its appliance shares for reading only. */
export async function leadsToReadOnlyDisk(store: Store, { target }: EntityRecord): Promise<boolean> {
  const storage = target === null ? undefined : await findEntity(store, target);
  const row = storage?.appliance ? await loadAppliance(store, storage.appliance) : undefined;
  return row?.plan.disks.some(({ id, readOnly }) => readOnly === true && id === storage?.observed[OVF_ID]) === true;
}

/** The machine that a disk came with, or is made for, as the site calls it. */
async function machineOf(
  store: Store,
  what: 'bootOf' | 'madeFor',
  { [what]: compute }: Operation['input'],
): Promise<Pick<ProvisionInput, 'bootOf' | 'madeFor'>> {
  const machine = typeof compute === 'string' ? await findEntity(store, compute) : undefined;
  return machine?.siteRef ? { [what]: machine.siteRef } : {};
}

/** The disk that is made with its machine: the volume as it will be asked for, and what it is made from. */
async function bootDisk(store: Store, entity: EntityRecord, boot: unknown): Promise<Pick<ProvisionInput, 'boot'>> {
  if (!isJsonObject(boot)) return {};
  const [id, attachment, image] = ['storage', 'attachment', 'image'].map((name) => stringAt(boot, name));
  const storage = id === undefined ? undefined : await findEntity(store, id);
  if (!storage || attachment === undefined || image === undefined) return {};
  return {
    boot: { storage: { ...storageSpecOf(storage), image: await imageOf(store, entity, image) }, attachment },
  };
}

async function imageOf(store: Store, entity: EntityRecord, image: string): Promise<string> {
  const found = (await imagesOf(store, entity.appliance ?? '')).find(
    (each) => each.image === image && each.site === entity.site,
  );
  if (!found) throw new IaasError('transient', `the image ${image} is not registered yet`);
  return found.ref;
}

async function guestDocuments(
  { store, blobs, secretKey, reports, sites }: EnvironmentServices,
  entity: EntityRecord,
  machineId: string,
): Promise<ProvisionInput> {
  const row = await loadAppliance(store, entity.appliance ?? '');
  if (!row) return {};
  const inputs = await openInputs(store, secretKey, row.secrets);
  const secrets = withInstanceSecrets(row.plan, inputs.properties);
  const machine = row.plan.machines.find((candidate) => candidate.id === machineId);
  if (!machine) return {};
  const guestUrl = await reports.urlOf(store, entity.site ?? '', entity.id);
  const guest = {
    instanceId: entity.id,
    hostname: machine.hostname,
    ...(guestUrl === undefined ? {} : { guestUrl }),
  };
  const ovfEnvironment = buildEnvironment(row.plan, machineId, secrets, PLATFORM, guest);
  const seed = buildNoCloud(row.plan, machineId, secrets, guest);
  const { transports, firmwares } = sites.adapter(entity.site ?? '').capabilities();
  const files = await environmentDocuments(blobs, row.plan, row.images, machine);
  const { firmware } = machine;
  const input = { ovfEnvironment, ...(firmware && firmwares?.has(firmware) && { firmware }) };
  if (transports.includes('iso'))
    return {
      ...input,
      userData: combinedUserData(seed),
      ...(files.length > 0 && { environmentFiles: files }),
    };
  const byItself = transports.includes('context');
  return { ...input, userData: combinedUserData(seed, byItself ? undefined : ovfEnvironment, files) };
}
