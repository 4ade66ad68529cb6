/**
 * What oned's refusals mean. The code alone says little: 512 is a missing right, but also an exhausted quota, a restricted
 * attribute and a locked object; 8192 is an internal error, but also a malformed template and a name that is taken. The
 * first rule of the table that fits decides; the rules were read from the answers of oned 6.10.
 */

import { IaasError, type IaasErrorClass } from '../../adapter.js';
import type { Answer } from './xml-rpc.js';

const AUTHENTICATION = 0x100;
const AUTHORIZATION = 0x200;
const NO_EXISTS = 0x400;
const ACTION = 0x800;
const XML_RPC_API = 0x1000;
const INTERNAL = 0x2000;
const ALLOCATE = 0x4000;
const LOCKED = 0x8000;
const REPLICATION = 0x10000;

/**
 * What oned says when two ask for one name at the same instant: nothing, or that there was an error. The second is stopped
 * by the database alone.
 */
const WITHOUT_REASON = /^(\[[\w.]+\])?\s*(Error allocating a new [\w ]+\.?)?\s*$/i;

const ANY = /^/;

type Rule = readonly [code: number | undefined, text: RegExp, meaning: IaasErrorClass];

const RULES: readonly Rule[] = [
  [AUTHENTICATION, ANY, 'denied'],
  [AUTHORIZATION, /limit of .* reached for .* quota/i, 'quota'],
  [AUTHORIZATION, /restricted attribute/i, 'invalid'],
  // Said to administrators alone: others hear that they have no right.
  [AUTHORIZATION, /is locked/i, 'conflict'],
  [AUTHORIZATION, ANY, 'denied'],
  [NO_EXISTS, ANY, 'not-found'],
  [undefined, /is already taken|cannot be in state|cannot clone image in state|has to be RUNNING/i, 'conflict'],
  [undefined, /not supported|cannot be performed by/i, 'unsupported'],
  [
    undefined,
    /not enough (free |space|cpu|memory|capacity)|does not have enough|cannot get ip\/mac lease|no .*datastore.*capacity/i,
    'capacity',
  ],
  [undefined, /does not exist|error getting/i, 'not-found'],
  [ACTION, /has to be greater|must be|malformed|not valid|wrong size/i, 'invalid'],
  [ACTION, ANY, 'conflict'],
  [XML_RPC_API, ANY, 'invalid'],
  [INTERNAL, WITHOUT_REASON, 'transient'],
  [INTERNAL, /database|sql|timeout|could not connect/i, 'transient'],
  [INTERNAL, ANY, 'invalid'],
  [ALLOCATE, WITHOUT_REASON, 'transient'],
  [ALLOCATE, ANY, 'invalid'],
  [LOCKED, ANY, 'conflict'],
  [REPLICATION, ANY, 'transient'],
];

/** Codes of the XML-RPC library under oned. */
const UNKNOWN_METHOD = -506;

export function meaningOf(code: number, said: string): IaasErrorClass {
  return RULES.find(([of, text]) => (of === undefined || of === code) && text.test(said))?.[2] ?? 'fatal';
}

/** The refusal or fault as an error, with oned's own words. */
export function refusalOf(method: string, answer: Exclude<Answer, { readonly kind: 'value' }>): OneError {
  const { code, said } = answer;
  const words = said.replace(/^\[[\w.]+\]\s*/, '') || `${method}, without a word`;
  if (answer.kind === 'refusal') return new OneError(meaningOf(code, said), `OpenNebula refuses: ${words}`, said, code);
  return code === UNKNOWN_METHOD
    ? new OneError('unsupported', `this version of OpenNebula has no ${method}`, said, code)
    : new OneError('fatal', `OpenNebula does not understand ${method}: ${words}`, said, code);
}

/** An {@link IaasError} that knows oned's code. */
export class OneError extends IaasError {
  readonly code: number;

  constructor(errorClass: IaasErrorClass, message: string, said: string, code: number) {
    super(errorClass, message, said);
    this.code = code;
  }

  get isAuthentication(): boolean {
    return this.code === AUTHENTICATION;
  }

  /** Refused because there is no such user or group. */
  get isOwnerGone(): boolean {
    return this.code === NO_EXISTS && /error getting (user|group)/i.test(this.said ?? '');
  }

  /** Refused because of the state something is in: later it may be granted. */
  get isWrongState(): boolean {
    const said = this.said ?? '';
    if (/has to be RUNNING/i.test(said)) return true;
    return this.code === ACTION && /wrong state|not available for state|is in state|state \w+ does not/i.test(said);
  }

  /** Refused because what is asked for is so already: a group that a NIC has, or has not. */
  get isSoAlready(): boolean {
    return this.code === ACTION && /already in NIC|doesn't contain SG/i.test(this.said ?? '');
  }

  /** Refused because something has the name, or seems to. */
  get isNameTaken(): boolean {
    const said = this.said ?? '';
    return /is already taken|already owns .* with NAME/i.test(said) || WITHOUT_REASON.test(said);
  }
}
