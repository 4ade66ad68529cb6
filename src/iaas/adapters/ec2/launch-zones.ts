/**
 * The zones in which a machine can be launched, in the order in which they are tried: where VEP's placement wants it, and where its
 * networks and volumes are, which EC2 has in one zone each.
 */

import { IaasError, type CallOptions, type ComputeSpec } from '../../adapter.js';
import type { LaunchInterfaces } from './launch-interfaces.js';
import { holds, type Networks } from './networks.js';
import type { PlacementGroups } from './placement-groups.js';
import type { Volumes } from './volumes.js';
import type { Zones } from './zones.js';

export interface LaunchZoneServices {
  readonly zones: Zones;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly launchInterfaces: LaunchInterfaces;
  readonly placementGroups: PlacementGroups;
}

/** Something that holds a machine to some zones. */
interface Bond {
  readonly what: string;
  readonly zones: readonly string[];
}

export class LaunchZones {
  readonly #services: LaunchZoneServices;

  constructor(services: LaunchZoneServices) {
    this.#services = services;
  }

  /**
   * @throws IaasError `not-found` for a host that is no zone of the site, `conflict` where the networks and volumes of the machine
   *   are not all in one that it may be in
   */
  async of(spec: ComputeSpec, token: string, type: string, call: CallOptions): Promise<readonly string[]> {
    const { zones, launchInterfaces } = this.#services;
    const all = await zones.all(call);
    if (spec.host !== undefined) await zones.mustHave(spec.host, call);
    await this.#seeThatApart(spec, all, call);
    const bonds = [this.#placement(spec, all)];
    if (all.length > 1) bonds.push(...(await this.#networks(spec, call)), ...(await this.#volumes(spec, call)));
    const possible = bonds.reduce(
      (left, bond) => left.filter((zone) => bond.zones.includes(zone)),
      preferred(spec, all),
    );
    if (possible.length === 0)
      throw new IaasError(
        'conflict',
        `no zone has all that the machine needs (${bonds.map(({ what, zones: of }) => `${what}: ${of.join(', ')}`).join('; ')}): ` +
          'make its volumes and networks in one zone, or networks of no range of their own, which are in all',
      );
    if (possible.length === 1) return possible;
    // There it may have been launched.
    const begun = await launchInterfaces.begunIn(spec, token, call);
    const others = possible.filter((zone) => zone !== begun);
    return [...possible.filter((zone) => zone === begun), ...zones.inTurn(others, type)];
  }

  /** Without placement groups zones keep machines apart, where VEP's placement has chosen them. */
  async #seeThatApart({ apartFrom = [], host }: ComputeSpec, all: readonly string[], call: CallOptions): Promise<void> {
    const { placementGroups } = this.#services;
    if (apartFrom.length === 0 || placementGroups.offered) return;
    if (all.length === 1 || host === undefined)
      throw new IaasError('unsupported', 'this EC2 keeps no machines apart within a zone (placementGroups)');
    if ((await placementGroups.zonesOf(apartFrom, call)).has(host))
      throw new IaasError('capacity', `${host} has a machine already that this one must be apart from`);
  }

  #placement({ host, hostIsWish, zones, apartFrom = [] }: ComputeSpec, all: readonly string[]): Bond {
    const isFree = hostIsWish === true && (apartFrom.length === 0 || this.#services.placementGroups.offered);
    const allowed = zones === undefined ? all : all.filter((zone) => zones.includes(zone));
    return { what: 'its placement', zones: host === undefined || isFree ? allowed : [host] };
  }

  async #networks(spec: ComputeSpec, call: CallOptions): Promise<readonly Bond[]> {
    const { networks, launchInterfaces } = this.#services;
    const asked = launchInterfaces.asked(spec);
    if (asked.length === 0) {
      const zones = [...(await networks.defaults(call)).keys()];
      if (zones.length > 0) return [{ what: 'subnets of machines without a network', zones }];
      throw new IaasError('invalid', 'no zone has a default subnet: name one of each zone under network.subnets');
    }
    return Promise.all(
      asked.map(async ({ network, address }) => {
        const places = await networks.places(network, call);
        const zones = [...places].flatMap(([zone, subnet]) => (holds(subnet, address) ? [zone] : []));
        return { what: address === undefined ? 'a network' : `the address ${address}`, zones };
      }),
    );
  }

  async #volumes({ volumes: plugs = [] }: ComputeSpec, call: CallOptions): Promise<readonly Bond[]> {
    const found = await this.#services.volumes.some(
      plugs.map(({ storage }) => storage),
      call,
    );
    return found.map(({ AvailabilityZone: zone = '' }) => ({ what: 'a volume', zones: [zone] }));
  }
}

/** The zone that placement has chosen before the others. */
function preferred({ host }: ComputeSpec, all: readonly string[]): readonly string[] {
  return host === undefined ? all : [host, ...all.filter((zone) => zone !== host)];
}
