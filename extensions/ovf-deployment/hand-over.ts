/**
 * Appliances on sites that deploy them by themselves (another VEP): handed over whole, mirrored here as the components they
 * would have had anyway, acted on and taken back whole (`docs/decisions/0011-appliances-handed-over-whole.md`). Each step can
 * run again after a crash: the site knows the appliance by its id.
 */

import { isJsonObject, stringAt, type JsonObject } from '../../src/base/json.js';
import { newUuid } from '../../src/base/ids.js';
import {
  untilNextLook,
  type NewChild,
  type Operation,
  type OperationType,
  type Step,
  type StepContext,
  type StepOutcome,
} from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import {
  IaasError,
  type ApplianceAction,
  type ApplianceFile,
  type ApplianceReport,
  type ApplianceSite,
  type ApplianceSpec,
  type SiteRef,
} from '../../src/iaas/adapter.js';
import type { Sites } from '../../src/iaas/sites.js';
import { componentsOf, findEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store, Tx } from '../../src/store/sql.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { siteClassOf } from '../infrastructure/site-class.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import { foldReplicas } from '../../src/scheduling/offer.js';
import { SLA } from '../sla/agreements.js';
import { isForgotten } from './forgotten.js';
import { mirrored } from './mirror.js';
import { openInputs } from './sealed-inputs.js';
import { loadAppliance, type ApplianceRow } from './tables.js';
import { mappedNetworks, networkKey } from './mapped-networks.js';
import { OVF_CONFIGURATION, OVF_KEEP_ON_FAILURE, OVF_URL } from './vocabulary.js';

export const HAND_OVER = 'appliance.hand-over';
export const SITE_ACT = 'appliance.site-act';
export const TAKE_BACK = 'appliance.take-back';

const UPLOAD_MS = 6 * 3600 * 1000;

export interface HandOverServices {
  readonly store: Store;
  readonly sites: Sites;
  readonly blobs: BlobStore;
  readonly observations: Observations;
  /** Opens secrets (K26). */
  readonly secretKey: Uint8Array;
}

/** Whether a site deploys appliances by itself. */
export function takesWhole(sites: Sites, site: string | null): site is string {
  return site !== null && sites.has(site) && sites.adapter(site).capabilities().appliances === true;
}

/** A child of a graph that is about the whole appliance. Its subject is its own: the parent's is the appliance. */
export function wholeChild(
  type: typeof HAND_OVER | typeof SITE_ACT | typeof TAKE_BACK,
  appliance: EntityRecord,
  input: JsonObject = {},
): NewChild {
  const { id, site } = appliance;
  return { key: type, type, entity: newUuid(), site, input: { ...input, appliance: id }, after: [] };
}

export function handOverOperations(services: HandOverServices): OperationType[] {
  const work = new HandOver(services);
  return [
    { name: HAND_OVER, limits: { stepMs: UPLOAD_MS }, steps: [work.send(), work.arrive()] },
    { name: SITE_ACT, steps: [work.act(), work.arrive()] },
    { name: TAKE_BACK, steps: [work.remove()] },
  ];
}

interface Subject {
  readonly entity: EntityRecord;
  readonly whole: ApplianceSite;
}

class HandOver {
  readonly #services: HandOverServices;

  constructor(services: HandOverServices) {
    this.#services = services;
  }

  send(): Step {
    return {
      name: 'send',
      run: async (context) => {
        const { entity, whole } = await this.#subject(context.operation);
        if (entity.siteRef !== null) return { done: true };
        const ref = await whole.create(await this.#spec(entity), { signal: context.signal });
        return { done: true, commit: (tx) => this.#services.observations.placed(tx, entity.id, ref) };
      },
      undo: (context) => this.#letGo(context),
    };
  }

  /** Waits until the site has done what it was asked for, and mirrors what the appliance consists of there. */
  arrive(): Step {
    return {
      name: 'arrive',
      run: async (context) => {
        const { entity, whole } = await this.#subject(context.operation);
        const ref = refOf(entity);
        const options = { signal: context.signal };
        const report = await whole.report(ref, options);
        if (!report) throw new IaasError('not-found', 'the site no longer has the appliance');
        if (report.busy) {
          const percent = Number(/(\d{1,3}) %/.exec(report.message ?? '')?.[1] ?? 0);
          return {
            done: false,
            again: untilNextLook(context.operation),
            progress: { percent, message: report.message ?? 'at work' },
          };
        }
        const to = stringAt(context.input, 'to') ?? 'active';
        if (report.state !== to) {
          const failure = await whole.failure(ref, options);
          throw failure ?? new IaasError('fatal', report.message ?? `the site reports ${report.state}`);
        }
        return { done: true, commit: (tx) => this.#mirror(tx, entity.id, report) };
      },
    };
  }

  act(): Step {
    return {
      name: 'act',
      run: async (context) => {
        const { entity, whole } = await this.#subject(context.operation);
        const parameters = isJsonObject(context.input['parameters']) ? context.input['parameters'] : {};
        const action = stringAt(context.input, 'term') as ApplianceAction;
        const options = { signal: context.signal };
        await whole.act(refOf(entity), action, parameters as Record<string, string | number>, options);
        return { done: true };
      },
    };
  }

  remove(): Step {
    return { name: 'remove', run: (context) => this.#letGo(context) };
  }

  /** Whatever stands in the way, it is tried again: what a site has is never forgotten (K11). */
  async #letGo({ operation, signal }: StepContext): Promise<StepOutcome> {
    const { entity, whole } = await this.#subject(operation);
    if (entity.siteRef === null && isForgotten(entity)) return { done: true };
    const ref = entity.siteRef ?? (await whole.find(entity.id, { signal }));
    if (ref === undefined) return { done: true };
    try {
      await whole.remove(ref, { signal });
    } catch (error) {
      if (!(error instanceof IaasError) || error.class === 'denied') throw error;
      throw new IaasError('transient', error.message, error.said, error);
    }
    if (await whole.report(ref, { signal })) return { done: false, again: untilNextLook(operation) };
    return { done: true, commit: (tx) => this.#unplace(tx, entity.id) };
  }

  /** The site has let go of everything with the appliance: nothing is left there to be released one by one. */
  async #unplace(tx: Tx, appliance: string): Promise<void> {
    await this.#services.observations.placed(tx, appliance, null);
    for (const { id } of await this.#components(tx, appliance)) await this.#services.observations.placed(tx, id, null);
  }

  async #mirror(tx: Tx, appliance: string, { members }: ApplianceReport): Promise<void> {
    const { observations } = this.#services;
    const components = await this.#components(tx, appliance);
    for (const [component, observed] of mirrored(components, await this.#ends(tx, components), members)) {
      const attributes = siteClassOf(observations.rootKind(component.kind))?.observe(observed, component) ?? {};
      await observations.placed(tx, component.id, observed.ref);
      await observations.arrived(tx, component.id, attributes, []);
    }
  }

  /** References that components outside the appliance have already: networks it is mapped to. */
  async #ends(tx: Tx, components: readonly EntityRecord[]): Promise<ReadonlyMap<string, SiteRef>> {
    const own = new Set(components.map(({ id }) => id));
    const refs = new Map<string, SiteRef>();
    for (const { target } of components) {
      if (target === null || own.has(target)) continue;
      const end = await findEntity(tx, target);
      if (end?.siteRef) refs.set(target, end.siteRef);
    }
    return refs;
  }

  /** What the appliance consists of at the site: all but the links that only say so. */
  async #components(tx: Tx, appliance: string): Promise<EntityRecord[]> {
    const { observations } = this.#services;
    const all = await componentsOf(tx, appliance);
    return all.filter(({ kind }) => siteClassOf(observations.rootKind(kind)) !== undefined);
  }

  async #subject({ input, site }: Operation): Promise<Subject> {
    const entity = await findEntity(this.#services.store, stringAt(input, 'appliance') ?? '');
    const whole = this.#services.sites.adapter(site ?? '').appliances;
    if (!entity) throw new IaasError('not-found', 'the appliance is gone');
    if (!whole) throw new IaasError('unsupported', 'the site no longer takes appliances');
    return { entity, whole };
  }

  async #spec(entity: EntityRecord): Promise<ApplianceSpec> {
    const row = await loadAppliance(this.#services.store, entity.id);
    if (!row) throw new IaasError('invalid', 'the appliance has lost its descriptor');
    const url = stringAt(entity.wanted, OVF_URL) ?? stringAt(entity.observed, OVF_URL);
    const remote = url !== undefined && /^https?:/.test(url);
    const configuration = stringAt(entity.wanted, OVF_CONFIGURATION);
    return {
      id: entity.id,
      name: entity.title ?? entity.id,
      source: remote ? { url } : { descriptor: descriptorOf(entity, row), files: await this.#files(row) },
      inputs: await this.#inputs(row, entity.site ?? ''),
      ...(configuration === undefined ? {} : { configuration }),
      keepOnFailure: entity.wanted[OVF_KEEP_ON_FAILURE] === true,
    };
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
        const read = (first: number, length: number): Promise<Uint8Array> =>
          this.#services.blobs.read(origin.sha256, first, length);
        return [{ href, sizeBytes: blob.sizeBytes, read }];
      }),
    );
    const byName = new Map(files.flat().map((file) => [file.href, file]));
    return [...byName.values()];
  }

  /**
   * As the user gave them, with the networks of this VEP under the names that the site has for them. Which of the sites here an
   * appliance may be on says nothing to the site that takes it.
   */
  async #inputs(row: ApplianceRow, site: string): Promise<JsonObject> {
    const { store, secretKey } = this.#services;
    const { sites: _here, ...inputs } = (await openInputs(store, secretKey, row.secrets)).sent ?? {};
    const mapped = await mappedNetworks(store, row.plan);
    const networks: Record<string, string> = {};
    for (const { name, mappedTo } of row.plan.networks) {
      if (mappedTo === undefined) continue;
      const network = mapped.get(networkKey(name, site));
      if (!network) throw new IaasError('invalid', `the network ${name} is mapped to is on another site`);
      if (network.siteRef === null) throw new IaasError('transient', `the network ${name} is mapped to is being made`);
      networks[name] = network.siteRef;
    }
    return Object.keys(networks).length === 0 ? inputs : { ...inputs, networks };
  }
}

/** As it came; where an agreement has settled sizes and numbers, as it was planned under it. */
function descriptorOf({ mixins }: EntityRecord, { descriptor, plan }: ApplianceRow): string {
  return mixins.includes(SLA) ? exportEnvelope(foldReplicas(plan)) : descriptor;
}

function refOf({ siteRef }: EntityRecord): SiteRef {
  if (siteRef !== null) return siteRef;
  throw new IaasError('not-found', 'the site has not taken the appliance');
}
