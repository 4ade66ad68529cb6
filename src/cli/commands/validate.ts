/** `vep validate`: every finding about a descriptor or package, without a server. */

import { resolve } from 'node:path';
import { Problem, type Fault } from '../../base/errors.js';
import { planDocument, readXml, schemaVerdict, type Edition } from '../../ovf/index.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { planHere } from '../local-plan.js';
import { loadSchemas, readBytes } from '../ovf-files.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';

const SCHEMA_EDITIONS = { '1.0': '1.0', '1.1': '1.1', vmware: '1.1 with VMware', '2.0': '2.0' } as const;

export interface ValidateOptions {
  readonly strict?: boolean;
  readonly schema?: keyof typeof SCHEMA_EDITIONS;
  readonly signer?: readonly string[];
}

export async function validate(
  session: Session,
  [file = '']: readonly string[],
  { strict, schema, signer = [] }: ValidateOptions,
): Promise<ExitCode> {
  const mode = strict === true ? 'strict' : 'lenient';
  const document =
    schema === undefined
      ? await planHere(session, file, mode, { signers: await certificates(session, signer) })
      : planDocument(null, undefined, await askSchema(session, file, SCHEMA_EDITIONS[schema]));
  const { findings } = document;
  const count = (severity: string): number =>
    findings.filter((fault) => (fault.severity ?? 'error') === severity).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('info')];
  const by = schema === undefined ? mode : `schema ${schema}`;
  session.answer({ file, mode: by, valid: errors === 0, errors, warnings, notes, ...document }, () => {
    const verdict = errors === 0 ? session.style.green('valid') : session.style.red('not valid');
    const counts = `${errors} errors, ${warnings} warnings, ${notes} notes`;
    return `${faultLines(findings, session.style)}${displayText(file)}: ${verdict} (${by}; ${counts})\n`;
  });
  return errors === 0 ? EXIT.ok : EXIT.refused;
}

/** @throws UsageError for a file that cannot be read */
async function certificates({ terminal }: Session, files: readonly string[]): Promise<readonly string[]> {
  const read = files.map((file) => readBytes(resolve(terminal.directory, file)));
  return (await Promise.all(read)).map((bytes) => Buffer.from(bytes).toString('utf8'));
}

/** Nothing but what the schema of an edition says about a descriptor. */
async function askSchema({ terminal }: Session, file: string, edition: Edition): Promise<readonly Fault[]> {
  const schemas = loadSchemas(terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const bytes = await readBytes(resolve(terminal.directory, file));
  try {
    using document = readXml(bytes);
    return schemaVerdict(document, schemas, edition);
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}
