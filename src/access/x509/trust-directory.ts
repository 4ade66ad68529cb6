/**
 * The trust directory on disk (`spec/federation-auth.md` §2): authorities, revocation lists and rules in the form of the
 * IGTF, known by what they hold and not by what they are called, and the `vomsdir` beside it. It is read again when it has
 * changed. What cannot be used is left out with a warning and takes nothing else along; a revocation list that cannot be
 * used leaves the one before it in force (S-007, S-020).
 */

import { X509Certificate, createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import { messageOf } from '../../base/errors.js';
import { Certificate, derIn } from './certificate.js';
import { RevocationList } from './crl.js';
import { parseNamespaces, parseSigningPolicy, type RuleFile } from './issuing-rules.js';
import { TrustAnchors, type Authority, type TrustWarning } from './trust-anchors.js';
import { VO_NAME, vomsServerOf, type VomsServer, type VomsTrust } from './vomsdir.js';

export interface TrustSource {
  /** Folder of authorities, usually `/etc/grid-security/certificates`. */
  readonly directory: string;
  /** Usually `/etc/grid-security/vomsdir`. */
  readonly vomsdir?: string;
  readonly minRsaBits: number;
}

/** Where trust lies, and the state that it was in when it was read. */
export class TrustDirectory {
  readonly #source: TrustSource;
  readonly #clock: Clock;
  #state = '';
  #anchors: TrustAnchors;
  #generation = 0;
  readonly #listeners: (() => void)[] = [];
  #reading: Promise<boolean> = Promise.resolve(false);

  private constructor(source: TrustSource, clock: Clock, anchors: TrustAnchors, state: string) {
    this.#source = source;
    this.#clock = clock;
    this.#anchors = anchors;
    this.#state = state;
  }

  static async open(source: TrustSource, clock: Clock): Promise<TrustDirectory> {
    const state = await stateOf(source);
    return new TrustDirectory(source, clock, await readTrust(source, clock.now()), state);
  }

  get anchors(): TrustAnchors {
    return this.#anchors;
  }

  /** Rises with every reload: whatever was concluded from an earlier state counts no more. */
  get generation(): number {
    return this.#generation;
  }

  onReload(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Reads the directory again if anything in it has changed, or in any case; answers whether it did. */
  refresh(inAnyCase = false): Promise<boolean> {
    // One after the other: a slow reading must not overtake a later one.
    this.#reading = this.#reading.catch(() => false).then(() => this.#refresh(inAnyCase));
    return this.#reading;
  }

  async #refresh(inAnyCase: boolean): Promise<boolean> {
    const state = await stateOf(this.#source);
    if (state === this.#state && !inAnyCase) return false;
    this.#anchors = await readTrust(this.#source, this.#clock.now(), this.#anchors);
    this.#state = state;
    this.#generation += 1;
    for (const listener of this.#listeners) listener();
    return true;
  }
}

const MAX_FILES = 10_000;
/** Revocation lists of large authorities come to some megabytes. */
const MAX_FILE_BYTES = 64 * 2 ** 20;
const MAX_RULE_BYTES = 2 ** 20;

interface TrustFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
}

/** Names, times and sizes of everything: cheap enough to look at every other second. */
async function stateOf({ directory, vomsdir }: TrustSource): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of [directory, ...(vomsdir === undefined ? [] : [vomsdir, ...(await foldersIn(vomsdir))])]) {
    const names = await namesIn(folder);
    const stats = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
    for (const [index, name] of names.entries()) {
      const found = stats[index];
      hash.update(
        `${folder}/${name} ${found ? `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}` : '-'}\n`,
      );
    }
  }
  return hash.digest('hex');
}

async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  return names
    .filter((name) => !name.startsWith('.'))
    .sort()
    .slice(0, MAX_FILES);
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .sort();
}

/** Everything in the directories, as far as it can be used. */
export async function readTrust(source: TrustSource, now: number, before?: TrustAnchors): Promise<TrustAnchors> {
  const warnings: TrustWarning[] = [];
  const warn = (file: string, message: string): void => void warnings.push({ file, message });
  const found = new Gathered(source.minRsaBits, warn);
  const files = await filesIn(source.directory, warn);
  if (files.length === 0) warn(source.directory, 'there is no file that can be read: nobody is trusted');
  for (const file of files) found.take(file);
  const { authorities, looseLists } = found.authorities(now, before);
  const vomsdir = source.vomsdir === undefined ? new Map() : await readVomsdir(source.vomsdir, warn);
  const { minRsaBits } = source;
  return new TrustAnchors({ authorities, looseLists, rules: found.rules, vomsdir, warnings, minRsaBits });
}

type Warn = (file: string, message: string) => void;

/** Every file once, however many links lead to it. */
async function filesIn(folder: string, warn: Warn): Promise<TrustFile[]> {
  const files: TrustFile[] = [];
  const seen = new Set<string>();
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    try {
      const found = await stat(path);
      if (!found.isFile()) {
        warn(path, 'this is no file');
        continue;
      }
      const identity = `${found.dev}:${found.ino}`;
      if (seen.has(identity)) continue;
      seen.add(identity);
      if (found.size > MAX_FILE_BYTES) warn(path, 'the file is too large');
      else files.push({ name, path, bytes: await readFile(path) });
    } catch (error) {
      warn(path, messageOf(error));
    }
  }
  return files;
}

/** What the files of the directory hold, before it is put together. */
class Gathered {
  readonly rules: RuleFile[] = [];
  readonly #minRsaBits: number;
  readonly #warn: Warn;
  readonly #certificates = new Map<string, { certificate: Certificate; file: string }>();
  readonly #lists: { list: RevocationList; file: string }[] = [];
  readonly #unusable = new Set<string>();
  readonly #ruleTexts = new Set<string>();
  /** Profiles by the SHA-1 fingerprint of the authority: that is how `.info` files name it. */
  readonly #profiles = new Map<string, string>();

  constructor(minRsaBits: number, warn: Warn) {
    this.#minRsaBits = minRsaBits;
    this.#warn = warn;
  }

  take(file: TrustFile): void {
    const { name, path, bytes } = file;
    if (name.endsWith('.signing_policy')) this.#takeRules(file, parseSigningPolicy);
    else if (name.endsWith('.namespaces')) this.#takeRules(file, parseNamespaces);
    else if (name.endsWith('.info')) this.#takeInfo(bytes.toString('utf8'));
    else if (!/\.(?:crl_url|txt|md)$/.test(name)) {
      const [certificates, lists] = [derIn(bytes, 'CERTIFICATE'), derIn(bytes, 'X509 CRL')];
      const isDer = certificates[0] === bytes;
      const asList = isDer ? /\.(?:r\d+|crl)$/.test(name) : certificates.length === 0;
      for (const der of asList ? lists : certificates) this.#takeDer(der, path, asList);
      if (certificates.length + lists.length > 0) return;
      this.#unusable.add(path);
      this.#warn(path, 'it holds neither a certificate nor a revocation list');
    }
  }

  #takeInfo(text: string): void {
    const value = (key: string): string | undefined => new RegExp(`^${key}\\s*=\\s*(.+?)\\s*$`, 'm').exec(text)?.[1];
    const profile = /^[a-z]+:([a-z0-9-]+)/i.exec(value('status') ?? '')?.[1];
    const fingerprint = value('sha1fp\\.0')?.replaceAll(':', '').toLowerCase();
    if (profile !== undefined && fingerprint !== undefined) this.#profiles.set(fingerprint, profile.toLowerCase());
  }

  #takeRules({ path, bytes }: TrustFile, parse: (text: string) => RuleFile): void {
    if (bytes.length > MAX_RULE_BYTES) return this.#warn(path, 'the file is too large');
    const text = bytes.toString('utf8');
    // The same rules lie under several names.
    const kindAndText = `${parse.name} ${text}`;
    if (this.#ruleTexts.has(kindAndText)) return;
    this.#ruleTexts.add(kindAndText);
    const file = parse(text);
    this.rules.push(file);
    if (file.faults.length > 0) this.#warn(path, file.faults.join('; '));
  }

  #takeDer(der: Uint8Array, path: string, asList: boolean): void {
    try {
      if (asList) {
        this.#lists.push({ list: new RevocationList(der), file: path });
        return;
      }
      const certificate = new Certificate(der);
      certificate.publicKey(this.#minRsaBits);
      if (!this.#certificates.has(certificate.fingerprint))
        this.#certificates.set(certificate.fingerprint, { certificate, file: path });
    } catch (error) {
      if (asList) this.#unusable.add(path);
      this.#warn(path, messageOf(error));
    }
  }

  authorities(now: number, before?: TrustAnchors): { authorities: Authority[]; looseLists: RevocationList[] } {
    const known = [...this.#certificates.values()];
    const names = new Set(known.map(({ certificate }) => certificate.subject.key));
    const mine = this.#lists.filter(({ list }) => names.has(list.issuer.key));
    const believed = new Set<RevocationList>();
    const chosen = known.map(({ certificate, file }) => {
      const signed = mine.filter(({ list }) => list.signedBy(certificate, this.#minRsaBits));
      for (const { list } of signed) believed.add(list);
      return { certificate, file, newest: newestOf(signed, now) };
    });
    for (const { list, file } of mine) {
      if (believed.has(list)) continue;
      this.#unusable.add(file);
      this.#warn(file, `${String(list.issuer)} has not signed this revocation list`);
    }
    const authorities = chosen.flatMap(({ certificate, file, newest }): Authority[] => {
      if (
        certificate.selfIssued &&
        !new X509Certificate(certificate.raw).verify(certificate.publicKey(this.#minRsaBits))
      ) {
        this.#warn(file, `${String(certificate)} has not signed itself`);
        return [];
      }
      if (!certificate.isAuthority) {
        this.#warn(file, `${String(certificate)} is no authority`);
        return [];
      }
      const kept = newest ?? this.#kept(certificate, before);
      const profile = this.#profiles.get(createHash('sha1').update(certificate.raw).digest('hex'));
      return [{ certificate, file, anchor: certificate.selfIssued, crl: kept?.list, crlFile: kept?.file, profile }];
    });
    // The newest first: it is the one that counts for an authority that comes along.
    const looseLists = this.#lists
      .map(({ list }) => list)
      .filter((list) => !names.has(list.issuer.key) && list.thisUpdate <= now)
      .sort((a, b) => b.thisUpdate - a.thisUpdate);
    return { authorities, looseLists };
  }

  /** The list from before, where its file is there and of no use now. */
  #kept(certificate: Certificate, before?: TrustAnchors): { list: RevocationList; file: string } | undefined {
    const earlier = before?.of(certificate);
    if (!earlier?.crl || earlier.crlFile === undefined || !this.#unusable.has(earlier.crlFile)) return undefined;
    return { list: earlier.crl, file: earlier.crlFile };
  }
}

/** The list made last, one from the future only if there is no other. */
function newestOf(
  lists: readonly { list: RevocationList; file: string }[],
  now: number,
): { list: RevocationList; file: string } | undefined {
  const rank = (list: RevocationList): number => (list.thisUpdate > now ? -list.thisUpdate : list.thisUpdate);
  return [...lists].sort((a, b) => rank(b.list) - rank(a.list))[0];
}

async function readVomsdir(folder: string, warn: Warn): Promise<VomsTrust> {
  const trust = new Map<string, ReadonlyMap<string, VomsServer>>();
  for (const path of await foldersIn(folder)) {
    const vo = path.slice(folder.length).replace(/^\/+/, '');
    if (!VO_NAME.test(vo) || RESERVED.includes(vo)) {
      warn(path, 'this cannot be the name of a VO');
      continue;
    }
    trust.set(vo, serversOf(await filesIn(path, warn), warn));
  }
  return trust;
}

/** Groups of the accounts that every VEP has (K25): no federation may speak for them. */
const RESERVED = ['admin', 'user'];

function serversOf(files: readonly TrustFile[], warn: Warn): ReadonlyMap<string, VomsServer> {
  const servers = new Map<string, VomsServer>();
  const ranked = [...files].sort((a, b) => Number(b.name.endsWith('.lsc')) - Number(a.name.endsWith('.lsc')));
  for (const { name, path, bytes } of ranked) {
    const [, stem = '', suffix] = /^(.+)\.(lsc|pem)$/.exec(name) ?? [];
    const host = stem.toLowerCase();
    if (suffix === undefined || servers.has(host)) continue;
    try {
      const server = vomsServerOf(suffix === 'lsc' ? { lsc: bytes.toString('utf8') } : { pem: bytes });
      if (server.chains.length + server.certificates.length === 0) warn(path, 'it names no server');
      servers.set(host, server);
    } catch (error) {
      warn(path, messageOf(error));
    }
  }
  return servers;
}
