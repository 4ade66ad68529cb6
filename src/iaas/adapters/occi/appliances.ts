/**
 * Appliances handed over to another VEP: the package goes there whole, by a resumable upload or by its URL, and what becomes
 * of it is read back as the resources that it consists of there. The mark in the summary tells which are VEP's own.
 */

import { APPLIANCE, APPLIANCE_ACTIONS } from '../../../client/appliance.js';
import type { OcciClient, Placed } from '../../../client/occi-client.js';
import type { Filter } from '../../../client/occi-requests.js';
import type { ResourceView } from '../../../occi/model.js';
import { IaasError, type CallOptions, type SiteRef } from '../../adapter.js';
import type {
  ApplianceAction,
  ApplianceMember,
  ApplianceReport,
  ApplianceSpec,
  HandedOver,
} from '../../appliance-site.js';
import { archiveOf } from './archive.js';
import type { ThingClass } from './kinds.js';
import { digestOf, markIn, markOf } from './marks.js';
import { endsOf } from './observe.js';
import type { Thing, Things } from './things.js';
import type { Work } from './work.js';

export interface ApplianceServices {
  readonly client: OcciClient;
  readonly things: Things;
  readonly work: Work;
  readonly realm: string;
}

const OVF = 'eu.contrail-project.ovf';
const STATE = 'eu.contrail-project.appliance.state';
const PIECE = 8 * 2 ** 20;
const STATES = ['active', 'inactive', 'suspended', 'error'] as const;
const LEADS_TO = { start: 'active', stop: 'inactive', suspend: 'suspended', scale: 'active' } as const;

export class Appliances {
  readonly #services: ApplianceServices;
  /** Paths of appliances that were seen to be VEP's own. */
  readonly #own = new Set<string>();

  constructor(services: ApplianceServices) {
    this.#services = services;
  }

  async create(spec: ApplianceSpec, call: CallOptions): Promise<SiteRef> {
    const found = await this.find(spec.id, call);
    if (found !== undefined) return found;
    if ('url' in spec.source) return this.#deploy(spec, spec.source.url, call);
    const { path, reference } = await this.#upload(spec.source, call);
    try {
      return await this.#deploy(spec, reference, call);
    } finally {
      // It would lie there for a day, and count in what VEP may send.
      await this.#services.client.beside({ method: 'DELETE', path }).catch(() => undefined);
    }
  }

  #deploy(spec: ApplianceSpec, url: string, call: CallOptions): Promise<SiteRef> {
    const mark = markOf(this.#services.realm, spec.id, spec.id);
    const draft: ResourceView = {
      id: '',
      kind: APPLIANCE,
      mixins: [],
      title: spec.name,
      summary: mark,
      attributes: {
        [`${OVF}.url`]: url,
        [`${OVF}.inputs`]: spec.inputs,
        ...(spec.configuration === undefined ? {} : { [`${OVF}.configuration`]: spec.configuration }),
        ...(spec.keepOnFailure ? { [`${OVF}.keep-on-failure`]: true } : {}),
      },
      actions: [],
      links: [],
    };
    const { client } = this.#services;
    const key = digestOf(`appliance ${spec.id}`);
    return client.createOnce(draft, key, () => this.find(spec.id, call), call);
  }

  async find(id: string, call: CallOptions): Promise<SiteRef | undefined> {
    const summary = markOf(this.#services.realm, id, id);
    const all = await this.#list(call, { attributes: { 'occi.core.summary': summary } });
    return all.find(({ view }) => (view as ResourceView).summary === summary)?.path;
  }

  async list(call: CallOptions): Promise<readonly HandedOver[]> {
    return (await this.#list(call)).flatMap(({ path, view }) => {
      const mark = markIn(view, this.#services.realm);
      return mark ? [{ ref: path, id: mark.id }] : [];
    });
  }

  /** Nothing at a server that is no VEP, or none any more. */
  async #list(call: CallOptions, filter?: Filter): Promise<Placed[]> {
    const { client } = this.#services;
    const { discovery } = await client.peer(call);
    return discovery.locationOf(APPLIANCE) === undefined ? [] : client.list(APPLIANCE, call, filter);
  }

  async #upload(
    { descriptor, files }: Extract<ApplianceSpec['source'], { descriptor: string }>,
    { signal }: CallOptions,
  ): Promise<{ readonly path: string; readonly reference: string }> {
    const { client } = this.#services;
    const archive = archiveOf(descriptor, files);
    const call = signal ? { signal } : {};
    const upload = await client.beside<{ id: string; reference: string }>(
      {
        method: 'POST',
        path: '/upload/',
        body: JSON.stringify({ name: archive.name, size: archive.sizeBytes }),
        ...call,
      },
      { 'Content-Type': 'application/json' },
    );
    const path = `/upload/${upload.id}`;
    for (let first = 0; first < archive.sizeBytes; first += PIECE) {
      const body = await archive.read(first, PIECE);
      const range = `bytes ${first}-${first + body.byteLength - 1}/${archive.sizeBytes}`;
      const headers = { 'Content-Type': 'application/octet-stream', 'Content-Range': range };
      await client.beside({ method: 'PUT', path, body, ...call }, headers);
    }
    return { path, reference: upload.reference };
  }

  /** Whether an appliance at this path, by which a component names it, is VEP's own. */
  async owns(path: string, call: CallOptions): Promise<boolean> {
    if (this.#own.has(path)) return true;
    const found = await this.#services.client.find(path, call);
    const own = found !== undefined && markIn(found.view, this.#services.realm) !== undefined;
    if (own) this.#own.add(path);
    return own;
  }

  async report(ref: SiteRef, call: CallOptions): Promise<ApplianceReport | undefined> {
    const busy = await this.#services.work.unfinished(call);
    const found = await this.#find(ref, call);
    // Deleted, and not let go of yet by the sites behind it (K11).
    if (!found && busy.has(lastOf(ref))) return { ref, state: 'inactive', busy: true, members: [] };
    if (!found) return undefined;
    const said = found.view.attributes[STATE];
    const message = found.view.attributes[`${STATE}.message`];
    return {
      ref,
      state: STATES.find((state) => state === said) ?? 'error',
      ...(typeof message === 'string' ? { message } : {}),
      busy: busy.has(lastOf(ref)),
      members: await this.#members(ref, call),
    };
  }

  async #members(ref: SiteRef, call: CallOptions): Promise<ApplianceMember[]> {
    const { things } = this.#services;
    const classes: readonly ThingClass[] = ['compute', 'network', 'storage', 'nic', 'attachment'];
    const [computes = [], networks = [], storages = [], nics = [], attachments = []] = await Promise.all(
      classes.map((what) => things.all(what, call)),
    );
    const own = [...computes, ...networks, ...storages].filter(
      ({ view }) => view.attributes[`${OVF}.appliance`] === ref,
    );
    const paths = new Set(own.map(({ path }) => path));
    const links = [...nics, ...attachments].filter(({ view }) => paths.has(endsOf(view)[0] ?? ''));
    return [...own, ...links].map(memberOf);
  }

  failure(ref: SiteRef, call: CallOptions): Promise<IaasError | undefined> {
    return this.#services.work.outcome(lastOf(ref), call);
  }

  async act(
    ref: SiteRef,
    action: ApplianceAction,
    parameters: Readonly<Record<string, string | number>>,
    call: CallOptions,
  ): Promise<void> {
    const { client, work } = this.#services;
    const found = await this.#find(ref, call);
    if (!found) throw new IaasError('not-found', 'the server no longer has the appliance');
    if ((await work.unfinished(call)).has(lastOf(ref))) {
      throw new IaasError('transient', 'the server is still at work on the appliance', 'busy');
    }
    if (action !== 'scale' && found.view.attributes[STATE] === LEADS_TO[action]) return;
    await client.act(ref, APPLIANCE_ACTIONS + action, parameters, call);
  }

  async remove(ref: SiteRef, call: CallOptions): Promise<void> {
    const found = await this.#find(ref, call);
    if (!found) return;
    if (markIn(found.view, this.#services.realm) === undefined) {
      throw new IaasError('denied', 'this appliance is not one that VEP has handed over');
    }
    await this.#services.client.delete(ref, call);
    this.#own.delete(ref);
  }

  #find(ref: SiteRef, call: CallOptions): Promise<Placed | undefined> {
    return this.#services.client.find(ref, call);
  }
}

function memberOf({ view, observed }: Thing): ApplianceMember {
  const item = view.attributes[`${OVF}.id`];
  const [source, target] = endsOf(view);
  return {
    observed,
    ...(typeof item === 'string' ? { item } : {}),
    ...(source === undefined || target === undefined ? {} : { ends: [source, target] }),
  };
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
