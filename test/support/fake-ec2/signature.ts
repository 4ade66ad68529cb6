/**
 * Checks signatures of requests as the services do: version 4 by the header `Authorization` (EC2, S3), and versions 1 and
 * 2 by parameters (Nimbus). Written from the rules, apart from the signers of the adapter, which it is to check.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface Signed {
  readonly method: string;
  /** Path with query, as it came. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** A refusal as the service words it. */
export class Unsigned extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const mac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
const SKEW_MS = 5 * 60_000;

/** Percent-encoding of RFC 3986 over UTF-8. */
export function percent(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * The access key with which a request was signed in version 4.
 *
 * @throws Unsigned where it was not, or not with the secret of that key, or not now
 */
export function verifyV4(request: Signed, secrets: ReadonlyMap<string, string>, service: string, now: number): string {
  const header = (name: string): string => {
    const value = request.headers[name];
    return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replaceAll(/ +/g, ' ');
  };
  const parsed =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header('authorization'),
    );
  if (!parsed) throw new Unsigned('MissingAuthenticationToken', 'Request is missing Authentication Token');
  const [, key = '', day = '', region = '', forService = '', names = '', signature = ''] = parsed;
  const secret = secrets.get(key);
  if (secret === undefined)
    throw new Unsigned('AuthFailure', 'AWS was not able to validate the provided access credentials');
  if (forService !== service) throw new Unsigned('SignatureDoesNotMatch', `Credential should be scoped to ${service}`);
  for (const needed of ['host', 'x-amz-date'])
    if (!names.split(';').includes(needed)) throw new Unsigned('SignatureDoesNotMatch', `${needed} must be signed`);
  const date = header('x-amz-date');
  const [, year, month, dayOfMonth, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? [];
  const at = Date.parse(`${year}-${month}-${dayOfMonth}T${hour}:${minute}:${second}Z`);
  if (!(Math.abs(at - now) <= SKEW_MS) || !date.startsWith(day))
    throw new Unsigned('RequestExpired', 'Request has expired.');
  const [path = '/', query = ''] = request.target.split('?');
  const parameters = query
    .split('&')
    .filter((each) => each !== '')
    .map((each) => each.split('=').map((part) => percent(decodeURIComponent(part.replaceAll('+', ' ')))))
    .map(([name = '', value = '']) => `${name}=${value}`)
    .sort();
  const payload = service === 's3' ? header('x-amz-content-sha256') : hex(request.body);
  if (payload !== hex(request.body)) throw new Unsigned('XAmzContentSHA256Mismatch', 'The body is another');
  const canonical = [
    request.method,
    path,
    parameters.join('&'),
    ...names.split(';').map((name) => `${name}:${header(name)}`),
    '',
    names,
    payload,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const signing = mac(mac(mac(mac(`AWS4${secret}`, day), region), service), 'aws4_request');
  const right = mac(signing, ['AWS4-HMAC-SHA256', date, scope, hex(canonical)].join('\n')).toString('hex');
  if (!same(right, signature))
    throw new Unsigned(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  return key;
}

/**
 * The access id of a request signed in version 1 or 2, as Nimbus checks it: exactly one of `Timestamp`, good for five
 * minutes, and `Expires`; HmacSHA1 where no method is named.
 *
 * @throws Unsigned
 */
export function verifyQuery(
  request: Signed,
  parameters: ReadonlyMap<string, string>,
  secrets: ReadonlyMap<string, string>,
  now: number,
): string {
  const id = parameters.get('AWSAccessKeyId') ?? '';
  if (id === '') throw new Unsigned('MissingClientTokenId', 'Request must contain an AWSAccessKeyId');
  const version = parameters.get('SignatureVersion');
  if (version !== '1' && version !== '2')
    throw new Unsigned('InvalidParameterValue', 'Only signature versions 1 and 2 are supported');
  const method = parameters.get('SignatureMethod') ?? 'HmacSHA1';
  if (method !== 'HmacSHA1' && method !== 'HmacSHA256')
    throw new Unsigned('InvalidParameterValue', 'Only HmacSHA256 or HmacSHA1 are supported signature methods');
  const [timestamp, expires] = [parameters.get('Timestamp'), parameters.get('Expires')];
  if ((timestamp === undefined) === (expires === undefined))
    throw new Unsigned('InvalidArgument', 'Request must have timestamp or expiration, but not both');
  const secret = secrets.get(id);
  if (secret === undefined) throw new Unsigned('InvalidClientTokenId', 'The access ID is unknown');
  const names = [...parameters.keys()].filter((name) => name !== 'Signature');
  const host = String(request.headers['host'] ?? '').toLowerCase();
  const text =
    version === '2'
      ? [
          request.method,
          host,
          request.target.split('?')[0] || '/',
          names
            .sort()
            .map((name) => `${percent(name)}=${percent(parameters.get(name) ?? '')}`)
            .join('&'),
        ].join('\n')
      : names
          .sort((one, other) => one.toLowerCase().localeCompare(other.toLowerCase()))
          .map((name) => name + (parameters.get(name) ?? ''))
          .join('');
  const right = createHmac(method === 'HmacSHA1' ? 'sha1' : 'sha256', secret)
    .update(text)
    .digest('base64');
  if (!same(right, parameters.get('Signature') ?? ''))
    throw new Unsigned('SignatureDoesNotMatch', 'Signature check failed!');
  const utc = (time: string): number => Date.parse(/Z$/.test(time) ? time : `${time}Z`);
  const until = timestamp === undefined ? utc(expires ?? '') : utc(timestamp) + 300_000;
  if (Number.isNaN(until)) throw new Unsigned('InvalidParameterValue', 'Must be in ISO8601 format.');
  if (until < now) throw new Unsigned('RequestExpired', 'Request is expired');
  return id;
}
