/**
 * Names of the pieces in which a large file lies in a package (`ovf:chunkSize`, DSP0243 §7.1):
 * `chunk-url = href-value "." chunk-number`, with nine digits, from zero.
 */

/** One piece of a file. */
export interface Piece {
  /** Name of the file, which all its pieces share. */
  readonly whole: string;
  readonly number: number;
}

export function pieceName(whole: string, number: number): string {
  return `${whole}.${String(number).padStart(9, '0')}`;
}

/** The piece of which this is the name; undefined for any other name. */
export function pieceOf(name: string): Piece | undefined {
  const [, whole, digits] = /^(.+)\.(\d{9})$/s.exec(name) ?? [];
  return whole === undefined ? undefined : { whole, number: Number(digits) };
}
