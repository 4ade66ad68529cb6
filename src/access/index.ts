/** The face of identity and authorization: who asks, and what they may do. */

export { Access } from './access.js';
export {
  changePassword,
  changeStanding,
  createAccount,
  disableAccount,
  enableAccount,
  findAccount,
  listAccounts,
  localId,
  registerHolder,
  type Account,
  type NewAccount,
} from './accounts.js';
export { levelOfAssurance } from './assurance.js';
export { isWithin, networkOf, normalizeAddress } from './addresses.js';
export { Authenticator } from './authenticate.js';
export { bootstrap, resetToken, tokenFile, type BootstrapName } from './bootstrap.js';
export { certificateStrategy, type CertificateIdentity, type CertificateSignIn } from './client-certificate.js';
export { unauthenticated, type Credentials } from './credentials.js';
export { Evidence } from './evidence.js';
export { addGrant, grantsFor, removeGrant, removeGrantsOn, type NewGrant } from './grants.js';
export { decide, ownScope, scope, VERBS, type Grant, type Verb } from './policy.js';
export type { MembershipSource } from './memberships.js';
export { ROLES, type Credential, type Principal, type Role } from './principal.js';
export { refuseSpoofedIdentity } from './proxy-headers.js';
export { createToken, listTokens, revokeToken, type NewToken, type TokenRecord } from './tokens.js';
export { derIn } from './x509/certificate.js';
export type { IntrospectionSettings } from './oidc/introspection.js';
export { BearerSignIn, type IssuerSettings } from './oidc/bearer-sign-in.js';
export { GridSignIn, crlPolicyFor, judgeChain, type GridPolicy } from './x509/grid-sign-in.js';
export { HEADER_SCHEMES, type HeaderScheme } from './x509/header-certificates.js';
export { identityOfChain } from './x509/identity.js';
export { Refusal } from './x509/refusal.js';
export type { TrustAnchors } from './x509/trust-anchors.js';
export { TrustDirectory, readTrust } from './x509/trust-directory.js';
export { trustReport, type TrustReport } from './x509/trust-report.js';
export type { Step } from './x509/validation.js';
export { KeystoneTokens } from './keystone-tokens.js';
export { HiddenTrail } from './hidden-trail.js';
export { RefusalTrail, type Refused } from './refusal-trail.js';
