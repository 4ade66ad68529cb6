/**
 * The appliance's own operations: registering an image with the site, the pause between two start groups, stopping a
 * machine on the way down, and the parents of its graphs, whose ending is the appliance's change of state.
 */

import type { Log } from '../../src/base/log.js';
import { isJsonObject, stringAt } from '../../src/base/json.js';
import { shownUrl } from '../../src/base/shown-url.js';
import { untilNextLook, type Operation, type OperationType } from '../../src/engine/operation.js';
import { IaasError } from '../../src/iaas/adapter.js';
import type { Accounts } from '../../src/iaas/accounts.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { AttributeValue, TypeId } from '../../src/occi/model.js';
import { componentsOf, findEntity, removeEntity } from '../../src/store/entities.js';
import { wipeSecrets } from '../../src/store/secrets.js';
import type { Tx } from '../../src/store/sql.js';
import type { ImageSource, Progress } from '../../src/transfer/image-fetcher.js';
import { credentialsFor, type SourceCredentials } from '../../src/transfer/source-credentials.js';
import type { SiteImages, WantedImage } from '../infrastructure/images.js';
import { tryLater } from '../infrastructure/steps.js';
import { imageOfTemplates, type TemplateImageSource } from '../infrastructure/template-images.js';
import { signInOperation, sweepStep } from './accounts-of-appliance.js';
import { withoutCompanions } from './companions.js';
import { HALT, IMAGE, PAUSE } from './deployment-graph.js';
import type { FileOrigin } from './package.js';
import { transferProgress } from './transfer-progress.js';
import { remotePackage, type RemotePackageServices } from './remote-package.js';
import { handOverOperations, type HandOverServices } from './hand-over.js';
import { forgetReports, type GuestReports } from './guest-reports.js';
import { install } from './install.js';
import { openAppliance } from './opened-appliance.js';
import { fileOrigins, forgetImage, imagesOf, removeAppliance, rememberImage, type ApplianceImage } from './tables.js';
import { DEPLOYED, STATE, STATE_MESSAGE } from './vocabulary.js';

export const DEPLOY = 'appliance.deploy';
export const CHANGE = 'appliance.change';
export const UNDEPLOY = 'appliance.undeploy';
export const DELETE = 'appliance.delete';

export interface ApplianceOperationServices extends RemotePackageServices, HandOverServices {
  readonly sites: Sites;
  readonly images: SiteImages;
  readonly templates: readonly TemplateImageSource[];
  readonly reports: GuestReports;
  readonly accounts: Accounts;
  readonly log: Log;
}

export function applianceOperations(services: ApplianceOperationServices): OperationType[] {
  return [
    remotePackage(services),
    registerImage(services),
    pause(services),
    halt(services),
    install(services),
    ...handOverOperations(services),
    signInOperation(services),
    { name: DEPLOY, steps: [], settled: (tx, operation) => deployed(services, tx, operation) },
    { name: CHANGE, steps: [], settled: (tx, operation) => changed(services, tx, operation) },
    {
      name: UNDEPLOY,
      steps: [releaseImages(services)],
      settled: (tx, operation) => undeployed(services, tx, operation),
    },
    { name: DELETE, steps: [releaseImages(services), sweepStep(services), forget(services)] },
  ];
}

/** Fetches, verifies and registers one image of the appliance (K06). */
function registerImage(services: ApplianceOperationServices): OperationType {
  const { sites, images } = services;
  return {
    name: IMAGE,
    steps: [
      {
        name: 'register',
        run: async (context) => {
          const { operation, input, signal } = context;
          const appliance = stringAt(input, 'appliance') ?? '';
          const image = stringAt(input, 'image') ?? '';
          const site = operation.site ?? '';
          const wanted = await wantedImage(services, appliance, image);
          const onProgress = (seen: Progress): void => context.progress(transferProgress(wanted.name, seen));
          const ref = await images.ensure(site, wanted, signal, onProgress);
          const lent = images.heldAt(site, wanted.source) !== undefined;
          const registered = { appliance, image, site, ref, lent };
          return { done: true, memory: { ref, lent }, commit: (tx) => rememberImage(tx, registered) };
        },
        undo: async ({ operation, input, memory, signal }) => {
          const appliance = stringAt(input, 'appliance') ?? '';
          const image = stringAt(input, 'image') ?? '';
          const site = operation.site ?? '';
          const ref =
            typeof memory['ref'] === 'string'
              ? memory['ref']
              : await images.find(site, imageKey(appliance, image), signal);
          if (ref === undefined) return { done: true };
          const gone: ApplianceImage = { appliance, image, site, ref, lent: memory['lent'] === true };
          if (!(await isImageGone(sites, gone, signal))) return { done: false, again: untilNextLook(operation) };
          return { done: true, commit: (tx) => forgetImage(tx, gone) };
        },
      },
    ],
  };
}

/** What makes the image on the site this appliance's own. */
function imageKey(appliance: string, image: string): string {
  return `${appliance} ${image}`;
}

async function wantedImage(
  services: ApplianceOperationServices,
  appliance: string,
  image: string,
): Promise<WantedImage> {
  const { store, templates } = services;
  const opened = await openAppliance(services, appliance);
  const entity = await findEntity(store, appliance);
  const planned = opened?.row.plan.images.find((candidate) => candidate.id === image);
  const origin = opened?.row.images[image];
  if (!opened || !planned || !origin || !entity) throw new IaasError('invalid', `the appliance has no file ${image}`);
  const { compression, chunkSize, sizeBytes, digest } = planned;
  const { credentials } = opened.inputs;
  return {
    key: imageKey(appliance, image),
    name: shownUrl(planned.href),
    source: {
      ...('template' in origin ? await sourceBehind(templates, origin.template) : sourceOf(origin, credentials)),
      owner: entity.owner,
      compression,
      ...(chunkSize === undefined ? {} : { chunkSize }),
      // Of a file that came along the real size counts (O-017).
      ...(sizeBytes === undefined || 'sha256' in origin ? {} : { sizeBytes }),
      ...(digest === undefined ? {} : { digest }),
    },
  };
}

/** @throws IaasError `invalid` where the template has no image any more */
async function sourceBehind(templates: readonly TemplateImageSource[], template: TypeId): Promise<ImageSource> {
  const behind = await imageOfTemplates(templates, [template]);
  if (!behind) throw new IaasError('invalid', `the template ${template} has no image any more`);
  return behind.wanted().source;
}

function sourceOf(
  origin: Exclude<FileOrigin, { readonly template: TypeId }>,
  credentials: SourceCredentials,
): Pick<ImageSource, 'from' | 'digest' | 'pieceDigests'> {
  if ('sha256' in origin) return { from: { sha256: origin.sha256 } };
  if (!('url' in origin)) {
    const missing = 'member' in origin ? origin.member : origin.name;
    throw new IaasError('invalid', `the package has no file ${missing}`);
  }
  const { url, digest, pieceDigests } = origin;
  const from = { url, credentials: credentialsFor(url, credentials) };
  return { from, ...(digest ? { digest } : {}), ...(pieceDigests ? { pieceDigests } : {}) };
}

/** How long to wait at most before looking whether a guest has reported: a report hastens that, if it comes in between. */
const LOOK_MS = 5000;

/** `startDelay` is waited for by looking at the clock again, never by holding a worker; guests that report shorten it. */
function pause({ reports }: ApplianceOperationServices): OperationType {
  return {
    name: PAUSE,
    steps: [
      {
        name: 'wait',
        run: async ({ input, memory, clock }) => {
          const began = Number(memory['began'] ?? clock.now());
          const guests = isJsonObject(input['guests']) ? input['guests'] : {};
          const reported = await reports.reported(Object.keys(guests));
          const silent = Object.keys(guests).filter((compute) => !reported.has(compute));
          const seconds = Math.max(Number(input['seconds'] ?? 0), ...silent.map((compute) => Number(guests[compute])));
          const left = began + seconds * 1000 - clock.now();
          if (left <= 0) return { done: true };
          if (silent.length === 0) return { done: false, again: left, memory: { began } };
          const progress = { percent: 0, message: `waiting for ${silent.length} guests to report` };
          return { done: false, again: Math.min(left, LOOK_MS), memory: { began }, progress };
        },
      },
    ],
  };
}

/** Stops a machine that is to be released. Whatever stands in the way is no reason to keep it. */
function halt({ store, sites, log }: ApplianceOperationServices): OperationType {
  return {
    name: HALT,
    steps: [
      {
        name: 'stop',
        run: async ({ operation, input, signal }) => {
          const entity = await findEntity(store, operation.entity);
          if (!entity?.siteRef || entity.site === null) return { done: true };
          try {
            const adapter = sites.adapter(entity.site);
            const report = (await adapter.describe('compute', [entity.siteRef], { signal })).get(entity.siteRef);
            if (report?.busy) return { done: false, again: untilNextLook(operation) };
            if (report?.state !== 'active') return { done: true };
            await adapter.actCompute(entity.siteRef, 'stop', stringAt(input, 'method'), { signal });
            return { done: false, again: untilNextLook(operation) };
          } catch (error) {
            if (error instanceof IaasError && error.class === 'transient') throw error;
            log.warn({ operation: operation.id, err: error }, 'a machine could not be stopped before its release');
            return { done: true };
          }
        },
      },
    ],
  };
}

/** Deletes the images that were registered for the appliance, once nothing is made from them any more. */
function releaseImages({ store, sites }: ApplianceOperationServices): OperationType['steps'][number] {
  return {
    name: 'images',
    run: async ({ operation, signal }) => {
      const [next] = await imagesOf(store, operation.entity);
      if (!next) return { done: true };
      if (!(await isImageGone(sites, next, signal))) return { done: false, again: untilNextLook(operation) };
      return { done: false, again: 0, commit: (tx) => forgetImage(tx, next) };
    },
  };
}

/**
 * Deletes an image, or sees that it has been deleted: it counts as there until the site has let go of it. As with every
 * deletion, whatever the site answers, it is tried again, and shown when it keeps failing (K11). One that was lent stays.
 */
async function isImageGone(sites: Sites, { site, ref, lent }: ApplianceImage, signal: AbortSignal): Promise<boolean> {
  if (lent) return true;
  const adapter = sites.adapter(site);
  try {
    await adapter.delete('image', ref, { signal });
    return !(await adapter.describe('image', [ref], { signal })).has(ref);
  } catch (error) {
    return tryLater(error);
  }
}

/** The last of an appliance: its row, its secrets, and the tombstone itself. */
function forget({ observations, accounts }: ApplianceOperationServices): OperationType['steps'][number] {
  return {
    name: 'forget',
    run: ({ operation }) =>
      Promise.resolve({
        done: true,
        commit: async (tx) => {
          await accounts.forget(tx, operation.entity);
          await wipeSecrets(tx, operation.entity);
          await forgetReports(tx, operation.entity);
          await removeAppliance(tx, operation.entity);
          await observations.gone(tx, operation.entity);
        },
      }),
  };
}

async function deployed({ observations }: ApplianceOperationServices, tx: Tx, operation: Operation): Promise<void> {
  const { entity, state, keepOnFailure } = operation;
  if (state === 'done') {
    const without = withoutCompanions(await fileOrigins(tx, entity));
    const report = { [STATE]: 'active', [DEPLOYED]: true, ...(without !== undefined && { [STATE_MESSAGE]: without }) };
    return observations.arrived(tx, entity, report, without === undefined ? [STATE_MESSAGE] : []);
  }
  if (state === 'cancelled') return;
  const message = failureOf(operation);
  if (state === 'failed' && !keepOnFailure) {
    // Everything has been undone at the site; what is left is rows of entities that never came to be.
    for (const component of await componentsOf(tx, entity)) await removeEntity(tx, component.id);
    await observations.relinked(tx, entity);
  }
  const standing = state === 'dead' || keepOnFailure;
  await observations.arrived(tx, entity, { [STATE]: 'error', [STATE_MESSAGE]: message, [DEPLOYED]: standing }, []);
}

async function changed({ observations }: ApplianceOperationServices, tx: Tx, operation: Operation): Promise<void> {
  const to = operation.input['to'];
  const report: Record<string, AttributeValue> =
    operation.state === 'done' && typeof to === 'string' ? { [STATE]: to } : {};
  const failed = operation.state === 'failed' || operation.state === 'dead';
  if (failed) report[STATE_MESSAGE] = failureOf(operation);
  await observations.arrived(tx, operation.entity, report, failed ? [] : [STATE_MESSAGE]);
}

async function undeployed({ observations }: ApplianceOperationServices, tx: Tx, operation: Operation): Promise<void> {
  if (operation.state === 'done')
    return observations.arrived(tx, operation.entity, { [STATE]: 'inactive', [DEPLOYED]: false }, [STATE_MESSAGE]);
  await observations.arrived(tx, operation.entity, { [STATE_MESSAGE]: failureOf(operation) }, []);
}

function failureOf({ findings }: Operation): string {
  const messages = [...new Set(findings.filter(isJsonObject).map((finding) => `${finding.class}: ${finding.message}`))];
  return messages.slice(0, 5).join('; ').slice(0, 1000) || 'the work failed';
}
