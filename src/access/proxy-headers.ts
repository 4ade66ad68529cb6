/**
 * Header fields by which a TLS-terminating proxy passes a client's identity on (RFC 9440 and the habits of nginx,
 * HAProxy, Apache and GridSite; `spec/federation-auth.md` §6). From anybody else they are an attempt at somebody
 * else's identity, and the request is refused (S-041, S-042, S-045).
 */

import { problem, type Problem } from '../base/errors.js';
import { isWithin } from './addresses.js';
import { SCHEME_FIELDS, type HeaderScheme } from './x509/header-certificates.js';

/** Field names in lower case with `-` for `_`; those that end in `-` are the beginnings of many. */
const NAMES: readonly string[] = [
  'client-cert',
  'client-cert-chain',
  'x-ssl-client-',
  'x-ssl-client',
  'x-client-cert',
  'x-client-verify',
  'x-client-dn',
  'x-client-s-dn',
  'x-forwarded-client-cert',
  'x-forwarded-client-',
  'ssl-client-',
  'ssl-server-',
  'ssl-cipher',
  'grst-',
  'x-remote-user',
  'remote-user',
  'x-forwarded-user',
  'x-authenticated-user',
  'x-auth-request-user',
];

/**
 * Why the request must be refused, or nothing.
 *
 * @param rawHeaders names and values in turn, as Node gives them: repeated fields stay visible.
 * @param peer address of the connection's other end, never what a header field says.
 * @param trustedPeers addresses and CIDR ranges of the configured proxies.
 * @param accepted how certificates come from them; absent: not at all.
 */
export function refuseSpoofedIdentity(
  rawHeaders: readonly string[],
  peer: string,
  trustedPeers: readonly string[],
  accepted?: HeaderScheme,
): Problem | undefined {
  const fields = identityFields(rawHeaders);
  const [first] = fields;
  if (first === undefined) return undefined;
  if (!isWithin(peer, trustedPeers)) return spoofed(first.name, 'only a configured proxy may send this field');
  const disguised = fields.find((field) => field.name.includes('_'));
  if (disguised) return spoofed(disguised.name, 'its name has an underscore');
  const unexpected = fields.find((field) => !accepted || !SCHEME_FIELDS[accepted].includes(field.key));
  if (unexpected) return spoofed(unexpected.name, 'this is not how the configured proxies pass certificates on');
  const twice = fields.find((field, index) => fields.findIndex((other) => other.key === field.key) !== index);
  return twice && spoofed(twice.name, 'the field is there twice');
}

interface IdentityField {
  readonly name: string;
  /** The name as proxies and gateways may take it: lower case, `_` as `-`. */
  readonly key: string;
}

function identityFields(rawHeaders: readonly string[]): IdentityField[] {
  const fields: IdentityField[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (HARMLESS.has(name)) continue;
    const key = name.trim().toLowerCase().replaceAll('_', '-');
    const identifies = NAMES.some((known) => key === known || (known.endsWith('-') && key.startsWith(known)));
    if (identifies) fields.push({ name, key });
  }
  return fields;
}

/** What nearly every request carries, as clients write it: not looked at any further. */
const HARMLESS: ReadonlySet<string> = new Set(
  ['Host', 'Accept', 'Authorization', 'User-Agent', 'Connection', 'Content-Type', 'Content-Length'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
);

function spoofed(field: string, why: string): Problem {
  return problem('malformed', 'spoofed-header', `the request claims an identity in a header field: ${why}`, {
    place: { field },
    remedy: 'leave the field out and sign in',
  });
}
