/**
 * A package that is named by URL, as far as a request looks at it (K06): a descriptor with nothing else, or the beginning of
 * an archive. Where the descriptor of an archive comes late, what stands before it is passed over by range (RFC 9110 §14),
 * or read through where the server knows none. The line is dropped as soon as the descriptor is there.
 */

import { Problem, messageOf, problem } from '../../src/base/errors.js';
import type { DialResponse } from '../../src/net/dialler.js';
import { Members } from '../../src/ovf/package/members.js';
import { readOvaHead, type LateDescriptor, type OvaHead } from '../../src/ovf/package/ova.js';
import { rangeFrom, sizeOf, validatorOf } from '../../src/transfer/download.js';
import { accessTo, type SourceCredentials } from '../../src/transfer/source-credentials.js';
import { looksLikeXml, MAX_DESCRIPTOR, tooLarge, type Package, type PackageServices } from './package.js';
import { intakeOptions } from './unpack.js';
import { OVF_URL } from './vocabulary.js';

/** How long a request may take to fetch all that it fetches. */
export const FETCH_MS = 15_000;
/** Bytes of an archive that are read through in search of its descriptor. */
const PATIENCE = 64 * 1024 * 1024;
/** How often large files before a descriptor are passed over. */
const MOST_HOPS = 32;

/** With what, and for how long, files of the package are fetched within the request. */
export interface Fetching {
  readonly credentials: SourceCredentials;
  /** Aborts when the client goes away or its time is up. */
  readonly signal: AbortSignal;
  /** The languages of the client are wanted: so are the bundles of messages. */
  readonly bundles: boolean;
}

/** @throws Problem `invalid` for whatever is wrong with the URL or with what it names */
export async function packageAtUrl(services: PackageServices, url: string, fetching: Fetching): Promise<Package> {
  let answer: DialResponse | undefined;
  try {
    answer = await fetchDocument(services, url, services.maxBytes, fetching);
    if (answer.status !== 200) throw refused(answer);
    return await readRemote(services, answer, url, fetching);
  } catch (error) {
    throw error instanceof Problem && error.kind !== 'internal'
      ? asInvalid(error)
      : problem('invalid', 'ovf.url-unreachable', messageOf(error), urlRemedy);
  } finally {
    answer?.discard();
  }
}

/** One request of those that fetch the package. */
export async function fetchDocument(
  { sources }: PackageServices,
  url: string,
  maxBytes: number,
  { credentials, signal }: Fetching,
): Promise<DialResponse> {
  const access = await accessTo(url, credentials);
  return sources.fetch(url, { ...access, maxBytes, timeoutMs: FETCH_MS, signal });
}

function refused({ status }: DialResponse): Problem {
  const denied = [401, 403].includes(status) && { remedy: 'give or correct inputs.credentials for the server' };
  const message = `the server of the descriptor answered ${status}`;
  return problem('invalid', 'ovf.url-status', message, { ...urlRemedy, ...denied });
}

async function readRemote(
  services: PackageServices,
  answer: DialResponse,
  written: string,
  fetching: Fetching,
): Promise<Package> {
  const { first, bytes } = await begun(answer.body);
  if (first !== undefined && looksLikeXml(first))
    return {
      descriptor: await collect(bytes, MAX_DESCRIPTOR),
      base: answer.url,
      findings: [],
    };
  const head = await headOf(services, { answer, first, bytes }, written, fetching).catch((error: unknown) => {
    throw error instanceof Problem && error.kind === 'malformed' ? noPackage(error) : error;
  });
  const { descriptor, documents, findings } = head;
  const beside = new Members(descriptor.name, documents);
  return { descriptor: descriptor.bytes, archived: true, documents: beside, findings };
}

interface Begun {
  readonly answer: DialResponse;
  readonly first: Uint8Array | undefined;
  readonly bytes: AsyncIterable<Uint8Array>;
}

async function headOf(
  services: PackageServices,
  { answer, first, bytes }: Begun,
  url: string,
  { credentials, signal, bundles }: Fetching,
): Promise<OvaHead> {
  const options = { ...intakeOptions(services), patience: PATIENCE, documents: bundles };
  const validator = validatorOf(answer);
  // Offsets in what gzip has packed say nothing.
  const plain = first?.[0] !== 0x1f;
  let seekable = plain && validator !== undefined && answer.headers['accept-ranges'] === 'bytes';
  const version = { validator: validator ?? '', sizeBytes: sizeOf(answer) };
  let head = await readOvaHead(bytes, { ...options, seekable });
  let at = 0;
  for (let hops = 1; isLate(head); hops += 1) {
    at += head.nextHeader;
    seekable = hops < MOST_HOPS;
    answer.discard();
    const range = { credentials, signal, maxBytes: services.maxBytes, timeoutMs: FETCH_MS };
    const rest = await rangeFrom(services.sources, url, range, at, version);
    if (rest === undefined) throw changed();
    try {
      head = await readOvaHead(rest.answer.body, { ...options, seekable });
    } finally {
      rest.answer.discard();
    }
  }
  return head;
}

function isLate(head: OvaHead | LateDescriptor): head is LateDescriptor {
  return 'nextHeader' in head;
}

/** The first bytes of a body, and the body from its beginning. */
async function begun(body: AsyncIterable<Uint8Array>): Promise<Pick<Begun, 'first' | 'bytes'>> {
  const chunks = body[Symbol.asyncIterator]();
  const head = await chunks.next();
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    for (let next = head; next.done !== true; next = await chunks.next()) yield next.value;
  };
  return { first: head.done === true ? undefined : head.value, bytes: bytes() };
}

/** @throws Problem `too-large` */
export async function collect(bytes: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const urlRemedy = {
  place: { field: OVF_URL },
  rule: 'K06',
  remedy: 'check the URL, or send the descriptor itself',
} as const;

function changed(): Problem {
  return problem('invalid', 'ovf.url-changed', 'the archive changed while its descriptor was looked for', urlRemedy);
}

/** What the archive is refused for, and what can be done if it is one whose descriptor comes late. */
function noPackage(found: Problem): Problem {
  const fault = {
    code: 'ovf.url-no-package',
    message: 'what the URL names is neither an OVF descriptor nor an archive whose descriptor can be found',
    ...urlRemedy,
    remedy: 'name the .ovf or an .ova; send an archive whose descriptor comes late through /upload/',
  };
  return new Problem('invalid', [fault, ...found.faults], { cause: found });
}

/** Whatever is found wrong on the way to it is a fault of the request that named the URL. */
function asInvalid(found: Problem): Problem {
  const place = { field: OVF_URL };
  return new Problem(
    'invalid',
    found.faults.map((fault) => ({ place, rule: 'K06', ...fault })),
    { cause: found },
  );
}
