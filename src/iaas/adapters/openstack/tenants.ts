/**
 * Virtual Organizations in OpenStack: a project for each group of VEP that has one, with a credential of its own or with
 * VEP's account as a member of it. Everything VEP makes lies in the project of the group it is made for, and counts against
 * its quotas; a reference names the project, so that whoever asks for it later finds it there.
 */

import { createHash } from 'node:crypto';
import type { Clock } from '../../../base/clock.js';
import { stringAt, type JsonObject, type JsonValue } from '../../../base/json.js';
import { IaasError, type CallOptions, type Owner } from '../../adapter.js';
import { readSecret } from '../../site-options.js';
import { Cloud } from './cloud.js';
import { jsonOf, type Line } from './line.js';
import { itemsOf, membersOf } from './marks.js';
import type { CredentialOptions, OpenStackOptions } from './options.js';
import { Session } from './session.js';
import { StackError } from './stack-error.js';

export class Tenants {
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #options: OpenStackOptions;
  /** The site's own project. */
  readonly home: Cloud;
  readonly #ofGroup = new Map<string, Promise<Cloud>>();
  readonly #ofProject = new Map<string, Cloud>();

  /** @throws Problem `invalid` where a secret cannot be read */
  constructor(line: Line, clock: Clock, options: OpenStackOptions) {
    this.#line = line;
    this.#clock = clock;
    this.#options = options;
    const { credentials, tenants } = options;
    this.home = this.#open(authOf('credentials', credentials));
    tenants.projects.forEach((each, index) => {
      const opened =
        'credentials' in each
          ? this.#open(authOf(`tenants.projects.${index}.credentials`, each.credentials))
          : this.#open(this.#scoped({ name: each.project }));
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

  /** A project by its id, if VEP works in it. */
  async cloud(project: string, options: CallOptions): Promise<Cloud | undefined> {
    const known = this.#ofProject.get(project);
    if (known) return known;
    for (const cloud of await this.all(options)) this.#ofProject.set(await cloud.project(options), cloud);
    return this.#ofProject.get(project);
  }

  /** Every project that VEP works in. */
  async all(options: CallOptions): Promise<readonly Cloud[]> {
    if (this.#options.tenants.others === 'create') await this.#rediscover(options);
    return [...new Set([this.home, ...(await Promise.all(this.#ofGroup.values()))])];
  }

  #open(auth: JsonObject): Cloud {
    const { authUrl } = this.#options;
    return new Cloud(this.#line, new Session({ line: this.#line, clock: this.#clock, authUrl, auth }), this.#options);
  }

  /** The account of the site in another project. */
  #scoped(project: { readonly name: string } | { readonly id: string }): JsonObject {
    const { credentials } = this.#options;
    const auth = authOf('credentials', credentials);
    if (credentials.method !== 'password') return auth;
    const domain = { domain: { name: credentials.projectDomain } };
    return { ...auth, scope: { project: 'id' in project ? project : { ...project, ...domain } } };
  }

  /** Projects that an earlier process of this VEP made: they carry the realm as a tag. */
  async #rediscover(options: CallOptions): Promise<void> {
    const found = await this.#keystone('GET', `/projects?tags=${encodeURIComponent(this.#tag)}`, options);
    for (const each of itemsOf(found['projects']).map(membersOf)) {
      const group = /^vep group (.*)$/.exec(stringAt(each, 'description') ?? '')?.[1];
      const id = stringAt(each, 'id');
      if (group === undefined || id === undefined || this.#ofGroup.has(group)) continue;
      this.#ofGroup.set(group, Promise.resolve(this.#open(this.#scoped({ id }))));
    }
  }

  get #tag(): string {
    return `vep-realm-${this.#options.realm}`;
  }

  async #make(group: string, options: CallOptions): Promise<Cloud> {
    const { prefix, role } = this.#options.tenants;
    const home = await this.home.token(options);
    const own = membersOf((await this.#keystone('GET', `/projects/${home.project}`, options))['project']);
    const name = projectName(prefix, group);
    const domain = stringAt(own, 'domain_id') ?? 'default';
    const description = `vep group ${group}`.slice(0, 255);
    // By this property accounting and other tools of federations know whose project it is.
    const wanted = { name, domain_id: domain, description, tags: [this.#tag], 'egi.VO': group };
    const made = await this.#keystone('POST', '/projects', options, { project: wanted }).catch((error: unknown) => {
      if (!(error instanceof StackError) || error.status !== 409) throw error;
      return undefined;
    });
    const known = made ?? {
      project: itemsOf(
        (await this.#keystone('GET', `/projects?name=${encodeURIComponent(name)}`, options))['projects'],
      )[0],
    };
    const id = stringAt(membersOf(known['project']), 'id') ?? '';
    const roles = await this.#keystone('GET', `/roles?name=${encodeURIComponent(role)}`, options);
    const roleId = stringAt(membersOf(itemsOf(roles['roles'])[0]), 'id');
    if (roleId === undefined) throw new IaasError('fatal', `Keystone has no role ${role}, which tenants.role names`);
    await this.#keystone('PUT', `/projects/${id}/users/${home.user}/roles/${roleId}`, options);
    return this.#open(this.#scoped({ id }));
  }

  async #keystone(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    options: CallOptions,
    body?: JsonValue,
  ): Promise<JsonObject> {
    const token = await this.home.token(options);
    const answer = await this.#line.send('identity', {
      ...options,
      method,
      url: `${this.#options.authUrl.replace(/\/$/, '')}${path}`,
      headers: { 'x-auth-token': token.value, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      expect: method === 'PUT' ? [204] : [200, 201],
    });
    return answer.status === 204 ? {} : membersOf(jsonOf('identity', answer));
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

/** A name that Keystone takes, and another one for every group. */
function projectName(prefix: string, group: string): string {
  const plain = group.replaceAll(/[^A-Za-z0-9._-]+/g, '_').slice(0, 40);
  const digest = createHash('sha256').update(group).digest('hex').slice(0, 8);
  return prefix + (plain === group ? plain : `${plain}-${digest}`);
}
