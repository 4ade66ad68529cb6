/**
 * Why a certificate, a chain or an attribute certificate is refused: a stable code for the audit trail and for
 * `vep access check`, and words for people. A client never learns either.
 */

export type RefusalReason =
  | 'malformed'
  | 'too_large'
  | 'too_many'
  | 'path_too_long'
  | 'issuer_unknown'
  | 'signature'
  | 'algorithm'
  | 'key_size'
  | 'critical_extension'
  | 'name'
  | 'expired'
  | 'not_yet_valid'
  | 'not_ca'
  | 'ca_pathlen'
  | 'key_usage'
  | 'eku'
  | 'name_constraints'
  | 'certificate_policy'
  | 'signing_policy'
  | 'no_policy'
  | 'revoked'
  | 'crl_missing'
  | 'crl_expired'
  | 'end_entity'
  | 'proxy_kind'
  | 'proxy_issuer'
  | 'proxy_name'
  | 'proxy_extension'
  | 'proxy_pathlen'
  | 'no_certificate'
  | 'assurance'
  // Attribute certificates alone:
  | 'holder_mismatch'
  | 'ac_expired'
  | 'ac_not_yet_valid'
  | 'ac_target'
  | 'ac_issuer'
  | 'lsc_missing'
  | 'lsc_mismatch'
  | 'vo_mismatch';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;
  /** What it is about, as a slash name. */
  readonly subject: string | undefined;

  constructor(reason: RefusalReason, message: string, subject?: string) {
    super(message);
    this.reason = reason;
    this.subject = subject;
  }
}
