/**
 * What a simulated site says of itself at a given time: of each thing, of its capacity, of its machines' load. Pure
 * views of the folded state; a change that has come due counts although no later command has moved the site on.
 */

import type { Inventory, MetricSample, Observed, ResourceClass, SiteRef } from '../../adapter.js';
import {
  settle,
  type Attachment,
  type Cloud,
  type Image,
  type Machine,
  type Network,
  type Nic,
  type SecurityGroup,
  type Thing,
  type Things,
  type Volume,
} from './cloud.js';
import { measure } from './load.js';

/** One thing as the site reports it at `now`; nothing when it is gone. */
export function observe<C extends ResourceClass>(
  cloud: Cloud,
  what: C,
  ref: SiteRef,
  now: number,
): Observed | undefined {
  const thing = cloud.things[what].get(ref);
  const settled = thing && settle<Thing>(thing, now);
  return settled && report(cloud, what, settled as Things[C], now);
}

export function takeInventory(cloud: Cloud, now: number): Inventory {
  const claimed = new Map<string, { cores: number; memoryBytes: number }>();
  let storage = 0;
  for (const machine of alive(cloud.things.compute, now)) {
    const sum = claimed.get(machine.host) ?? { cores: 0, memoryBytes: 0 };
    claimed.set(machine.host, {
      cores: sum.cores + machine.claim.cores,
      memoryBytes: sum.memoryBytes + machine.claim.memoryBytes,
    });
    storage += machine.diskBytes;
  }
  const images = alive(cloud.things.image, now);
  for (const volume of alive(cloud.things.storage, now)) storage += volume.claimBytes;
  for (const image of images) storage += image.sizeBytes;
  return {
    takenAt: now,
    hosts: [...cloud.hosts.values()].map(({ config, up }) => ({
      ...config,
      up,
      freeCores: Math.max(0, config.cores - (claimed.get(config.name)?.cores ?? 0)),
      freeMemoryBytes: Math.max(0, config.memoryBytes - (claimed.get(config.name)?.memoryBytes ?? 0)),
    })),
    networks: alive(cloud.things.network, now).map(({ ref, name, cidr, id }) => ({
      ref,
      name,
      cidr,
      shared: id === undefined,
    })),
    images: images
      .filter((image) => image.state === 'active')
      .map(({ ref, name, sizeBytes, format }) => ({ ref, name, sizeBytes, format })),
    storageFreeBytes: Math.max(0, (cloud.config?.storageBytes ?? 0) - storage),
  };
}

/** Measurements of those machines among `refs` that run at `now`. */
export function sample(cloud: Cloud, refs: readonly SiteRef[], now: number): MetricSample[] {
  const config = cloud.config;
  if (!config) return [];
  const active = alive(cloud.things.compute, now).filter((machine) => machine.state === 'active');
  const asked = new Set(refs);
  const script = {
    rules: cloud.load.rules,
    seconds: ((now - cloud.load.since) / 1000) * config.timeFactor,
    seed: config.seed,
  };
  return active
    .filter((machine) => asked.has(machine.ref))
    .flatMap((machine) =>
      [...measure(machine, active, script)].map(([metric, value]) => ({ ref: machine.ref, metric, at: now, value })),
    );
}

export function alive<T extends Thing>(things: ReadonlyMap<SiteRef, T>, now: number): T[] {
  const found: T[] = [];
  for (const thing of things.values()) {
    const settled = settle(thing, now);
    if (settled) found.push(settled);
  }
  return found;
}

function report(cloud: Cloud, what: ResourceClass, thing: Things[ResourceClass], now: number): Observed {
  const common = {
    ref: thing.ref,
    busy: thing.change !== undefined,
    ...(thing.id === undefined ? {} : { id: thing.id }),
    ...(thing.message === undefined ? {} : { message: thing.message }),
  };
  switch (what) {
    case 'compute': {
      const { state, cores, memoryBytes, host, name } = thing as Machine;
      return { class: what, ...common, state, cores, memoryBytes, host, name };
    }
    case 'network': {
      const { state, cidr, gateway, vlan, name } = thing as Network;
      return {
        class: what,
        ...common,
        state,
        name,
        cidr,
        ...(gateway === undefined ? {} : { gateway }),
        ...(vlan === undefined ? {} : { vlan }),
      };
    }
    case 'storage': {
      const { state, sizeBytes, change, name } = thing as Volume;
      const shown = change?.shown as 'backup' | 'snapshot' | 'resize' | undefined;
      return { class: what, ...common, state: shown ?? state, sizeBytes, name };
    }
    case 'nic': {
      const nic = thing as Nic;
      const network = at(cloud.things.network, nic.network, now);
      const flows = network?.state === 'active' && isRunning(cloud, nic.compute, now) && !nic.change;
      return {
        class: what,
        ...common,
        state: nic.state === 'error' ? 'error' : flows ? 'active' : 'inactive',
        interface: nic.interface,
        mac: nic.mac,
        ...(nic.address === undefined ? {} : { address: nic.address }),
        ...(network?.gateway === undefined ? {} : { gateway: network.gateway }),
        securityGroups: nic.securityGroups ?? [],
      };
    }
    case 'attachment': {
      const attachment = thing as Attachment;
      const online = at(cloud.things.storage, attachment.storage, now)?.state === 'online';
      const usable = online && isRunning(cloud, attachment.compute, now) && !attachment.change;
      return {
        class: what,
        ...common,
        state: attachment.state === 'error' ? 'error' : usable ? 'active' : 'inactive',
        device: attachment.device,
      };
    }
    case 'image': {
      const { state, sizeBytes } = thing as Image;
      return { class: what, ...common, state, sizeBytes };
    }
    case 'securitygroup': {
      const { state, rules } = thing as SecurityGroup;
      return { class: what, ...common, state, rules };
    }
  }
}

const isRunning = (cloud: Cloud, ref: SiteRef, now: number): boolean =>
  at(cloud.things.compute, ref, now)?.state === 'active';

function at<T extends Thing>(things: ReadonlyMap<SiteRef, T>, ref: SiteRef, now: number): T | undefined {
  const thing = things.get(ref);
  return thing && settle(thing, now);
}
