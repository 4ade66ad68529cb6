/**
 * A plan made here, without a server (`vep plan --offline`): the same reading, the same planning, the same document (K07).
 * What only a server knows is left out: its sites, agreements and prices.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Problem, type Fault } from '../base/errors.js';
import type { JsonObject } from '../base/json.js';
import { parsePlanInputs, planAppliance, planDocument, type PlanDocument } from '../ovf/index.js';
import { checkCompleteness, type PackageContents } from '../ovf/package/completeness.js';
import { readOva } from '../ovf/package/ova.js';
import { UsageError } from './exit-codes.js';
import { isDescriptor, loadSchemas, readBytes } from './ovf-files.js';
import type { Session } from './session.js';

/** @throws Problem with everything that makes the package unreadable, UsageError for what cannot be read from here */
export async function planHere(session: Session, name: string, inputs: JsonObject): Promise<PlanDocument> {
  if (/^(https?:\/\/|upload:)/i.test(name))
    throw new UsageError('a package at a URL is fetched by a server', 'start one, or name a file');
  const { descriptor, contents, findings } = await readPackage(resolve(session.terminal.directory, name));
  const schemas = loadSchemas(session.terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const result = planAppliance(descriptor, parsePlanInputs(inputs), { mode: 'lenient', schemas });
  const incomplete = contents ? checkCompleteness(result.envelope, contents, 'lenient') : [];
  const digest = createHash('sha256').update(descriptor).digest('hex');
  const all = [...findings, ...incomplete, ...result.findings];
  const errors = all.filter(({ severity = 'error' }) => severity === 'error');
  if (errors.length > 0) throw new Problem('invalid', all);
  return planDocument(digest, result, all);
}

interface LocalPackage {
  readonly descriptor: Uint8Array;
  readonly contents?: PackageContents;
  readonly findings: readonly Fault[];
}

async function readPackage(path: string): Promise<LocalPackage> {
  if (await isDescriptor(path)) return { descriptor: await readBytes(path), findings: [] };
  const nothing = { write: () => Promise.resolve(), close: () => Promise.resolve(), abort: () => Promise.resolve() };
  const ova = await readOva(createReadStream(path), { open: () => Promise.resolve(nothing) }, { mode: 'lenient' });
  const { descriptor, members, manifest, findings } = ova;
  return {
    descriptor: descriptor.bytes,
    contents: { descriptor: descriptor.name, members, ...(manifest && { manifest }) },
    findings,
  };
}
