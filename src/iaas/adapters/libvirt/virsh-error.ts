/**
 * What the refusals of virsh and qemu-img mean. They have one exit code for all, so that their words decide, in the C
 * locale; the first rule that fits counts. The words were read from libvirt 9.0 and QEMU 7.2.
 */

import { IaasError, type IaasErrorClass } from '../../adapter.js';
import { lastWords, type Said } from './program.js';

type Rule = readonly [words: RegExp, meaning: IaasErrorClass];

/** Nobody answered: the site counts as silent. */
const SILENT =
  /failed to connect to the hypervisor|failed to connect socket|unable to connect|connection refused|cannot (recv|write) data|client socket is closed|end of file while reading|connection reset|keepalive|no connection to/i;

const RULES: readonly Rule[] = [
  [/no more available pci|no .*pci slots?/i, 'capacity'],
  [/failed to get domain|domain not found|no domain with matching|no such (domain|snapshot)/i, 'not-found'],
  [
    /no space left|not enough (space|free)|disk quota exceeded|cannot allocate memory|cannot set up guest memory/i,
    'capacity',
  ],
  [/vcpus? (is|are)? ?greater than|max(imum)? vcpus|exceeds (the )?maximum/i, 'capacity'],
  [
    /timed out during operation|cannot acquire state change lock|another .*(job|operation) is|too many active clients|try again/i,
    'transient',
  ],
  [
    /address already in use|could not set up host forwarding|failed to get "write" lock|is another process using/i,
    'conflict',
  ],
  [
    /permission denied|operation not permitted|access denied|authentication (failed|cancelled)|unauthorized|not authorized/i,
    'denied',
  ],
  [
    /already (exists|running|active|defined|in use)|not running|is running|operation is not valid|domain is |block copy|job/i,
    'conflict',
  ],
  [/not supported|unsupported/i, 'unsupported'],
  [/xml error|xml document failed|invalid argument|\(domain_definition\)|validation|malformed|invalid/i, 'invalid'],
  // A QEMU that is killed while it starts, and whatever else may be otherwise next time.
  [/unexpectedly closed the monitor|process exited while connecting|monitor .*(closed|hang)/i, 'fatal'],
];

export function meaningOf(words: string): IaasErrorClass {
  if (SILENT.test(words)) return 'transient';
  return RULES.find(([of]) => of.test(words))?.[1] ?? 'fatal';
}

/** The refusal as an error, with the program's own words. */
export function refusalOf(what: string, said: Said): IaasError {
  const words = lastWords(said);
  if (SILENT.test(words)) return new IaasError('transient', `libvirt does not answer: ${words}`);
  return new IaasError(meaningOf(words), `${what} failed: ${words}`, words);
}

/** A program that succeeded by its exit code and did not say what it says then. */
export function nonsense(what: string, said: Said): IaasError {
  return new IaasError('transient', `${what} gave an answer that is none`, lastWords(said));
}
