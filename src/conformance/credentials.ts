/** Who the suite is at the server: as `--auth` says it. X.509 certificates are a matter of the connection, not of these. */

import { problem } from '../base/errors.js';

export type Credentials =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic'; readonly name: string; readonly password: string }
  | { readonly scheme: 'bearer'; readonly token: string }
  | { readonly scheme: 'keystone'; readonly token: string };

export const NOBODY: Credentials = { scheme: 'none' };

/**
 * `none`, `basic:name:password`, `bearer:token` or `keystone:token`. A secret that begins with `@` names a file that holds
 * it, which keeps it out of the list of processes.
 *
 * @throws Problem `invalid` for anything else
 */
export function readCredentials(text: string, readFile: (path: string) => string): Credentials {
  const [scheme = '', ...rest] = text.split(':');
  const secret = (value: string): string => (value.startsWith('@') ? readFile(value.slice(1)).trim() : value);
  if (scheme === 'none' && rest.length === 0) return NOBODY;
  if (scheme === 'basic' && rest.length >= 2) {
    return { scheme, name: rest[0] ?? '', password: secret(rest.slice(1).join(':')) };
  }
  if ((scheme === 'bearer' || scheme === 'keystone') && rest.join('') !== '') {
    return { scheme, token: secret(rest.join(':')) };
  }
  throw problem('invalid', 'conformance.auth', 'these credentials cannot be read', {
    remedy: 'write none, basic:<name>:<password>, bearer:<token> or keystone:<token>; @<file> stands for a secret',
  });
}

/** The header fields that carry them. */
export function authorization(credentials: Credentials): (readonly [string, string])[] {
  switch (credentials.scheme) {
    case 'none':
      return [];
    case 'basic': {
      const { name, password } = credentials;
      return [['Authorization', `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`]];
    }
    case 'bearer':
      return [['Authorization', `Bearer ${credentials.token}`]];
    case 'keystone':
      return [['X-Auth-Token', credentials.token]];
  }
}
