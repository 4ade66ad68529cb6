/**
 * Two federations at one provider, as tests play them: Bob signs in with a VOMS proxy of `testvo`, Alice with an access token
 * whose issuer speaks for `atlas`. The trust directory is the test's own, to be changed while the server runs.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/base/json.js';
import { AUDIENCE, TestIssuer } from '../support/issuer.js';
import { pkiFixtures } from '../support/pki-fixtures.js';
import { sendSecurely, type SecureOptions, type SecureReply } from '../support/secure-client.js';
import type { TestServer } from '../support/server.js';
import { STATE as APPLIANCE_STATE } from './appliance-wire.js';
import { webShop } from './web-shop.js';

export const BOB = 'bob of testvo';
export const ALICE = 'alice of atlas';
export const ADMIN = 'the administrator';
export type Who = typeof BOB | typeof ALICE | typeof ADMIN;

export const JSON_TYPE = 'application/occi+json';

/** Two appliances at once, and on PostgreSQL two servers: on a busy machine that takes its time. */
export const PATIENCE_MS = 180_000;

/** What both federations trust, and how a server is told. */
export class Federations {
  readonly issuer: TestIssuer;
  readonly #trust = mkdtempSync(join(tmpdir(), 'vep-federations-'));

  private constructor(issuer: TestIssuer) {
    this.issuer = issuer;
    cpSync(pkiFixtures, this.#trust, { recursive: true });
  }

  /** Gone when the test's file is done. */
  static async begin(): Promise<Federations> {
    const federations = new Federations(await TestIssuer.start());
    afterAll(() => federations.#end());
    return federations;
  }

  /** Where a fixture lies that this test may overwrite. */
  at(name: string): string {
    return join(this.#trust, name);
  }

  /** Sections of a configuration, for `forEachServer`. */
  get config(): Readonly<Record<'server' | 'access', JsonObject>> {
    const { issuer } = this;
    return {
      server: { port: 0, tls: { certificate: this.at('eec/host.pem'), key: this.at('eec/host.key') } },
      access: {
        certificates: {
          directory: this.at('certificates'),
          vomsdir: this.at('vomsdir'),
          crlOptional: ['/DC=org/DC=other/CN=Other VO CA'],
          reloadMs: 500,
        },
        issuers: [
          { issuer: issuer.url, audience: [AUDIENCE], vos: [{ vo: 'atlas', group: '/atlas' }], ...issuer.reached },
        ],
        sessions: { checkMs: 300 },
      },
    };
  }

  #end(): void {
    this.issuer.close();
    rmSync(this.#trust, { recursive: true });
  }
}

/** Their requests to one server, each with the credential of whoever sends it. */
export class FederationClients {
  readonly #server: () => TestServer;
  readonly #issuer: TestIssuer;

  constructor(server: () => TestServer, { issuer }: Federations) {
    this.#server = server;
    this.#issuer = issuer;
  }

  /** @param base URL of another process on the same database */
  async send(who: Who, path: string, options: SecureOptions = {}, base = this.#server().url): Promise<SecureReply> {
    const headers = { accept: JSON_TYPE, ...options.headers };
    const signed: SecureOptions =
      who === BOB
        ? { as: 'voms/good-bob', headers }
        : { headers: { ...headers, authorization: `Bearer ${await this.token(who)}` } };
    const reply = await sendSecurely(base + path, { ...options, ...signed });
    // The keys of the issuer are fetched by upkeep, a moment after the start.
    return reply.status === 503 ? this.send(who, path, options, base) : reply;
  }

  token(who: typeof ALICE | typeof ADMIN): Promise<string> {
    if (who === ADMIN) return Promise.resolve(this.#server().tokens.admin);
    return this.#issuer.token({ sub: 'alice', 'wlcg.groups': ['/atlas'] });
  }

  post(who: Who, path: string, body: unknown, base?: string): Promise<SecureReply> {
    const headers = { 'content-type': JSON_TYPE };
    return this.send(who, path, { method: 'POST', headers, body: JSON.stringify(body) }, base);
  }

  async eventually(who: Who, path: string, wanted: (reply: SecureReply) => boolean): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const reply = await this.send(who, path);
      if (wanted(reply)) return;
      if (performance.now() > until) throw new Error(`${path} is still ${reply.status} ${reply.text.slice(0, 1500)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  inState(who: Who, path: string, state: string): Promise<void> {
    return this.eventually(
      who,
      path,
      (reply) => reply.status === 200 && attributesOf(reply)[APPLIANCE_STATE] === state,
    );
  }

  async order(who: Who, title: string): Promise<SecureReply> {
    return this.send(who, '/appliance/', { method: 'POST', ...(await webShop({ title })) });
  }

  /** The path of a web shop of that title that has become active. */
  async deploy(who: Who, title: string): Promise<string> {
    const path = madeBy(await this.order(who, title));
    await this.inState(who, path, 'active');
    return path;
  }

  /** Revokes the session that a deployment came with, at another process if one is named. */
  async revoke(application: string, base?: string): Promise<SecureReply> {
    const { resources } = JSON.parse((await this.send(ADMIN, '/session/')).text) as {
      resources: { id: string; attributes: Record<string, string> }[];
    };
    const session = resources.find(
      ({ attributes }) => attributes['eu.contrail-project.session.application'] === application,
    );
    const action = 'http://schemas.contrail-project.eu/occi/access/session/action#revoke';
    return this.post(ADMIN, `/session/${session?.id.replace('urn:uuid:', '') ?? ''}?action=revoke`, { action }, base);
  }
}

export function attributesOf(reply: SecureReply): Record<string, unknown> {
  return (JSON.parse(reply.text) as { attributes: Record<string, unknown> }).attributes;
}

/** Path of what has been made; anything but 201 fails the test. */
export function madeBy(reply: SecureReply): string {
  expect([reply.status, reply.text]).toEqual([201, expect.anything()]);
  return new URL(reply.headers.location ?? '').pathname;
}

export const idOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What a refusal says, without the ids that differ by nature. */
export function told({ status, text, headers }: SecureReply): unknown[] {
  const without = (said: string): string => said.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>');
  return [status, without(text), headers['content-type'], without(String(headers['x-occi-error']))];
}
