/** The lines of a body, which may end in CRLF, LF or CR (A37); empty lines are passed over. Linear however the ends are mixed. */

import { Occurrences } from './occurrences.js';

/** Calls back with the offsets of each line, without its end, and its 1-based number. */
export function forEachLine(body: string, read: (from: number, to: number, number: number) => void): void {
  const feeds = new Occurrences('\n', body);
  const returns = new Occurrences('\r', body);
  // A byte order mark is no part of the first line.
  let from = body.startsWith('\ufeff') ? 1 : 0;
  for (let number = 1; from < body.length; number += 1) {
    const feed = feeds.from(from);
    const carriage = returns.from(from);
    const to = Math.min(feed, carriage);
    if (to > from) read(from, to, number);
    from = to === carriage && feed === carriage + 1 ? to + 2 : to + 1;
  }
}
