/**
 * Whose attribute certificates count for which VO (`spec/federation-auth.md` §5): the `vomsdir`, with one folder a VO
 * and in it, by the host of a VOMS server, an `.lsc` file (the names of its certificate and of each authority above) or
 * the certificate itself. The `.lsc` wins if both are there.
 */

import { certificatesIn, type Certificate } from './certificate.js';
import { normalSlash } from './name.js';

export const VO_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

export interface VomsServer {
  /** Slash names, normalised, from the server's own upwards; one list for each chain that it may have. */
  readonly chains: readonly (readonly string[])[];
  /** Pinned certificates; only where there is no `.lsc`. */
  readonly certificates: readonly Certificate[];
}

/** Servers by VO and host. */
export type VomsTrust = ReadonlyMap<string, ReadonlyMap<string, VomsServer>>;

/** The chains of an `.lsc` file. A chain of one name says nothing of who vouches for it and is left out. */
export function parseLsc(text: string): string[][] {
  return text
    .split(/^-+ NEXT CHAIN -+\s*$/m)
    .map((chain) =>
      chain
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map(normalSlash),
    )
    .filter((chain) => chain.length >= 2);
}

/** A VO and a host as they may name folders and files. */
export function vomsServerOf(files: { readonly lsc?: string; readonly pem?: Uint8Array }): VomsServer {
  if (files.lsc !== undefined) return { chains: parseLsc(files.lsc), certificates: [] };
  return { chains: [], certificates: files.pem ? certificatesIn(files.pem) : [] };
}
