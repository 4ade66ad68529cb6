/**
 * A plan made here, without a server (`vep plan --offline`, `vep validate`): the same reading, the same planning, the same
 * document (K07). What only a server knows is left out: its sites, agreements and prices.
 */

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import {
  NO_INPUTS,
  planConfigurations,
  planDocument,
  planEnvelope,
  type PlanDocument,
  type PlanInputs,
  type ReadOptions,
} from '../ovf/index.js';
import { loadSchemas } from './ovf-files.js';
import { inspectPackage } from './package-on-disk.js';
import type { Session } from './session.js';

export interface LocalPlanOptions {
  readonly inputs?: PlanInputs;
  /** Certificates (PEM) of those whose signature is believed. */
  readonly signers?: readonly string[];
  /** Judge the configurations that are not chosen too. */
  readonly everyConfiguration?: boolean;
}

/** @throws UsageError for what cannot be read; whatever else is wrong is among the findings */
export async function planHere(
  { terminal }: Session,
  name: string,
  mode: ReadOptions['mode'],
  { inputs = NO_INPUTS, signers = [], everyConfiguration = false }: LocalPlanOptions = {},
): Promise<PlanDocument> {
  const schemas = loadSchemas(terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const path = resolve(terminal.directory, name);
  const { descriptor, envelope, findings } = await inspectPackage(path, mode, schemas, signers);
  const digest = descriptor === undefined ? null : createHash('sha256').update(descriptor).digest('hex');
  if (!envelope) return planDocument(digest, undefined, findings);
  const plan = everyConfiguration ? planConfigurations : planEnvelope;
  const result = plan({ envelope, findings }, inputs, mode);
  return planDocument(digest, result, result.findings);
}
