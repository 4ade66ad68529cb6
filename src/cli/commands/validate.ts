/** `vep validate`: every finding about a descriptor or package, without a server. */

import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Problem, type Fault } from '../../base/errors.js';
import { inspectEnvelope, type OvfSchemas } from '../../ovf/index.js';
import { checkCompleteness } from '../../ovf/package/completeness.js';
import { readOva } from '../../ovf/package/ova.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isDescriptor, loadSchemas, readBytes } from '../ovf-files.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';

type Mode = 'strict' | 'lenient';

export async function validate(
  session: Session,
  [file = '']: readonly string[],
  { strict }: { readonly strict?: boolean },
): Promise<ExitCode> {
  const path = resolve(session.terminal.directory, file);
  const mode = strict === true ? 'strict' : 'lenient';
  const schemas = loadSchemas(session.terminal.environment['VEP_OVF_SCHEMA_DIR']);
  const findings = (await isDescriptor(path))
    ? inspectDescriptor(await readBytes(path), mode, schemas)
    : await inspectOva(path, mode, schemas);
  const count = (severity: string): number =>
    findings.filter((fault) => (fault.severity ?? 'error') === severity).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('info')];
  session.answer({ file, mode, valid: errors === 0, errors, warnings, notes, findings }, () => {
    const verdict = errors === 0 ? session.style.green('valid') : session.style.red('not valid');
    const counts = `${errors} errors, ${warnings} warnings, ${notes} notes`;
    return `${faultLines(findings, session.style)}${displayText(file)}: ${verdict} (${mode}; ${counts})\n`;
  });
  return errors === 0 ? EXIT.ok : EXIT.refused;
}

function inspectDescriptor(bytes: Uint8Array, mode: Mode, schemas: OvfSchemas): readonly Fault[] {
  return inspectEnvelope(bytes, { mode, schemas }).findings;
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
