/**
 * What the refusals of EC2 and its work-alikes mean, by their code: `<Response><Errors><Error><Code/><Message/>`. The
 * first rule whose pattern fits decides; a code that none knows is judged by the status, since 4xx is the request's fault
 * and 5xx the service's.
 */

import { IaasError, type IaasErrorClass } from '../../adapter.js';

const MEANINGS: readonly (readonly [code: RegExp, meaning: IaasErrorClass])[] = [
  [/^(RequestLimitExceeded|Throttling|ThrottlingException|EC2ThrottledException|BandwidthLimitExceeded)$/, 'transient'],
  [/^(Service)?Unavailable$|^Internal(Error|Failure)$|^Server\.|^RequestTimeout$/, 'transient'],
  [
    /^(AuthFailure|SignatureDoesNotMatch|InvalidClientTokenId|MissingClientTokenId|ExpiredToken|RequestExpired)$/,
    'denied',
  ],
  [/^(UnauthorizedOperation|OptInRequired|Blocked|PendingVerification|OperationNotPermitted|AccessDenied)$/, 'denied'],
  [/NotFound$|^InvalidAMIID\.Unavailable$|^Invalid\w*\.Unknown$/, 'not-found'],
  [/^Insufficient|^Unavailable(Zone|HostRequirements)/, 'capacity'],
  [/LimitExceeded$|^(ResourceCount|MaxIOPS|Concurrent)\w*Exceeded$/, 'quota'],
  [/^Unsupported|^(InvalidAction|NotImplemented|NoSuchVersion|UnsupportedOperation)$/, 'unsupported'],
  [
    /^Incorrect|^DependencyViolation$|InUse$|\.Duplicate$|\.Conflict$|AlreadyExists$|AlreadyAssociated$|^VolumeInUse$/,
    'conflict',
  ],
  [/^IdempotentParameterMismatch$/, 'conflict'],
  [/^(Invalid|Missing|Malformed|Unknown|Validation|VPCIdNotSpecified)/, 'invalid'],
];

/** How much of the site's words is kept: SignatureDoesNotMatch quotes whole requests. */
const MOST_WORDS = 300;

/** Whose words they are, as messages name it. */
export type QueryService = 'EC2' | 'Nimbus';

export class Ec2Error extends IaasError {
  readonly code: string;

  constructor(service: QueryService, code: string, message: string, status: number) {
    const words = message.slice(0, MOST_WORDS);
    super(meaningOf(code, status), `${service} refuses (${code}): ${words}`, `${code}: ${words}`);
    this.code = code;
  }

  /** The credentials are no longer taken: new ones may be. */
  get isAuthentication(): boolean {
    return /^(AuthFailure|SignatureDoesNotMatch|InvalidClientTokenId|ExpiredToken|RequestExpired)$/.test(this.code);
  }

  /** Too many requests of this kind: the account's bucket is empty for a moment. */
  get isThrottled(): boolean {
    return /^(RequestLimitExceeded|Throttling|ThrottlingException|EC2ThrottledException)$/.test(this.code);
  }
}

export function meaningOf(code: string, status: number): IaasErrorClass {
  const known = MEANINGS.find(([pattern]) => pattern.test(code))?.[1];
  return known ?? (status >= 500 ? 'transient' : 'fatal');
}

export const isCode = (error: unknown, pattern: RegExp): boolean =>
  error instanceof Ec2Error && pattern.test(error.code);

/** Lets a refusal pass that only says that there is no such thing. */
export function unlessGone(error: unknown): void {
  if (!(error instanceof IaasError) || error.class !== 'not-found') throw error;
}
