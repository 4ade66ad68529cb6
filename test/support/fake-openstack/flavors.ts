/** Flavors of Nova: everybody sees them, an administrator makes them. */

import { fault, mayOnly, noMarker, paged, type Answer, type Json, type Request } from './answers.js';
import type { Flavor, World } from './world.js';

export function listFlavors({ flavors }: World, request: Request): Answer {
  const shown = ({ id, name, vcpus, ram, disk, disabled = false }: Flavor): Json => ({
    id,
    name,
    vcpus,
    ram,
    disk,
    swap: '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': disabled,
    'os-flavor-access:is_public': true,
    extra_specs: {},
  });
  return { status: 200, body: paged(request, 'flavors', [...flavors.values()], shown, noMarker) };
}

export function makeFlavor(world: World, { name, vcpus, ram, disk }: Json, admin: boolean): Answer {
  mayOnly(admin, 'os_compute_api:os-flavor-manage:create');
  if ([...world.flavors.values()].some((flavor) => flavor.name === name))
    throw fault(409, `Flavor with name ${name} already exists.`);
  return { status: 200, body: { flavor: world.addFlavor(name, vcpus, ram, disk) } };
}
