/**
 * Membership from VOMS (`spec/federation-auth.md` §5): the attribute certificates of a proxy, each held to its holder, its
 * validity, its targets, its server and what the `vomsdir` says of that server. One that is not good takes away what it
 * says and nothing else: the identity stands.
 */

import { AttributeCertificate } from './attribute-certificate.js';
import type { Certificate } from './certificate.js';
import { findPath } from './certification-path.js';
import { Der } from './der.js';
import { normalSlash } from './name.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';
import type { Validation } from './validation.js';
import { VO_NAME, type VomsServer } from './vomsdir.js';

/** What one attribute certificate says. */
export interface VoAttributes {
  readonly vo: string;
  /** As they came; the first is the primary one. */
  readonly fqans: readonly string[];
  /** Milliseconds since the epoch, of the attribute certificate and of its server's path. */
  readonly notAfter: number;
}

export interface VomsResult {
  readonly attributes: readonly VoAttributes[];
  readonly dropped: readonly Refusal[];
}

const MAX_ATTRIBUTE_CERTIFICATES = 4;
/** `/vo[/group]*[/Role=name][/Capability=name]`. */
const FQAN = /^(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)+(?:\/Role=[A-Za-z0-9._-]+)?(?:\/Capability=[A-Za-z0-9._-]+)?$/;

/**
 * @param proxies from the leaf upwards: the one nearest to the end entity that has attribute certificates counts
 * @param issuer the authority that issued the end entity
 */
export function vomsAttributes(
  validation: Validation,
  proxies: readonly Certificate[],
  endEntity: Certificate,
  issuer: Certificate,
): VomsResult {
  const carrier = proxies.findLast((proxy) => proxy.extensions.has(OID.vomsExtension));
  const extension = carrier?.extensions.get(OID.vomsExtension);
  if (!extension) return { attributes: [], dropped: [] };
  const attributes: VoAttributes[] = [];
  const dropped: Refusal[] = [];
  const drop = (error: unknown): void => {
    if (!(error instanceof Refusal)) throw error;
    dropped.push(error);
    const subject = String(carrier);
    validation.steps.push({ subject, check: `VO attributes: ${error.reason}: ${error.message}`, outcome: 'dropped' });
  };
  try {
    const list = [...Der.of(extension.value).fields().take().elements()];
    if (list.length > MAX_ATTRIBUTE_CERTIFICATES)
      throw new Refusal('too_many', `more than ${MAX_ATTRIBUTE_CERTIFICATES} attribute certificates`);
    for (const element of list) {
      try {
        attributes.push(accepted(validation, new AttributeCertificate(element), endEntity, issuer));
      } catch (error) {
        drop(error);
      }
    }
  } catch (error) {
    drop(error);
  }
  return { attributes, dropped };
}

function accepted(
  validation: Validation,
  certificate: AttributeCertificate,
  endEntity: Certificate,
  issuer: Certificate,
): VoAttributes {
  const { vo, host } = serverOf(certificate);
  const { fqans } = certificate;
  if (!fqans.every((fqan) => FQAN.test(fqan) && fqan.split('/')[1] === vo))
    throw new Refusal('vo_mismatch', `the server of ${vo} speaks of another VO`);
  if (!isHolder(certificate, endEntity, issuer))
    throw new Refusal('holder_mismatch', 'it was made for the holder of another certificate');
  const { notBefore, notAfter } = certificate.validity;
  if (validation.now + 5 * 60_000 < notBefore) throw new Refusal('ac_not_yet_valid', 'it is not valid yet');
  if (validation.now > notAfter) throw new Refusal('ac_expired', `it expired on ${new Date(notAfter).toISOString()}`);
  refuseTarget(validation, certificate.targets);

  const trusted = validation.trust.content.vomsdir.get(vo)?.get(host);
  if (!trusted) throw new Refusal('lsc_missing', `the vomsdir knows no server ${host} of ${vo}`);
  const server = signerOf(validation, certificate, trusted);
  const path = findPath(validation, { end: server, offered: certificate.issuers, taken: 0 });
  refuseUnlisted(path, trusted);
  validation.good(server, `a VOMS server of ${vo}: ${fqans.join(', ')}`);
  return { vo, fqans, notAfter: Math.min(notAfter, ...path.map((each) => each.validity.notAfter)) };
}

/**
 * RFC 5755 names the holder by the issuer and the serial number of their certificate. Servers of the older format, which
 * is what VOMS makes unless it is told otherwise, write the subject of that certificate in the place of its issuer.
 */
function isHolder(
  { holderIssuer, holderSerial }: AttributeCertificate,
  endEntity: Certificate,
  issuer: Certificate,
): boolean {
  const named = holderIssuer?.equals(issuer.subject) === true || holderIssuer?.equals(endEntity.subject) === true;
  return named && holderSerial === endEntity.serial;
}

function serverOf({ authority }: AttributeCertificate): { vo: string; host: string } {
  const [, vo = '', host = ''] = /^([^:/]+):\/\/([^:/]+)(?::\d+)?$/.exec(authority) ?? [];
  if (!VO_NAME.test(vo) || host === '') throw new Refusal('vo_mismatch', 'it does not name its VO and server');
  return { vo, host: host.toLowerCase() };
}

/** Targets are URIs or names of hosts. */
function refuseTarget({ options }: Validation, targets: readonly string[] | undefined): void {
  if (!targets) return;
  const hosts = targets.map((target) =>
    target
      .replace(/^[a-z]+:\/\//i, '')
      .replace(/[:/].*$/, '')
      .toLowerCase(),
  );
  if (hosts.some((host) => options.hosts.includes(host))) return;
  throw new Refusal('ac_target', 'it is meant for other hosts');
}

/** The certificate whose key signed it: the one that came along, or the one that the vomsdir pins. */
function signerOf(validation: Validation, certificate: AttributeCertificate, trusted: VomsServer): Certificate {
  const candidates = trusted.certificates.length > 0 ? trusted.certificates : certificate.issuers.slice(0, 1);
  for (const candidate of candidates) {
    if (certificate.issuer?.equals(candidate.subject) !== true) continue;
    if (candidate.isAuthority || !candidate.permits('digitalSignature')) continue;
    validation.spend();
    if (certificate.signedBy(validation.keyOf(candidate))) return candidate;
  }
  throw new Refusal('ac_issuer', 'no server certificate that counts has signed it');
}

/** The names of the path must begin as some chain of the `.lsc` does. */
function refuseUnlisted(path: readonly Certificate[], trusted: VomsServer): void {
  if (trusted.certificates.length > 0) return;
  const names = path.map((each) => normalSlash(each.subject.slash));
  const listed = trusted.chains.some(
    (chain) => chain.length <= names.length && chain.every((name, index) => name === names[index]),
  );
  if (!listed) throw new Refusal('lsc_mismatch', 'its server is not the one that the vomsdir names', names[0]);
}
