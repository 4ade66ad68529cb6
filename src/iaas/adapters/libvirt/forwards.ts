/**
 * Ports of this machine that lead to ports of guests, on the access interface of each. libvirt 9 tells QEMU's user mode
 * nothing of them, so that they are opened in the running QEMU, after every start; a port that somebody else has taken
 * meanwhile is exchanged for another.
 */

import { IaasError, type CallOptions } from '../../adapter.js';
import { ACCESS_ALIAS } from './domain-document.js';
import type { Domain, OwnDomain } from './domains.js';
import type { ForwardModel } from './marks.js';
import type { AccessOptions } from './options.js';
import type { Virsh } from './virsh.js';

export class Forwards {
  readonly #virsh: Virsh;
  readonly #access: AccessOptions | false;

  constructor(virsh: Virsh, access: AccessOptions | false) {
    this.#virsh = virsh;
    this.#access = access;
  }

  /** Ports for a new machine that no other machine has. Within the turn of the site. */
  assign(domains: Iterable<Domain>): readonly ForwardModel[] {
    if (this.#access === false) return [];
    const taken = portsOf(domains);
    return this.#access.forward.map((guest) => {
      const host = this.#next(taken);
      taken.add(host);
      return { guest, host };
    });
  }

  #next(taken: ReadonlySet<number>): number {
    const [first, last] = this.#access === false ? [1, 0] : this.#access.ports;
    for (let port = first; port <= last; port++) if (!taken.has(port)) return port;
    throw new IaasError('capacity', `the ports ${first} to ${last} of this machine are used up`);
  }

  /** Opens what is not open yet in a running machine, and answers the ports that lead to it now. */
  async open(domain: OwnDomain, domains: Iterable<Domain>, options: CallOptions): Promise<readonly ForwardModel[]> {
    const forwards = domain.model.access?.forwards ?? [];
    if (this.#access === false || forwards.length === 0) return forwards;
    const open = new Set<number>();
    const said = await this.#virsh.monitor(domain.uuid, 'info usernet', options);
    for (const [, port] of said.matchAll(/^ *TCP\[HOST_FORWARD\] +\d+ +[\d.*]+ +(\d+) /gm)) open.add(Number(port));
    const taken = portsOf(domains);
    const now: ForwardModel[] = [];
    for (const forward of forwards) {
      let { host } = forward;
      while (!open.has(host) && !(await this.#add(domain.uuid, forward.guest, host, options))) {
        taken.add(host);
        host = this.#next(taken);
      }
      now.push({ guest: forward.guest, host });
    }
    return now;
  }

  /** False where the port is taken. */
  async #add(uuid: string, guest: number, host: number, options: CallOptions): Promise<boolean> {
    const listen = this.#access === false ? '127.0.0.1' : this.#access.listen;
    const said = await this.#virsh.monitor(
      uuid,
      `hostfwd_add host${ACCESS_ALIAS} tcp:${listen}:${host}-:${guest}`,
      options,
    );
    if (said.trim() === '') return true;
    if (/could not set up host forwarding/i.test(said)) return false;
    throw new IaasError('fatal', 'QEMU forwards no port to this machine', said.trim().slice(0, 300));
  }

  /** Where what the guest offers is reached, for people. */
  sentence(forwards: readonly ForwardModel[]): string | undefined {
    if (this.#access === false || forwards.length === 0) return undefined;
    const { listen } = this.#access;
    return `reached at ${forwards.map(({ guest, host }) => `${listen}:${host} (port ${guest})`).join(', ')}`;
  }
}

function portsOf(domains: Iterable<Domain>): Set<number> {
  return new Set([...domains].flatMap(({ model }) => model?.access?.forwards.map(({ host }) => host) ?? []));
}
