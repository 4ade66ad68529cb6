/**
 * Proxy certificates (RFC 3820, `spec/federation-auth.md` §4): short-lived certificates that an end entity, or another
 * proxy, has signed itself. Those of the RFC count, with all rights or with limited ones; the Globus draft, the legacy
 * kind that is told by its name alone, and independent ones are refused.
 */

import type { Certificate } from './certificate.js';
import { refuseUnfit } from './certification-path.js';
import { Der, TAG } from './der.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';
import { MAX_PATH, type Validation } from './validation.js';

const KNOWN = new Set<string>([
  OID.proxyCertInfo,
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.certificatePolicies,
]);
const LEGACY_NAMES = ['proxy', 'limited proxy'];

export interface ProxyChain {
  /** From the leaf upwards; empty for an end entity that came itself. */
  readonly proxies: readonly Certificate[];
  readonly endEntity: Certificate;
  /** Some proxy passes on limited rights only. */
  readonly limited: boolean;
}

/**
 * The proxies above `leaf` and the end entity that they stand for.
 * @throws Refusal
 */
export function proxyChainOf(validation: Validation, leaf: Certificate, offered: readonly Certificate[]): ProxyChain {
  const proxies: Certificate[] = [];
  let current = leaf;
  let limited = false;
  while (isProxy(current)) {
    if (proxies.length + 2 >= MAX_PATH)
      throw new Refusal('path_too_long', `more than ${MAX_PATH} certificates`, String(current));
    const info = proxyInfoOf(current);
    if (info.pathLength !== undefined && proxies.length > info.pathLength)
      throw new Refusal('proxy_pathlen', `it allows ${info.pathLength} proxies below it`, String(current));
    limited ||= limitedBy(current, info.language);
    const issuer = issuerOf(validation, current, offered, proxies);
    refuseProxy(validation, current, issuer);
    proxies.push(current);
    current = issuer;
  }
  return { proxies, endEntity: current, limited };
}

function isProxy(certificate: Certificate): boolean {
  const { extensions, subject, issuer } = certificate;
  if (extensions.has(OID.proxyCertInfo)) return true;
  const legacy = LEGACY_NAMES.includes(subject.lastCommonName ?? '') && subject.extendsByCommonName(issuer);
  if (extensions.has(OID.proxyCertInfoDraft) || legacy)
    throw new Refusal('proxy_kind', 'a proxy of a kind before RFC 3820', String(certificate));
  return false;
}

interface ProxyInfo {
  readonly pathLength: number | undefined;
  readonly language: string;
}

/** RFC 3820 §3.8. */
function proxyInfoOf(certificate: Certificate): ProxyInfo {
  const extension = certificate.extensions.get(OID.proxyCertInfo);
  if (!extension?.critical || certificate.extensions.has(OID.proxyCertInfoDraft))
    throw new Refusal('proxy_extension', 'proxyCertInfo is not critical, or not alone', String(certificate));
  const fields = Der.of(extension.value).fields();
  const pathLength = fields.optional(TAG.integer)?.count();
  const policy = fields.take().fields();
  fields.end();
  const language = policy.take().oid();
  policy.optional(TAG.octetString);
  policy.end();
  return { pathLength, language };
}

/** Whether rights are limited from here on. @throws Refusal `proxy_kind` for policies that are not understood */
function limitedBy(certificate: Certificate, language: string): boolean {
  if (language === OID.limited) return true;
  if (language === OID.inheritAll) return certificate.subject.lastCommonName === 'limited proxy';
  const what = language === OID.independent ? 'an independent proxy has no rights of its issuer' : `policy ${language}`;
  throw new Refusal('proxy_kind', what, String(certificate));
}

function issuerOf(
  validation: Validation,
  proxy: Certificate,
  offered: readonly Certificate[],
  below: readonly Certificate[],
): Certificate {
  const named = offered.filter((each) => each.subject.equals(proxy.issuer) && !below.includes(each) && each !== proxy);
  const signer = named.find((each) => validation.signed(proxy, each));
  if (signer) return signer;
  const why = named.length === 0 ? 'its issuer was not sent along' : 'what was sent as its issuer did not sign it';
  throw new Refusal('issuer_unknown', why, String(proxy));
}

function refuseProxy(validation: Validation, proxy: Certificate, issuer: Certificate): void {
  const subject = String(proxy);
  refuseUnfit(validation, proxy, KNOWN);
  if (!proxy.subject.extendsByCommonName(issuer.subject) || !proxy.issuer.equals(issuer.subject))
    throw new Refusal('proxy_name', 'its name is not that of its issuer with one commonName more', subject);
  if (issuer.isAuthority || issuer.basicConstraints?.ca === true)
    throw new Refusal('proxy_issuer', 'an authority has signed it', subject);
  if (!issuer.permits('digitalSignature')) throw new Refusal('proxy_issuer', 'its issuer may not sign', subject);
  if (proxy.basicConstraints?.ca === true)
    throw new Refusal('proxy_extension', 'it claims to be an authority', subject);
  if (proxy.extensions.has(OID.subjectAltName) || proxy.extensions.has(OID.issuerAltName))
    throw new Refusal('proxy_extension', 'it has alternative names', subject);
  refuseUsage(proxy);
  validation.good(proxy, `a proxy signed by ${String(issuer)}`);
}

/** Signing in needs digitalSignature, and a purpose that does not exclude clients; so for proxies and end entities. */
export function refuseUsage(certificate: Certificate): void {
  const subject = String(certificate);
  if (!certificate.permits('digitalSignature')) throw new Refusal('key_usage', 'its key may not sign', subject);
  const proxy = certificate.extensions.has(OID.proxyCertInfo);
  const restricted = certificate.extensions.has(OID.keyUsage);
  if (proxy && restricted && certificate.permits('keyCertSign'))
    throw new Refusal('key_usage', 'a proxy cannot sign as an authority', subject);
  const purposes = certificate.extendedKeyUsage;
  if (purposes && !purposes.includes(OID.clientAuth)) throw new Refusal('eku', 'it is not for clients', subject);
}
