/**
 * `vep access check`: the verdict on a certificate, a proxy or a chain, step by step, as the server of this configuration
 * would give it; who its holder is then, and what they may do. A certificate in a file proves nothing: whether its bearer has
 * the key is seen in the TLS handshake alone.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  Refusal,
  derIn,
  identityOfChain,
  judgeChain,
  readTrust,
  type Principal,
  type Step,
} from '../../access/index.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { trustSettings, type TrustOptions } from '../trust-source.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';

export interface AccessCheckOptions extends TrustOptions {
  readonly vo?: string;
}

interface Verdict {
  readonly accepted: boolean;
  readonly steps: readonly Step[];
  /** Why not; or, of who is let in, why they may only read. */
  readonly reason: string | null;
  readonly principal: Principal | null;
  /** Milliseconds since the epoch. */
  readonly until: number | null;
}

export async function accessCheck(
  session: Session,
  _args: readonly string[],
  options: AccessCheckOptions,
): Promise<ExitCode> {
  const chain = chainIn(session);
  const { certificates, hosts, now } = trustSettings(session, options);
  const trust = await readTrust(certificates, now);
  const judged = judgeChain(chain, trust, { ...certificates, hosts }, now);
  const verdict: Verdict =
    judged.verdict === 'refused'
      ? { accepted: false, steps: judged.steps, reason: judged.refusal.reason, principal: null, until: null }
      : standing(() => identityOfChain(judged, trust, certificates), judged.steps, options.vo);
  session.answer(forJson(verdict), () => render(verdict, session.style));
  return verdict.accepted ? EXIT.ok : EXIT.refused;
}

function chainIn(session: Session): readonly Uint8Array[] {
  const { cert } = session.options;
  if (cert === undefined) throw new UsageError('there is no certificate to check', 'name a PEM file with --cert');
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(session.terminal.directory, cert));
  } catch {
    throw new UsageError(`the file ${cert} cannot be read`);
  }
  const chain = derIn(bytes, 'CERTIFICATE');
  if (chain.length === 0) throw new UsageError(`the file ${cert} holds no certificate`, 'it must be PEM or DER');
  return chain;
}

function standing(
  identify: () => ReturnType<typeof identityOfChain>,
  steps: readonly Step[],
  vo: string | undefined,
): Verdict {
  try {
    const identity = identify();
    const principal = vo === undefined ? identity.principal : identity.inVo?.(vo);
    const until = identity.notAfter;
    if (!principal) return { accepted: false, steps, reason: 'access.vo', principal: null, until };
    return { accepted: true, steps, reason: restriction(principal, vo), principal, until };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { accepted: false, steps, reason: error.reason, principal: null, until: null };
  }
}

function restriction({ credential, roles }: Principal, vo: string | undefined): string | null {
  if (credential?.limited === true) return 'access.limited-proxy';
  if (roles.size === 0) return 'access.no-vo';
  return (credential?.vos.length ?? 0) > 1 && vo === undefined ? 'access.vo-unnamed' : null;
}

function forJson({ principal, ...verdict }: Verdict): object {
  if (!principal) return { ...verdict, principal: null };
  const { id, name, groups, roles, credential } = principal;
  return { ...verdict, principal: { id, name, groups, roles: [...roles], ...credential } };
}

const RESTRICTIONS: Readonly<Record<string, string>> = {
  'access.limited-proxy': 'may read and nothing else: the proxy is a limited one',
  'access.no-vo': 'may read and nothing else: no VO vouches for them (and requireVo is on)',
  'access.vo-unnamed': 'must name the VO (X-VEP-VO) to change anything: there are several',
  'access.vo': 'the credential does not speak for that VO',
};

function render({ accepted, steps, reason, principal, until }: Verdict, style: Style): string {
  const signs = { good: style.green('good'), refused: style.red('refused'), dropped: style.yellow('dropped') };
  const lines = steps.map(
    ({ subject, check, outcome }) =>
      `${signs[outcome]}: ${style.bold(displayText(subject))}\n  ${displayText(check)}\n`,
  );
  const explained = reason === null ? '' : (RESTRICTIONS[reason] ?? reason);
  if (!accepted || !principal) return `${lines.join('')}${style.red('refused')}: ${explained}\n`;
  const { credential, groups, roles, name } = principal;
  const rows: readonly (readonly [string, string])[] = [
    ['holder', name],
    ['issuer', credential?.issuer ?? ''],
    ['assurance', credential?.assurance ?? ''],
    ['group', groups[0]],
    ['roles', [...roles].join(', ') || 'none'],
    ...(credential?.vos ?? []).map(({ vo, fqans }) => [`VO ${vo}`, fqans.join(', ')] as const),
    ['until', until === null ? '' : new Date(until).toISOString()],
  ];
  const facts = rows.map(([key, value]) => `  ${key}: ${displayText(value)}\n`).join('');
  return `${lines.join('')}${style.green('let in')}${explained === '' ? '' : `, but ${explained}`}\n${facts}`;
}
