/**
 * Security groups of oned, each its owner's and open to the owner's group. oned unites those of a network with those of a NIC,
 * and lets everything pass where nobody says otherwise: a NIC that VEP's groups guard has no others, the group 0 of its network
 * left out. Rules reach the hosts of running machines when a group is updated, except those that are booting or plugged into
 * just then: oned gives up on them, and is told to go on.
 */

import { IaasError, type CallOptions, type Observed, type SiteRef } from '../../adapter.js';
import type { Branch } from '../../document.js';
import type { Patience } from '../../patience.js';
import { normalRules, type SecurityGroupSpec, type SecurityRule } from '../../security-groups.js';
import { asOwner } from './as-owner.js';
import type { Machine, Plug } from './machine.js';
import type { MachinePool } from './machine-pool.js';
import type { Machines } from './machines.js';
import { marksIn, marksOf, numberOf, uniqueName } from './marks.js';
import type { Networks } from './networks.js';
import { OneError } from './one-error.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';
import { rulesIn, vectorsOf } from './security-rules.js';
import { templateXml, type Template } from './template.js';
import type { Tenants } from './tenants.js';
import type { Release, Version } from './version.js';

export interface SecurityGroupServices {
  readonly oned: Oned;
  readonly tenants: Tenants;
  readonly pool: MachinePool;
  readonly machines: Machines;
  readonly networks: Networks;
  readonly patience: Patience;
  readonly version: Version;
  readonly realm: string;
}

/** For the owner's group to use; -1 leaves as it is. Owner, group and others: use, manage, administer each. */
const OPEN_TO_GROUP = [-1, -1, -1, 1, -1, -1, -1, -1, -1];

/** Since when groups can change on a machine that is there (`one.vm.attachsg`). */
export const GUARDING: Release = [6, 4];

/** Lists of machines on whose hosts the rules are being changed, and of those on which they could not be. */
const UNDER_WAY = ['OUTDATED_VMS', 'UPDATING_VMS'];
const GIVEN_UP = ['ERROR_VMS'];

interface Change {
  readonly call: 'one.vm.attachsg' | 'one.vm.detachsg';
  readonly nic: number;
  readonly group: number;
}

export class SecurityGroups {
  readonly #services: SecurityGroupServices;
  /** Whether a group is VEP's, by its id: ids are never given out twice. */
  readonly #known = new Map<number, boolean>();

  constructor(services: SecurityGroupServices) {
    this.#services = services;
  }

  async create(spec: SecurityGroupSpec, token: string, options: CallOptions): Promise<SiteRef> {
    const { oned, tenants, realm, version } = this.#services;
    if (spec.name === '') throw new IaasError('invalid', 'a security group needs a name');
    await version.ask(options);
    if (!version.isSince(GUARDING))
      throw new IaasError('unsupported', `security groups need OpenNebula ${GUARDING.join('.')} or later`);
    const NAME = uniqueName(realm, token);
    const template = templateXml({
      NAME,
      ...marksOf(realm, spec, token),
      RULE: vectorsOf(normalRules(spec.rules)),
    });
    const known = await this.#named(NAME, options);
    if (known !== undefined) return String(known);
    const id = await tenants.acting(spec.owner, options, ({ as }) =>
      onlyOne(
        () => oned.id('one.secgroup.allocate', [template], { ...options, as }),
        () => this.#named(NAME, options),
      ),
    );
    await oned.id('one.secgroup.chmod', [id, ...OPEN_TO_GROUP], options);
    return String(id);
  }

  async #named(name: string, options: CallOptions): Promise<number | undefined> {
    return (await this.#all(options)).find((each) => each.value('NAME') === name)?.number(-1, 'ID');
  }

  async update(ref: SiteRef, rules: readonly SecurityRule[], options: CallOptions): Promise<void> {
    const wanted = normalRules(rules);
    const vectors = vectorsOf(wanted);
    const body = await this.#own(ref, options);
    const template = body.child('TEMPLATE');
    const id = body.number(-1, 'ID');
    if (JSON.stringify(rulesIn(template)) !== JSON.stringify(wanted)) {
      const marks = (template?.children ?? []).filter(({ name }) => name.startsWith('VEP_'));
      const kept: Template = Object.fromEntries(marks.map(({ name, text }) => [name, text]));
      const whole = templateXml({ ...kept, RULE: vectors });
      await this.#services.oned.id('one.secgroup.update', [id, whole, 0], options);
    }
    await this.#spread(id, options);
  }

  /** Sees the machines get the rules. @throws IaasError `transient` where oned has given up on some of them so far */
  async #spread(id: number, options: CallOptions): Promise<void> {
    const { oned, patience } = this.#services;
    let without: readonly string[] = [];
    await patience.settled(options, async () => {
      const body = await this.#look(String(id), options);
      without = machinesIn(body, GIVEN_UP);
      if (without.length > 0) await oned.id('one.secgroup.commit', [id, true], options);
      return without.length === 0 && machinesIn(body, UNDER_WAY).length === 0;
    });
    if (without.length > 0) throw new IaasError('transient', tellingOf(without));
  }

  async remove(ref: SiteRef, options: CallOptions): Promise<void> {
    const body = await this.#look(ref, options);
    if (!body) return;
    if (!this.#isOurs(body))
      throw new IaasError('denied', 'this security group was not made by VEP, which leaves it alone');
    await this.#services.oned.id('one.secgroup.delete', [body.number(-1, 'ID')], options).catch((error: unknown) => {
      if (!(error instanceof IaasError) || error.class !== 'not-found') throw error;
    });
  }

  /** Every NIC of a machine gets these groups, or those that it would have had without VEP's. */
  async guard(compute: SiteRef, groups: readonly SiteRef[], options: CallOptions): Promise<void> {
    const { machines, pool } = this.#services;
    await pool.own(compute, options);
    const wanted = await this.#numbers(groups, options);
    await machines.patiently(options, async () => {
      const machine = await pool.own(compute, options);
      if (machine.nics.some(({ busy }) => busy)) return undefined;
      const changes: Change[] = [];
      for (const nic of machine.nics)
        changes.push(...changesOf(nic, wanted.length > 0 ? wanted : await this.#usual(nic, options)));
      if (changes.length === 0) return true;
      for (const change of changes) if (!(await this.#change(machine, change, options))) break;
      return undefined;
    });
  }

  /** False where the machine is in no state to be changed: whoever looks again knows more. */
  async #change(machine: Machine, { call, nic, group }: Change, options: CallOptions): Promise<boolean> {
    const { oned } = this.#services;
    try {
      await asOwner(oned, machine, options, (asked) => oned.id(call, [machine.id, nic, group], asked));
      return true;
    } catch (error) {
      // Somebody else was at it: then it is so already, or the machine is on its way.
      if (error instanceof OneError && (error.isWrongState || error.isSoAlready)) return false;
      throw error;
    }
  }

  async #usual({ vector }: Plug, options: CallOptions): Promise<readonly number[]> {
    const network = await this.#services.networks.look(vector.value('NETWORK_ID') ?? '', options);
    if (!network) return [];
    return groupsIn(
      this.#services.networks.openTo(network, []).SECURITY_GROUPS ?? network.value('TEMPLATE', 'SECURITY_GROUPS'),
    );
  }

  async #numbers(refs: readonly SiteRef[], options: CallOptions): Promise<readonly number[]> {
    const numbers: number[] = [];
    for (const ref of refs) numbers.push((await this.#own(ref, options)).number(-1, 'ID'));
    return numbers;
  }

  /** NICs, with those groups alone that VEP has made. */
  async *telling(nics: AsyncIterable<Observed> | Iterable<Observed>, options: CallOptions): AsyncIterable<Observed> {
    for await (const nic of nics) {
      if (nic.class !== 'nic' || (nic.securityGroups ?? []).length === 0) {
        yield nic;
        continue;
      }
      const numbers = (nic.securityGroups ?? []).map(Number);
      if (numbers.some((id) => !this.#known.has(id))) await this.#all(options);
      yield {
        ...nic,
        securityGroups: numbers
          .filter((id) => this.#known.get(id) === true)
          .map(String)
          .sort(),
      };
    }
  }

  async *list(options: CallOptions): AsyncIterable<Observed> {
    for (const body of await this.#all(options)) {
      const template = body.child('TEMPLATE');
      const marks = marksIn(template, this.#services.realm);
      if (!marks) continue;
      const busy = machinesIn(body, UNDER_WAY).length > 0;
      const without = machinesIn(body, GIVEN_UP);
      const base = { ref: body.value('ID') ?? '', id: marks.id, state: 'active' as const, busy };
      const message = without.length === 0 ? {} : { message: tellingOf(without) };
      yield { class: 'securitygroup', ...base, ...message, rules: rulesIn(template) };
    }
  }

  async #all(options: CallOptions): Promise<readonly Branch[]> {
    const pool = await this.#services.oned.document('one.secgrouppool.info', [-2, -1, -1], options);
    const all = pool.all('SECURITY_GROUP');
    for (const each of all) this.#known.set(each.number(-1, 'ID'), this.#isOurs(each));
    return all;
  }

  #isOurs(body: Branch): boolean {
    return marksIn(body.child('TEMPLATE'), this.#services.realm) !== undefined;
  }

  async #look(ref: SiteRef, options: CallOptions): Promise<Branch | undefined> {
    const id = numberOf(ref);
    if (id === undefined) return undefined;
    return this.#services.oned.document('one.secgroup.info', [id], options).catch((error: unknown) => {
      if (error instanceof IaasError && error.class === 'not-found') return undefined;
      throw error;
    });
  }

  async #own(ref: SiteRef, options: CallOptions): Promise<Branch> {
    const body = await this.#look(ref, options);
    if (body && this.#isOurs(body)) return body;
    throw new IaasError('not-found', 'OpenNebula has no such security group of VEP');
  }
}

function machinesIn(body: Branch | undefined, lists: readonly string[]): readonly string[] {
  return lists.flatMap((name) => (body?.child(name)?.all('ID') ?? []).map((id) => id.text));
}

function tellingOf(machines: readonly string[]): string {
  return `the rules have not reached these machines of OpenNebula: ${machines.join(', ')}`;
}

/** What makes the groups of a NIC those that are wanted: added before any is taken away. */
function changesOf({ number, vector }: Plug, wanted: readonly number[]): Change[] {
  const has = groupsIn(vector.value('SECURITY_GROUPS'));
  const [lacking, surplus] = [wanted.filter((id) => !has.includes(id)), has.filter((id) => !wanted.includes(id))];
  return [
    ...lacking.map((group) => ({ call: 'one.vm.attachsg' as const, nic: number, group })),
    ...surplus.map((group) => ({ call: 'one.vm.detachsg' as const, nic: number, group })),
  ];
}

/** Ids in a list of oned's. */
export function groupsIn(text: string | undefined): readonly number[] {
  return (text ?? '').split(',').filter(Boolean).map(Number);
}
