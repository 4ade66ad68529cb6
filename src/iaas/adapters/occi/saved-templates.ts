/**
 * Machines saved as OS templates (GFD.224 §3.1, action `save`): the server mints a mixin for each, which is then the image that
 * other machines are made from. A mixin has no summary: the mark of realm and token stands at the end of its title.
 */

import { categoriesIn, OcciRefusal } from '../../../client/occi-answers.js';
import type { OcciClient } from '../../../client/occi-client.js';
import type { OcciAnswer } from '../../../client/text-answers.js';
import type { Attributes, TypeId } from '../../../occi/model.js';
import { IaasError, type CallOptions, type Observed, type SiteRef } from '../../adapter.js';
import { offerOf, type Offer } from './capabilities.js';
import { METHODS, actionOf } from './kinds.js';
import { digestOf } from './marks.js';
import type { Things } from './things.js';
import type { Work } from './work.js';

export interface SavedTemplateServices {
  readonly client: OcciClient;
  readonly things: Things;
  readonly work: Work;
  readonly offer: (call: CallOptions) => Promise<Offer>;
  readonly realm: string;
}

/** Characters of a title that a VEP keeps. */
const TITLE = 100;
/** Codes by which a VEP says that there is a mixin of that name already. */
const TAKEN = /^user-mixin\.[a-z]+-taken$/;

export class SavedTemplates {
  readonly #services: SavedTemplateServices;

  constructor(services: SavedTemplateServices) {
    this.#services = services;
  }

  /** Answers the one template that carries the token. */
  async save(
    ref: SiteRef,
    name: string,
    method: string | undefined,
    token: string,
    call: CallOptions,
  ): Promise<SiteRef> {
    const { things, client, work, offer } = this.#services;
    if (method !== undefined && METHODS['save']?.includes(method) !== true) {
      throw new IaasError('invalid', `save knows the methods ${METHODS['save']?.join(', ') ?? ''}`);
    }
    await things.own('compute', ref, call);
    const digest = digestOf(token);
    const parameters = { name: this.#title(name, digest), ...(method === undefined ? {} : { method }) };
    const saved = (await this.#of(digest, call)) ?? (await this.#mint(ref, digest, parameters, call));
    const failure = (await offer(call)).isVep ? await work.outcome(lastOf(ref), call) : undefined;
    if (!failure) return saved;
    await client.removeMixin(saved, call).catch(() => undefined);
    throw failure;
  }

  async #mint(ref: SiteRef, digest: string, parameters: Attributes, call: CallOptions): Promise<SiteRef> {
    const { client } = this.#services;
    const minted = await client.act(ref, actionOf('compute', 'save'), parameters, call).then(mixinIn, unlessTaken);
    // A server may call it otherwise: then its answer alone tells.
    const saved = (await this.#of(digest, call)) ?? minted;
    if (saved === undefined) throw new IaasError('fatal', 'the server does not say which template it has made');
    if (minted !== undefined && minted !== saved) await client.removeMixin(minted, call);
    return saved;
  }

  async describe(refs: readonly SiteRef[], call: CallOptions): Promise<ReadonlyMap<SiteRef, Observed>> {
    const wanted = new Set(refs);
    const { templates } = await this.#offerNow(call);
    return new Map(
      templates.filter(({ id }) => wanted.has(id)).map(({ id, title }) => [id, this.#observed(id, title)]),
    );
  }

  /** Those that VEP has had saved. */
  async all(call: CallOptions): Promise<Observed[]> {
    const { templates } = await this.#offerNow(call);
    return templates.map(({ id, title }) => this.#observed(id, title)).filter(({ id }) => id !== undefined);
  }

  /** @throws IaasError `denied` for a template that VEP has not had saved */
  async remove(ref: SiteRef, call: CallOptions): Promise<void> {
    const found = (await this.describe([ref], call)).get(ref);
    if (!found) return;
    if (found.id === undefined) throw new IaasError('denied', 'this template is not one that VEP has had saved');
    await this.#services.client.removeMixin(ref, call);
  }

  /** The first that carries the token: where two were made at once, everybody means the same. */
  async #of(digest: string, call: CallOptions): Promise<SiteRef | undefined> {
    const mine = (await this.all(call)).filter(({ id }) => id === digest).map(({ ref }) => ref);
    return mine.sort((one, other) => one.length - other.length || (one < other ? -1 : 1))[0];
  }

  /** What the server offers by now: templates come while VEP runs. */
  async #offerNow(call: CallOptions): Promise<Offer> {
    const { client } = this.#services;
    client.forget();
    return offerOf((await client.peer(call)).discovery);
  }

  #title(name: string, digest: string): string {
    const mark = `vep:${this.#services.realm}:${digest}`;
    return `${name.replace(/[,\p{C}]+/gu, ' ').slice(0, TITLE - mark.length - 1)} ${mark}`;
  }

  #observed(id: TypeId, title: string): Observed {
    const [, realm, digest = ''] = / vep:([A-Za-z0-9._-]+):([0-9a-f]{40})$/.exec(title) ?? [];
    const own = realm === this.#services.realm ? { id: digest } : {};
    return { ...own, class: 'image', ref: id, state: 'active', sizeBytes: 0, busy: false };
  }
}

function mixinIn(answer: OcciAnswer): TypeId | undefined {
  if (answer.text === '') return undefined;
  const [mixin] = categoriesIn(answer).mixins;
  return mixin && mixin.scheme + mixin.term;
}

/** Somebody else was first with the same wish. */
function unlessTaken(error: unknown): undefined {
  if (!(error instanceof OcciRefusal && error.codes.some((code) => TAKEN.test(code)))) throw error;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
