/**
 * The accounts of users at sites (K35): opened for an appliance with the credentials that came with it, kept sealed (K26) for as
 * long as the appliance is there, exchanged when the user sends another credential, and opened by every process of this VEP
 * (K32). Each stands among the {@link Sites} as a site of its own, so that nothing else has to know of them.
 *
 * Before the transaction of a request an account is *proposed*: it is open, so that what can be done with it is known, and nothing
 * has been asked of it (K06). What is not kept within a while is let go.
 */

import { excerpt, Problem, type Fault } from '../base/errors.js';
import { generationOf, raiseGeneration } from '../store/generations.js';
import { openSecret, sealSecret, wipeSecret } from '../store/secrets.js';
import type { Store, Tx } from '../store/sql.js';
import { markOf, newAccountName, siteBehind } from './account.js';
import { allAccounts, exchangeSecret, insertAccount, removeAccounts, type AccountRow } from './account-rows.js';
import type { SiteAdapter } from './adapter.js';
import type { ReadAccount, SiteSurroundings } from './site-type.js';
import type { Sites } from './sites.js';

/** What a site of the configuration says of credentials of users. */
export interface AccountPolicy {
  readonly mode: 'allowed' | 'required' | undefined;
  readonly read: ReadAccount;
}

export interface AccountServices extends Omit<SiteSurroundings, 'site'> {
  readonly store: Store;
  readonly secretKey: Uint8Array;
  readonly sites: Sites;
  /** By name of the site; those that can take credentials, whether they may or not. */
  readonly policies: ReadonlyMap<string, AccountPolicy>;
}

interface OpenAccount {
  /** Id of the sealed credential; absent while it is only proposed. */
  secret?: string;
  /** The credential, until it has been sealed. */
  proposed?: { readonly credential: string; readonly at: number };
}

/** Before the name of a site in `inputs.credentials`. */
const PREFIX = 'site:';
const PURPOSE = 'site.account';
/** Longer than any request takes. */
const PROPOSED_MS = 120_000;

export class Accounts {
  readonly #services: AccountServices;
  readonly #open = new Map<string, OpenAccount>();
  #generation = -1;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(services: AccountServices) {
    this.#services = services;
  }

  /**
   * Opens an account at each site that a credential is for; answers their names by that of the site.
   *
   * @param mayPass whether a name that is no site's here may be one elsewhere, where the appliance is handed over
   * @throws Problem `invalid` with everything that is wrong, repeating nothing of a credential
   */
  async propose(credentials: Readonly<Record<string, string>>, mayPass: boolean): Promise<ReadonlyMap<string, string>> {
    const faults: Fault[] = [];
    const found = new Map<string, string>();
    for (const [key, credential] of Object.entries(credentials)) {
      const site = key.slice(PREFIX.length);
      if (!key.startsWith(PREFIX) || (mayPass && !this.#services.sites.has(site))) continue;
      try {
        found.set(site, await this.#propose(site, credential));
      } catch (error) {
        if (!(error instanceof Problem) || error.kind === 'internal') throw error;
        const place = { path: `/credentials/${excerpt(key).replaceAll('~', '~0').replaceAll('/', '~1')}` };
        faults.push(...error.faults.map((fault) => ({ ...fault, place })));
      }
    }
    if (faults.length === 0) return found;
    await this.withdraw([...found.values()]);
    throw new Problem('invalid', faults);
  }

  /** Lets go of what was proposed and shall not be kept. */
  async withdraw(names: Iterable<string>): Promise<void> {
    for (const name of names) if (this.#open.get(name)?.proposed) await this.#close(name);
  }

  /** An appliance has come to be on these. Within the transaction that makes it. */
  async keep(tx: Tx, appliance: string, names: readonly string[], now: number): Promise<void> {
    for (const name of names) {
      const account = this.#open.get(name);
      if (!account?.proposed) throw new Error(`the account ${name} has not been proposed`);
      const { credential } = account.proposed;
      account.secret = await this.#seal(tx, appliance, credential, now);
      await insertAccount(tx, { name, site: siteBehind(name), appliance, secret: account.secret });
    }
    if (names.length > 0) await raiseGeneration(tx, 'accounts');
  }

  /**
   * Another credential for an account.
   *
   * @throws Problem `invalid` for one that is not written as it has to be
   */
  async exchange(
    tx: Tx,
    { name, site, appliance, secret }: AccountRow,
    credential: string,
    now: number,
  ): Promise<void> {
    const policy = this.#services.policies.get(site);
    if (!policy) throw new Problem('invalid', takesNone(site));
    policy.read(credential, markOf(name));
    await exchangeSecret(tx, name, await this.#seal(tx, appliance, credential, now));
    await wipeSecret(tx, secret);
    await raiseGeneration(tx, 'accounts');
  }

  /** The appliance is gone with all it had there. Its secrets are wiped with it. */
  async forget(tx: Tx, appliance: string): Promise<void> {
    if ((await removeAccounts(tx, appliance)) > 0) await raiseGeneration(tx, 'accounts');
  }

  /** Opens and closes what other processes, or transactions of this one, have changed. `generation`: where it stands, if known. */
  async refresh(generation?: number): Promise<void> {
    if (this.#isIdle) return;
    const now = generation ?? (await generationOf(this.#services.store, 'accounts'));
    if (now === this.#generation) return this.#refreshing;
    this.#refreshing = this.#refreshing.catch(() => undefined).then(() => this.#load(now));
    return this.#refreshing;
  }

  /** Lets go of what was proposed in requests that have long ended. */
  async expire(): Promise<void> {
    const before = this.#services.clock.now() - PROPOSED_MS;
    await this.withdraw(
      [...this.#open].filter(([, { proposed }]) => proposed && proposed.at < before).map(([name]) => name),
    );
  }

  /** No account is there, and none can come. */
  get #isIdle(): boolean {
    const policies = [...this.#services.policies.values()];
    if (policies.some(({ mode }) => mode !== undefined)) return false;
    return policies.length === 0 || (this.#generation >= 0 && this.#open.size === 0);
  }

  async #load(generation: number): Promise<void> {
    if (generation === this.#generation) return;
    const { store, secretKey, log, sites } = this.#services;
    const rows = new Map((await allAccounts(store)).map((row) => [row.name, row]));
    for (const [name, row] of rows) {
      const known = this.#open.get(name);
      if (known?.secret === row.secret) {
        delete known.proposed;
        sites.confirm(name);
        continue;
      }
      try {
        const credential = (await openSecret(store, secretKey, row.secret)) ?? '';
        await sites.exchange(name, await this.#adapter(name, credential), row.holder ?? undefined);
        this.#open.set(name, { secret: row.secret });
      } catch (error) {
        log.error({ err: error, site: name }, 'an account at a site cannot be opened');
      }
    }
    for (const [name, { proposed }] of this.#open) if (!rows.has(name) && !proposed) await this.#close(name);
    this.#generation = generation;
  }

  async #propose(site: string, credential: string): Promise<string> {
    const policy = this.#services.policies.get(site);
    if (!this.#services.sites.has(site)) throw new Problem('invalid', noSite(site));
    if (policy?.mode === undefined) throw new Problem('invalid', takesNone(site));
    const name = newAccountName(site);
    this.#services.sites.propose(await this.#adapter(name, credential));
    this.#open.set(name, { proposed: { credential, at: this.#services.clock.now() } });
    return name;
  }

  /** @throws Problem `invalid` for a credential that is not written as it has to be */
  #adapter(name: string, credential: string): Promise<SiteAdapter> {
    const { policies, clock, log, data } = this.#services;
    const policy = policies.get(siteBehind(name));
    if (!policy) throw new Problem('invalid', noSite(siteBehind(name)));
    return policy.read(credential, markOf(name))({ site: name, clock, log, data });
  }

  #seal(tx: Tx, appliance: string, plaintext: string, createdAt: number): Promise<string> {
    return sealSecret(tx, this.#services.secretKey, { purpose: PURPOSE, ownerRef: appliance, plaintext, createdAt });
  }

  async #close(name: string): Promise<void> {
    this.#open.delete(name);
    await this.#services.sites.exchange(name);
  }
}

/** Credentials for sites among others (`inputs.credentials`), by name of the site. */
export function siteCredentials(credentials: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(credentials).flatMap(([key, text]) =>
      key.startsWith(PREFIX) ? [[key.slice(PREFIX.length), text] as const] : [],
    ),
  );
}

/** The others. */
export function withoutSites(
  credentials: Readonly<Record<string, string>>,
  sites: ReadonlyMap<string, unknown>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(credentials).filter(([key]) => !sites.has(key.slice(PREFIX.length))));
}

function noSite(site: string): Fault {
  return {
    code: 'site.credential-for-nobody',
    message: `no site is named ${excerpt(site)} here`,
    rule: 'K35',
    remedy: 'name a site that takes credentials of users, or leave the credential out',
  };
}

function takesNone(site: string): Fault {
  return {
    code: 'site.credential-not-taken',
    message: `site ${site} takes no credentials of users`,
    rule: 'K35',
    remedy: 'leave the credential out, or ask the provider to allow it (sites[].userCredentials)',
  };
}
