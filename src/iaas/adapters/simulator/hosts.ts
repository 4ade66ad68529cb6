/**
 * The hosts of a simulated site: their capacity, which of them takes a machine, and their deaths. A machine claims its
 * size on its host for as long as it exists, stopped or suspended too, so that what was promised to it is there when it
 * starts again.
 */

import { excerpt } from '../../../base/errors.js';
import { CLASSES, GONE, put, type Claim, type Host, type Machine } from './cloud.js';
import type { AskedMachine } from './command.js';
import type { SimulatorConfig } from './config.js';
import { formatRange, guestAddresses, parseRange } from './addresses.js';
import { refuse, type Step } from './step.js';

/** The host that takes a new machine: the wanted one, or the emptiest that may. */
export function chooseHost(step: Step, spec: AskedMachine): Host {
  const { hosts } = step.cloud;
  if (spec.host !== undefined && !hosts.has(spec.host))
    refuse('invalid', `this site has no host ${excerpt(spec.host)}`);
  const { apart, together } = neighbours(step, spec);
  if (together.size > 1) refuse('capacity', 'the machines it must share a host with are on different hosts');

  const able = [...hosts.values()].filter(
    (host) =>
      host.up &&
      (spec.host === undefined || host.config.name === spec.host) &&
      !apart.has(host.config.name) &&
      (together.size === 0 || together.has(host.config.name)) &&
      fits(host, spec),
  );
  const best = able.reduce<Host | undefined>(
    (chosen, host) => (chosen && emptiness(chosen) >= emptiness(host) ? chosen : host),
    undefined,
  );
  if (!best) {
    const where =
      spec.host === undefined ? 'no host' : `host ${spec.host} is down, not allowed beside its neighbours, or`;
    refuse('capacity', `${where} has no room for ${spec.cores} cores and ${spec.memoryBytes} bytes of memory`);
  }
  return best;
}

export function fits(host: Host, more: Claim): boolean {
  return (
    host.claimed.cores + more.cores <= host.config.cores &&
    host.claimed.memoryBytes + more.memoryBytes <= host.config.memoryBytes
  );
}

/** Takes a new configuration: hosts, networks and images come, hosts that are no longer named go or go down. */
export function configure(step: Step): void {
  const { cloud, config } = step;
  const named = new Set(config.hosts.map((host) => host.name));
  for (const [name, host] of cloud.hosts) {
    if (named.has(name)) continue;
    if (host.machines > 0) setHost(step, name, false);
    else cloud.hosts.delete(name);
  }
  for (const host of config.hosts) {
    const known = cloud.hosts.get(host.name);
    cloud.hosts.set(host.name, {
      config: host,
      up: known?.up ?? true,
      claimed: known?.claimed ?? { cores: 0, memoryBytes: 0 },
      machines: known?.machines ?? 0,
    });
  }
  furnish(step, config);
  cloud.config = config;
  cloud.faults = config.faults.map((rule) => ({ rule, seen: 0, struck: 0 }));
  cloud.load = { since: step.at, rules: config.load };
}

/** A host dies: its machines are in error. It comes back: they are there again, switched off. */
export function setHost(step: Step, name: string, up: boolean): void {
  const host = step.cloud.hosts.get(name);
  if (!host) refuse('not-found', `this site has no host ${excerpt(name)}`);
  if (host.up === up) return;
  step.cloud.hosts.set(name, { ...host, up });
  for (const machine of step.cloud.things.compute.values()) {
    if (machine.host === name && machine.change?.to !== GONE)
      put(step.cloud, 'compute', up ? rescue(machine) : strand(machine, name), step.touched, step.at);
  }
}

function strand(machine: Machine, host: string): Machine {
  const { change: _cut, ...rest } = machine;
  return {
    ...rest,
    state: 'error',
    message: `host ${host} is down`,
    stranded: true,
    claim: { cores: machine.cores, memoryBytes: machine.memoryBytes },
  };
}

function rescue(machine: Machine): Machine {
  if (!machine.stranded) return machine;
  const { stranded: _no, message: _longer, ...rest } = machine;
  return { ...rest, state: 'inactive' };
}

/** Hosts of the machines it must not, and must, share a host with; either of two machines may be the one that says so. */
function neighbours(step: Step, spec: AskedMachine): Readonly<Record<'apart' | 'together', ReadonlySet<string>>> {
  const mine = { apart: new Set(spec.apartFrom), together: new Set(spec.togetherWith) };
  const found = { apart: new Set<string>(), together: new Set<string>() };
  for (const { id, host, apartFrom, togetherWith } of step.cloud.things.compute.values()) {
    if (id === undefined) continue;
    if (mine.apart.has(id) || apartFrom.includes(spec.id)) found.apart.add(host);
    if (mine.together.has(id) || togetherWith.includes(spec.id)) found.together.add(host);
  }
  return found;
}

/** Share of the host that is still free, of whichever runs short first. */
function emptiness({ config, claimed }: Host): number {
  return Math.min(1 - claimed.cores / config.cores, 1 - claimed.memoryBytes / config.memoryBytes);
}

/** Networks and images of the site's own: without an id, since VEP did not make them. */
function furnish(step: Step, config: SimulatorConfig): void {
  const { cloud, touched, at } = step;
  const present = new Set(CLASSES.flatMap((what) => [...cloud.things[what].keys()]));
  for (const { name, cidr } of config.networks) {
    const range = parseRange(cidr);
    const ref = `net-${name}`;
    if (present.has(ref) || !range) continue;
    put(
      cloud,
      'network',
      {
        ref,
        number: ++cloud.serial,
        state: 'active',
        name,
        cidr: formatRange(range),
        cursor: String(guestAddresses(range).first),
      },
      touched,
      at,
    );
  }
  for (const image of config.images) {
    const ref = `img-${image.name}`;
    if (!present.has(ref)) put(cloud, 'image', { ref, number: ++cloud.serial, state: 'active', ...image }, touched, at);
  }
}
