/**
 * Which names an authority may give away: the `signing_policy` files of Globus (EACL) and the `namespaces` files of the
 * IGTF (`spec/federation-auth.md` §2). A statement is about an issuer by its slash name. What cannot be read refuses
 * everything of the issuers it names: a rule that is lost must not open a door.
 */

import { normalSlash } from './name.js';
import { Refusal } from './refusal.js';
import { globPattern, regexPattern, type SubjectPattern } from './subject-pattern.js';

export interface IssuingRule {
  /** Slash name, normalised. */
  readonly issuer: string;
  readonly effect: 'permit' | 'deny';
  readonly subject: SubjectPattern;
}

export interface RuleFile {
  readonly rules: readonly IssuingRule[];
  /** What could not be understood. */
  readonly faults: readonly string[];
}

const deny = (issuer: string): IssuingRule => ({ issuer: normalSlash(issuer), effect: 'deny', subject: () => true });

/** `access_id_CA`, `pos_rights` and `cond_subjects` in turn, one block after another. */
export function parseSigningPolicy(text: string): RuleFile {
  const rules: IssuingRule[] = [];
  const faults: string[] = [];
  let issuer: string | undefined;
  let maySign = false;
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    const match = /^\s*(\S+)\s+(\S+)\s+(\S.*?)\s*$/.exec(line.replace(/^\s*#.*$/, ''));
    if (!match) {
      if (/\S/.test(line.replace(/^\s*#.*$/, ''))) faults.push(`line ${number + 1} is no statement`);
      continue;
    }
    const [, keyword = '', kind = '', value = ''] = match;
    if (keyword === 'access_id_CA' && kind === 'X509') {
      issuer = unquoted(value);
      maySign = false;
    } else if (keyword === 'pos_rights' && kind === 'globus' && issuer !== undefined) maySign = value === 'CA:sign';
    else if (keyword === 'cond_subjects' && kind === 'globus' && issuer !== undefined) {
      const of = issuer;
      if (maySign) for (const glob of globsIn(value)) rules.push(permit(of, () => globPattern(glob), faults));
    } else {
      faults.push(`line ${number + 1}: ${keyword} ${kind} is not known`);
      if (issuer !== undefined) rules.push(deny(issuer));
    }
  }
  return { rules, faults };
}

function permit(issuer: string, compile: () => SubjectPattern, faults: string[]): IssuingRule {
  try {
    return { issuer: normalSlash(issuer), effect: 'permit', subject: compile() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    faults.push(error.message);
    return deny(issuer);
  }
}

function unquoted(value: string): string {
  return value
    .replace(/\s+#.*$/, '')
    .replace(/^'(.*)'$/, '$1')
    .replace(/^"(.*)"$/, '$1');
}

/** `'"<glob>" "<glob>"'`, or `'<glob>'` for one. */
function globsIn(value: string): string[] {
  const inner = value.replace(/^'(.*)'$/, '$1');
  const quoted = [...inner.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '');
  return quoted.length > 0 ? quoted : [inner];
}

const STATEMENT = /^TO\s+Issuer\s+"([^"]+)"\s+(PERMIT|DENY)\s+Subject\s+"([^"]+)"$/i;

/** `TO Issuer "<DN>" PERMIT|DENY Subject "<regex>"`, continued over lines that end in a backslash. */
export function parseNamespaces(text: string): RuleFile {
  const rules: IssuingRule[] = [];
  const faults: string[] = [];
  const bare = text.replace(/^\s*#.*$/gm, '').replace(/\\[ \t]*\r?\n/g, ' ');
  for (const line of bare.split(/\r?\n/)) {
    const statement = line.replace(/"\s+#.*$/, '"').trim();
    if (statement === '') continue;
    const match = STATEMENT.exec(statement);
    const [, issuer = '', effect = '', regex = ''] = match ?? [];
    if (match && effect.toUpperCase() === 'PERMIT') rules.push(permit(issuer, () => regexPattern(regex), faults));
    else if (match) rules.push(denial(issuer, regex, faults));
    else {
      faults.push(`no statement: ${statement.slice(0, 80)}`);
      const named = /Issuer\s+"([^"]+)"/i.exec(statement)?.[1];
      if (named !== undefined) rules.push(deny(named));
    }
  }
  return { rules, faults };
}

function denial(issuer: string, regex: string, faults: string[]): IssuingRule {
  const { effect: _effect, ...rule } = permit(issuer, () => regexPattern(regex), faults);
  return { ...rule, effect: 'deny' };
}
