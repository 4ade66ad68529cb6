/** `vep validate`: every finding about a descriptor or package, without a server. */

import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { Problem, type Fault } from '../../base/errors.js';
import { parsePlanInputs, planDocument, readXml, schemaVerdict, type Edition } from '../../ovf/index.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
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
  /** Tag of BCP 47, for titles, labels and licences. */
  readonly language?: string;
}

export async function validate(
  session: Session,
  [file = '']: readonly string[],
  { strict, schema, signer = [], language }: ValidateOptions,
): Promise<ExitCode> {
  const mode = strict === true ? 'strict' : 'lenient';
  const document =
    schema === undefined
      ? await planHere(session, file, mode, {
          inputs: parsePlanInputs(language === undefined ? {} : { language }),
          signers: await certificates(session, signer),
          everyConfiguration: true,
        })
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

/** @throws UsageError for a file that cannot be read, or holds no certificate: nobody would be trusted, unnoticed */
async function certificates({ terminal }: Session, files: readonly string[]): Promise<readonly string[]> {
  const read = files.map(async (file) => {
    const text = (await readBytes(resolve(terminal.directory, file))).toString('utf8');
    if (isCertificate(text)) return text;
    throw new UsageError(`${file} holds no certificate (PEM)`, 'name a file that begins with BEGIN CERTIFICATE');
  });
  return Promise.all(read);
}

function isCertificate(text: string): boolean {
  try {
    return text.includes('-----BEGIN CERTIFICATE-----') && new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
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
