/**
 * What opens the servers that images lie on: user names, tokens, S3 keys and client certificates, each for a host or for
 * all that lies under a URL. They are written as one text each (`inputs.credentials`, K04), since that is what every
 * rendering of OCCI can carry:
 *
 * | Text | Becomes |
 * |---|---|
 * | `bearer <token>` | `Authorization: Bearer` (RFC 6750) |
 * | `basic <user>:<password>` | `Authorization: Basic` (RFC 7617), for WebDAV too |
 * | `s3 <region> <access key id> <secret key> [<session token>]` | a signature of version 4, made anew for every request |
 * | certificate and private key in PEM | a client certificate (RFC 8446 §4.4.2) |
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { excerpt, Problem, type Fault } from '../base/errors.js';
import type { ClientCertificate } from '../net/dialler.js';

/** What a request to the server carries. */
export interface Access {
  readonly headers?: Readonly<Record<string, string>>;
  readonly certificate?: ClientCertificate;
  /** It must not travel where others can read it. */
  readonly confidential?: true;
}

/** By host (`images.example.org`, `images.example.org:8443`) or by the beginning of URLs (`https://example.org/vo/`). */
export type SourceCredentials = Readonly<Record<string, string>>;

/** Names that are no servers of images: credentials for sites and others. */
const OTHERS = /^[a-z][a-z0-9-]*:(?!\/\/)(?!\d+$)/i;

const REMEDY =
  'write "bearer <token>", "basic <user>:<password>", "s3 <region> <key id> <secret key>", or a certificate with its key in PEM';

/**
 * Checks how every credential is written.
 *
 * @throws Problem `invalid` (`transfer.credential`) with all faults, none of which repeats a value
 */
export function checkCredentials(credentials: SourceCredentials): void {
  const faults = Object.entries(credentials).flatMap(([where, text]): Fault[] => {
    if (OTHERS.test(where)) return [];
    const place = { path: `/credentials/${excerpt(where).replaceAll('~', '~0').replaceAll('/', '~1')}` };
    const found: Fault[] = [];
    if (!isPlace(where)) {
      const remedy = 'name the host, such as images.example.org, or the beginning of the URL';
      found.push({
        code: 'transfer.credential',
        message: 'this is neither a host nor a URL without query',
        place,
        rule: 'K04',
        remedy,
      });
    }
    const problem = faultOf(text);
    if (problem !== undefined)
      found.push({ code: 'transfer.credential', message: problem, place, rule: 'K04', remedy: REMEDY });
    return found;
  });
  if (faults.length > 0) throw new Problem('invalid', faults);
}

/** What to send to the URL: by the credential that names the longest part of it, or nothing. */
export async function accessTo(url: string, credentials: SourceCredentials = {}, now = new Date()): Promise<Access> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (!target) return {};
  const [best] = Object.keys(credentials)
    .filter((where) => covers(where, target))
    .sort((a, b) => lengthOf(b) - lengthOf(a));
  const text = best === undefined ? undefined : credentials[best];
  return text === undefined ? {} : { ...(await accessBy(text.trim(), target, now)), confidential: true };
}

/** The credentials that the URL's server would be shown, without those of others. */
export function credentialsFor(url: string, credentials: SourceCredentials): SourceCredentials {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  return Object.fromEntries(Object.entries(credentials).filter(([where]) => target && covers(where, target)));
}

async function accessBy(text: string, target: URL, now: Date): Promise<Access> {
  const [scheme = '', ...words] = text.split(/\s+/);
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { headers: { authorization: `Bearer ${words[0]}` } };
    case 'basic':
      return { headers: { authorization: `Basic ${Buffer.from(text.slice(6).trim(), 'utf8').toString('base64')}` } };
    case 's3':
      return { headers: await signed(words, target, now) };
    default:
      return { certificate: certificateIn(text) };
  }
}

/** Signature version 4 over host and date, the body being none. Other headers of the request stay outside it. */
async function signed(words: readonly string[], url: URL, now: Date): Promise<Record<string, string>> {
  const [region = '', accessKeyId = '', secretAccessKey = '', sessionToken] = words;
  const signer = new AwsV4Signer({
    method: 'GET',
    url: url.href,
    service: 's3',
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const { headers } = await signer.sign();
  headers.delete('host');
  return Object.fromEntries(headers);
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

function certificateIn(text: string): ClientCertificate {
  const blocks = [...text.matchAll(PEM)];
  const cert = blocks.filter(([, label]) => label === 'CERTIFICATE').map(([block]) => block);
  const key = blocks.find(([, label]) => label?.endsWith('PRIVATE KEY'))?.[0] ?? '';
  return { cert: cert.join('\n'), key };
}

function faultOf(credential: string): string | undefined {
  const text = credential.trim();
  const [scheme = '', ...words] = text.split(/\s+/);
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return words.length === 1 && /^[\w.~+/-]+=*$/.test(words[0] ?? '') ? undefined : 'this is not one bearer token';
    case 'basic':
      return /^[^:\p{Cc}]*:[^\p{Cc}]*$/u.test(text.slice(6).trim()) ? undefined : 'this is not a user and a password';
    case 's3':
      return words.length === 3 || words.length === 4 ? undefined : 'this is not a region with its keys';
    default:
      return text.includes('-----BEGIN') ? certificateFault(certificateIn(text)) : 'the credential is of no known kind';
  }
}

function certificateFault({ cert, key }: ClientCertificate): string | undefined {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
      ? undefined
      : 'the key is not that of the certificate';
  } catch {
    // What the parser has to say might quote the key.
    return 'this is not a certificate with its unencrypted key';
  }
}

function isPlace(where: string): boolean {
  if (!where.includes('://')) return /^[a-z0-9_.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i.test(where);
  if (!URL.canParse(where)) return false;
  const { protocol, username, password, search, hash } = new URL(where);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

/** By whole parts of the path: `/vo` covers `/vo` and `/vo/a`, not `/vo-b`. */
function covers(where: string, url: URL): boolean {
  if (!where.includes('://')) return [url.host, url.hostname].includes(where.toLowerCase());
  if (!URL.canParse(where)) return false;
  const { origin, pathname } = new URL(where);
  if (origin !== url.origin) return false;
  return url.pathname === pathname || url.pathname.startsWith(pathname.endsWith('/') ? pathname : `${pathname}/`);
}

/** How much of a URL it names: a host with its port more than one without, a URL more than a host. */
function lengthOf(where: string): number {
  return where.includes('://') ? 1000 + new URL(where).pathname.length : where.length;
}
