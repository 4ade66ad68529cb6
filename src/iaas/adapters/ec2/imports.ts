/**
 * The way of an image's bytes into a snapshot: VEP puts them into the bucket, and EC2 imports them from there in its own time.
 * The object stays for as long as EC2 may read it. Whoever sees the import end takes it away, the call that began it or one that
 * found it under way; what nobody came back for is swept.
 */

import type { ImportSnapshotTask, SnapshotTaskDetail } from '@aws-sdk/client-ec2';
import type { Clock } from '../../../base/clock.js';
import { IaasError, type CallOptions, type ImageSpec } from '../../adapter.js';
import { growingPauses } from '../../patience.js';
import type { Ec2Api } from './api.js';
import type { Bucket } from './bucket.js';
import { IMPORTED_AS } from './capabilities.js';
import { isCode, unlessGone } from './ec2-error.js';
import { handOver, sweepHandedOver } from './handover.js';
import { digestOf, ours, oursFor, tagged, tagOf, tagsOf, TOKEN, uniqueName } from './marks.js';
import type { Ec2Options } from './options.js';

export interface ImportServices {
  readonly api: Ec2Api;
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly options: Ec2Options;
  /** A directory of VEP's own for bytes on their way. */
  readonly scratch: string;
}

const HOUR_MS = 3_600_000;
/** How long a file may lie between its last byte and its way up. */
const FILE_MS = HOUR_MS;
/** How long an object may lie between its way up and its import. */
const OBJECT_MS = 24 * HOUR_MS;
/** How often the bucket is looked through, where there was nothing of VEP in it the last time. */
const SWEEP_MS = HOUR_MS;

export class Imports {
  readonly #services: ImportServices;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #left = 0;

  constructor(services: ImportServices) {
    this.#services = services;
  }

  /** The snapshot of a token's bytes: of an import that is under way or done, or of a new one. */
  async snapshot(spec: ImageSpec, token: string, call: CallOptions): Promise<string> {
    const { bucket, options } = this.#services;
    const tasks = await this.#tasks(oursFor(options.realm, token), call);
    const mine = tasks.filter((task) => isOf(task, digestOf(token)));
    const format = IMPORTED_AS[spec.format] ?? 'RAW';
    const key = bucket.key(`${uniqueName(options.realm, token)}.${format.toLowerCase()}`);
    const found = mine.find(({ SnapshotTaskDetail: detail }) => !isFailed(detail));
    const ended = found && (await this.#end(found.ImportTaskId ?? '', call));
    // Of bytes that it did not put there itself a call cannot say that they are worth nothing: they may have been gone.
    const snapshot = ended && (await this.#marked(ended, token, call).catch(unlessSpent));
    if (snapshot === undefined) {
      // A client token stands for one import; one that failed needs another.
      const task = await this.#begin(key, format, `${digestOf(token)}-${mine.length}`, spec, token, call);
      const own = await this.#end(task, call);
      await this.#release(key);
      return this.#marked(own, token, call);
    }
    await this.#release(key);
    return snapshot;
  }

  /** Puts the bytes where EC2 finds them, and tells it so; answers the task. */
  async #begin(
    key: string,
    format: string,
    clientToken: string,
    spec: ImageSpec,
    token: string,
    call: CallOptions,
  ): Promise<string> {
    const { api, bucket, options, scratch } = this.#services;
    const handed = await handOver(spec, scratch, call.signal);
    try {
      await bucket.put(key, handed.path, spec.sizeBytes, call);
    } finally {
      await handed.release();
    }
    const input = {
      ClientToken: clientToken,
      Description: 'Image brought in by VEP',
      RoleName: options.images.role,
      DiskContainer: { Format: format, UserBucket: { S3Bucket: bucket.name, S3Key: key } },
      TagSpecifications: tagged('import-snapshot-task', tagsOf(options.realm, spec, token)),
    };
    const answer = await api.ask('ImportSnapshot', input, call).catch(async (error: unknown) => {
      // An import that was refused reads nothing; one whose answer was lost may be under way.
      if (error instanceof IaasError && error.class !== 'transient') await this.#release(key);
      throw error;
    });
    if (answer.ImportTaskId === undefined)
      throw new IaasError('transient', 'EC2 answers without an import task', 'no task');
    return answer.ImportTaskId;
  }

  /** Waits for the end of an import, good or bad. */
  async #end(task: string, call: CallOptions): Promise<SnapshotTaskDetail> {
    const { api, clock, options } = this.#services;
    const pauses = growingPauses(options.patience.pollMs);
    for (;;) {
      const answer = await api.ask('DescribeImportSnapshotTasks', { ImportTaskIds: [task] }, call);
      const detail = answer.ImportSnapshotTasks?.[0]?.SnapshotTaskDetail;
      if (detail && (isFailed(detail) || (detail.Status === 'completed' && detail.SnapshotId !== undefined)))
        return detail;
      await clock.sleep(pauses.next().value, call.signal);
    }
  }

  /** The snapshot of an import that has ended, with VEP's marks. @throws IaasError `invalid` where EC2 could not import */
  async #marked(detail: SnapshotTaskDetail, token: string, call: CallOptions): Promise<string> {
    const { api, options } = this.#services;
    const said = detail.StatusMessage;
    if (isFailed(detail))
      throw new IaasError('invalid', `EC2 could not import the image: ${said ?? 'no reason'}`, said);
    const snapshot = detail.SnapshotId ?? '';
    await api.ask('CreateTags', { Resources: [snapshot], Tags: tagsOf(options.realm, { id: token }, token) }, call);
    return snapshot;
  }

  /** What cannot be taken away now is swept later. */
  async #release(key: string): Promise<void> {
    await this.#services.bucket.remove(key, {}).catch(() => undefined);
  }

  async #tasks(filters: ReturnType<typeof ours>, call: CallOptions): Promise<ImportSnapshotTask[]> {
    const found: ImportSnapshotTask[] = [];
    for await (const page of this.#services.api.pages('DescribeImportSnapshotTasks', { Filters: filters }, call))
      found.push(...(page.ImportSnapshotTasks ?? []));
    return found;
  }

  /**
   * Removes what calls that were cut off have left and nobody came back for: files, parts of uploads, objects that no import reads any
   * more, and the snapshots that were made of them. Answers how many files and objects are still there.
   */
  async sweep(call: CallOptions): Promise<number> {
    const { bucket, clock, options, scratch } = this.#services;
    const now = clock.now();
    if (this.#left === 0 && now < this.#sweptAt + SWEEP_MS) return 0;
    const prefix = bucket.key(`${options.realm}-`);
    await bucket.abandonUploads(prefix, now - OBJECT_MS, call).catch(unlessDenied);
    const objects = (await bucket.list(prefix, call)).flatMap(({ key, modifiedAt }) => {
      const digest = /^([0-9a-f]{40})\.[a-z]+$/.exec(key.slice(prefix.length))?.[1];
      return digest === undefined ? [] : [{ key, digest, isOld: modifiedAt < now - OBJECT_MS }];
    });
    const tasks = objects.some(({ isOld }) => isOld) ? await this.#tasks(ours(options.realm), call) : [];
    let left = await sweepHandedOver(scratch, now - FILE_MS);
    for (const { key, digest, isOld } of objects) {
      const imports = tasks.filter((task) => isOf(task, digest)).map(({ SnapshotTaskDetail: detail }) => detail);
      if (!isOld || imports.some((detail) => !isFailed(detail) && detail?.Status !== 'completed')) left += 1;
      else {
        for (const detail of imports) await this.#dropSnapshot(detail?.SnapshotId, call);
        await bucket.remove(key, call);
      }
    }
    [this.#sweptAt, this.#left] = [now, left];
    return left;
  }

  /** EC2 itself keeps one that an image is made of. */
  async #dropSnapshot(snapshot: string | undefined, call: CallOptions): Promise<void> {
    if (snapshot === undefined) return;
    await this.#services.api.ask('DeleteSnapshot', { SnapshotId: snapshot }, call).catch((error: unknown) => {
      if (!isCode(error, /^InvalidSnapshot\.InUse$/)) unlessGone(error);
    });
  }
}

const isOf = ({ Tags }: ImportSnapshotTask, digest: string): boolean => tagOf(Tags, TOKEN) === digest;

const isFailed = (detail: SnapshotTaskDetail | undefined): boolean =>
  /^(deleted|deleting|error|cancelled)$/i.test(detail?.Status ?? '');

/** An import that failed, or whose snapshot is gone again. */
function unlessSpent(error: unknown): undefined {
  if (!(error instanceof IaasError) || !['invalid', 'not-found'].includes(error.class)) throw error;
}

/** Older policies do not let VEP see uploads. */
function unlessDenied(error: unknown): void {
  if (!(error instanceof IaasError) || error.class !== 'denied') throw error;
}
