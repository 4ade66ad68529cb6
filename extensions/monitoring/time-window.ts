/**
 * The time window of a sensor (monitoring draft §3.1): offsets in seconds from a reference time. Without a window a sensor
 * works as long as it lives; with a negative reference time it is suspended. The draft writes the reference time both
 * as ISO 8601 and as seconds since the epoch, so both are read.
 */

import type { Fault } from '../../src/base/errors.js';
import type { Attributes } from '../../src/occi/model.js';
import { ACCURACY, TIMEBASE, TIMESTART, TIMESTOP } from './vocabulary.js';

/** Milliseconds since the epoch; an end that is absent is open. */
export interface TimeWindow {
  readonly suspended: boolean;
  readonly start?: number;
  readonly stop?: number;
}

/** The window that a sensor's attributes describe; offsets without a reference time count from `now`. */
export function timeWindowOf(attributes: Attributes, now: number): TimeWindow {
  const base = timeOf(attributes[TIMEBASE]) ?? now;
  if (base < 0) return { suspended: true };
  const at = (offset: unknown): number | undefined => (typeof offset === 'number' ? base + offset * 1000 : undefined);
  const start = at(attributes[TIMESTART]);
  const stop = at(attributes[TIMESTOP]);
  return { suspended: false, ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
}

/**
 * What is wrong with the window that a sensor shall have (C-255): it ends before it begins, or a part of it that was not
 * there `before` lies in the past. Times agree only as far as the sensor's accuracy goes, so the past begins there.
 */
export function timeWindowFaults(attributes: Attributes, now: number, before?: Attributes): Fault[] {
  const faults: Fault[] = [];
  const { [TIMESTART]: first, [TIMESTOP]: last, [ACCURACY]: accuracy } = attributes;
  if (typeof first === 'number' && typeof last === 'number' && last < first)
    faults.push(fault('order', TIMESTOP, 'the window ends before it begins', `let ${TIMESTOP} be the larger one`));
  const window = timeWindowOf(attributes, now);
  const earlier: TimeWindow = before ? timeWindowOf(before, now) : { suspended: true };
  const past = now - (typeof accuracy === 'number' ? accuracy : 0) * 1000;
  if (window.start !== undefined && window.start < past && window.start !== earlier.start)
    faults.push(fault('past', TIMESTART, 'the window begins in the past', 'name a time to come, or leave it out'));
  if (window.stop !== undefined && window.stop < past && window.stop !== earlier.stop)
    faults.push(fault('past', TIMESTOP, 'the window ends in the past', 'name a time to come, or leave it out'));
  return faults;
}

/** Milliseconds since the epoch of a reference time in either notation. */
function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const seconds = Number(value);
  return Number.isNaN(seconds) ? Date.parse(value) : seconds * 1000;
}

function fault(what: string, field: string, message: string, remedy: string): Fault {
  const code = `monitoring.window-${what}`;
  return { code, message, place: { field }, rule: 'monitoring draft §3.1 (C-255)', remedy };
}
