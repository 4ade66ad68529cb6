/**
 * The address of an IP reservation (`spec/occi.md` §4): how it is read from a range of a site, and
 * whether an interface has it. An address counts as used until the site has let go of the interface (K11).
 */

import ipaddr from 'ipaddr.js';
import type { Observations } from '../../src/extension/observations.js';
import { NETWORKINTERFACE } from '../../src/occi/model.js';
import { findEntity } from '../../src/store/entities.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { IPRESERVATION } from './states.js';

export const RESERVED_ADDRESS = 'occi.ipreservation.address';
export const RESERVATION_USED = 'occi.ipreservation.used';

/**
 * The address that a range stands for: its first, where the range is too small for a network address, else the first
 * that a guest can have beside the gateway. Undefined when `cidr` is no range.
 */
export function addressOfRange(cidr: string, gateway: string | undefined): string | undefined {
  if (!ipaddr.isValidCIDR(cidr)) return undefined;
  const [address, prefix] = ipaddr.parseCIDR(cidr);
  const bytes = address.toByteArray();
  const hostBits = BigInt(bytes.length * 8 - prefix);
  const base = (numberOf(bytes) >> hostBits) << hostBits;
  if (hostBits < 2n) return textOf(base, bytes.length);
  const first = textOf(base + 1n, bytes.length);
  return first === gateway ? textOf(base + 2n, bytes.length) : first;
}

/** Whether an interface has, or is still giving back, the address. */
export async function isReservationUsed(
  reader: SqlReader,
  observations: Observations,
  reservation: string,
): Promise<boolean> {
  const kinds = await reader.pluck<string>('SELECT DISTINCT kind FROM entity WHERE target = ?', [reservation]);
  return kinds.some((kind) => observations.rootKind(kind) === NETWORKINTERFACE);
}

/** Shows on the reservation whether it is used. Anything else that `id` names is left alone. */
export async function showReservationUse(tx: Tx, observations: Observations, id: string): Promise<void> {
  const entity = await findEntity(tx, id);
  if (entity?.phase !== 'live' || observations.rootKind(entity.kind) !== IPRESERVATION) return;
  await observations.noted(tx, id, { [RESERVATION_USED]: await isReservationUsed(tx, observations, id) });
}

/** The site has let go of an entity: it goes out of the store, and an address that it had is free again. */
export async function forgetEntity(tx: Tx, observations: Observations, id: string): Promise<void> {
  const entity = await findEntity(tx, id);
  await observations.gone(tx, id);
  if (entity?.target) await showReservationUse(tx, observations, entity.target);
}

function numberOf(bytes: readonly number[]): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function textOf(value: bigint, length: number): string {
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
  return ipaddr.fromByteArray(bytes).toString();
}
