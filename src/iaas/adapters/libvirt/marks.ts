/**
 * How VEP knows its own things again. Names and UUIDs come from the token of a creation, so that a second creation finds
 * the first; what a machine is for VEP stands in the metadata of its domain, as JSON in ASCII, which XML can hold
 * whatever the texts in it are.
 */

import { createHash } from 'node:crypto';

export interface ForwardModel {
  readonly guest: number;
  readonly host: number;
}

export interface NicModel {
  /** Digest of the token. */
  readonly token: string;
  readonly id: string;
  readonly network: string;
  readonly mac: string;
  readonly address: string;
}

export interface DiskModel {
  readonly token: string;
  readonly id: string;
  readonly volume: string;
  /** `sdb` */
  readonly device: string;
  readonly readOnly?: true;
  /** Other machines may have it too. */
  readonly shared?: true;
}

/** What VEP remembers of a machine. */
export interface MachineModel {
  readonly realm: string;
  readonly id: string;
  readonly token: string;
  readonly name: string;
  readonly application?: string;
  readonly owner?: { readonly user: string; readonly group: string };
  readonly cores: number;
  readonly memoryBytes: number;
  readonly architecture?: 'x86' | 'x64';
  readonly firmware?: 'efi';
  /** Image of its boot disk, where it boots from none of its volumes. */
  readonly image?: string;
  /** The interface beside its networks. */
  readonly access?: { readonly mac: string; readonly forwards: readonly ForwardModel[] };
  readonly nics: readonly NicModel[];
  readonly disks: readonly DiskModel[];
}

export function digestOf(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 40);
}

/** A UUID (version 8, RFC 9562 §5.8) that is the token's. */
export function uuidOf(realm: string, token: string): string {
  const bytes = createHash('sha256').update(`${realm}\0compute\0${token}`).digest().subarray(0, 16);
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Name of a machine's domain. */
export function domainName(realm: string, uuid: string): string {
  return `${realm}-${uuid}`;
}

/** The UUID in the name of a domain of this realm. */
export function uuidInName(realm: string, name: string): string | undefined {
  const uuid = name.startsWith(`${realm}-`) ? name.slice(realm.length + 1) : '';
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) ? uuid : undefined;
}

/** An address in QEMU's range that is the token's. */
export function macOf(token: string): string {
  const hex = createHash('sha256').update(`mac\0${token}`).digest('hex');
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
}

export function modelText(model: MachineModel): string {
  return JSON.stringify(model).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What {@link modelText} wrote; nothing for the text of somebody else. */
export function readModel(text: string, realm: string): MachineModel | undefined {
  try {
    const value = JSON.parse(text) as Partial<MachineModel>;
    const whole = typeof value.id === 'string' && Array.isArray(value.nics) && Array.isArray(value.disks);
    return whole && value.realm === realm ? (value as MachineModel) : undefined;
  } catch {
    return undefined;
  }
}
