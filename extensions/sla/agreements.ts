/**
 * Agreements as other extensions need them (K16): one that came with an appliance is accepted in the transaction that
 * makes the appliance; one that stands already may govern further appliances within its limits; both are joined to what
 * they govern by an `agreement_link`, and end with it.
 */

import type { Access } from '../../src/access/access.js';
import { problem } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import type { Entities } from '../../src/extension/entities.js';
import type { RequestContext } from '../../src/extension/extension.js';
import type { Write } from '../../src/extension/kind-handler.js';
import { entityIdOf } from '../../src/extension/locations.js';
import type { Observations } from '../../src/extension/observations.js';
import { COMPUTE, CONTRAIL, STORAGE, type TypeId } from '../../src/occi/model.js';
import { NOTHING_TAKEN, type Taken } from '../../src/sla/admit-quota.js';
import type { Agreement } from '../../src/sla/agreement.js';
import { parseAgreementText } from '../../src/sla/parse.js';
import { componentsOf, findEntity, linksOf, linksTo, loadEntity } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store } from '../../src/store/sql.js';

const OGF_SLA = 'http://schemas.ogf.org/occi/sla#';
export const AGREEMENT: TypeId = `${OGF_SLA}agreement`;
export const AGREEMENT_LINK: TypeId = `${OGF_SLA}agreement_link`;
/** Mixin on every governed resource (K01). */
export const SLA: TypeId = `${CONTRAIL}/sla#sla`;

export const AGREEMENT_STATE = 'occi.agreement.state';
export const AGREED_AT = 'occi.agreement.agreedAt';
export const EFFECTIVE_UNTIL = 'occi.agreement.effectiveUntil';
/** The agreement in VEP's own JSON, as it was sent. */
export const SLA_DOCUMENT = 'eu.contrail-project.sla.document';
/** Attributes of the mixin {@link SLA}: path of the agreement, and whether it is kept. */
export const SLA_AGREEMENT = 'eu.contrail-project.sla.agreement';
export const SLA_COMPLIANCE = 'eu.contrail-project.sla.compliance';

/** Id of the appliance an agreement came with and ends with; one that stands by itself has none. Not shown. */
const CAME_WITH = 'eu.contrail-project.sla.application';

/** What the mixin {@link SLA} shows before anything has been measured: terms are undefined until assessed (GFD.228 §3.1.2). */
export function governedAttributes(agreement: string): Record<string, string> {
  return { [SLA_AGREEMENT]: `/agreement/${agreement}`, [SLA_COMPLIANCE]: 'undefined' };
}

const GIB = 2 ** 30;

/** An accepted agreement that the caller may use. */
export interface StandingAgreement {
  /** Id of its entity. */
  readonly id: string;
  readonly agreement: Agreement;
}

export interface AgreementServices {
  readonly store: Store;
  readonly access: Access;
  readonly entities: Entities;
  readonly observations: Observations;
}

export class Agreements {
  readonly #services: AgreementServices;

  constructor(services: AgreementServices) {
    this.#services = services;
  }

  /** @throws Problem `invalid` for a reference that is no accepted agreement of the caller's */
  async standing(context: RequestContext, reference: string): Promise<StandingAgreement> {
    const { store, access } = this.#services;
    const id = entityIdOf(reference, context.base);
    const entity = id === undefined ? undefined : await loadEntity(store, id, access.scope(context.principal, 'read'));
    const document = entity && stringAt(entity.wanted, SLA_DOCUMENT);
    if (entity?.kind === AGREEMENT && document !== undefined && entity.observed[AGREEMENT_STATE] === 'accepted') {
      return { id: entity.id, agreement: parseAgreementText(document) };
    }
    throw problem('invalid', 'sla.not-standing', 'the reference names no accepted agreement of yours', {
      place: { field: 'eu.contrail-project.ovf.agreement' },
      rule: 'K16',
      remedy: 'name the URL of an agreement in state accepted, or send one along',
    });
  }

  /** What the appliances that an agreement governs take together; nothing for one that is new. */
  async taken(id: string | undefined): Promise<Taken> {
    if (id === undefined) return NOTHING_TAKEN;
    const { store } = this.#services;
    const governed = (await linksOf(store, [id])).flatMap((link) => link.target ?? []);
    const components = (await Promise.all(governed.map((appliance) => componentsOf(store, appliance)))).flat();
    const computes = components.filter((component) => component.kind === COMPUTE);
    const sum = (records: readonly EntityRecord[], attribute: string): number =>
      records.reduce((total, record) => total + Number(record.wanted[attribute] ?? 0), 0);
    return {
      'vm.count': computes.length,
      'vm.cores': sum(computes, 'occi.compute.cores'),
      'vm.memory': sum(computes, 'occi.compute.memory') * GIB,
      'vm.disk.size':
        sum(
          components.filter((component) => component.kind === STORAGE),
          'occi.storage.size',
        ) * GIB,
    };
  }

  /** When the first agreement that governs the appliance ends, milliseconds since the epoch; infinite when none does. */
  async endOf(reader: SqlReader, appliance: string): Promise<number> {
    const governing = (await linksTo(reader, [appliance])).filter((link) => link.kind === AGREEMENT_LINK);
    const agreements = await Promise.all(governing.map(({ source }) => findEntity(reader, source ?? '')));
    const ends = agreements.flatMap((agreement) => {
      const end = agreement && stringAt(agreement.wanted, EFFECTIVE_UNTIL);
      return end === undefined ? [] : [Date.parse(end)];
    });
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  }

  /** The agreement that came with an appliance: stored under `id`, accepted, and linked. */
  async accept(
    write: Write,
    appliance: EntityRecord,
    offer: { id: string; agreement: Agreement; document: string },
  ): Promise<void> {
    const { entities, observations } = this.#services;
    const { registry, now } = write;
    const { id, agreement, document } = offer;
    const resolved = {
      kind: known(registry.kind(AGREEMENT)),
      mixins: [],
      attributes: {
        [SLA_DOCUMENT]: document,
        ...time('occi.agreement.effectiveFrom', agreement.effectiveFrom),
        ...time(EFFECTIVE_UNTIL, agreement.effectiveUntil),
      },
      title: agreement.name,
      links: [],
    };
    await entities.make(write, { resolved }, { id, owner: appliance.owner, group: appliance.group });
    await observations.noted(write.tx, id, {
      [CAME_WITH]: appliance.id,
      [AGREEMENT_STATE]: 'accepted',
      [AGREED_AT]: new Date(now).toISOString(),
    });
    await this.attach(write, appliance, id);
  }

  /** The appliance comes under an agreement: `agreement_link`, agreement as source (K16). */
  async attach(write: Write, appliance: EntityRecord, id: string): Promise<void> {
    const resolved = {
      kind: known(write.registry.kind(AGREEMENT_LINK)),
      mixins: [],
      attributes: {},
      source: `/${id}`,
      target: `/${appliance.id}`,
      links: [],
    };
    // The caller's permission was judged when the agreement was named; the link belongs to the appliance's owner.
    await this.#services.entities.make(
      write,
      { resolved },
      { owner: appliance.owner, group: appliance.group, trusted: true },
    );
  }

  /** The appliance goes: its links to agreements go, and an agreement that came with it alone is terminated. */
  async release(write: Write, appliance: EntityRecord): Promise<void> {
    const { entities, observations } = this.#services;
    for (const link of await linksTo(write.tx, [appliance.id])) {
      if (link.kind !== AGREEMENT_LINK) continue;
      await entities.removeTree(write, link);
      const agreement = link.source === null ? undefined : await findEntity(write.tx, link.source);
      const others = agreement ? await linksOf(write.tx, [agreement.id]) : [];
      const cameWith = agreement?.observed[CAME_WITH] === appliance.id;
      if (agreement && cameWith && others.length === 0)
        await observations.noted(write.tx, agreement.id, { [AGREEMENT_STATE]: 'terminated' });
    }
  }
}

function time(attribute: string, at: number | null): Record<string, string> {
  return at === null ? {} : { [attribute]: new Date(at).toISOString() };
}

/** The registry was checked at start: what this extension brought is there. */
function known<T>(category: T | undefined): T {
  if (category === undefined) throw new Error('a category of the sla extension is missing');
  return category;
}
