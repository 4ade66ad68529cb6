/**
 * What is refused before anyone is identified: requests for another host, identity headers from peers that may not set
 * them, writes that a browser makes on behalf of another site (K22), and tricks to smuggle another method.
 */

import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { refuseSpoofedIdentity } from '../access/proxy-headers.js';
import type { HeaderScheme } from '../access/x509/header-certificates.js';
import { problem } from '../base/errors.js';

export interface GuardOptions {
  /** Host names and addresses (without port) that are this server; a port given with one must match too. */
  readonly hosts: readonly string[];
  /** Peers (address or CIDR) whose forwarding headers count. */
  readonly trustedPeers: readonly string[];
  readonly secure: boolean;
  /** How these peers pass certificates on; absent: they do not. */
  readonly certificateHeader?: HeaderScheme | undefined;
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOCAL_NAMES = ['localhost', '127.0.0.1', '[::1]'];

export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #trusted: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];
  readonly #secure: boolean;
  readonly #trustedPeers: readonly string[];
  readonly #certificateHeader: HeaderScheme | undefined;

  constructor(options: GuardOptions) {
    this.#hosts = new Set([...LOCAL_NAMES, ...options.hosts].map((host) => host.toLowerCase()));
    this.#trusted = options.trustedPeers.map(asRange);
    this.#secure = options.secure;
    this.#trustedPeers = options.trustedPeers;
    this.#certificateHeader = options.certificateHeader;
  }

  /** Whether forwarding headers of this peer count. IPv4-mapped addresses are read as IPv4 (S-045). */
  trusts(address: string | undefined): boolean {
    if (address === undefined || this.#trusted.length === 0) return false;
    const peer = ipaddr.process(address);
    return this.#trusted.some(([range, bits]) => peer.kind() === range.kind() && peer.match(range, bits));
  }

  /**
   * The base URL under which the client reached this server: its own `Host`, if that is one of ours (K17).
   *
   * @throws Problem `malformed` for an absent, doubled or foreign host
   */
  baseOf(message: IncomingMessage): string {
    const trusted = this.trusts(message.socket.remoteAddress);
    const forwardedHost = trusted ? single(message.headers['x-forwarded-host']) : undefined;
    const forwardedProto = trusted ? single(message.headers['x-forwarded-proto']) : undefined;
    const host = (forwardedHost ?? onlyHost(message.rawHeaders)).toLowerCase();
    const name = host.replace(/:\d+$/, '');
    if (!/^[a-z0-9.\-_[\]:]+$/.test(host) || !(this.#hosts.has(host) || this.#hosts.has(name))) {
      throw problem('malformed', 'http.host', 'this server does not answer for the host that the request names', {
        place: { field: 'Host' },
        remedy: 'use the address the server is known by; a provider adds names under server.allowedHosts',
      });
    }
    const scheme =
      forwardedProto === 'https' || forwardedProto === 'http' ? forwardedProto : this.#secure ? 'https' : 'http';
    return `${scheme}://${host}`;
  }

  /** @throws Problem `malformed` for identity headers from a peer that may not set them (S-041, S-042) */
  refuseSpoofedIdentity(message: IncomingMessage): void {
    const { rawHeaders } = message;
    const spoofed = refuseSpoofedIdentity(rawHeaders, peerOf(message), this.#trustedPeers, this.#certificateHeader);
    if (spoofed) throw spoofed;
  }

  /** @throws Problem `forbidden` for a write that a page of another origin makes a browser send (S-117) */
  refuseForeignWrites(message: IncomingMessage, base: string): void {
    if (SAFE.has(message.method ?? '')) return;
    const origin = message.headers.origin;
    const site = message.headers['sec-fetch-site'];
    const foreign =
      (origin !== undefined && origin.toLowerCase() !== base) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none');
    if (!foreign) return;
    throw problem('forbidden', 'http.foreign-origin', 'writes from pages of another origin are refused', {
      place: { field: origin === undefined ? 'Sec-Fetch-Site' : 'Origin' },
      remedy: 'send the request from a program, or from a page of this server',
    });
  }
}

function peerOf(message: IncomingMessage): string {
  return message.socket.remoteAddress ?? '';
}

function asRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** The one `Host` of a request; more than one may mean another to a proxy than to us (RFC 9112 §3.2). */
function onlyHost(rawHeaders: readonly string[]): string {
  let found: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (found !== undefined) return '';
    found = rawHeaders[index + 1];
  }
  return found ?? '';
}

function single(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
}
