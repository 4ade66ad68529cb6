/** `vep validate`: every finding about a descriptor or package, without a server. */

import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Problem, type Fault } from '../../base/errors.js';
import { inspectEnvelope, readXml, schemaVerdict, type Edition, type OvfSchemas } from '../../ovf/index.js';
import { checkCompleteness } from '../../ovf/package/completeness.js';
import { readOva } from '../../ovf/package/ova.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isDescriptor, loadSchemas, readBytes } from '../ovf-files.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';

type Mode = 'strict' | 'lenient';

const SCHEMA_EDITIONS = { '1.0': '1.0', '1.1': '1.1', vmware: '1.1 with VMware', '2.0': '2.0' } as const;

export async function validate(
  session: Session,
  [file = '']: readonly string[],
  { strict, schema }: { readonly strict?: boolean; readonly schema?: keyof typeof SCHEMA_EDITIONS },
): Promise<ExitCode> {
  const path = resolve(session.terminal.directory, file);
  const mode = strict === true ? 'strict' : 'lenient';
  const schemas = loadSchemas(session.terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const findings =
    schema === undefined
      ? await inspect(path, mode, schemas)
      : askSchema(await readBytes(path), schemas, SCHEMA_EDITIONS[schema]);
  const count = (severity: string): number =>
    findings.filter((fault) => (fault.severity ?? 'error') === severity).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('info')];
  const by = schema === undefined ? mode : `schema ${schema}`;
  session.answer({ file, mode: by, valid: errors === 0, errors, warnings, notes, findings }, () => {
    const verdict = errors === 0 ? session.style.green('valid') : session.style.red('not valid');
    const counts = `${errors} errors, ${warnings} warnings, ${notes} notes`;
    return `${faultLines(findings, session.style)}${displayText(file)}: ${verdict} (${by}; ${counts})\n`;
  });
  return errors === 0 ? EXIT.ok : EXIT.refused;
}

/** Nothing but what the schema of an edition says about a descriptor. */
function askSchema(bytes: Uint8Array, schemas: OvfSchemas, edition: Edition): readonly Fault[] {
  try {
    using document = readXml(bytes);
    return schemaVerdict(document, schemas, edition);
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}

async function inspect(path: string, mode: Mode, schemas: OvfSchemas): Promise<readonly Fault[]> {
  if (!(await isDescriptor(path))) return inspectOva(path, mode, schemas);
  return inspectEnvelope(await readBytes(path), { mode, schemas }).findings;
}

async function inspectOva(path: string, mode: Mode, schemas: OvfSchemas): Promise<readonly Fault[]> {
  const nothing = { write: () => Promise.resolve(), close: () => Promise.resolve(), abort: () => Promise.resolve() };
  try {
    const ova = await readOva(createReadStream(path), { open: () => Promise.resolve(nothing) }, { mode });
    const { envelope, findings } = inspectEnvelope(ova.descriptor.bytes, { mode, schemas });
    const contents = {
      descriptor: ova.descriptor.name,
      members: ova.members,
      ...(ova.manifest ? { manifest: ova.manifest } : {}),
    };
    return [...ova.findings, ...findings, ...(envelope ? checkCompleteness(envelope, contents, mode) : [])];
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}
