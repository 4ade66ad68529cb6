/** Object identifiers of X.509 (RFC 5280), proxies (RFC 3820, Globus) and VOMS. */

export const OID = {
  // Extensions of certificates and CRLs.
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  issuingDistributionPoint: '2.5.29.28',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  anyPolicy: '2.5.29.32.0',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
  inhibitAnyPolicy: '2.5.29.54',
  targets: '2.5.29.55',
  noRevAvail: '2.5.29.56',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  // Proxies: RFC 3820 §3.8, the Globus draft before it, and the languages of their policies.
  proxyCertInfo: '1.3.6.1.5.5.7.1.14',
  proxyCertInfoDraft: '1.3.6.1.4.1.3536.1.222',
  inheritAll: '1.3.6.1.5.5.7.21.1',
  independent: '1.3.6.1.5.5.7.21.2',
  limited: '1.3.6.1.4.1.3536.1.1.1.9',
  // VOMS.
  vomsAttributes: '1.3.6.1.4.1.8005.100.100.4',
  vomsExtension: '1.3.6.1.4.1.8005.100.100.5',
  vomsCertificates: '1.3.6.1.4.1.8005.100.100.10',
  vomsGenericAttributes: '1.3.6.1.4.1.8005.100.100.11',
  // Names.
  commonName: '2.5.4.3',
  emailAddress: '1.2.840.113549.1.9.1',
} as const;
