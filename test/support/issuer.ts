/**
 * An OpenID Connect issuer of the test's own, over HTTPS on loopback: it signs whatever claims a test wants, which no
 * real one would do.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair, type CryptoKey, type JWTPayload } from 'jose';
import { pkiFixtures } from './pki-fixtures.js';
import { secret } from './run.js';

export class TestIssuer {
  readonly #server: Server;
  readonly #key: CryptoKey;

  private constructor(server: Server, key: CryptoKey) {
    this.#server = server;
    this.#key = key;
  }

  /** Two issuers with one key: at the root, and below `/wlcg`. */
  static async start(): Promise<TestIssuer> {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const keys = [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }];
    const at = (name: string): Buffer => readFileSync(join(pkiFixtures, name));
    const server = createServer({ cert: at('eec/host.pem'), key: at('eec/host.key') }, (request, response) => {
      const path = request.url?.startsWith('/wlcg') ? '/wlcg' : '';
      const metadata = { issuer: `${issuer.url}${path}`, jwks_uri: `${issuer.url}/keys` };
      response.end(JSON.stringify(request.url === '/keys' ? { keys } : metadata));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const issuer = new TestIssuer(server, pair.privateKey);
    return issuer;
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What its configuration in VEP needs beside `issuer`, `audience` and `vos`. */
  get reached(): { readonly allow: readonly string[]; readonly ca: string } {
    return { allow: ['localhost'], ca: join(pkiFixtures, 'ca/root.pem') };
  }

  /** A token for {@link AUDIENCE} that is good for ten minutes, unless the claims say otherwise. */
  async token(claims: JWTPayload): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const usual = { iss: this.url, sub: 'alice', aud: AUDIENCE, iat: now, exp: now + 600, jti: '1' };
    const header = { alg: 'ES256', kid: 'k', typ: 'at+jwt' };
    const token = await new SignJWT({ ...usual, ...claims }).setProtectedHeader(header).sign(this.#key);
    // Without its signature it opens nothing.
    secret(token.slice(token.lastIndexOf('.') + 1), 'signature of an access token');
    return token;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

export const AUDIENCE = 'https://vep.example.org';
