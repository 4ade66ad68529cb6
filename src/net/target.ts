/**
 * The part of a URL's check that needs no name resolution: scheme, spelling, user information, port and literal
 * addresses (WHATWG URL §4.4; S-091, S-092). What passes is a {@link URL} whose host still has to be resolved.
 */

import { isIP } from 'node:net';
import { excerpt, problem, type Problem } from '../base/errors.js';
import { shownUrl } from '../base/shown-url.js';
import { isPublicAddress, type AllowList } from './address.js';

/** Ports of web servers on the public internet. Others are reached by naming the host in the allow list. */
const WEB_PORTS = new Set([80, 443, 8080, 8443]);

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/**
 * Checks an absolute URL.
 *
 * @throws Problem `invalid` with a `net.*` code: malformed, another scheme, credentials in it, a port or an address that
 *   is not reached.
 */
export function checkUrl(text: string, allow: AllowList): URL {
  // Tabs and line ends vanish and backslashes turn into slashes in the URL parser: others may read the text differently.
  if (/[\s\\\p{Cc}]/u.test(text))
    throw refusal('net.url', 'the URL holds white space, backslashes or control characters', text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url) throw refusal('net.url', 'this is not an absolute URL', text);
  if (!(url.protocol in DEFAULT_PORTS)) throw refusal('net.scheme', `${url.protocol} URLs are not fetched`, text);
  if (url.username !== '' || url.password !== '') {
    throw refusal(
      'net.credentials-in-url',
      'the URL carries credentials',
      url.host,
      'hand credentials over beside the URL',
    );
  }
  const host = hostOf(url);
  if (host === '') throw refusal('net.url', 'the URL names no host', text);
  const port = portOf(url);
  if (allow.permitsName(host, port)) return url;
  if (isIP(host) !== 0) checkAddresses(host, port, [host], allow);
  else if (host === 'localhost' || host.endsWith('.localhost')) throw addressRefusal(host);
  else if (!WEB_PORTS.has(port) && !allow.permitsSomeAddress(port)) throw portRefusal(host, port);
  return url;
}

/**
 * A secret goes over `http:` only to a host or address that an operator listed.
 *
 * @throws Problem `invalid` (`net.unprotected`)
 */
export function checkProtected(url: URL, allow: AllowList): void {
  const host = hostOf(url);
  const listed = allow.permitsName(host, portOf(url)) || allow.permitsAddress(host, portOf(url));
  if (url.protocol === 'https:' || listed) return;
  throw refusal('net.unprotected', 'credentials are not sent without encryption', url.href, 'use an https URL');
}

/** Host name or address of a checked URL, without brackets and without the dot of a fully qualified name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}

export function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);
}

/**
 * Judges the addresses that a host name has. One that is not permitted spoils them all: a name with one public and one
 * private address is an attack or a mistake (S-093).
 *
 * @throws Problem `invalid`, which does not tell the addresses.
 */
export function checkAddresses(host: string, port: number, addresses: readonly string[], allow: AllowList): void {
  if (allow.permitsName(host, port)) return;
  const listed = addresses.every((address) => allow.permitsAddress(address, port));
  if (addresses.length > 0 && listed) return;
  if (!WEB_PORTS.has(port)) throw portRefusal(host, port);
  if (addresses.length === 0 || !addresses.every((each) => isPublicAddress(each) || allow.permitsAddress(each, port))) {
    throw addressRefusal(host);
  }
}

function portRefusal(host: string, port: number): Problem {
  return refusal('net.port', `port ${port} is not reached`, host);
}

function addressRefusal(host: string): Problem {
  const remedy = 'use a host on the public internet, or ask the operator to list it under images.allow';
  return refusal('net.address', 'the host has an address that is not reached from here', host, remedy);
}

function refusal(
  code: string,
  message: string,
  value: string,
  remedy = 'use an http or https URL of a public host',
): Problem {
  return problem('invalid', code, message, { value: excerpt(shownUrl(value)), remedy });
}
