/**
 * The work on a package that was named by URL (K06): what the request left open. An archive is streamed through once, its
 * members go to the blob store and its manifest is checked; of a descriptor that lies among its files, manifest and
 * certificate are fetched, so that every image is held to its digest.
 */

import { createHash } from 'node:crypto';
import { Problem, throwIfFaulty } from '../../src/base/errors.js';
import { stringAt } from '../../src/base/json.js';
import { shownUrl } from '../../src/base/shown-url.js';
import type { OperationType, StepContext } from '../../src/engine/operation.js';
import type { Observations } from '../../src/extension/observations.js';
import { IaasError } from '../../src/iaas/adapter.js';
import { decode } from '../../src/ovf/envelope/href.js';
import { checkCompleteness, readEnvelope, type OvfSchemas } from '../../src/ovf/index.js';
import type { Signature } from '../../src/ovf/package/certificate.js';
import { pieceOf } from '../../src/ovf/package/pieces.js';
import { PackageReader, PACKAGE_LIMITS, type ReadPackage } from '../../src/ovf/package/reader.js';
import type { DeploymentPlan } from '../../src/ovf/plan.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { findEntity } from '../../src/store/entities.js';
import type { Store } from '../../src/store/sql.js';
import { download } from '../../src/transfer/download.js';
import type { ImageFetcher, PieceDigests, Progress } from '../../src/transfer/image-fetcher.js';
import type { SourceCredentials } from '../../src/transfer/source-credentials.js';
import { isFileUrl, type Sources } from '../../src/transfer/sources.js';
import type { Digest } from '../../src/transfer/verified.js';
import { bringCompanions, companionOrigins, companionsToBring } from './companions.js';
import { PACKAGE } from './deployment-graph.js';
import { bringFiles, filesToBring } from './environment-files.js';
import { shownOrigins } from './hidden-urls.js';
import { openAppliance } from './opened-appliance.js';
import { imageOrigins, isOpen, originsOf, type FileOrigin, type ImageOrigins } from './package.js';
import { transferProgress } from './transfer-progress.js';
import { refusedSignature } from './signature-policy.js';
import { updateImages, type ApplianceRow } from './tables.js';
import { intakeOptions, unpackOva, type IntakeServices } from './unpack.js';
import { OVF_DIGEST, OVF_SIGNATURE, OVF_URL } from './vocabulary.js';

export interface RemotePackageServices extends IntakeServices {
  readonly store: Store;
  readonly sources: Sources;
  readonly fetcher: ImageFetcher;
  readonly schemas: OvfSchemas;
  readonly observations: Observations;
  readonly secretKey: Uint8Array;
}

export function remotePackage(services: RemotePackageServices): OperationType {
  return {
    name: PACKAGE,
    limits: { stepMs: 6 * 3600 * 1000 },
    steps: [
      {
        name: 'fetch',
        run: async (context) => {
          const appliance = stringAt(context.input, 'appliance') ?? '';
          const opened = await openAppliance(services, appliance);
          const entity = await findEntity(services.store, appliance);
          if (!opened || !entity) throw new IaasError('invalid', 'the appliance is gone');
          const { row, inputs, packageUrl } = opened;
          const { credentials } = inputs;
          const missing = [...filesToBring(row.plan, row.images), ...companionsToBring(row.plan, row.images)];
          if (!isOpen(row.images) && missing.length === 0) return { done: true };
          const named = { ...context, credentials, ...(packageUrl !== undefined && { packageUrl }) };
          const settled = await settledPackage(services, row, entity, named);
          const { signature } = settled;
          if (signature) throwIfFaulty('invalid', refusedSignature(services.signatures, signature));
          const { signal, log } = context;
          const options = { signal, credentials };
          const brought = await bringFiles(services, row.plan, settled.images, options);
          const told = await bringCompanions(services, row.plan, brought, { ...options, log });
          const images = await takeFilesIn(services, row.plan, told, { ...context, owner: entity.owner });
          return {
            done: true,
            commit: async (tx) => {
              await updateImages(tx, appliance, shownOrigins(images));
              if (signature) await services.observations.noted(tx, appliance, { [OVF_SIGNATURE]: signature.status });
            },
          };
        },
      },
    ],
  };
}

/**
 * Images that lie beside a descriptor in a folder of this machine are taken in like those that were sent: nobody else can
 * fetch them there, neither another site nor whoever takes the appliance out again.
 */
async function takeFilesIn(
  { fetcher }: RemotePackageServices,
  { images }: DeploymentPlan,
  origins: ImageOrigins,
  { owner, signal, progress }: Pick<StepContext, 'signal' | 'progress'> & { readonly owner: string },
): Promise<ImageOrigins> {
  const taken = imageOrigins(origins) as Record<string, FileOrigin>;
  for (const { id, href, sizeBytes, chunkSize } of images) {
    const origin = origins[id];
    if (!origin || !('url' in origin) || !isFileUrl(origin.url)) continue;
    const { url, path: _path, ...listed } = origin;
    const size = sizeBytes === undefined ? {} : { sizeBytes };
    const source = { from: { url }, owner, ...listed, ...size, ...(chunkSize === undefined ? {} : { chunkSize }) };
    const onProgress = (seen: Progress): void => progress(transferProgress(shownUrl(href), seen));
    taken[id] = { sha256: (await fetcher.fetch(source, { signal, onProgress })).sha256 };
  }
  return taken;
}

interface Settled {
  readonly images: ImageOrigins;
  /** Absent where the request has told it already. */
  readonly signature?: Signature;
}

/** What the request left open, settled. */
function settledPackage(
  services: RemotePackageServices,
  row: ApplianceRow,
  entity: EntityRecord,
  context: PackageContext,
): Promise<Settled> {
  if (!isOpen(row.images)) return Promise.resolve({ images: row.images });
  const work = new RemotePackage(services, row, entity, context);
  const archived = Object.values(row.images).some((origin) => 'member' in origin);
  return archived ? work.unpack() : work.lookBeside();
}

interface PackageContext extends StepContext {
  readonly credentials: SourceCredentials;
  /** Where the attribute does not tell all of it. */
  readonly packageUrl?: string;
}

class RemotePackage {
  readonly #services: RemotePackageServices;
  readonly #row: ApplianceRow;
  readonly #context: PackageContext;
  readonly #url: string;
  /** SHA-256 of the descriptor as it came within the request. */
  readonly #digest: string;

  constructor(services: RemotePackageServices, row: ApplianceRow, entity: EntityRecord, context: PackageContext) {
    const attributes = { ...entity.observed, ...entity.wanted };
    this.#services = services;
    this.#row = row;
    this.#context = context;
    this.#url = context.packageUrl ?? stringAt(attributes, OVF_URL) ?? '';
    this.#digest = stringAt(attributes, OVF_DIGEST) ?? '';
  }

  /** @throws Problem where the archive is not what its descriptor says, or no longer the one that was planned */
  async unpack(): Promise<Settled> {
    const { maxBytes, schemas } = this.#services;
    const { signal, credentials } = this.#context;
    const options = { maxBytes, signal, credentials };
    const { bytes, sizeBytes } = await download(this.#services.sources, this.#url, options);
    const unpacked = await unpackOva(this.#services, this.#watched(bytes, sizeBytes), this.#digest);
    const { envelope } = readEnvelope(unpacked.descriptor, { mode: 'lenient', schemas });
    throwIfFaulty('invalid', checkCompleteness(envelope, unpacked.contents, 'lenient'));
    const needed = [...this.#row.plan.images, ...(this.#row.plan.files ?? [])];
    const { origins } = originsOf(needed, unpacked);
    const companions = companionOrigins(envelope, unpacked, needed);
    return { images: imageOrigins(this.#row.images, companions, origins), signature: unpacked.signature };
  }

  async *#watched(bytes: AsyncIterable<Uint8Array>, total: number | undefined): AsyncGenerator<Uint8Array> {
    let received = 0;
    for await (const chunk of bytes) {
      received += chunk.byteLength;
      const seen = { receivedBytes: received, ...(total !== undefined && { totalBytes: total }) };
      this.#context.progress(transferProgress('the package', seen));
      yield chunk;
    }
  }

  /** @throws Problem where there is a manifest that cannot be read or is not that of the descriptor */
  async lookBeside(): Promise<Settled> {
    const reader = new PackageReader(NOTHING_KEPT, intakeOptions(this.#services));
    const written = new URL(this.#url).pathname.split('/').at(-1) ?? '';
    const name = decode(written) ?? written;
    const descriptor = Buffer.from(this.#row.descriptor, 'utf8');
    const exact = createHash('sha256').update(descriptor).digest('hex') === this.#digest;
    await take(reader, /\.ovf$/i.test(name) ? name : `${name}.ovf`, descriptor);
    const manifest = await this.#beside('mf');
    if (manifest) await take(reader, 'package.mf', manifest);
    const certificate = manifest && (await this.#beside('cert'));
    if (certificate) await take(reader, 'package.cert', certificate);
    const read = await reader.result().catch((error: unknown) => {
      throw exact ? error : this.#recoded(error);
    });
    const images = Object.entries(this.#row.images).map(([id, origin]) => [id, this.#listed(id, origin, read)]);
    return { images: imageOrigins(Object.fromEntries(images) as ImageOrigins), signature: read.signature };
  }

  /** A descriptor in UTF-16 is kept in UTF-8: its digest cannot be told again. */
  #recoded(error: unknown): unknown {
    const rest = error instanceof Problem ? error.faults.filter(({ code }) => code !== 'ovf.O-026') : [];
    return rest.length > 0 ? new Problem('malformed', rest) : error;
  }

  /** A file with the name of the descriptor and another ending; undefined where there is none. */
  async #beside(ending: string): Promise<Buffer | undefined> {
    const url = new URL(this.#url);
    if (!/\.ovf$/i.test(url.pathname)) return undefined;
    url.pathname = url.pathname.replace(/ovf$/i, ending);
    const { signal, credentials } = this.#context;
    const options = { maxBytes: PACKAGE_LIMITS.manifestBytes, signal, credentials };
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of (await download(this.#services.sources, url.href, options)).bytes) chunks.push(chunk);
      return Buffer.concat(chunks);
    } catch (error) {
      if (error instanceof Problem && error.kind === 'invalid') return undefined;
      throw error;
    }
  }

  /** The image with what the manifest says of it, whole or piece by piece. */
  #listed(id: string, origin: FileOrigin, { manifest }: ReadPackage): FileOrigin {
    if (!('url' in origin) || origin.path === undefined) return origin;
    const digestOf = (name: string): Digest | undefined => {
      const entry = manifest?.entries.get(name);
      return entry && { algorithm: entry.algorithm, hex: entry.digest };
    };
    const digest = digestOf(origin.path);
    const { chunkSize } = this.#row.plan.images.find((image) => image.id === id) ?? {};
    const pieces = chunkSize === undefined ? [] : [...(manifest?.entries.keys() ?? [])];
    const pieceDigests = pieces.flatMap((name) => {
      const piece = pieceOf(name);
      return piece && piece.whole === origin.path ? [[piece.number, digestOf(name)] as const] : [];
    });
    return {
      url: origin.url,
      ...(digest && { digest }),
      ...(pieceDigests.length > 0 && { pieceDigests: Object.fromEntries(pieceDigests) as PieceDigests }),
    };
  }
}

const NOTHING_KEPT = { open: () => Promise.reject(new Error('only documents are read')) };

async function take(reader: PackageReader, name: string, bytes: Uint8Array): Promise<void> {
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(bytes);
  };
  const accepted = reader.accept(name);
  if (accepted !== undefined) await reader.take(accepted, bytes.byteLength, source());
}
