/**
 * The Keystone façade `/keystone/`: as much of the Identity API v3 (with OS-FEDERATION) and v2.0 as OCCI clients use to
 * get from a certificate, a VOMS proxy, an access token or a password to an `X-Auth-Token` (`spec/federation-auth.md` §8).
 * Everything is answered in JSON, faults too.
 */

import { Problem, notFound, problem } from '../../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import { unauthenticated } from '../../access/credentials.js';
import type { Principal } from '../../access/principal.js';
import { decodeUtf8, readBody } from '../body.js';
import type { Endpoint, Handler } from '../express-app.js';
import { issue, ownToken, projectsOf, userId, type Issued, type KeystoneServices } from './tokens.js';

export const KEYSTONE_PATH = '/keystone/';

const MAX_BODY = 64 * 1024;
const DOMAIN = { id: 'default', name: 'Default' };

type KeystoneRequest = Parameters<Handler>[0];
type KeystoneResponse = Parameters<Handler>[1];
type Answering = (request: KeystoneRequest, response: KeystoneResponse, base: string) => Promise<void>;

export function keystoneEndpoints(services: KeystoneServices | undefined): Endpoint[] {
  if (!services) return [];
  const { identification } = services;
  const endpoint = (method: Endpoint['method'], path: string, answer: Answering): Endpoint => ({
    method,
    path: `/keystone${path}`,
    // Each of them identifies who asks in its own way.
    open: true,
    handle: (request, response) => {
      response.setHeader('Vary', 'X-Auth-Token').setHeader('Cache-Control', 'no-store');
      return answer(request, response, `${request.vep?.base ?? ''}/keystone`);
    },
  });

  const federated: Answering = async (request, response) => {
    const principal = await identification.forToken(request);
    if (!principal.credential) throw unauthenticated('keystone-not-federated');
    answerV3(response, await issue(services, principal, null, { requestId: idOf(request) }), ['mapped']);
  };
  const projects: Answering = async (request, response, base) => {
    const principal = await identification.forToken(request);
    const list = projectsOf(principal).map((name) => ({
      id: name,
      name,
      enabled: true,
      is_domain: false,
      domain_id: DOMAIN.id,
      links: { self: `${base}/v3/projects/${encodeURIComponent(name)}` },
    }));
    response.json({ projects: list, links: { self: `${base}/v3/auth/projects`, previous: null, next: null } });
  };

  return [
    endpoint('get', '/', async (_request, response, base) => {
      response
        .status(300)
        .json({ versions: { values: [versionOf('v3.14', `${base}/v3/`), versionOf('v2.0', `${base}/v2.0/`)] } });
    }),
    endpoint('get', '/v3/', async (_request, response, base) => {
      response.json({ version: versionOf('v3.14', `${base}/v3/`) });
    }),
    endpoint('get', '/v3/OS-FEDERATION/identity_providers/:provider/protocols/:protocol/auth', federated),
    endpoint('post', '/v3/OS-FEDERATION/identity_providers/:provider/protocols/:protocol/auth', federated),
    endpoint('get', '/v3/auth/federation/:protocol', federated),
    endpoint('post', '/v3/auth/federation/:protocol', federated),
    endpoint('get', '/v3/auth/projects', projects),
    endpoint('get', '/v3/OS-FEDERATION/projects', projects),
    endpoint('post', '/v3/auth/tokens', async (request, response) => {
      const { auth } = await readJson(request);
      const wish = readV3(auth);
      const principal =
        'token' in wish
          ? await identification.byToken(request, wish.token)
          : await identification.byPassword(request, wish.name, wish.password);
      const from = 'token' in wish ? wish.token : undefined;
      const issued = await issue(services, principal, wish.project, { requestId: idOf(request), from });
      answerV3(response, issued, ['token' in wish ? 'token' : 'password']);
    }),
    endpoint('get', '/v3/auth/tokens', async (request, response) => {
      const { principal, found } = await named(services, request);
      const issued = { ...found, token: subjectToken(request), principal, issuedAt: found.createdAt };
      answerV3(response, issued, ['token'], 200);
    }),
    endpoint('delete', '/v3/auth/tokens', async (request, response) => {
      const { principal, found } = await named(services, request);
      await services.tokens.revoke(found.sha256, principal, idOf(request));
      response.status(204).end();
    }),
    endpoint('get', '/v2.0/', async (_request, response, base) => {
      response.json({ version: versionOf('v2.0', `${base}/v2.0/`) });
    }),
    endpoint('post', '/v2.0/tokens', async (request, response) => {
      const { auth } = await readJson(request);
      const { principal, from } = await byV2(services, request, auth);
      const tenant = isJsonObject(auth) ? (text(auth['tenantName']) ?? text(auth['tenantId']) ?? null) : null;
      answerV2(response, await issue(services, principal, tenant, { requestId: idOf(request), from }));
    }),
    endpoint('get', '/v2.0/tenants', async (request, response) => {
      const principal = await identification.forToken(request);
      const tenants = projectsOf(principal).map((name) => ({ id: name, name, enabled: true, description: '' }));
      response.json({ tenants, tenants_links: [] });
    }),
  ];
}

function idOf(request: KeystoneRequest): string {
  return request.vep?.requestId ?? '';
}

function versionOf(id: string, href: string): JsonObject {
  return { id, status: 'stable', updated: '2020-04-07T00:00:00Z', links: [{ rel: 'self', href }], 'media-types': [] };
}

async function readJson(request: KeystoneRequest): Promise<JsonObject> {
  try {
    const value = JSON.parse(decodeUtf8(await readBody(request, MAX_BODY))) as JsonValue;
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (error instanceof Problem) throw error;
  }
  throw malformed('the body is no JSON object');
}

type V3Wish = { readonly project: string | null } & (
  { readonly token: string } | { readonly name: string; readonly password: string }
);

/** `{identity: {methods, token | password}, scope?: {project: {id | name}}}` */
function readV3(auth: JsonValue | undefined): V3Wish {
  const [identity, scope] = [at(auth, 'identity'), at(auth, 'scope')];
  const wished = at(scope, 'project');
  const project = text(at(wished, 'id')) ?? text(at(wished, 'name')) ?? null;
  if (project === null && isJsonObject(scope) && Object.keys(scope).length > 0 && !('unscoped' in scope))
    throw malformed('tokens are scoped to projects and to nothing else');
  const methods = at(identity, 'methods');
  if (!Array.isArray(methods) || methods.length !== 1) throw malformed('one method of signing in is wanted');
  if (methods[0] === 'token') {
    const token = text(at(at(identity, 'token'), 'id'));
    if (token !== undefined) return { token, project };
  }
  if (methods[0] === 'password') {
    const user = at(at(identity, 'password'), 'user');
    const [name, password] = [text(at(user, 'name')) ?? text(at(user, 'id')), text(at(user, 'password'))];
    if (name !== undefined && password !== undefined) return { name, password, project };
  }
  throw malformed('the method is token, with its id, or password, with name and password of a user');
}

/** `{voms: true}` with a certificate, `{passwordCredentials}` or `{token: {id}}`. */
async function byV2(
  { identification }: KeystoneServices,
  request: KeystoneRequest,
  auth: JsonValue | undefined,
): Promise<{ principal: Principal; from?: string }> {
  if (at(auth, 'voms') === true) return { principal: await identification.forToken(request) };
  const token = text(at(at(auth, 'token'), 'id'));
  if (token !== undefined) return { principal: await identification.byToken(request, token), from: token };
  const given = at(auth, 'passwordCredentials');
  const [name, password] = [text(at(given, 'username')), text(at(given, 'password'))];
  if (name === undefined || password === undefined)
    throw malformed('auth has voms: true, token with its id, or passwordCredentials');
  return { principal: await identification.byPassword(request, name, password) };
}

async function named(
  services: KeystoneServices,
  request: KeystoneRequest,
): Promise<{ principal: Principal; found: NonNullable<Awaited<ReturnType<typeof ownToken>>> }> {
  const principal = await services.identification.forToken(request);
  const found = await ownToken(services, principal, subjectToken(request));
  if (!found || found.expiresAt <= services.clock.now()) throw notFound('no such token');
  return { principal, found };
}

function subjectToken(request: KeystoneRequest): string {
  return request.get('x-subject-token') ?? '';
}

function answerV3(
  response: KeystoneResponse,
  { token, principal, project, issuedAt, expiresAt }: Issued,
  methods: readonly string[],
  status = 201,
): void {
  const user = { id: userId(principal), name: principal.name, domain: DOMAIN };
  const scope =
    project === null ? {} : { project: { id: project, name: project, domain: DOMAIN }, roles: [], catalog: [] };
  const times = { issued_at: new Date(issuedAt).toISOString(), expires_at: new Date(expiresAt).toISOString() };
  response
    .status(status)
    .setHeader('X-Subject-Token', token)
    .json({ token: { methods, user, ...times, audit_ids: [], ...scope } });
}

function answerV2(response: KeystoneResponse, { token, principal, project, issuedAt, expiresAt }: Issued): void {
  const tenant = project === null ? {} : { tenant: { id: project, name: project, enabled: true, description: '' } };
  const times = { issued_at: new Date(issuedAt).toISOString(), expires: new Date(expiresAt).toISOString() };
  const user = { id: userId(principal), name: principal.name, username: principal.name, roles: [], roles_links: [] };
  response.json({ access: { token: { id: token, ...times, ...tenant }, user, serviceCatalog: [], metadata: {} } });
}

function at(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) ? value[name] : undefined;
}

function text(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function malformed(why: string): Problem {
  return problem('malformed', 'keystone.request', `this is no request for a token: ${why}`, {
    remedy: 'see docs/access/keystone.md',
  });
}
