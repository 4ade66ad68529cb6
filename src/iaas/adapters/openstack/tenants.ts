/**
 * Virtual Organizations in OpenStack: a project for each group of VEP that has one, with a credential of its own or with
 * VEP's account as a member of it. Everything VEP makes lies in the project of the group it is made for, and counts against
 * its quotas; a reference names the project, so that whoever asks for it later finds it there.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../../../base/clock.js';
import { stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import type { Log } from '../../../base/log.js';
import { IaasError, PartUnasked, type CallOptions, type Owner, type SiteRef } from '../../adapter.js';
import { readSecret } from '../../site-options.js';
import type { SiteSurroundings } from '../../site-type.js';
import { Cloud } from './cloud.js';
import { jsonOf, type Line } from './line.js';
import { itemsOf, membersOf, readRef } from './marks.js';
import type { CredentialOptions, OpenStackOptions } from './options.js';
import { Session } from './session.js';
import { StackError } from './stack-error.js';

/** What VEP works in, and what of it cannot be asked. */
export interface Projects {
  readonly asked: ReadonlyMap<string, Cloud>;
  readonly refused: readonly IaasError[];
}

export class Tenants {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: OpenStackOptions;
  /** The site's own project. */
  readonly home: Cloud;
  readonly #ofGroup = new Map<string, Promise<Cloud>>();
  /** By id; also those that an earlier process of this VEP made, as long as nobody has asked for their groups. */
  readonly #ofProject = new Map<string, Cloud>();
  /** What people call a project that is not the site's own. */
  readonly #names = new WeakMap<Cloud, string>();

  /** @throws Problem `invalid` where a secret cannot be read */
  constructor(line: Line, { clock, log }: Pick<SiteSurroundings, 'clock' | 'log'>, options: OpenStackOptions) {
    this.#line = line;
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    const { credentials, tenants } = options;
    this.home = this.#open(authOf('credentials', credentials));
    tenants.projects.forEach((each, index) => {
      const opened =
        'credentials' in each
          ? this.#open(authOf(`tenants.projects.${index}.credentials`, each.credentials))
          : this.#open(this.#scoped({ name: each.project }));
      this.#names.set(opened, `the project of ${each.group}`);
      this.#ofGroup.set(each.group, Promise.resolve(opened));
    });
  }

  /**
   * Where things of an owner are made.
   *
   * @throws IaasError `denied` for a group that shall have no project here
   */
  async of(owner: Owner | undefined, options: CallOptions): Promise<Cloud> {
    const group = owner?.group;
    const named = group === undefined ? undefined : this.#ofGroup.get(group);
    if (named) return named;
    const { others } = this.#options.tenants;
    if (group === undefined || others === 'own') return this.home;
    if (others === 'refuse') throw new IaasError('denied', 'this site serves no virtual organization of that name');
    const making = this.#make(group, options);
    this.#ofGroup.set(group, making);
    making.catch(() => this.#ofGroup.delete(group));
    return making;
  }

  /** The project that a group has for itself, made if that shall be; nothing where it shares the site's own. */
  async own(group: string, options: CallOptions): Promise<Cloud | undefined> {
    if (!this.#ofGroup.has(group) && this.#options.tenants.others !== 'create') return undefined;
    return this.of({ user: '', group }, options);
  }

  /**
   * A project by its id, if VEP works in it.
   *
   * @throws PartUnasked where it may be one that cannot be asked
   */
  async cloud(project: string, options: CallOptions): Promise<Cloud | undefined> {
    const known = this.#ofProject.get(project);
    if (known) return known;
    const { refused } = await this.all(options);
    const found = this.#ofProject.get(project);
    if (!found && refused.length > 0) throw partUnasked(refused, (ref) => readRef(ref)?.project === project);
    return found;
  }

  /** Every project that VEP works in. One that lets VEP in no more takes nothing from the others. */
  async all(options: CallOptions): Promise<Projects> {
    if (this.#options.tenants.others === 'create') await this.#rediscover(options);
    const opened = await Promise.allSettled(this.#ofGroup.values());
    const ofGroups = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const asked = new Map<string, Cloud>();
    const refused: IaasError[] = [];
    for (const cloud of new Set([this.home, ...ofGroups, ...this.#ofProject.values()])) {
      try {
        const project = await cloud.project(options);
        if (!asked.has(project)) asked.set(project, cloud);
        this.#ofProject.set(project, asked.get(project) ?? cloud);
      } catch (error) {
        if (!(error instanceof DeletedProject)) refused.push(this.refusal(cloud, error));
      }
    }
    return { asked, refused };
  }

  /** What a project says that does not let VEP in, by its name; anything else that was thrown goes on. */
  refusal(cloud: Cloud, error: unknown): IaasError {
    if (error instanceof DeletedProject) return error;
    if (cloud === this.home || !(error instanceof IaasError) || error.class !== 'denied') throw error;
    return new IaasError('denied', `${this.#names.get(cloud) ?? 'a project'}: ${error.message}`, error.said, error);
  }

  /**
   * Does something in each project in which references lie.
   *
   * @throws PartUnasked at the end, of the projects that cannot be asked
   */
  async inEach(
    refs: readonly SiteRef[],
    options: CallOptions,
    work: (cloud: Cloud, project: string) => Promise<void>,
  ): Promise<void> {
    const refused = new Map<string, IaasError>();
    for (const project of new Set(refs.flatMap((ref) => readRef(ref)?.project ?? []))) {
      try {
        const cloud = await this.cloud(project, options);
        if (cloud)
          await work(cloud, project).catch((error: unknown) => refused.set(project, this.refusal(cloud, error)));
      } catch (error) {
        if (!(error instanceof PartUnasked)) throw error;
        refused.set(project, error);
      }
    }
    if (refused.size > 0) throw partUnasked([...refused.values()], (ref) => refused.has(readRef(ref)?.project ?? ''));
  }

  #open(auth: JsonObject, behind?: () => Promise<IaasError | undefined>): Cloud {
    const [line, clock, { authUrl }] = [this.#line, this.#clock, this.#options];
    const session = new Session({ line, clock, authUrl, auth, ...(behind === undefined ? {} : { behind }) });
    return new Cloud(line, session, this.#options);
  }

  /** The account of the site in another project; an application credential is of one, see {@link readOpenStackOptions}. */
  #scoped(project: { readonly name: string } | { readonly id: string }): JsonObject {
    const { credentials } = this.#options;
    const auth = authOf('credentials', credentials);
    if (credentials.method !== 'password') return auth;
    const domain = { domain: { name: credentials.projectDomain } };
    return { ...auth, scope: { project: 'id' in project ? project : { ...project, ...domain } } };
  }

  /** Projects that this VEP made: they carry the realm as a tag. Another process may not have let VEP's account in yet. */
  async #rediscover(options: CallOptions): Promise<void> {
    for (const each of await this.#found({ tags: this.#tag }, options)) this.#made(each);
  }

  #made(project: JsonObject): Cloud {
    const id = stringAt(project, 'id') ?? '';
    const known = this.#ofProject.get(id);
    if (known) return known;
    const name = stringAt(project, 'name') ?? id;
    const opened = this.#open(this.#scoped({ id }), () => this.#whetherDeleted(id, name));
    this.#ofProject.set(id, opened);
    this.#names.set(opened, `project ${name}`);
    return opened;
  }

  /** Keystone refuses tokens of a project that is gone as it refuses those of one that is closed: this one never comes back. */
  async #whetherDeleted(id: string, name: string): Promise<IaasError | undefined> {
    const there = await this.#keystone('GET', `/projects/${id}`, {}).then(
      () => true,
      (error: unknown) => !(error instanceof StackError) || error.status !== 404,
    );
    if (there) return undefined;
    const cloud = this.#ofProject.get(id);
    if (!cloud) return new DeletedProject(name);
    this.#ofProject.delete(id);
    for (const [group, made] of this.#ofGroup)
      if ((await made.catch(() => undefined)) === cloud) this.#ofGroup.delete(group);
    const remedy = 'see whether servers or volumes were left behind: openstack server list --project …';
    this.#log.warn(
      { project: id, name, remedy },
      'a project has been deleted in Keystone: what VEP made there is gone',
    );
    return new DeletedProject(name);
  }

  async #found(query: Readonly<Record<string, string>>, options: CallOptions): Promise<readonly JsonObject[]> {
    const found = await this.#keystone('GET', `/projects?${new URLSearchParams(query).toString()}`, options);
    return itemsOf(found['projects']).map(membersOf);
  }

  get #tag(): string {
    return `vep-realm-${this.#options.realm}`;
  }

  async #make(group: string, options: CallOptions): Promise<Cloud> {
    const { role } = this.#options.tenants;
    const home = await this.home.token(options);
    const project = (await this.#madeFor(group, options)) ?? (await this.#create(group, home.project, options));
    const id = stringAt(project, 'id') ?? '';
    const roles = await this.#keystone('GET', `/roles?name=${encodeURIComponent(role)}`, options);
    const roleId = stringAt(membersOf(itemsOf(roles['roles'])[0]), 'id');
    if (roleId === undefined) throw new IaasError('fatal', `Keystone has no role ${role}, which tenants.role names`);
    await this.#keystone('PUT', `/projects/${id}/users/${home.user}/roles/${roleId}`, options);
    return this.#made(project);
  }

  /** The project that this VEP has made for a group, whatever it is called by now. */
  async #madeFor(group: string, options: CallOptions): Promise<JsonObject | undefined> {
    const mine = await this.#found({ tags: this.#tag }, options);
    return mine.find((each) => stringAt(each, 'description') === describing(group));
  }

  async #create(group: string, home: string, options: CallOptions): Promise<JsonObject> {
    const { realm, tenants } = this.#options;
    const own = membersOf((await this.#keystone('GET', `/projects/${home}`, options))['project']);
    const wanted = {
      name: projectName(tenants.prefix, realm, group),
      domain_id: stringAt(own, 'domain_id') ?? 'default',
      description: describing(group),
      tags: [this.#tag],
      // By this property accounting and other tools of federations know whose project it is.
      'egi.VO': group,
    };
    const made = await this.#keystone('POST', '/projects', options, { project: wanted }).catch((error: unknown) => {
      if (!(error instanceof StackError) || error.status !== 409) throw error;
      return undefined;
    });
    // Another process of this VEP may have been faster; anybody else's is left alone, whatever it is called.
    const project = made ? membersOf(made['project']) : await this.#madeFor(group, options);
    if (project) return project;
    throw new IaasError(
      'conflict',
      `Keystone has a project ${wanted.name} that this VEP did not make: name it under tenants.projects, or choose another tenants.prefix`,
    );
  }

  async #keystone(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    options: CallOptions,
    body?: JsonValue,
  ): Promise<JsonObject> {
    const typed: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await this.home.admitted(options, ({ value }) =>
      this.#line.send('identity', {
        ...options,
        method,
        url: `${this.#options.authUrl.replace(/\/$/, '')}${path}`,
        headers: { 'x-auth-token': value, ...typed },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        expect: method === 'PUT' ? [204] : [200, 201],
      }),
    );
    return answer.status === 204 ? {} : membersOf(jsonOf('identity', answer));
  }
}

/** Whoever asks again finds nothing of it, and its group is given another one. */
class DeletedProject extends IaasError {
  constructor(name: string) {
    super('transient', `project ${name} has been deleted in Keystone`, 'deleted');
  }
}

/** `auth` of a request for a token (Identity API v3, "Password authentication", "Application credentials"). */
function authOf(key: string, credentials: CredentialOptions): JsonObject {
  if (credentials.method === 'application_credential') {
    const secret = readSecret(`${key}.secret`, credentials.secret);
    return {
      identity: { methods: ['application_credential'], application_credential: { id: credentials.id, secret } },
    };
  }
  const { user, userDomain, project, projectDomain } = credentials;
  const password = readSecret(`${key}.password`, credentials.password);
  return {
    identity: { methods: ['password'], password: { user: { name: user, domain: { name: userDomain }, password } } },
    scope: { project: { name: project, domain: { name: projectDomain } } },
  };
}

const describing = (group: string): string => `vep group ${group}`.slice(0, 255);

/** A name that Keystone takes, of at most 64 characters, and another one for every realm and group. */
function projectName(prefix: string, realm: string, group: string): string {
  const plain = group.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 39);
  const digest = createHash('sha256').update(`${realm} ${group}`).digest('hex').slice(0, 8);
  return `${prefix}${plain}-${digest}`;
}

export function partUnasked(refused: readonly IaasError[], hides: (ref: SiteRef) => boolean): PartUnasked {
  const [first] = refused;
  const said = first?.said ?? first?.message ?? '';
  return new PartUnasked(refused.map(({ message }) => message).join('; '), said, hides);
}
