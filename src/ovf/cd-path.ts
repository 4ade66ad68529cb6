/**
 * Paths of files on the CD of a guest: what every system that reads one of its three name spaces can open (ECMA-119 §6.8.2,
 * Rock Ridge, Joliet), and nothing that leads elsewhere.
 */

/** Directories round a file: ECMA-119 allows eight levels, the root and the file's own among them. */
const DEEPEST = 6;
/** Joliet's limit, in characters of UTF-16, and what a Rock Ridge name may take of a directory record. */
const LONGEST_STEP = { characters: 64, bytes: 150 };

/** A path that is also the folder of another one, whatever their case: no disc can have both. */
export function clashingPath(paths: readonly string[]): string | undefined {
  const files = new Set(paths.map((path) => path.toLowerCase()));
  return paths.find((path) => foldersOf(path.toLowerCase()).some((folder) => files.has(folder)));
}

/** The folders round a path, outermost first. */
export function foldersOf(path: string): readonly string[] {
  const steps = path.split('/').slice(0, -1);
  return steps.map((_, index) => steps.slice(0, index + 1).join('/'));
}

/** Why a path cannot be used, if there is a reason. */
export function unsafeCdPath(path: string): string | undefined {
  const steps = path.split('/');
  if (path === '') return 'it is empty';
  if (path.startsWith('/')) return 'it is absolute';
  if (steps.length > DEEPEST + 1) return `it lies deeper than ${DEEPEST} folders`;
  for (const step of steps) {
    const reason = unsafeStep(step);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function unsafeStep(step: string): string | undefined {
  if (step === '' || step === '.' || step === '..') return 'a step of it is empty, "." or ".."';
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\\:*?"<>|;\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u.test(step))
    return 'it holds a character that no file name may have';
  if (/[. ]$|^ /.test(step)) return 'a step of it begins or ends with a space, or ends with a dot';
  if (step.length > LONGEST_STEP.characters || Buffer.byteLength(step) > LONGEST_STEP.bytes)
    return `a step of it is longer than ${LONGEST_STEP.characters} characters or ${LONGEST_STEP.bytes} bytes`;
  return undefined;
}
