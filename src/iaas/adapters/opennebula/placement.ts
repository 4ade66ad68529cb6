/**
 * Where a machine goes: the host that VEP's placement names, or one with room that keeps machines apart or together. The
 * choice is written into the machine, which takes its room from then on although oned counts a machine only once it is
 * deployed. VM groups tell the same to oned's own scheduler, for when it moves machines.
 */

import { createHash } from 'node:crypto';
import { Mutex } from '../../../base/mutex.js';
import { IaasError, type CallOptions, type ComputeSize, type ComputeSpec } from '../../adapter.js';
import { kept } from '../../kept-text.js';
import type { Hosts, Host } from './hosts.js';
import type { MachinePool } from './machine-pool.js';
import type { Machine } from './machine.js';
import { templateXml, type Template, type Vector } from './template.js';
import type { Oned } from './oned.js';
import { onlyOne } from './only-one.js';

/** What a machine gets to carry. */
export interface Choice {
  readonly attributes: Record<string, Vector | string | number>;
}

export class Placement {
  readonly #oned: Oned;
  readonly #hosts: Hosts;
  readonly #machines: MachinePool;
  readonly #realm: string;
  /** Room is given to one machine after the other. */
  readonly #turn = new Mutex();

  constructor(oned: Oned, hosts: Hosts, machines: MachinePool, realm: string) {
    this.#oned = oned;
    this.#machines = machines;
    this.#hosts = hosts;
    this.#realm = realm;
  }

  /**
   * Chooses a host and makes the machine there before anybody else can choose.
   * @throws IaasError `capacity` where no host has room, or none that keeps what is asked
   */
  choose(spec: ComputeSpec, options: CallOptions, make: (choice: Choice) => Promise<number>): Promise<number> {
    return this.#turn.run(async () => {
      const hosts = await this.#hosts.list(options);
      const neighbours = [...(spec.apartFrom ?? []), ...(spec.togetherWith ?? [])];
      const host = chooseHost(spec, hosts, await this.#machines.ofEntities(neighbours, options));
      const group = await this.#group(spec, options);
      return make({
        attributes: {
          VEP_HOST: host.name,
          VEP_HOST_ID: host.id,
          SCHED_REQUIREMENTS: `ID = "${host.id}"`,
          ...(group === undefined ? {} : { VMGROUP: group }),
        },
      });
    });
  }

  /** @throws IaasError `capacity` where the machine's host has no room for the new size */
  async mustFit(machine: Machine, size: ComputeSize, options: CallOptions): Promise<void> {
    const host = (await this.#hosts.list(options)).find((each) => each.id === machine.host?.id);
    const [room, memory] = host ? [host.freeCores, host.freeMemoryBytes] : [0, 0];
    if (size.cores - machine.cores > room || size.memoryBytes - machine.memoryBytes > memory)
      throw new IaasError('capacity', 'the host of the machine has no room for this size');
  }

  /**
   * The VM group of machines that must be apart, or together: one for each set of them, as all its members name the
   * same set. oned takes a machine into one group only; both at once stay with VEP's own choice.
   */
  async #group(
    { id, apartFrom = [], togetherWith = [], owner }: ComputeSpec,
    options: CallOptions,
  ): Promise<Vector | undefined> {
    const [policy, others] = apartFrom.length > 0 ? ['ANTI_AFFINED', apartFrom] : ['AFFINED', togetherWith];
    if (others.length === 0) return undefined;
    const members = [...new Set([id, ...others])].sort().join(' ');
    const name = `${this.#realm}-${createHash('sha256').update(`${policy} ${members}`).digest('hex').slice(0, 40)}`;
    const template: Template = {
      NAME: name,
      ROLE: { NAME: ROLE, POLICY: policy },
      VEP_REALM: this.#realm,
      ...(owner === undefined ? {} : { VEP_PRINCIPAL: kept(owner.user) }),
    };
    const found = await this.#findGroup(name, options);
    return { VMGROUP_ID: found ?? (await this.#makeGroup(name, template, options)), ROLE };
  }

  async #findGroup(name: string, options: CallOptions): Promise<number | undefined> {
    const pool = await this.#oned.document('one.vmgrouppool.info', [-2, -1, -1], options);
    const mine = pool.all('VM_GROUP').filter((each) => each.value('NAME') === name);
    return mine.at(-1)?.number(-1, 'ID');
  }

  async #makeGroup(name: string, template: Template, options: CallOptions): Promise<number> {
    const id = await onlyOne(
      () => this.#oned.id('one.vmgroup.allocate', [templateXml(template)], options),
      () => this.#findGroup(name, options),
    );
    // Members of any VO may be in it, and it says nothing but that they are apart.
    await this.#oned.id('one.vmgroup.chmod', [id, -1, -1, -1, 1, 0, 0, 1, 0, 0], options);
    return id;
  }

  /** Removes the VM group that a machine was in, when it was the last one. */
  async leave(machine: Machine, options: CallOptions): Promise<void> {
    const id = machine.body.number(-1, 'TEMPLATE', 'VMGROUP', 'VMGROUP_ID');
    if (id === -1) return;
    // Not while somebody chooses: a new machine may be about to join.
    await this.#turn.run(async () => {
      const pool = await this.#oned.document('one.vmgrouppool.info', [-2, -1, -1], options);
      const group = pool.all('VM_GROUP').find((each) => each.number(-1, 'ID') === id);
      const ours = group?.value('TEMPLATE', 'VEP_REALM') === this.#realm;
      const members = group
        ?.child('ROLES')
        ?.all('ROLE')
        .flatMap((role) => (role.value('VMS') ?? '').split(',').filter(Boolean));
      const left = (members ?? []).filter((member) => member !== String(machine.id));
      if (ours && left.length === 0) await this.#oned.id('one.vmgroup.delete', [id], options).catch(unlessInUse);
    });
  }
}

const ROLE = 'member';

function unlessInUse(error: unknown): number {
  if (error instanceof IaasError && (error.class === 'conflict' || error.class === 'not-found')) return -1;
  throw error;
}

function chooseHost(spec: ComputeSpec, hosts: readonly Host[], machines: readonly Machine[]): Host {
  const apart = hostsOf(spec.apartFrom, machines);
  const together = hostsOf(spec.togetherWith, machines);
  const wanted = spec.host === undefined ? hosts : hosts.filter((host) => host.name === spec.host);
  if (spec.host !== undefined && wanted.length === 0)
    throw new IaasError('invalid', 'OpenNebula has no host of this name that VEP may use');
  const fitting = wanted.filter(
    (host) =>
      host.up &&
      host.freeCores >= spec.cores &&
      host.freeMemoryBytes >= spec.memoryBytes &&
      !apart.has(host.id) &&
      [...together].every((id) => id === host.id),
  );
  const best = fitting.sort((one, other) => other.freeCores - one.freeCores || one.id - other.id)[0];
  if (best) return best;
  const rules =
    apart.size + together.size > 0 ? ' and keeps it apart from, or together with, the machines it names' : '';
  throw new IaasError('capacity', `no host that may be used has room for this machine${rules}`);
}

function hostsOf(ids: readonly string[] | undefined, machines: readonly Machine[]): ReadonlySet<number> {
  const wanted = new Set(ids ?? []);
  return new Set(machines.flatMap(({ marks, host }) => (marks && host && wanted.has(marks.id) ? [host.id] : [])));
}
