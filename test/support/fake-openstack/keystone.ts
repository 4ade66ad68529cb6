/** Identity v3: tokens by password and by application credential, and the catalog. */

import { documentOf, Refusal, unauthorized, type Answer, type Json, type Request } from './answers.js';
import type { Grant, Project, User, World } from './world.js';

export class Keystone {
  readonly #world: World;
  /** Seconds a token lives. */
  tokenSeconds = 3600;

  constructor(world: World) {
    this.#world = world;
  }

  serve(request: Request): Answer {
    const { method, path } = request;
    if (method === 'POST' && path === '/v3/auth/tokens') return this.#signIn(request);
    if (method === 'GET' && path === '/') return { status: 300, body: { versions: { values: [{ id: 'v3.14' }] } } };
    const { project } = this.grantOf(request);
    const found = /^\/v3\/projects\/([0-9a-f]+)$/.exec(path);
    if (method === 'GET' && found?.[1] === project.id)
      return { status: 200, body: { project: { id: project.id, name: project.name, domain_id: 'default' } } };
    return this.#administer(request);
  }

  /** What a service's middleware does with the token of a request. */
  grantOf({ headers, base }: Request): Grant {
    const grant = this.#world.grants.get(headers['x-auth-token'] ?? '');
    if (grant && grant.until > Date.now() && this.#world.projects.get(grant.project.id)?.enabled) return grant;
    throw unauthorized(`${base}/identity`);
  }

  isAdmin({ user, project }: Grant): boolean {
    return user.roles.get(project.id)?.includes('admin') === true;
  }

  #signIn(request: Request): Answer {
    const { auth } = documentOf(request);
    const found = this.#known(auth, request);
    const { user, project } = found ?? {};
    if (!user || !project) throw unauthorized(`${request.base}/identity/v3`);
    const token = `gAAAA${this.#world.hex()}${this.#world.hex()}`;
    const [issued, until] = [Date.now(), Date.now() + this.tokenSeconds * 1000];
    this.#world.grants.set(token, { user, project, until });
    const time = (at: number): string => new Date(at).toISOString().replace(/\.(\d+)Z$/, '.$1000Z');
    return {
      status: 201,
      headers: { 'x-subject-token': token },
      body: {
        token: {
          methods: auth.identity.methods,
          user: { domain: { id: 'default', name: 'Default' }, id: user.id, name: user.name, password_expires_at: null },
          audit_ids: [this.#world.hex().slice(0, 22)],
          expires_at: time(until),
          issued_at: time(issued),
          project: { domain: { id: 'default', name: 'Default' }, id: project.id, name: project.name },
          is_domain: false,
          roles: (user.roles.get(project.id) ?? []).map((name) => ({ id: name, name })),
          catalog: this.#catalog(request.base, project),
        },
      },
    };
  }

  #known(auth: Json, request: Request): { readonly user: User; readonly project: Project } | undefined {
    const { world } = { world: this.#world };
    const { identity, scope } = auth;
    if (identity.methods[0] === 'application_credential') {
      const credential = world.credentials.get(identity.application_credential.id);
      const there = world.projects.get(credential?.project.id ?? '')?.enabled === true;
      return there && credential?.secret === identity.application_credential.secret ? credential : undefined;
    }
    const { name, password } = identity.password.user;
    const user = [...world.users.values()].find((each) => each.name === name && each.password === password);
    const wanted = scope?.project ?? {};
    const project = [...world.projects.values()].find((each) => each.name === wanted.name || each.id === wanted.id);
    if (user && project && !(project.enabled && user.roles.has(project.id)))
      throw unauthorized(`${request.base}/identity/v3`);
    return user && project && { user, project };
  }

  #catalog(base: string, project: Project): Json {
    const services: readonly (readonly [type: string, name: string, url: string])[] = [
      ['identity', 'keystone', `${base}/identity/v3`],
      ['placement', 'placement', `${base}/placement`],
      ['block-storage', 'cinder', `${base}/volume/v3/${project.id}`],
      ['volumev3', 'cinderv3', `${base}/volume/v3/${project.id}`],
      ['compute', 'nova', `${base}/compute/v2.1`],
      ['image', 'glance', `${base}/image`],
      ['network', 'neutron', `${base}/network`],
    ];
    return services.map(([type, name, url]) => ({
      endpoints: ['admin', 'public', 'internal'].map((kind) => ({
        id: this.#world.hex(),
        interface: kind,
        region_id: 'RegionOne',
        url,
        region: 'RegionOne',
      })),
      id: this.#world.hex(),
      type,
      name,
    }));
  }

  /** What an administrator does for a virtual organization. */
  #administer(request: Request): Answer {
    const { method, path, query } = request;
    const world = this.#world;
    const shown = (project: Project): Json => ({
      id: project.id,
      name: project.name,
      domain_id: 'default',
      enabled: project.enabled,
      ...(project as { more?: Json }).more,
    });
    if (!this.isAdmin(this.grantOf(request))) {
      const message = `You are not authorized to perform the requested action: identity:${path.split('/')[2]}.`;
      throw new Refusal({ status: 403, body: { error: { code: 403, message, title: 'Forbidden' } } });
    }
    if (method === 'POST' && path === '/v3/projects') {
      const { name, domain_id: _domain, ...more } = documentOf(request).project;
      if ([...world.projects.values()].some((each) => each.name === name)) {
        const message = `Conflict occurred attempting to store project - it is not permitted to have two projects with the same name in the same domain : ${name}.`;
        throw new Refusal({ status: 409, body: { error: { code: 409, message, title: 'Conflict' } } });
      }
      const project = Object.assign(world.addProject(name), { more });
      return { status: 201, body: { project: shown(project) } };
    }
    if (method === 'GET' && path === '/v3/projects') {
      const tag = query.get('tags');
      const all = [...world.projects.values()].filter(
        (each) =>
          (query.get('name') ?? each.name) === each.name &&
          (tag === null || (each as { more?: Json }).more?.tags?.includes(tag)),
      );
      return { status: 200, body: { projects: all.map(shown), links: { next: null } } };
    }
    const one = method === 'GET' ? world.projects.get(/^\/v3\/projects\/([^/]+)$/.exec(path)?.[1] ?? '') : undefined;
    if (one) return { status: 200, body: { project: shown(one) } };
    if (method === 'GET' && path === '/v3/roles')
      return { status: 200, body: { roles: [{ id: query.get('name'), name: query.get('name') }] } };
    const granted = /^\/v3\/projects\/([^/]+)\/users\/([^/]+)\/roles\/([^/]+)$/.exec(path);
    if (method === 'PUT' && granted) {
      const [, project = '', user = '', role = ''] = granted;
      world.users.get(user)?.roles.set(project, [role]);
      return { status: 204 };
    }
    throw new Refusal({ status: 404, body: { error: { code: 404, message: `no ${path}`, title: 'Not Found' } } });
  }
}
