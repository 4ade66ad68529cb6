/**
 * Entities of the server as things of VEP: made once under a mark, found again by it, described in batches, left alone where
 * they are others'. A VEP as server recognizes a repeated creation by its key; with any other a creation whose answer was lost
 * is found by listing before it is tried again.
 */

import { Deferred, OcciRefusal } from '../../../client/occi-answers.js';
import type { OcciClient, Placed } from '../../../client/occi-client.js';
import { idOf } from '../../../client/occi-requests.js';
import { isLinkView, type EntityView } from '../../../occi/model.js';
import { IaasError, type CallOptions, type Observed, type SiteRef } from '../../adapter.js';
import type { Patience } from '../../patience.js';
import type { Offer } from './capabilities.js';
import { KINDS_OF, type ThingClass } from './kinds.js';
import { digestOf, markIn, markOf, type MarkPlace } from './marks.js';
import { endsOf, observe } from './observe.js';
import { asIaasError } from './refusals.js';
import type { Work } from './work.js';

export interface ThingServices {
  readonly client: OcciClient;
  readonly work: Work;
  readonly patience: Patience;
  readonly offer: (call: CallOptions) => Promise<Offer>;
  readonly realm: string;
  readonly marks: MarkPlace;
  /** Bytes of one unit of memory. */
  readonly memoryUnit: number;
  /** Groups that guard machines, by the path of the machine. */
  readonly guards: (call: CallOptions) => Promise<ReadonlyMap<SiteRef, readonly SiteRef[]>>;
  /** Whether an appliance at this path is VEP's own; its components are then too. */
  readonly ownsAppliance: (path: string, call: CallOptions) => Promise<boolean>;
}

/** What is to be made, before it is marked. */
export type Draft = Omit<EntityView, 'id' | 'actions'> & Partial<Pick<EntityView, 'id' | 'actions'>>;

/** A thing as it is at the server. */
export interface Thing extends Placed {
  readonly observed: Observed;
}

/** Beyond this many references a list is cheaper than asking for each. */
const FEW = 4;

/** Attribute by which a component of an appliance names it (K01). */
export const OF_APPLIANCE = 'eu.contrail-project.ovf.appliance';

export class Things {
  readonly #services: ThingServices;
  /** Creations under way, by class and token: whoever asks for the same meanwhile gets the same. */
  readonly #making = new Map<string, Promise<SiteRef>>();
  /** Tasks of the server that are still to make something, by the same. */
  readonly #tasks = new Map<string, string>();

  constructor(services: ThingServices) {
    this.#services = services;
  }

  /** Answers the reference of the one entity that carries the token, making it only if there is none. */
  make(what: ThingClass, id: string, token: string, draft: EntityView, call: CallOptions): Promise<SiteRef> {
    const key = `${what} ${digestOf(token)}`;
    const making =
      this.#making.get(key) ??
      this.#makeOnce(what, key, id, token, draft, call).finally(() => {
        this.#making.delete(key);
      });
    this.#making.set(key, making);
    return making;
  }

  async #makeOnce(
    what: ThingClass,
    key: string,
    id: string,
    token: string,
    draft: EntityView,
    call: CallOptions,
  ): Promise<SiteRef> {
    const { offer, realm } = this.#services;
    const { isVep } = await offer(call);
    const mark = markOf(realm, id, token);
    const found = await this.#marked(draft, mark, call);
    const path =
      found?.path ?? (await this.#awaited(key, () => this.#create(what, mark, token, draft, isVep, call), call));
    if (isVep) await this.#accepted(what, path, call);
    return path;
  }

  /** Creates, unless a task of the server's is at it already; waits for what a task is to make as long as patience lasts. */
  async #awaited(key: string, create: () => Promise<SiteRef>, call: CallOptions): Promise<SiteRef> {
    const { client, patience } = this.#services;
    let task = this.#tasks.get(key);
    if (task === undefined) {
      try {
        return await create();
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        task = error.task;
        this.#tasks.set(key, task);
      }
    }
    const at = task;
    const made = await patience
      .until(call, 'the server is still making it', () => client.madeBy(at, call))
      .catch((error: unknown) => {
        const { class: errorClass } = asIaasError(error);
        // A server that is away for now may still be at it.
        if (errorClass !== 'transient') this.#tasks.delete(key);
        if (errorClass === 'not-found')
          throw new IaasError('transient', 'the server has forgotten what it was to make');
        throw error;
      });
    this.#tasks.delete(key);
    return made;
  }

  async #create(
    what: ThingClass,
    mark: string,
    token: string,
    draft: EntityView,
    isVep: boolean,
    call: CallOptions,
  ): Promise<SiteRef> {
    const marked = this.#markedDraft(draft, mark, isVep ? '' : uuidOf(what, token));
    const found = async (): Promise<SiteRef | undefined> => (await this.#marked(draft, mark, call))?.path;
    return this.#services.client.createOnce(marked, digestOf(`${what} ${token}`), found, call);
  }

  /** What a VEP accepted may fail at its site: then it is taken away again, and the failure told as if it had come at once. */
  async #accepted(what: ThingClass, path: string, call: CallOptions): Promise<void> {
    const failure = await this.#services.work.outcome(lastOf(path), call);
    if (!failure || (what === 'compute' && failure.class === 'fatal')) return;
    await this.#services.client.delete(path, call).catch(unlessGone);
    throw failure;
  }

  #markedDraft(draft: EntityView, mark: string, id: string): EntityView {
    if (isLinkView(draft) || this.#services.marks === 'title') return { ...draft, id, title: mark };
    return { ...draft, id, summary: mark };
  }

  async #marked(draft: EntityView, mark: string, call: CallOptions): Promise<Placed | undefined> {
    const { client, marks } = this.#services;
    const attribute = isLinkView(draft) || marks === 'title' ? 'occi.core.title' : 'occi.core.summary';
    const all = await client.list(draft.kind, call, { attributes: { [attribute]: mark } });
    const mine = all.filter(({ view }) => view.title === mark || (!isLinkView(view) && view.summary === mark));
    return mine.sort((a, b) => (a.path < b.path ? -1 : 1))[0];
  }

  /** A thing that VEP made. @throws IaasError `not-found`, `denied` where it is somebody else's */
  async own(what: ThingClass, ref: SiteRef, call: CallOptions): Promise<Thing> {
    const thing = await this.look(what, ref, call);
    if (!thing) throw new IaasError('not-found', `the server has no such ${what}`);
    if (await this.isOwn(thing, call)) return thing;
    throw new IaasError('denied', `this ${what} is not one that VEP has made`);
  }

  async isOwn({ view, observed }: Thing, call: CallOptions): Promise<boolean> {
    if (observed.id !== undefined) return true;
    const appliance = view.attributes[OF_APPLIANCE];
    return typeof appliance === 'string' && (await this.#services.ownsAppliance(appliance, call));
  }

  async look(what: ThingClass, ref: SiteRef, call: CallOptions): Promise<Thing | undefined> {
    if (!(await this.#canBe(what, ref, call))) return undefined;
    const busy = await this.#busy(call);
    const placed = await this.#services.client.find(ref, call);
    return placed && this.#thing(what, placed, busy);
  }

  async describe(
    what: ThingClass,
    refs: readonly SiteRef[],
    call: CallOptions,
  ): Promise<ReadonlyMap<SiteRef, Observed>> {
    const wanted = new Set<SiteRef>();
    for (const ref of refs) if (await this.#canBe(what, ref, call)) wanted.add(ref);
    if (wanted.size === 0) return new Map();
    // Asked before the entities are: what ends in between is shown once more as busy, never too early as done.
    const busy = await this.#busy(call);
    const { client } = this.#services;
    const placed =
      wanted.size <= FEW
        ? await Promise.all([...wanted].map((ref) => client.find(ref, call)))
        : await this.#list(what, call);
    const found = placed.flatMap((each) => (each && wanted.has(each.path) ? [this.#thing(what, each, busy)] : []));
    const things = await this.#guarded(what, found, call);
    return new Map(things.map(({ path, observed }) => [path, observed]));
  }

  /** Everything of a class that the account sees, of VEP and of others. */
  async all(what: ThingClass, call: CallOptions): Promise<Thing[]> {
    const busy = await this.#busy(call);
    const placed = await this.#list(what, call);
    return this.#guarded(
      what,
      placed.map((each) => this.#thing(what, each, busy)),
      call,
    );
  }

  /** Of every kind of the class that the server has. */
  async #list(what: ThingClass, call: CallOptions): Promise<Placed[]> {
    const { kinds } = await this.#services.offer(call);
    const offered = KINDS_OF[what].filter((kind) => kinds.has(kind));
    return (await Promise.all(offered.map((kind) => this.#services.client.list(kind, call)))).flat();
  }

  /** Interfaces, with what guards the machine that they are in. */
  async #guarded(what: ThingClass, things: Thing[], call: CallOptions): Promise<Thing[]> {
    if (what !== 'nic' || things.length === 0) return things;
    const guards = await this.#services.guards(call);
    return things.map((thing) => {
      const securityGroups = guards.get(endsOf(thing.view)[0] ?? '') ?? [];
      return { ...thing, observed: { ...thing.observed, securityGroups } as Observed };
    });
  }

  async remove(what: ThingClass, ref: SiteRef, call: CallOptions): Promise<void> {
    const thing = await this.look(what, ref, call);
    if (!thing) return;
    if (!(await this.isOwn(thing, call))) throw new IaasError('denied', `this ${what} is not one that VEP has made`);
    const plug = ({ network: 'nic', storage: 'attachment' } as const)[what as string];
    if (plug !== undefined && (await this.all(plug, call)).some(({ view }) => endsOf(view).includes(ref))) {
      throw new IaasError('conflict', `the ${what} is in use`);
    }
    // With the group its links would go, and nobody would guard the machine.
    if (
      what === 'securitygroup' &&
      [...(await this.#services.guards(call)).values()].some((each) => each.includes(ref))
    )
      throw new IaasError('conflict', 'the security group guards a machine');
    await this.#services.client.delete(ref, call).catch(unlessGone);
  }

  async #busy(call: CallOptions): Promise<ReadonlySet<string>> {
    const { isVep } = await this.#services.offer(call);
    return isVep ? this.#services.work.unfinished(call) : NOTHING;
  }

  #thing(what: ThingClass, placed: Placed, busy: ReadonlySet<string>): Thing {
    const { path, view } = placed;
    const { realm, memoryUnit } = this.#services;
    const mark = markIn(view, realm);
    const observed = observe(what, view, { ref: path, id: mark?.id, busy: busy.has(idOf(view)), memoryUnit });
    return { ...placed, observed };
  }

  /** References are paths below the location of the kind; anything else names nothing there. */
  async #canBe(what: ThingClass, ref: SiteRef, call: CallOptions): Promise<boolean> {
    const { discovery } = await this.#services.client.peer(call);
    const locations = KINDS_OF[what].flatMap((kind) => discovery.locationOf(kind) ?? []);
    return locations.some((location) => {
      const at = new URL(location, 'http://endpoint').pathname;
      const id = ref.slice(at.length);
      return ref.startsWith(at) && /^[A-Za-z0-9._~-]{1,200}$/.test(id) && !/^\.+$/.test(id);
    });
  }
}

const NOTHING: ReadonlySet<string> = new Set();

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** An id of the client's own (RFC 9562 version 8), which a server may take: then it cannot make the thing twice. */
function uuidOf(what: ThingClass, token: string): string {
  const hex = digestOf(`${what} ${token}`);
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${groups.join('-')}`;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof OcciRefusal && (error.status === 404 || error.status === 410))) throw error;
}
