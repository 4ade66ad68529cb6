/** The lines of a body, which may end in CRLF, LF or CR (A37); empty lines are passed over. Linear however the ends are mixed. */

export interface Line {
  /** 1-based. */
  readonly number: number;
  /** Offsets of the line without its end. */
  readonly from: number;
  readonly to: number;
}

export function* linesOf(body: string): Generator<Line> {
  // A byte order mark is no part of the first line.
  let from = body.startsWith('\ufeff') ? 1 : 0;
  let lf = -1;
  let cr = -1;
  for (let number = 1; from < body.length; number += 1) {
    if (lf < from) lf = indexOrEnd(body, '\n', from);
    if (cr < from) cr = indexOrEnd(body, '\r', from);
    const to = Math.min(lf, cr);
    if (to > from) yield { number, from, to };
    from = to === cr && lf === cr + 1 ? to + 2 : to + 1;
  }
}

function indexOrEnd(body: string, end: string, from: number): number {
  const index = body.indexOf(end, from);
  return index < 0 ? body.length : index;
}
