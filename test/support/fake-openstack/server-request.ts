/** `POST /servers` as Nova's schema has it, by microversion. */

import { fault, type Json } from './answers.js';
import type { Flavor, World } from './world.js';

const MEMBERS: readonly string[] = [
  'name',
  'flavorRef',
  'imageRef',
  'networks',
  'metadata',
  'user_data',
  'config_drive',
  'tags',
  'block_device_mapping_v2',
  'availability_zone',
];

/** Refuses a flavor with less than the image wants, or the image of the volume that is booted from. */
export function refuseTooSmall({ ram, disk }: Flavor, image: Json): void {
  if (ram < Number(image.min_ram ?? 0)) throw fault(400, "Flavor's memory is too small for requested image.");
  const [has, needs] = [disk * 2 ** 30, Number(image.min_disk ?? 0) * 2 ** 30];
  if (has >= needs) return;
  throw fault(
    400,
    `Flavor's disk is too small for requested image. Flavor disk is ${has} bytes, minimum size is ${needs} bytes.`,
  );
}

/** The flavor of a server that is well described; everything else is refused. */
export function flavorOfRequest(world: World, asked: Json, minor: number): Flavor {
  const complaint = (what: string): never => {
    throw fault(400, `Invalid input for field/attribute server. Value: ${JSON.stringify(asked)}. ${what}`);
  };
  if (asked.networks === undefined && minor >= 37) complaint("'networks' is a required property");
  const known = [...MEMBERS, ...(minor >= 74 ? ['host'] : []), ...(minor >= 90 ? ['hostname'] : [])];
  for (const name of Object.keys(asked))
    if (!known.includes(name)) complaint(`Additional properties are not allowed ('${name}' was unexpected)`);
  if (!/^(?! )[ -\ud7ff\ue000-\uffff]{1,255}(?<! )$/.test(asked.name)) complaint(`'${asked.name}' does not match`);
  for (const [key, value] of Object.entries(asked.metadata ?? {}))
    if (String(value).length > 255)
      throw fault(
        400,
        `Invalid input for field/attribute ${key}. Value: ${String(value)}. '${String(value)}' is too long`,
      );
  for (const tag of asked.tags ?? []) if (tag.length > 60 || /[,/]/.test(tag)) complaint(`'${tag}' is too long`);
  if (asked.hostname !== undefined && !/^[A-Za-z0-9-]{2,63}$/.test(asked.hostname))
    throw fault(
      400,
      `Invalid input for field/attribute hostname. Value: ${asked.hostname}. '${asked.hostname}' is too short`,
    );
  if (asked.user_data !== undefined && !/^[A-Za-z0-9+/]+=*$/.test(asked.user_data))
    throw fault(400, `'${asked.user_data}' is not a 'base64'`);
  const flavor = world.flavors.get(asked.flavorRef);
  if (!flavor) throw fault(400, `Flavor ${asked.flavorRef} could not be found.`);
  return flavor;
}
