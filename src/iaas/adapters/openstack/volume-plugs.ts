/**
 * What a volume notes of the servers it is plugged into. Neither Nova nor Cinder keeps a token of an attachment, so the volume
 * carries it: one for the server that has it, or, where several may have it, one for each by the key of its machine.
 */

import { stringAt, type JsonObject } from '../../../base/json.js';
import { kept, unkept } from './marks.js';

export interface Plug {
  /** Digest of the token of the attachment. */
  readonly token: string;
  /** Id of the link. */
  readonly entity: string;
  /** VEP has let go of it. */
  readonly left: boolean;
}

/** By the key of the machine, and under the empty one where a volume is in one server at a time. */
export type Plugs = ReadonlyMap<string, Plug>;

const OF_MACHINE = /^vep_plug_([0-9a-f]{40})$/;

/** Names in a volume's metadata of what is noted for a machine. */
export function namesOf(machine: string): { readonly token: string; readonly entity: string; readonly left: string } {
  const suffix = machine === '' ? '' : `_${machine}`;
  return { token: `vep_plug${suffix}`, entity: `vep_plug_id${suffix}`, left: `vep_left${suffix}` };
}

export function readPlugs(metadata: JsonObject, shared: boolean): Plugs {
  const machines = shared ? Object.keys(metadata).flatMap((name) => OF_MACHINE.exec(name)?.[1] ?? []) : [''];
  return new Map(
    machines.flatMap((machine): [string, Plug][] => {
      const names = namesOf(machine);
      const token = stringAt(metadata, names.token);
      if (token === undefined) return [];
      const entity = unkept(stringAt(metadata, names.entity) ?? '');
      return [[machine, { token, entity, left: stringAt(metadata, names.left) === token }]];
    }),
  );
}

/** Metadata that notes a plug before it is there. */
export function writePlug(machine: string, token: string, entity: string): Readonly<Record<string, string>> {
  const names = namesOf(machine);
  return { [names.token]: token, [names.entity]: kept(entity), [names.left]: '' };
}
