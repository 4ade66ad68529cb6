/** Times of agreements: ISO 8601 durations and absolute date-times (`spec/sla.md` §2, C-248). */

/** Months have no fixed length: they are kept apart from seconds. */
export interface Duration {
  readonly months: number;
  readonly seconds: number;
}

const DURATION =
  /^P(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?(T(?:(\d{1,7})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?$/;

/** `PT5M`, `P1M`, `P1DT12H`; undefined if the text is none, or is zero. */
export function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text);
  if (!match || match[5] === 'T') return undefined;
  const [years, months, weeks, days, , hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  const duration = {
    months: (years ?? 0) * 12 + (months ?? 0),
    seconds: (((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0),
  };
  return duration.months + duration.seconds > 0 ? duration : undefined;
}

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * An absolute date-time with its offset from UTC, in milliseconds since the epoch. Durations, intervals, local times and
 * days that no calendar has are undefined.
 */
export function parseDateTime(text: string): number | undefined {
  const match = DATE_TIME.exec(text);
  if (!match) return undefined;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
