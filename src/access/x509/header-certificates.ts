/**
 * Certificates that a TLS-terminating proxy passes on in header fields (`spec/federation-auth.md` §6): RFC 9440, and the
 * habits of nginx, HAProxy and Envoy. Only the bytes of the certificates are taken: what the proxy says of them proves
 * nothing, and the chain is judged like any other.
 */

import type { IncomingHttpHeaders } from 'node:http';
import { derIn } from './certificate.js';
import { Refusal } from './refusal.js';

export const HEADER_SCHEMES = ['rfc9440', 'nginx', 'haproxy', 'envoy'] as const;
export type HeaderScheme = (typeof HEADER_SCHEMES)[number];

/** The fields of each scheme; the first holds the certificate. */
export const SCHEME_FIELDS: Readonly<Record<HeaderScheme, readonly [string, ...string[]]>> = {
  rfc9440: ['client-cert', 'client-cert-chain'],
  nginx: ['x-ssl-client-cert', 'x-ssl-client-verify', 'x-ssl-client-s-dn'],
  haproxy: ['x-ssl-client-der', 'x-ssl-client-chain-der', 'x-ssl-client-verify'],
  envoy: ['x-forwarded-client-cert'],
};

/**
 * DER of the chain, the client's own certificate first; nothing when the proxy's client had none.
 * @throws Refusal `malformed`
 */
export function headerChain(headers: IncomingHttpHeaders, scheme: HeaderScheme): Uint8Array[] | undefined {
  const [first, second] = SCHEME_FIELDS[scheme].map((field) => {
    const value = headers[field];
    return (Array.isArray(value) ? value.join(',') : value)?.trim() ?? '';
  });
  if (!first) return undefined;
  switch (scheme) {
    case 'rfc9440':
      return [byteSequence(first), ...(second ? second.split(',').map((each) => byteSequence(each.trim())) : [])];
    case 'nginx':
      return escapedPem(first);
    case 'haproxy':
      return [base64(first), ...(second ? concatenated(base64(second)) : [])];
    case 'envoy': {
      // One element: a proxy that appends to what its client sent would list several.
      const pairs = new Map(first.split(';').map((pair) => [...splitOnce(pair)] as const));
      const chain = unquoted(pairs.get('chain')) ?? unquoted(pairs.get('cert'));
      if (first.includes(',') || chain === undefined) throw malformed();
      return escapedPem(chain);
    }
  }
}

function splitOnce(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()];
}

function unquoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : /^"?([^"]*)"?$/.exec(text)?.[1];
}

/** RFC 8941 §3.3.5. */
function byteSequence(text: string): Uint8Array {
  const encoded = /^:([A-Za-z0-9+/=]*):$/.exec(text)?.[1];
  if (encoded === undefined) throw malformed();
  return base64(encoded);
}

function base64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw malformed();
  return Buffer.from(text, 'base64');
}

function escapedPem(text: string): Uint8Array[] {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw malformed();
  }
  const chain = derIn(Buffer.from(decoded, 'latin1'), 'CERTIFICATE');
  if (chain.length === 0) throw malformed();
  return chain;
}

/** HAProxy writes the certificates of a chain one after the other. */
function concatenated(bytes: Uint8Array): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const length = rest.length < 4 || rest[1] !== 0x82 ? 0 : 4 + (rest[2] ?? 0) * 256 + (rest[3] ?? 0);
    if (length === 0 || length > rest.length) throw malformed();
    chain.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return chain;
}

function malformed(): Refusal {
  return new Refusal('malformed', 'the header fields of the proxy hold no certificate');
}
