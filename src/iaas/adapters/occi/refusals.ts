/** What an OCCI server says no with, by what it means: the status, the codes of a VEP, and the words that servers of the field use. */

import { Problem, messageOf } from '../../../base/errors.js';
import { Deferred, NoAnswer, OcciRefusal } from '../../../client/occi-answers.js';
import { IaasError, type IaasErrorClass } from '../../adapter.js';

const BY_STATUS: Readonly<Record<number, IaasErrorClass>> = {
  // How rOCCI-server 1 says, without a word, that the cloud behind it did not do it (`spec/occi.md` §14).
  304: 'fatal',
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  405: 'unsupported',
  406: 'unsupported',
  408: 'transient',
  409: 'conflict',
  410: 'not-found',
  412: 'conflict',
  415: 'unsupported',
  425: 'transient',
  429: 'transient',
  501: 'unsupported',
};

/** Words in which servers tell, under many a status, what it was about (ooi, rOCCI-server). */
const BY_WORDS: readonly (readonly [RegExp, IaasErrorClass])[] = [
  [/quota|limit(?:s)? (?:was |were |is )?(?:exceeded|reached)/i, 'quota'],
  [/no valid host|not enough|no room|insufficient|free capacity|larger than any/i, 'capacity'],
];

/** Whatever went wrong with a request, as adapters say it. */
export function asIaasError(error: unknown): IaasError {
  if (error instanceof IaasError) return error;
  if (error instanceof OcciRefusal) {
    const message = error.said === '' ? error.message : error.said;
    return new IaasError(classOf(error), message, error.said === '' ? `status ${error.status}` : error.said);
  }
  if (error instanceof Deferred) return new IaasError('transient', error.message, 'busy');
  if (error instanceof NoAnswer) return new IaasError('transient', error.message, error.message);
  if (error instanceof Problem) return ofProblem(error);
  return new IaasError('fatal', `the server's answer cannot be read: ${messageOf(error)}`, undefined, error);
}

function classOf({ status, said, codes }: OcciRefusal): IaasErrorClass {
  if (codes.some((code) => /^placement\.(capacity|too-large)/.test(code))) return 'capacity';
  if (codes.some((code) => code.includes('quota'))) return 'quota';
  if (codes.includes('infrastructure.no-filter')) return 'unsupported';
  if (status >= 400 && status < 500 && status !== 401) {
    for (const [words, errorClass] of BY_WORDS) if (words.test(said)) return errorClass;
  }
  return BY_STATUS[status] ?? (status >= 500 || status < 400 ? 'transient' : 'invalid');
}

/** Problems come from the dialler (no way there) and from the parsers (nonsense in the place of an answer). */
function ofProblem(error: Problem): IaasError {
  const code = error.faults[0]?.code ?? '';
  if (error.kind === 'unavailable' || code.startsWith('net.')) {
    return new IaasError('transient', error.message, undefined, error);
  }
  return new IaasError('transient', `the server's answer cannot be read: ${error.message}`, error.message, error);
}

/** The class of a failure that a VEP reports of work it had accepted. */
export function isErrorClass(word: unknown): word is IaasErrorClass {
  return typeof word === 'string' && CLASSES.has(word);
}

const CLASSES: ReadonlySet<string> = new Set<IaasErrorClass>([
  'not-found',
  'conflict',
  'quota',
  'capacity',
  'denied',
  'invalid',
  'unsupported',
  'transient',
  'fatal',
]);
