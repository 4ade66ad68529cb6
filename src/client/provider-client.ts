/**
 * What the provider's administrators ask of a server beside OCCI: its sites and what they lack, the work that gave up, whom it
 * trusts, the lists of images that it follows.
 */

import type { TrustReport } from '../access/x509/trust-report.js';
import type { Fault } from '../base/errors.js';
import type { ImageListReport } from './image-list-report.js';
import { JSON_TYPE, readingJson, type Transport } from './transport.js';

export interface SiteReport {
  readonly name: string;
  readonly type: string;
  readonly up: boolean;
  readonly since: number;
  readonly lastError?: { readonly class: string; readonly message: string; readonly at: number };
  readonly capacity: {
    readonly ageMs: number;
    readonly hosts: { readonly up: number; readonly total: number };
    readonly cores: { readonly free: number; readonly total: number };
    readonly memoryBytes: { readonly free: number; readonly total: number };
    readonly storageFreeBytes: number;
    readonly countries: readonly string[];
    readonly zones: readonly string[];
  } | null;
}

/** What a site answered when it was asked what is missing: no findings mean that it can be used. */
export interface SiteCheck {
  readonly site: string;
  readonly type: string;
  readonly findings: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
}

/** What a site has recorded by itself of machines that ran, and where that is not what VEP shows. */
export interface SiteUsage {
  readonly site: string;
  readonly type: string;
  readonly from: number;
  readonly until: number;
  /** By the site's own groups. */
  readonly usage: readonly {
    readonly group: string;
    readonly machines: number;
    readonly seconds: number;
    readonly coreSeconds: number;
    readonly memoryGibSeconds: number;
  }[];
  readonly runs: readonly {
    readonly ref: string;
    readonly id: string;
    readonly user: string;
    readonly group: string;
    readonly host?: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly from: number;
    /** Absent while it runs. */
    readonly until?: number;
  }[];
  readonly differences: readonly { readonly id: string; readonly code: string; readonly message: string }[];
}

/** What a site has, as its adapter sees it. */
export interface SiteInventory {
  readonly site: string;
  readonly type: string;
  readonly ageMs: number;
  readonly takenAt: number;
  readonly hosts: readonly {
    readonly name: string;
    readonly rack: string;
    readonly zone: string;
    readonly country: string;
    readonly up: boolean;
    readonly traits: readonly string[];
    readonly cores: number;
    readonly freeCores: number;
    readonly memoryBytes: number;
    readonly freeMemoryBytes: number;
  }[];
  /** Each host tells the whole quota of the account, on which all of them draw. */
  readonly quotaIsShared?: true;
  readonly networks: readonly {
    readonly ref: string;
    readonly name: string;
    readonly cidr?: string;
    readonly shared: boolean;
  }[];
  readonly images: readonly {
    readonly ref: string;
    readonly name: string;
    readonly sizeBytes: number;
    readonly format: string;
  }[];
  readonly storageFreeBytes: number;
}

export interface DeadOperation {
  readonly id: string;
  readonly type: string;
  readonly entity: string;
  readonly appliance: string | null;
  readonly site: string | null;
  readonly step: string | null;
  readonly class: string | null;
  readonly message: string | null;
  readonly createdAt: number;
}

/** Whoever is not an administrator is refused everything here. */
export class ProviderClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Every site, and whether it answers. */
  async sites(): Promise<readonly SiteReport[]> {
    const { body } = await this.#transport.json<{ sites: SiteReport[] }>(readingJson('/health/sites'));
    return body.sites;
  }

  /** What a site lacks. */
  async checkSite(name: string): Promise<SiteCheck> {
    return (await this.#transport.json<SiteCheck>(readingJson(`/health/sites/${encodeURIComponent(name)}/check`))).body;
  }

  /** Hosts, networks and images of a site. */
  async siteInventory(name: string): Promise<SiteInventory> {
    const url = `/health/sites/${encodeURIComponent(name)}/inventory`;
    return (await this.#transport.json<SiteInventory>(readingJson(url))).body;
  }

  /** What a site has recorded of machines that ran; instants as the server reads them. */
  async siteUsage(
    name: string,
    span: { readonly from: string | undefined; readonly until: string | undefined },
  ): Promise<SiteUsage> {
    const query = Object.entries(span).flatMap(([key, value]) =>
      value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
    );
    const url = `/health/sites/${encodeURIComponent(name)}/usage?${query.join('&')}`;
    return (await this.#transport.json<SiteUsage>(readingJson(url))).body;
  }

  /** What to see to of the server's surroundings, beside the sites. */
  async surroundings(): Promise<readonly Fault[]> {
    return (await this.#transport.json<{ findings: Fault[] }>(readingJson('/health/surroundings'))).body.findings;
  }

  /** Operations that gave up. */
  async deadOperations(): Promise<readonly DeadOperation[]> {
    const { body } = await this.#transport.json<{ dead: DeadOperation[] }>(readingJson('/health/operations'));
    return body.dead;
  }

  /** Lets the server read its trust directory again; what it holds now. */
  async reloadTrust(): Promise<TrustReport> {
    const request = { method: 'POST', url: '/health/trust/reload', headers: JSON_TYPE } as const;
    return (await this.#transport.json<TrustReport>(request)).body;
  }

  /** What the server's trust directory holds. */
  async trust(): Promise<TrustReport> {
    return (await this.#transport.json<TrustReport>(readingJson('/health/trust'))).body;
  }

  /** The image lists that the provider subscribes to, looked at again first if `refresh`. */
  async imageLists(refresh = false): Promise<readonly ImageListReport[]> {
    const request = refresh
      ? ({ method: 'POST', url: '/health/image-lists/refresh', headers: JSON_TYPE } as const)
      : readingJson('/health/image-lists');
    return (await this.#transport.json<readonly ImageListReport[]>(request)).body;
  }

  /** Lets a dead operation try again. */
  async retryOperation(id: string): Promise<void> {
    await this.#transport.send({
      method: 'POST',
      url: `/health/operations/${encodeURIComponent(id)}/retry`,
      headers: JSON_TYPE,
    });
  }

  /** No longer waits for a site that is down to release what is being deleted or undeployed. */
  async forgetEntity(id: string): Promise<{ readonly sites: readonly string[]; readonly entities: readonly string[] }> {
    const { body } = await this.#transport.json<{ sites: string[]; entities: string[] }>({
      method: 'POST',
      url: `/health/entities/${encodeURIComponent(id)}/forget`,
      headers: JSON_TYPE,
    });
    return body;
  }
}
