/** What has to be there at a site before a thing is made: the ends of a link, what a machine is plugged into and guarded by. */

import { stringAt } from '../../src/base/json.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError, type SiteRef } from '../../src/iaas/adapter.js';
import { STORAGELINK } from '../../src/occi/model.js';
import { buriedLinksTo, findEntity, linksOf } from '../../src/store/entities.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { Store } from '../../src/store/sql.js';
import { guardsOf } from './guarding.js';
import { RESERVED_ADDRESS } from './reserved-address.js';
import { ADDRESS, attachmentOf, nicOf, siteClassOf, type Needed, type ProvisionInput } from './site-class.js';
import { IPRESERVATION } from './states.js';
import { RELEASE } from './steps.js';

export interface NeedServices {
  readonly store: Store;
  readonly engine: Pick<Engine, 'unfinished'>;
  readonly observations: Observations;
  /** Whether a link leads to a volume that nobody may write to. */
  readonly isReadOnly: (link: EntityRecord) => Promise<boolean>;
}

export class Needs {
  readonly #store: Store;
  readonly #engine: Pick<Engine, 'unfinished'>;
  readonly #observations: Observations;
  readonly #isReadOnly: NeedServices['isReadOnly'];

  constructor({ store, engine, observations, isReadOnly }: NeedServices) {
    this.#store = store;
    this.#engine = engine;
    this.#observations = observations;
    this.#isReadOnly = isReadOnly;
  }

  /** References of a link's ends; undefined while the site has not made one of them yet. */
  async ends(entity: EntityRecord): Promise<Needed | undefined> {
    if (entity.source === null) return {};
    const [source, target] = await Promise.all([this.#end(entity.source), this.#end(entity.target)]);
    const isNic = siteClassOf(this.#observations.rootKind(entity.kind))?.class === 'nic';
    const guards = isNic ? await this.guards(entity.source) : [];
    if (source === undefined || target === undefined || guards === undefined) return undefined;
    if (await this.#isTaken(entity)) return undefined;
    return {
      source: source.ref,
      target: target.ref,
      ...(target.address === undefined ? {} : { address: target.address }),
      ...(guards.length === 0 ? {} : { securityGroups: guards }),
    };
  }

  /** Whether another link that was deleted is still to give back what this one needs: the storage, or the address. */
  async #isTaken({ id, kind, target, wanted }: EntityRecord): Promise<boolean> {
    const address = wanted[ADDRESS];
    if (target === null || (address === undefined && this.#observations.rootKind(kind) !== STORAGELINK)) return false;
    for (const link of await buriedLinksTo(this.#store, target)) {
      if (link.id === id || (address !== undefined && link.observed[ADDRESS] !== address)) continue;
      if ((await this.#engine.unfinished(this.#store, link.id)).length > 0) return true;
    }
    return false;
  }

  /**
   * What a machine will be plugged into, as far as its site has made it. Undefined while the site is still
   * making what is to guard it.
   */
  async plugs(machine: EntityRecord, readOnlyLinks: readonly unknown[]): Promise<ProvisionInput | undefined> {
    const securityGroups = await this.guards(machine.id);
    if (securityGroups === undefined) return undefined;
    const guarded = securityGroups.length === 0 ? {} : { securityGroups };
    const nics = [];
    const volumes = [];
    const readOnly = new Set(readOnlyLinks);
    for (const link of await linksOf(this.#store, [machine.id])) {
      const what = siteClassOf(this.#observations.rootKind(link.kind))?.class;
      if (link.siteRef !== null || (what !== 'nic' && what !== 'attachment')) continue;
      // What cannot be had yet, or at all, is the business of the link's own operation.
      const target = await this.#end(link.target).catch(unlessRefused);
      if (!target) continue;
      if (what === 'nic') nics.push({ ...nicOf(link, target.ref, target.address), ...guarded });
      else {
        const said = readOnly.has(link.id) ? { readOnly: true } : await this.reading(link);
        volumes.push(attachmentOf(link, target.ref, said.readOnly));
      }
    }
    return { nics, volumes };
  }

  /** That a link is for reading only, whoever asked for it, because what it leads to is. */
  async reading(link: EntityRecord): Promise<Pick<ProvisionInput, 'readOnly'>> {
    const isAttachment = siteClassOf(this.#observations.rootKind(link.kind))?.class === 'attachment';
    return isAttachment && (await this.#isReadOnly(link)) ? { readOnly: true } : {};
  }

  /** An end of a link; undefined while the site is still making it or choosing the address it stands for. */
  async #end(id: string | null): Promise<{ ref: SiteRef; address?: string } | undefined> {
    const end = id === null ? undefined : await findEntity(this.#store, id);
    if (end?.phase !== 'live') throw new IaasError('not-found', 'one end of the link is no longer there');
    const kind = this.#observations.rootKind(end.kind);
    const address = stringAt(end.observed, RESERVED_ADDRESS);
    const chosen = kind !== IPRESERVATION || address !== undefined;
    const leaving = (await this.#engine.unfinished(this.#store, end.id)).some(({ type }) => type === RELEASE);
    if (leaving) return undefined;
    if (end.siteRef !== null && chosen) return { ref: end.siteRef, ...(address === undefined ? {} : { address }) };
    const machine = siteClassOf(kind)?.machine;
    if (!machine || end.observed[machine.attribute] === 'error') {
      throw new IaasError('conflict', 'one end of the link could not be made by the site');
    }
    return undefined;
  }

  /** What guards a machine; undefined while its site is making, or changing, one of them. */
  guards(compute: string): Promise<readonly SiteRef[] | undefined> {
    return guardsOf({ store: this.#store, engine: this.#engine, observations: this.#observations }, compute);
  }
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof IaasError)) throw error;
}
