/**
 * Virtual Organizations and their users in OpenNebula: a group for each VO and a user for each principal, made when they
 * are first seen, so that what is made for them is theirs and counts against their quota. The user belongs to the first of
 * its groups; for another one it is the session that says so. A group that is made over XML-RPC may create nothing until a
 * rule says so; only oned's own command line adds that rule by itself.
 */

import { createHash, randomBytes } from 'node:crypto';
import type { CallOptions, Owner as Principal } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import { IaasError } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { numberOf } from './marks.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import type { Caller } from './session.js';
import { onlyOne } from './only-one.js';
import { templateXml } from './template.js';

/** In whose name something is made; both absent for the account of the site itself. */
export interface Owner {
  readonly as?: Caller;
  /** Number of that user. */
  readonly id?: number;
}

/** `@group VM+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VMGROUP/* CREATE`, and with BACKUPJOB since 6.8 (include/AclRule.h, AuthRequest.h). */
const GROUP = 0x200000000n;
const CREATE_ALL = 0x21429400000000n;
const BACKUP_JOB = 0x100000000000000n;
const CREATE = '0x8';
/** `IMAGE/#id USE`. */
export const IMAGE_ONE = 0x8100000000n;
/** `NET/#id USE`. */
export const NET_ONE = 0x4100000000n;
const USE = '0x1';

export interface TenantSettings {
  readonly prefix: string;
  /** Virtual data centre (name or id) that groups are put into, in the place of the default one. */
  readonly vdc?: string;
}

export class Tenants {
  readonly #oned: Oned;
  readonly #settings: TenantSettings;
  readonly #owners = new Map<string, Promise<Owner>>();
  readonly #groups = new Map<string, Promise<number>>();
  readonly #granted = new Set<string>();

  constructor(oned: Oned, settings: TenantSettings) {
    this.#oned = oned;
    this.#settings = settings;
  }

  /**
   * Makes something in the name of the user and group that stand for a principal, which are made if they are not there yet;
   * and once more where oned denies it, as somebody may have removed one of them, or a rule, since they were last seen.
   */
  async acting<T>(
    principal: Principal | undefined,
    options: CallOptions,
    work: (owner: Owner) => Promise<T>,
  ): Promise<T> {
    if (!principal || !this.#oned.delegates) return work({});
    try {
      return await work(await this.#owner(principal, options));
    } catch (error) {
      if (!(error instanceof OneError) || !(error.class === 'denied' || error.isOwnerGone)) throw error;
      this.#owners.delete(keyOf(principal));
      this.#groups.delete(principal.group);
      this.#granted.clear();
      return work(await this.#owner(principal, options));
    }
  }

  #owner(principal: Principal, options: CallOptions): Promise<Owner> {
    return once(this.#owners, keyOf(principal), async () => {
      const group = await this.#group(principal.group, options);
      const user = this.#nameOf(principal.user);
      return { as: { user, group }, id: await this.#ensureUser(user, group, principal.user, options) };
    });
  }

  /** The group that stands for a Virtual Organization, made if it is not there yet. */
  async standing(group: string, options: CallOptions): Promise<{ readonly id: number; readonly name: string }> {
    return { id: await this.#group(group, options), name: this.#nameOf(group) };
  }

  /** Lets a group use one thing that is another's. @param one {@link NET_ONE} or {@link IMAGE_ONE} */
  open(group: number, one: bigint, id: number, options: CallOptions): Promise<void> {
    return this.#rule(group, one + BigInt(id), USE, options);
  }

  /** Takes that back; what is not open stays so. */
  async close(group: number, one: bigint, id: number, options: CallOptions): Promise<void> {
    const [user, resource] = [GROUP + BigInt(group), one + BigInt(id)];
    const rules = await this.#oned.document('one.acl.info', [], options);
    const hex = (rule: Branch, name: string): bigint => BigInt(`0x${rule.value(name) ?? '0'}`);
    for (const rule of rules.all('ACL')) {
      if (hex(rule, 'USER') !== user || hex(rule, 'RESOURCE') !== resource || hex(rule, 'RIGHTS') !== BigInt(USE))
        continue;
      await this.#oned.id('one.acl.delrule', [rule.number(-1, 'ID')], options).catch(ignoring(/does not exist/i));
    }
    this.#granted.delete(`${group} ${id}`);
  }

  /** Lets a group use one image of VEP's, which is nobody else's business. */
  async mayUseImage({ as }: Owner, image: string, options: CallOptions): Promise<void> {
    const [id, group] = [numberOf(image), as?.group];
    const key = `${group} ${image}`;
    if (group === undefined || id === undefined || this.#granted.has(key)) return;
    await this.#rule(group, IMAGE_ONE + BigInt(id), USE, options);
    this.#granted.add(key);
  }

  #group(name: string, options: CallOptions): Promise<number> {
    return once(this.#groups, name, async () => {
      const id = await this.#ensureGroup(this.#nameOf(name), options);
      await this.#mayCreate(id, options);
      if (this.#settings.vdc !== undefined) {
        const vdc = await this.#vdc(this.#settings.vdc, options);
        // Every new group is in the default VDC, which has everything: it leaves that one for its own.
        await this.#oned.id('one.vdc.addgroup', [vdc, id], options).catch(ignoring(/already/i));
        if (vdc !== 0)
          await this.#oned.id('one.vdc.delgroup', [0, id], options).catch(ignoring(/not (defined|in|part)|does not/i));
      }
      return id;
    });
  }

  async #vdc(wanted: string, options: CallOptions): Promise<number> {
    const pool = await this.#oned.document('one.vdcpool.info', [], options);
    const found = pool.all('VDC').find((each) => each.value('NAME') === wanted || each.value('ID') === wanted);
    if (found) return found.number(-1, 'ID');
    throw new IaasError('fatal', `OpenNebula has no virtual data centre ${wanted}, which tenants.vdc names`);
  }

  async #ensureGroup(name: string, options: CallOptions): Promise<number> {
    const find = async (): Promise<number | undefined> =>
      named(await this.#oned.document('one.grouppool.info', [], options), 'GROUP', name);
    return (await find()) ?? onlyOne(() => this.#oned.id('one.group.allocate', [name], options), find);
  }

  async #mayCreate(group: number, options: CallOptions): Promise<void> {
    const everything = CREATE_ALL + BACKUP_JOB;
    await this.#rule(group, everything, CREATE, options).catch((error: unknown) => {
      // Before 6.8 there was no such object, and the rule that names it is malformed.
      if (!(error instanceof OneError) || error.class !== 'invalid') throw error;
      return this.#rule(group, CREATE_ALL, CREATE, options);
    });
  }

  async #rule(group: number, resource: bigint, rights: string, options: CallOptions): Promise<void> {
    const user = `0x${(GROUP + BigInt(group)).toString(16)}`;
    await this.#oned
      .id('one.acl.addrule', [user, `0x${resource.toString(16)}`, rights], options)
      .catch(ignoring(/already (exists|defined)/i));
  }

  async #ensureUser(name: string, group: number, principal: string, options: CallOptions): Promise<number> {
    const find = async (): Promise<number | undefined> =>
      named(await this.#oned.document('one.userpool.info', [], options), 'USER', name);
    const known = await find();
    if (known !== undefined) return known;
    // Nobody ever signs in with this password: VEP acts for the user by its own.
    const password = randomBytes(32).toString('hex');
    const id = await onlyOne(
      () => this.#oned.id('one.user.allocate', [name, password, 'core', [group]], options),
      find,
    );
    return this.#oned.id('one.user.update', [id, templateXml({ VEP_PRINCIPAL: kept(principal) }), 1], options);
  }

  /** A name that oned takes, without blanks and colons, and another one for every principal. */
  #nameOf(principal: string): string {
    const plain = principal.replaceAll(/[^A-Za-z0-9._@-]+/g, '_').slice(0, 60);
    const digest = createHash('sha256').update(principal).digest('hex').slice(0, 8);
    return this.#settings.prefix + (plain === principal ? plain : `${plain}-${digest}`);
  }
}

const keyOf = ({ user, group }: Principal): string => `${user} ${group}`;

/** The result of the first call with a key; a failure is not kept. */
function once<T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const running = known.get(key) ?? work();
  known.set(key, running);
  running.catch(() => known.delete(key));
  return running;
}

function named(pool: Branch, kind: string, name: string): number | undefined {
  return pool
    .all(kind)
    .find((each) => each.value('NAME') === name)
    ?.number(-1, 'ID');
}

/** Lets a refusal pass that only says that it is so already. */
export function ignoring(said: RegExp): (error: unknown) => number {
  return (error) => {
    if (error instanceof IaasError && said.test(error.said ?? '')) return -1;
    throw error;
  };
}
