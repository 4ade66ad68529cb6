/**
 * Whether an image list counts (S-101): signed by the endorser that was subscribed to, for the VO that uses it, not out of
 * date, and not an older one than has been seen. All of that, or the list before it stays in force.
 */

import { normalSlash } from '../../access/x509/name.js';
import { Refusal } from '../../access/x509/refusal.js';
import { verifyDetached } from '../../access/x509/signed-data.js';
import type { ValidationOptions } from '../../access/x509/validation.js';
import { excerpt, problem, type Problem } from '../../base/errors.js';
import { compareVersions, parseImageList, type ImageList } from './image-list.js';
import { readSignedMessage } from './smime.js';

export interface Endorser {
  /** Distinguished name in the slash form of OpenSSL. */
  readonly dn: string;
  /** That of the authority that issued the certificate. */
  readonly ca: string;
}

export interface Subscription {
  readonly vo: string;
  readonly endorser: Endorser;
}

/** What is known of the list that was accepted last. */
export interface Seen {
  readonly identifier: string;
  readonly version: string;
}

/** @throws Problem `invalid` with an `image-list.*` code */
export function endorsedList(
  message: Uint8Array,
  { vo, endorser }: Subscription,
  validation: ValidationOptions,
  seen?: Seen,
): ImageList {
  const { signed, content, signature } = readSignedMessage(message);
  const signer = signerOf(signature, signed, validation);
  const [dn, ca] = [signer.subject.slash, signer.issuer.slash];
  if (normalSlash(dn) !== normalSlash(endorser.dn) || normalSlash(ca) !== normalSlash(endorser.ca))
    throw refused('endorser', 'somebody else than the endorser signed the list', `${dn} of ${ca}`);
  const list = parseImageList(content);
  if (list.vo !== vo) throw refused('vo', `the list is not that of ${vo}`, list.vo);
  if (list.expires <= validation.now)
    throw refused('expired', 'the list is out of date', new Date(list.expires).toISOString());
  if (seen && seen.identifier !== list.identifier)
    throw refused('other', 'this is another list than before', list.identifier);
  if (seen && compareVersions(list.version, seen.version) < 0)
    throw refused('rolled-back', `version ${seen.version} has been seen already`, list.version);
  return list;
}

function signerOf(
  signature: Uint8Array,
  signed: Uint8Array,
  validation: ValidationOptions,
): ReturnType<typeof verifyDetached> {
  try {
    return verifyDetached(signature, signed, validation);
  } catch (error) {
    if (error instanceof Refusal) throw refused('signature', `${error.reason}: ${error.message}`, error.subject ?? '');
    throw error;
  }
}

function refused(code: string, message: string, value: string): Problem {
  return problem('invalid', `image-list.${code}`, message, {
    value: excerpt(value),
    remedy: 'ask the endorser of the list; the images of the list before it go on being offered',
  });
}
