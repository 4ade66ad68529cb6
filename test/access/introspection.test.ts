/**
 * Tokens of a real OpenID provider (`oidc-provider` from npm), JWTs and opaque ones: discovery, rotation of keys, and
 * introspection (RFC 7662), also of a token that was revoked while it was in use (S-051, S-054, S-057, S-062).
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { jest } from '@jest/globals';
import { Authenticator } from '../../src/access/authenticate.js';
import { Access } from '../../src/access/access.js';
import { BearerSignIn, type IssuerSettings } from '../../src/access/oidc/bearer-sign-in.js';
import { parseConfig } from '../../src/base/config-file.js';
import { Problem } from '../../src/base/errors.js';
import { GuardedDialler } from '../../src/net/dialler.js';
import { forEachDatabase } from '../support/databases.js';
import { pkiFixtures } from '../support/pki-fixtures.js';

const AUDIENCE = 'https://vep.example.org';
const SECRET = 'a secret of the resource server';

/** A clock that tests move by hand. */
class TestClock {
  time = Date.now();
  now(): number {
    return this.time;
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** As far as the test uses it; the package brings no types. */
interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  on(event: string, listener: () => void): void;
  readonly AccessToken: {
    new (properties: object): { resourceServer: object; save(): Promise<string> };
    find(token: string): Promise<{ destroy(): Promise<void> } | undefined>;
  };
  readonly Client: { find(id: string): Promise<object> };
  readonly Grant: new (properties: object) => { save(): Promise<string> };
  readonly ResourceServer: new (id: string, info: object) => object;
}

// It warns of its store in memory, and that it is meant for later releases of Node than the oldest that VEP runs on.
jest.spyOn(console, 'warn').mockImplementation(() => undefined);
jest.spyOn(console, 'info').mockImplementation(() => undefined);
// By a name that the compiler does not follow: the package brings no types.
const PACKAGE: string = 'oidc-provider';
const { default: OpenIdProvider } = (await import(PACKAGE)) as {
  default: new (issuer: string, configuration: object) => Provider;
};

class RealProvider {
  readonly #server: Server;
  #provider!: Provider;
  readonly #requests: string[] = [];

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RealProvider> {
    const at = (name: string): Buffer => readFileSync(join(pkiFixtures, name));
    const server = createServer({ cert: at('eec/host.pem'), key: at('eec/host.key') });
    const real = new RealProvider(server);
    server.on('request', (request, response) => {
      real.#requests.push(request.url ?? '');
      void real.#provider.callback()(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await real.rotate('first');
    return real;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  asked(path: string): number {
    return this.#requests.filter((url) => url.startsWith(path)).length;
  }

  /** Signs with another key from now on; what it knew of tokens is gone. */
  async rotate(kid: string): Promise<void> {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const key: JWK = { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
    const server = (format: 'opaque' | 'jwt') => ({ scope: 'openid', audience: AUDIENCE, accessTokenFormat: format });
    this.#provider = new OpenIdProvider(this.url, {
      jwks: { keys: [key] },
      clients: [
        { client_id: 'app', client_secret: 'app', redirect_uris: [], response_types: [], grant_types: [] },
        { client_id: 'vep', client_secret: SECRET, redirect_uris: [], response_types: [], grant_types: [] },
      ],
      features: {
        devInteractions: { enabled: false },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: () => server('opaque'),
        },
      },
      extraTokenClaims: () => ({ eduperson_entitlement: ['urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu'] }),
    });
    // Koa says so much about every refusal that the test provokes.
    this.#provider.on('server_error', () => undefined);
  }

  /** An access token as its token endpoint would issue it at the end of a sign-in. */
  async token(format: 'opaque' | 'jwt', sub = 'alice'): Promise<string> {
    const { AccessToken, Client, Grant, ResourceServer } = this.#provider;
    const client = await Client.find('app');
    const grantId = await new Grant({ clientId: 'app', accountId: sub }).save();
    const token = new AccessToken({
      accountId: sub,
      client,
      scope: 'openid',
      grantId,
      gty: 'authorization_code',
    });
    token.resourceServer = new ResourceServer(AUDIENCE, {
      scope: 'openid',
      audience: AUDIENCE,
      accessTokenFormat: format,
      accessTokenTTL: 600,
      ...(format === 'jwt' ? { jwt: { sign: { alg: 'RS256' } } } : {}),
    });
    return token.save();
  }

  async revoke(token: string): Promise<void> {
    await (await this.#provider.AccessToken.find(token))?.destroy();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const provider = await RealProvider.start();
afterAll(() => provider.close());

forEachDatabase((_name, database) => {
  let clock: TestClock;
  let bearers: BearerSignIn;
  let authenticator: Authenticator;
  let dialler: GuardedDialler;

  beforeEach(async () => {
    clock = new TestClock();
    dialler = new GuardedDialler({ ca: [readFileSync(join(pkiFixtures, 'ca/root.pem'), 'utf8')] });
    await use({});
  });
  afterEach(() => dialler.close());

  async function use(introspection: Partial<NonNullable<IssuerSettings['introspection']>>): Promise<void> {
    const settings: IssuerSettings = {
      issuer: provider.url,
      audience: [AUDIENCE],
      vos: [{ vo: 'biomed', entitlement: 'urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu', roles: [] }],
      maxLifetimeSeconds: 3600,
      requireVo: true,
      allow: ['localhost'],
      dialler,
      introspection: { clientId: 'vep', clientSecret: SECRET, all: false, cacheSeconds: 3, ...introspection },
    };
    const store = await database.open();
    bearers = new BearerSignIn([settings], clock);
    authenticator = new Authenticator(store, new Access(store, clock), clock, { bearers });
    await bearers.refresh(AbortSignal.timeout(120_000));
  }

  const signIn = async (token: string): Promise<string> => {
    try {
      const principal = await authenticator.identify({ authorization: `Bearer ${token}`, remoteAddress: '127.0.0.1' });
      return `${principal?.id} in ${principal?.groups[0]}`;
    } catch (error) {
      if (error instanceof Problem) return `${error.kind}: ${String(error.cause).split(': ')[0]}`;
      throw error;
    }
  };
  const alice = (): string => `oidc:${provider.url} alice in biomed`;

  it('S-051 lets opaque tokens in that the issuer stands by, and asks once within some seconds', async () => {
    const token = await provider.token('opaque');
    expect(token.split('.')).toHaveLength(1);
    const before = provider.asked('/token/introspection');
    expect(await Promise.all([signIn(token), signIn(token), signIn(token)])).toEqual([alice(), alice(), alice()]);
    expect(provider.asked('/token/introspection') - before).toBe(1);
  });

  it('S-062 notices within seconds that a token was revoked, opaque or not', async () => {
    await use({ all: true });
    const token = await provider.token('opaque');
    expect(await signIn(token)).toBe(alice());
    await provider.revoke(token);
    clock.time += 3001;
    expect(await signIn(token)).toBe('unauthenticated: token-inactive');
    const before = provider.asked('/token/introspection');
    expect(await signIn(token)).toBe('unauthenticated: token-inactive');
    expect(provider.asked('/token/introspection')).toBe(before);
  });

  it('refuses what the issuer does not know, and asks nobody about tokens of VEP itself', async () => {
    const before = provider.asked('/token/introspection');
    expect(await signIn('no-such-token-at-all')).toBe('unauthenticated: token-inactive');
    expect(provider.asked('/token/introspection') - before).toBe(1);
    for (const own of [`vepk_${'a'.repeat(43)}`, 'vep_short', 'vepd_short'])
      expect(await signIn(own)).toMatch(/^unauthenticated: token-/);
    expect(provider.asked('/token/introspection') - before).toBe(1);
  });

  it('does not let anybody in when it cannot ask, and says so', async () => {
    await use({ clientSecret: 'wrong' });
    expect(await signIn(await provider.token('opaque'))).toMatch(/^unavailable: /);
  });

  it('S-054 takes JWTs of its keys, and of the next ones when they are rotated', async () => {
    expect(await signIn(await provider.token('jwt'))).toBe(alice());
    await provider.rotate(`next-${clock.time}`);
    const token = await provider.token('jwt');
    expect(await signIn(token)).toBe('unauthenticated: token-key');
    clock.time += 61_000;
    await bearers.refresh(AbortSignal.timeout(120_000));
    expect(await signIn(token)).toBe(alice());
  });
});

it('is configured as docs/access/oidc.md shows', () => {
  const page = readFileSync('docs/access/oidc.md', 'utf8');
  const [, text = ''] = /```yaml\n([^`]*introspection:[^`]*)```/.exec(page) ?? [];
  const { access } = parseConfig(text, {});
  expect(access.issuers[0]?.introspection).toMatchObject({ tokens: 'all', cacheSeconds: 3 });
});
