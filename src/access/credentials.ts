/**
 * Credentials as they come with a request (RFC 7617 Basic, RFC 6750 Bearer, `X-Auth-Token` of the Keystone world, a
 * client certificate), read into claims that are yet to be proved. And the refusal: one answer for every reason.
 */

import { Problem } from '../base/errors.js';
import type { CertificateIdentity } from './client-certificate.js';
import { isKeystoneToken } from './keystone-tokens.js';
import { isToken } from './tokens.js';

export interface Credentials {
  /** The `Authorization` header field. */
  readonly authorization?: string | undefined;
  /** The `X-Auth-Token` header field. */
  readonly xAuthToken?: string | undefined;
  /** What the TLS layer has verified. */
  readonly clientCertificate?: CertificateIdentity | undefined;
  /** The VO for which the request acts, by `X-VEP-VO`. */
  readonly vo?: string | undefined;
  /** Whether a token that has chosen no project yet will do: for choosing one. */
  readonly unscoped?: boolean;
  /** The peer's address; behind a trusted proxy, the one it names. */
  readonly remoteAddress: string;
}

export type Claim =
  | {
      readonly by: 'token';
      readonly token: string;
      /** Basic: the account it must belong to. */ readonly name?: string;
    }
  | { readonly by: 'keystone'; readonly token: string }
  | { readonly by: 'password'; readonly name: string; readonly password: string }
  | { readonly by: 'bearer'; readonly token: string }
  | { readonly by: 'certificate'; readonly identity: CertificateIdentity };

/** Tokens of a federation hold groups and entitlements. */
const MAX_CREDENTIAL = 16 * 1024;
/** RFC 6750 §2.1; a JWT is one too. What looks like a token of VEP itself is sent to nobody to be asked about. */
const BEARER = /^(?!vep[a-z]?_)[A-Za-z0-9._~+/-]+=*$/;
const CHALLENGE = 'Basic realm="VEP", charset="UTF-8"';

/**
 * Everything the request claims; none: nobody is named. All claims must hold and agree (S-044).
 * @throws Problem `unauthenticated` when a header field cannot be read.
 */
export function claimsOf(credentials: Credentials): Claim[] {
  const claims: Claim[] = [];
  if (credentials.clientCertificate) claims.push({ by: 'certificate', identity: credentials.clientCertificate });
  if (credentials.authorization !== undefined) claims.push(claimOf(credentials.authorization));
  if (credentials.xAuthToken !== undefined) claims.push(tokenClaim(credentials.xAuthToken));
  // A token of a project says for what the request acts, whatever else signs it in.
  return claims.sort((one, other) => Number(other.by === 'keystone') - Number(one.by === 'keystone'));
}

/**
 * Refuses. The client learns only that it is not signed in; `reason`, and whom the credential names, are for the audit
 * trail and travel as the cause.
 */
export function unauthenticated(reason: string, subject?: string): Problem {
  const fault = {
    code: 'unauthenticated',
    message: 'the request carries no valid credential',
    remedy:
      'sign in with an API token (Authorization: Bearer, X-Auth-Token), with name and password (Basic), or with a certificate that this server trusts',
  };
  const cause = subject === undefined ? reason : `${reason}: ${subject}`;
  return new Problem('unauthenticated', fault, { cause, headers: { 'WWW-Authenticate': CHALLENGE } });
}

function claimOf(authorization: string): Claim {
  const match = /^(\S+) +(\S+)$/.exec(authorization.slice(0, MAX_CREDENTIAL + 1));
  if (!match || authorization.length > MAX_CREDENTIAL) throw unauthenticated('malformed');
  const [, scheme = '', text = ''] = match;
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return tokenClaim(text);
    case 'basic':
      return basicClaim(text);
    default:
      throw unauthenticated('scheme');
  }
}

function tokenClaim(token: string): Claim {
  if (isToken(token)) return { by: 'token', token };
  if (isKeystoneToken(token)) return { by: 'keystone', token };
  if (token.length > MAX_CREDENTIAL || !BEARER.test(token)) throw unauthenticated('token-form');
  return { by: 'bearer', token };
}

/** `name:password` in base64 of UTF-8; a token in the place of the password spares clients a header of their own. */
function basicClaim(encoded: string): Claim {
  const bytes = Buffer.from(encoded, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw unauthenticated('malformed');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unauthenticated('malformed');
  }
  const colon = text.indexOf(':');
  // eslint-disable-next-line no-control-regex -- RFC 7617 §2 forbids control characters in both
  if (colon < 0 || /[\u0000-\u001f\u007f]/.test(text)) throw unauthenticated('malformed');
  const [name, password] = [text.slice(0, colon), text.slice(colon + 1)];
  return isToken(password) ? { by: 'token', token: password, name } : { by: 'password', name, password };
}
