/**
 * What a VEP is told by its configuration, once it has been read and checked (`config-file.ts`) against the schema
 * (`config-schema.ts`). `docs/configuration.md` describes each key.
 */

import type { JsonObject } from './json.js';

export interface Config {
  readonly server: {
    readonly host: string;
    /** 0: any free port. */
    readonly port: number;
    /** Names and addresses a client may use in `Host`, besides the one listened on. */
    readonly allowedHosts: readonly string[];
    /** Peers (address or CIDR) whose forwarding headers count. */
    readonly trustedPeers: readonly string[];
    /** Serve beyond loopback without TLS, knowingly. */
    readonly plainBeyondLoopback: boolean;
    readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCa: readonly string[] };
    readonly maxBodyBytes: number;
    readonly maxHeaderBytes: number;
    /** Time for the header fields to arrive (15 s at most), and the period over which a body must bring 1 KiB a second. */
    readonly requestTimeoutMs: number;
  };
  readonly data: {
    readonly directory: string;
    /** `postgres://…`; absent: SQLite in the data directory. */
    readonly database?: string;
  };
  readonly access: {
    readonly certificates?: CertificatesConfig;
    readonly issuers: readonly IssuerConfig[];
    readonly sessions: SessionsConfig;
    readonly audit: {
      /** Whether what is read has audit entries too, and not what is changed and refused alone. */
      readonly reads: boolean;
    };
    /** The façade for clients that know Keystone. */
    readonly keystone: { readonly enabled: boolean; readonly tokenSeconds: number };
  };
  readonly log: { readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' };
  readonly limits: {
    /** Requests per principal and second, averaged; bursts of ten times that pass. */
    readonly requestsPerSecond: number;
    readonly pageSize: number;
    readonly uploadBytes: number;
    readonly imageCacheBytes: number;
  };
  readonly engine: {
    readonly concurrency: number;
    readonly perSite: number;
    readonly leaseMs: number;
    readonly reconcileMs: number;
  };
  readonly metrics: { readonly open: boolean };
  readonly interop: { readonly egi: boolean; readonly entityLocation: boolean };
  readonly images: {
    /** Folders that `file:` URLs may name. */
    readonly fileRoots: readonly string[];
    /** Hosts, addresses or CIDRs inside private ranges that may be fetched from all the same. */
    readonly allow: readonly string[];
    /** `qemu-img` by name or path, for sites that take other formats; empty: images are never converted. */
    readonly converter: string;
    /** Image lists of Virtual Organizations, whose images are offered to their members. */
    readonly lists: readonly ImageListConfig[];
    /** Pause between two looks at the lists. */
    readonly listRefreshMs: number;
  };
  readonly ovf: {
    /** Files with the certificates (PEM) of signers of packages, or of authorities that vouch for signers. */
    readonly trustedSigners: readonly string[];
    /** Packages that are taken: all, those whose signature is in order, or those whose signer is trusted. */
    readonly signatures: 'any' | 'signed' | 'trusted';
  };
  readonly placement: {
    /** Whether an appliance that no one site takes is split by itself, or only where several sites are named. */
    readonly split: 'when-needed' | 'on-request';
  };
  readonly sites: readonly SiteConfig[];
  readonly templates: { readonly os: readonly OsTemplateConfig[] };
  readonly telemetry: { readonly enabled: boolean };
  /** How this provider is called in agreements, e.g. the DN of its certificate. */
  readonly provider: { readonly id: string };
}

/** A signed image list that the provider subscribes to. */
export interface ImageListConfig {
  readonly name: string;
  readonly url: string;
  readonly vo: string;
  /** Distinguished names, in slash form, of who signs the list and of the authority that certifies it. */
  readonly endorser: { readonly dn: string; readonly ca: string };
  /** File with a credential for the servers of the list and of its images, in one line as in `inputs.credentials`. */
  readonly credentialFile?: string;
}

/** Sign-in with certificates of a federation. */
export interface CertificatesConfig {
  /** Trust anchors in the form of the IGTF. */
  readonly directory: string;
  /** Absent: nobody's VO attributes count. */
  readonly vomsdir?: string;
  readonly crl: 'required' | 'optional';
  /** Authorities, by slash name, that need no revocation list although others do. */
  readonly crlOptional: readonly string[];
  readonly minRsaBits: number;
  /** Pause between two looks at whether the directory has changed. */
  readonly reloadMs: number;
  /** Whoever belongs to no VO may read and nothing else. */
  readonly requireVo: boolean;
  /** IGTF profiles that are let in; none: any. */
  readonly profiles: readonly string[];
  /** Roles that a VO gives its members, by FQAN. */
  readonly roles: readonly { readonly fqan: string; readonly roles: readonly VoRole[] }[];
  /** How `server.trustedPeers` pass certificates on. */
  readonly header?: 'rfc9440' | 'nginx' | 'haproxy' | 'envoy';
}

/** What is done to an application when the session of who deployed it is over before its time. */
export const SESSION_MEASURES = ['keep', 'suspend', 'stop', 'undeploy'] as const;
export type SessionMeasure = (typeof SESSION_MEASURES)[number];

/** Temporary access of federation users to applications. */
export interface SessionsConfig {
  /** Pause between two looks at what sessions and open requests rest on. */
  readonly checkMs: number;
  readonly onExpiry: SessionMeasure;
  readonly onRevocation: SessionMeasure;
  /** Sessions of a lower reputation are revoked; 0 to 1. */
  readonly minReputation: number;
  readonly maxDelegationSeconds: number;
  /** How long sessions stay to be seen once they are over. */
  readonly keepSeconds: number;
}

/** Sign-in with access tokens of one OpenID Connect issuer. */
export interface IssuerConfig {
  /** Exactly as it stands in tokens. */
  readonly issuer: string;
  /** What tokens must be meant for; any one of these. */
  readonly audience: readonly string[];
  /** The VOs that the issuer may speak for, each by one entitlement or group. */
  readonly vos: readonly {
    readonly vo: string;
    readonly entitlement?: string;
    readonly group?: string;
    readonly roles: readonly VoRole[];
  }[];
  readonly maxLifetimeSeconds: number;
  readonly requireVo: boolean;
  /** Hosts of the issuer that may be reached although they are not public. */
  readonly allow: readonly string[];
  /** PEM file of authorities for its TLS, in the place of the system's. */
  readonly ca?: string;
  /** How it is asked about tokens (RFC 7662); absent: it is not. */
  readonly introspection?: {
    readonly clientId: string;
    /** File with the secret of this client. */
    readonly clientSecretFile: string;
    /** `opaque`: of tokens that are no JWTs; `all`: of JWTs too, which may have been revoked. */
    readonly tokens: 'opaque' | 'all';
    readonly cacheSeconds: number;
    readonly endpoint?: string;
  };
}

/** What a VO can make its members besides users: never administrators (S-087). */
export type VoRole = 'federation' | 'provider' | 'auditor' | 'vo-administrator';

export interface SiteConfig {
  readonly name: string;
  readonly type: string;
  /** Where guests of this site reach VEP (K34). */
  readonly guestUrl?: string;
  /** Whether VEP may choose the site where nobody names one (K35); absent: as its type has it. */
  readonly automatic?: boolean;
  /** Whether appliances may, or must, bring the user's own credential for the site (K35); absent: they may not. */
  readonly userCredentials?: 'allowed' | 'required';
  /** Networks, by their names in descriptors, on which machines here reach those on the other sites that list the name. */
  readonly connects?: readonly string[];
  /** What the adapter of this type wants to know; it checks these itself. */
  readonly options: JsonObject;
}

/** An OS template offered to every user: a mixin that depends on `os_tpl`, backed by an image. */
export interface OsTemplateConfig {
  readonly term: string;
  readonly title: string;
  /** URL of the image, or `site:<name>/<image>` for one that a site holds; absent: an empty image, which only the simulator boots. */
  readonly image?: string;
  readonly sizeGiB: number;
}
