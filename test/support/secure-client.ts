/** Requests over TLS with a certificate of the fixtures, or with none, to a server of the test's own. */

import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { pkiFixtures } from './pki-fixtures.js';
import { secretKeys, tokensIn } from './run.js';

export interface SecureReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface SecureOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Name of a fixture, as `voms/good`: chain and key may lie in one file. */
  readonly as?: string;
}

export function sendSecurely(url: string, { as, body, ...options }: SecureOptions = {}): Promise<SecureReply> {
  const secured = { secureContext: contextOf(as) };
  return new Promise((resolve, reject) => {
    const request = https.request(
      url,
      {
        agent: false,
        rejectUnauthorized: false,
        ...secured,
        maxHeaderSize: 2 ** 20,
        ...options,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          tokensIn(text, response.headers['x-subject-token']);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const contexts = new Map<string | undefined, SecureContext>();

/** Made once for each: to make one takes longer than to shake hands. */
function contextOf(name: string | undefined): SecureContext {
  const context = contexts.get(name) ?? createSecureContext(name === undefined ? {} : identity(name));
  contexts.set(name, context);
  return context;
}

function identity(name: string): { readonly cert: string; readonly key: string } {
  const read = (file: string): string => secretKeys(readFileSync(join(pkiFixtures, file), 'utf8'), `key of ${file}`);
  const cert = read(`${name}.pem`);
  const key = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(cert)
    ? cert
    : read(`${name.replace(/\.chain$/, '')}.key`);
  return { cert, key };
}
