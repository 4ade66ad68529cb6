/** `vep trust`: the authorities and VOs that are trusted, what ends or is missing, and reading them anew. */

import { crlPolicyFor, readTrust, trustReport, type TrustReport } from '../../access/index.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { trustSettings, type TrustOptions } from '../trust-source.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';
import type { Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export async function listTrust(session: Session, _args: readonly string[], options: TrustOptions): Promise<void> {
  const report = await reportBy(session, options);
  const { authorities, vos } = report;
  session.answer({ authorities, vos }, () => renderList(report, session.style));
}

/** Ends with 1 when somebody is kept out. */
export async function checkTrust(session: Session, _args: readonly string[], options: TrustOptions): Promise<ExitCode> {
  return answerFindings(session, await reportBy(session, options));
}

export async function reloadTrust(session: Session): Promise<ExitCode> {
  return answerFindings(session, await session.client.provider.reloadTrust());
}

async function reportBy(session: Session, options: TrustOptions): Promise<TrustReport> {
  const { certificates, now } = trustSettings(session, options);
  const trust = await readTrust(certificates, now);
  return trustReport(trust, now, (issuer) => crlPolicyFor(certificates, issuer));
}

function answerFindings(session: Session, { authorities, vos, findings }: TrustReport): ExitCode {
  const errors = findings.filter(({ severity }) => severity !== 'warning').length;
  session.answer({ authorities: authorities.length, vos: vos.length, errors, findings }, () => {
    const counts = `${authorities.length} authorities, ${vos.length} VOs`;
    const rest = `${errors} errors, ${findings.length - errors} warnings`;
    return `${faultLines(findings, session.style)}${counts}; ${rest}\n`;
  });
  return errors === 0 ? EXIT.ok : EXIT.refused;
}

function renderList({ authorities, vos }: TrustReport, style: Style): string {
  const rows = authorities.map(({ name, anchor, profile, notAfter, revocationList }) => [
    displayText(name),
    anchor ? 'root' : 'subordinate',
    displayText(profile ?? ''),
    day(notAfter),
    revocationList ? day(revocationList.nextUpdate) : 'none',
    revocationList ? String(revocationList.revoked) : '',
  ]);
  const servers = vos.map(({ vo, servers: hosts }) => [displayText(vo), displayText(hosts.join(' '))]);
  return (
    table(['AUTHORITY', 'KIND', 'PROFILE', 'UNTIL', 'LIST UNTIL', 'REVOKED'], rows, style) +
    (servers.length === 0 ? '' : `\n${table(['VO', 'SERVERS'], servers, style)}`)
  );
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
