/** The trust directory as an administrator wants to see it: who is trusted until when, and what needs somebody. */

import type { Fault } from '../../base/errors.js';
import type { Name } from './name.js';
import type { Authority, TrustAnchors } from './trust-anchors.js';
import type { CrlPolicy } from './validation.js';

export interface AuthorityReport {
  readonly name: string;
  readonly file: string;
  /** Whether paths end at it; others only lead to one that does. */
  readonly anchor: boolean;
  readonly profile: string | null;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly revocationList: { readonly nextUpdate: number; readonly revoked: number } | null;
}

export interface TrustReport {
  readonly authorities: readonly AuthorityReport[];
  /** Servers of each VO. */
  readonly vos: readonly { readonly vo: string; readonly servers: readonly string[] }[];
  /** Errors keep somebody out; warnings will, or may. */
  readonly findings: readonly Fault[];
}

const DAY_MS = 24 * 3_600_000;
/** An authority is renewed slowly, a revocation list by itself every few hours. */
const AUTHORITY_NOTICE_MS = 60 * DAY_MS;
const LIST_NOTICE_MS = DAY_MS;

export function trustReport(trust: TrustAnchors, now: number, crl: (issuer: Name) => CrlPolicy): TrustReport {
  const { authorities, vomsdir, warnings } = trust.content;
  const reports = authorities.map(reportOf).sort((a, b) => (a.name < b.name ? -1 : 1));
  const unusable = warnings.map(({ file, message }): Fault => ({
    code: 'trust.unusable',
    message,
    severity: 'warning',
    place: { field: file },
    remedy: 'replace the file, or take it away',
  }));
  const findings = authorities.flatMap((authority) => [
    ...ending(authority, now),
    ...unnamed(trust, authority),
    ...listFindings(authority, now, crl(authority.certificate.subject)),
  ]);
  const vos = [...vomsdir].map(([vo, servers]) => ({ vo, servers: [...servers.keys()] }));
  return { authorities: reports, vos, findings: [...findings, ...unusable] };
}

function reportOf({ certificate, file, anchor, profile, crl }: Authority): AuthorityReport {
  return {
    name: String(certificate),
    file,
    anchor,
    profile: profile ?? null,
    notAfter: certificate.validity.notAfter,
    revocationList: crl ? { nextUpdate: crl.nextUpdate, revoked: crl.size } : null,
  };
}

function finding(
  { certificate }: Authority,
  severity: 'error' | 'warning',
  code: string,
  message: string,
  remedy: string,
): Fault {
  return { code, message, severity, place: { field: String(certificate) }, remedy };
}

function ending(authority: Authority, now: number): Fault[] {
  const { notAfter } = authority.certificate.validity;
  if (now + AUTHORITY_NOTICE_MS < notAfter) return [];
  const over = now > notAfter;
  const message = over ? `the authority expired on ${day(notAfter)}` : `the authority ends on ${day(notAfter)}`;
  const remedy = 'install the authority that follows it; its users need new certificates';
  return [finding(authority, over ? 'error' : 'warning', 'trust.authority-expires', message, remedy)];
}

/** Whether it can name anybody: without rules it cannot. */
function unnamed(trust: TrustAnchors, authority: Authority): Fault[] {
  const { subject } = authority.certificate;
  if (trust.mayName(subject, subject) !== undefined) return [];
  const remedy = 'install its .signing_policy or .namespaces file beside it';
  const message = 'there are no rules about the names it may give, so nobody is let in by it';
  return [finding(authority, 'error', 'trust.no-policy', message, remedy)];
}

function listFindings(authority: Authority, now: number, policy: CrlPolicy): Fault[] {
  const { crl } = authority;
  if (!crl) {
    if (policy === 'optional') return [];
    const message = 'there is no revocation list, so nobody is let in by it';
    const remedy = 'run fetch-crl, or name the authority under access.certificates.crlOptional';
    return [finding(authority, 'error', 'trust.crl-missing', message, remedy)];
  }
  if (now + LIST_NOTICE_MS < crl.nextUpdate) return [];
  const over = now > crl.nextUpdate;
  const message = over
    ? `the revocation list went out of date on ${day(crl.nextUpdate)}, so nobody is let in by it`
    : `the revocation list goes out of date on ${day(crl.nextUpdate)}`;
  const remedy = 'see that fetch-crl runs every few hours and reaches the authority';
  return [finding(authority, over ? 'error' : 'warning', 'trust.crl-expires', message, remedy)];
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
