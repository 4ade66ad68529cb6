/** Sites that take appliances whole and deploy them by themselves: another VEP. */

import type { JsonObject } from '../base/json.js';
import type { CallOptions, IaasError, Observed, SiteRef } from './adapter.js';

/** An appliance on its way to a site that deploys it by itself. */
export interface ApplianceSpec {
  readonly id: string;
  readonly name: string;
  /** What is to be deployed: a package to send, or where the site finds it. */
  readonly source: { readonly descriptor: string; readonly files: readonly ApplianceFile[] } | { readonly url: string };
  /** What the user filled in (K04). Secrets are among it. */
  readonly inputs: JsonObject;
  readonly configuration?: string;
  readonly keepOnFailure: boolean;
}

export interface ApplianceFile {
  /** As the descriptor refers to it. */
  readonly href: string;
  readonly sizeBytes: number;
  /** `length` bytes from `first` on. */
  read(first: number, length: number): Promise<Uint8Array>;
}

/** How an appliance at a site is, and what it consists of there. */
export interface ApplianceReport {
  readonly ref: SiteRef;
  readonly state: 'active' | 'inactive' | 'suspended' | 'error';
  readonly message?: string;
  readonly busy: boolean;
  readonly members: readonly ApplianceMember[];
}

export interface ApplianceMember {
  readonly observed: Observed;
  /** What of the descriptor it is: id of a VirtualSystem or a disk, name of a network. Links have none. */
  readonly item?: string;
  /** Ends of a link. */
  readonly ends?: readonly [source: SiteRef, target: SiteRef];
}

/** An appliance at a site that was handed over to it. */
export interface HandedOver {
  readonly ref: SiteRef;
  /** {@link ApplianceSpec.id}. */
  readonly id: string;
}

export type ApplianceAction = 'start' | 'stop' | 'suspend' | 'scale';

/** What a site can do that takes appliances whole (`Capabilities.appliances`). */
export interface ApplianceSite {
  /** Answers the ref of the one appliance that carries the id, handing it over only if there is none. */
  create(spec: ApplianceSpec, options?: CallOptions): Promise<SiteRef>;
  /** The appliance that was handed over under this id, if there is one. */
  find(id: string, options?: CallOptions): Promise<SiteRef | undefined>;
  /** Everything that was handed over and is still there. */
  list(options?: CallOptions): Promise<readonly HandedOver[]>;
  /** Nothing when it is gone. */
  report(ref: SiteRef, options?: CallOptions): Promise<ApplianceReport | undefined>;
  /** Why the last work on it failed, in the site's words. */
  failure(ref: SiteRef, options?: CallOptions): Promise<IaasError | undefined>;
  act(
    ref: SiteRef,
    action: ApplianceAction,
    parameters: Readonly<Record<string, string | number>>,
    options?: CallOptions,
  ): Promise<void>;
  /** Idempotent; {@link report} tells when it is gone. */
  remove(ref: SiteRef, options?: CallOptions): Promise<void>;
}
