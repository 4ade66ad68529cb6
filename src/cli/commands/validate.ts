/** `vep validate`: every finding about a descriptor or package, without a server. */

import { resolve } from 'node:path';
import { Problem, type Fault } from '../../base/errors.js';
import { readXml, schemaVerdict, type Edition, type OvfSchemas } from '../../ovf/index.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { loadSchemas, readBytes } from '../ovf-files.js';
import { inspectPackage } from '../package-on-disk.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';

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
      ? await inspectPackage(path, mode, schemas)
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
