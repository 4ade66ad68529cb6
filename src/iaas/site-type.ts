/**
 * The types of site that a configuration can name. Each reads its own options, once, and then knows how to open a site;
 * which types there are is known to the composition root alone, in one list.
 */

import type { Clock } from '../base/clock.js';
import type { Config, SiteConfig } from '../base/config.js';
import { Problem, messageOf, problem, type Fault } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import type { Log } from '../base/log.js';
import type { SiteAdapter } from './adapter.js';
import type { NetworkPool } from './network-pools.js';

/** What every adapter finds around it. */
export interface SiteSurroundings {
  /** Name of the site in the configuration. */
  readonly site: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where VEP keeps its data, for an adapter that keeps some of its own. */
  readonly data: Config['data'];
}

export type OpenSite = (surroundings: SiteSurroundings) => Promise<SiteAdapter>;

/** Opens a site with an account of a user's own. @param mark tells what is made there from what else VEP makes */
export type ReadAccount = (credential: string, mark: string) => OpenSite;

export interface SiteType {
  /** What `sites[].type` calls it. */
  readonly name: string;
  /** Somebody else's cloud, which is paid for by use: VEP chooses it by itself only where that is said (K35). */
  readonly isPublic?: boolean;
  /**
   * Reads `sites[].options`; what comes back opens a site with them.
   *
   * @throws Problem `invalid` with one fault for every key that is wrong; places are paths below `options`.
   */
  read(options: JsonObject): OpenSite;
  /**
   * Reads a credential that a user brings for a site with these options (K35); absent: sites of this type take none.
   *
   * @throws Problem `invalid` (thrown by what comes back) with one fault for everything that is wrong, repeating none of it
   */
  readonly readAccount?: (options: JsonObject) => ReadAccount;
  /** What networks are cut from for which no range is asked, by options that can be read; absent: the site's own business. */
  readonly networkPool?: (options: JsonObject) => NetworkPool;
}

/** A site of the configuration whose options have been read. */
export interface ReadSite {
  readonly name: string;
  readonly open: OpenSite;
  /** Absent: it takes no credentials of users. */
  readonly account?: ReadAccount;
}

export class SiteTypes {
  readonly #types: ReadonlyMap<string, SiteType>;

  constructor(types: readonly SiteType[]) {
    this.#types = new Map(types.map((type) => [type.name, type]));
  }

  get names(): readonly string[] {
    return [...this.#types.keys()];
  }

  /**
   * Reads the sites of a configuration, in their order.
   *
   * @throws Problem `invalid` with the faults of all of them, each with the key it is about.
   */
  read(sites: readonly SiteConfig[]): readonly ReadSite[] {
    const faults: Fault[] = [];
    const read = sites.flatMap((site): ReadSite[] => {
      try {
        const type = this.#typeOf(site);
        const read = { name: site.name, open: type.read(site.options) };
        if (site.userCredentials !== undefined && !type.readAccount) throw takesNone(type.name);
        return [type.readAccount ? { ...read, account: type.readAccount(site.options) } : read];
      } catch (error) {
        faults.push(...faultsOf(site, error));
        return [];
      }
    });
    const [first] = sites;
    if (first?.userCredentials === 'required') faults.push(noDefault(first));
    if (faults.length > 0) throw new Problem('invalid', faults);
    return read;
  }

  /**
   * The sites that VEP may choose where nobody names one, in their order: those of the configuration but for public clouds,
   * unless it says otherwise. The first is always among them where there is no other.
   */
  automatic(sites: readonly SiteConfig[]): readonly string[] {
    const open = sites.filter(({ userCredentials }) => userCredentials !== 'required');
    const chosen = open.filter(({ type, automatic = this.#types.get(type)?.isPublic !== true }) => automatic);
    return (chosen.length > 0 ? chosen : sites.slice(0, 1)).map(({ name }) => name);
  }

  /** What networks of the sites are cut from, where their options say it. */
  networkPools(sites: readonly SiteConfig[]): ReadonlyMap<string, NetworkPool> {
    return new Map(
      sites.flatMap(({ name, type, options }) => {
        const pool = this.#types.get(type)?.networkPool?.(options);
        return pool ? [[name, pool] as const] : [];
      }),
    );
  }

  #typeOf(site: SiteConfig): SiteType {
    const type = this.#types.get(site.type);
    if (type) return type;
    throw new Problem('invalid', {
      code: 'config.site-type',
      message: `no adapter of this VEP is called ${site.type}`,
      place: { path: 'type' },
      remedy: `this release knows: ${this.names.join(', ')}`,
    });
  }
}

/** What belongs to no appliance has nobody's credential. */
function noDefault({ name }: SiteConfig): Fault {
  return {
    code: 'config.user-credentials',
    message:
      'the first site is where everything goes that belongs to no appliance, and cannot require credentials of users',
    place: { path: `sites.${name}.userCredentials` },
    remedy: 'put another site first, or allow credentials instead',
  };
}

function takesNone(type: string): Problem {
  return problem('invalid', 'config.user-credentials', `a site of type ${type} takes no credentials of users`, {
    place: { path: 'userCredentials' },
    remedy: 'leave the key out',
  });
}

/** Keys of a site itself that are looked at here. */
const OF_SITE: ReadonlySet<string> = new Set(['type', 'userCredentials']);

/** The faults with their place in the whole configuration. */
function faultsOf(site: SiteConfig, error: unknown): readonly Fault[] {
  if (!(error instanceof Problem))
    throw new Error(`options of site ${site.name}: ${messageOf(error)}`, { cause: error });
  return error.faults.map((fault) => {
    const key = fault.place?.path ?? '';
    const below = OF_SITE.has(key) ? key : `options${key === '' || key === '(top level)' ? '' : `.${key}`}`;
    return { ...fault, place: { ...fault.place, path: `sites.${site.name}.${below}` } };
  });
}
