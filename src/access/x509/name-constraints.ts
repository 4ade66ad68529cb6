/**
 * Name constraints (RFC 5280 §4.2.1.10, §6.1.3 b and c): an authority may be held to names inside, or outside, of
 * subtrees. Directory names, DNS names, e-mail addresses, the hosts of URIs and IP addresses are compared; a
 * constraint on any other form refuses every name of that form.
 */

import type { Certificate } from './certificate.js';
import { Der, context } from './der.js';
import { generalName, generalNames, type GeneralName } from './general-name.js';
import type { Name } from './name.js';
import { OID } from './oids.js';
import { Refusal } from './refusal.js';

/** More subtrees or names than this are not compared: the product of both is work that the sender chooses. */
const MAX_NAMES = 200;

/** Holds `certificate` to the constraints of the authority above it. @throws Refusal `name_constraints` */
export function refuseUnconstrained(certificate: Certificate, authority: Certificate): void {
  const extension = authority.extensions.get(OID.nameConstraints);
  if (!extension) return;
  const fields = Der.of(extension.value).fields();
  const permitted = subtreesOf(fields.optional(context(0)), 0);
  const excluded = subtreesOf(fields.optional(context(1)), 1);
  fields.end();
  const names = namesOf(certificate);
  if (names.length > MAX_NAMES || permitted.length + excluded.length > MAX_NAMES)
    throw refusal(certificate, authority, 'there are too many names');
  for (const name of names) {
    const ofForm = permitted.filter((subtree) => sameForm(subtree, name));
    if (ofForm.length > 0 && !ofForm.some((subtree) => within(name, subtree, false)))
      throw refusal(certificate, authority, 'a name lies outside of what is permitted');
    if (excluded.some((subtree) => sameForm(subtree, name) && within(name, subtree, true)))
      throw refusal(certificate, authority, 'a name lies inside of what is excluded');
  }
}

function refusal(certificate: Certificate, authority: Certificate, why: string): Refusal {
  return new Refusal('name_constraints', `${why} by ${String(authority)}`, String(certificate));
}

function subtreesOf(list: Der | undefined, tag: 0 | 1): GeneralName[] {
  return [...(list?.elements(context(tag)) ?? [])].map((subtree) => {
    const fields = subtree.fields();
    const base = generalName(fields.take());
    // minimum 0 and no maximum are all that RFC 5280 knows.
    if (fields.rest().length > 0) throw new Refusal('name_constraints', 'a subtree has a minimum or maximum');
    return base;
  });
}

/** Subject, alternative names, and e-mail addresses of the subject where there is no alternative one. */
function namesOf(certificate: Certificate): GeneralName[] {
  const extension = certificate.extensions.get(OID.subjectAltName);
  const alternatives = extension ? generalNames(Der.of(extension.value)) : [];
  const subject: GeneralName[] = certificate.subject.empty ? [] : [{ kind: 'directory', name: certificate.subject }];
  const emails = certificate.subject.rdns
    .flat()
    .filter(({ type }) => type === OID.emailAddress)
    .map(({ text }): GeneralName => ({ kind: 'email', text: text ?? '' }));
  return [...subject, ...alternatives, ...emails];
}

function sameForm(subtree: GeneralName, name: GeneralName): boolean {
  return subtree.kind === name.kind && (subtree.kind !== 'other' || name.kind !== 'other' || subtree.tag === name.tag);
}

/** `whenUnsure` is the answer for what cannot be compared: outside of the permitted, inside of the excluded. */
function within(name: GeneralName, subtree: GeneralName, whenUnsure: boolean): boolean {
  if (name.kind === 'directory' && subtree.kind === 'directory') return directoryWithin(name.name, subtree.name);
  if (name.kind === 'address' && subtree.kind === 'address') return addressWithin(name.bytes, subtree.bytes);
  if (!('text' in name) || !('text' in subtree)) return whenUnsure;
  const base = subtree.text.toLowerCase();
  switch (name.kind) {
    case 'dns':
      return hostWithin(name.text.toLowerCase(), base.replace(/^\./, ''), true);
    case 'email':
      return emailWithin(name.text.toLowerCase(), base);
    case 'uri': {
      const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#:[\]]+)/i.exec(name.text)?.[1]?.toLowerCase();
      return host === undefined ? whenUnsure : hostWithin(host, base.replace(/^\./, ''), base.startsWith('.'));
    }
  }
}

function hostWithin(host: string, base: string, belowToo: boolean): boolean {
  return base === '' || host === base || (belowToo && host.endsWith(`.${base}`));
}

function emailWithin(email: string, base: string): boolean {
  if (base.includes('@')) return email === base;
  const host = email.slice(email.lastIndexOf('@') + 1);
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

/** RFC 5280 §7.1 in short: without regard to case, and to how the text is encoded or spaced. */
function directoryWithin(name: Name, base: Name): boolean {
  const canonical = (each: Name): string[] =>
    each.rdns.map((rdn) =>
      rdn
        .map(({ type, text, value }) => {
          const folded = text?.trim().replace(/\s+/g, ' ').toLowerCase() ?? Buffer.from(value).toString('hex');
          return `${type}=${folded}`;
        })
        .sort()
        .join('+'),
    );
  const [mine, theirs] = [canonical(name), canonical(base)];
  return theirs.length <= mine.length && theirs.every((rdn, index) => rdn === mine[index]);
}

function addressWithin(address: Uint8Array, subtree: Uint8Array): boolean {
  if (subtree.length !== address.length * 2) return false;
  return address.every((octet, index) => {
    const mask = subtree[address.length + index] ?? 0;
    return (octet & mask) === ((subtree[index] ?? 0) & mask);
  });
}
