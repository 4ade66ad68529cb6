/**
 * How users write a credential of their own for a site (`inputs.credentials`, K04 and K35), as one text, which every rendering
 * of OCCI can carry: the type of the site, the parts of the credential, and what of their account shall be used, as
 * `name=value`.
 */

import { Problem, type Fault } from '../base/errors.js';

export interface AccountCredentialForm {
  /** `sites[].type`, which the text begins with. */
  readonly type: string;
  /** What comes then; how many of them there must be at least. */
  readonly parts: readonly string[];
  readonly least: number;
  /** What may follow, and how it is written. */
  readonly settings: Readonly<Record<string, RegExp>>;
}

export interface AccountCredential {
  readonly parts: readonly string[];
  readonly settings: Readonly<Record<string, string | undefined>>;
}

/** @throws Problem `invalid` (`site.credential`) with all faults, none of which repeats anything of the text */
export function readAccountCredential(text: string, form: AccountCredentialForm): AccountCredential {
  const [type = '', ...words] = text.trim().split(/\s+/);
  const settings: Record<string, string> = {};
  const parts: string[] = [];
  const faults: Fault[] = [];
  const remedy = `write "${shown(form)}"`;
  if (type !== form.type) faults.push(fault(`the credential does not begin with ${form.type}`, remedy));
  for (const word of words) {
    const name = Object.keys(form.settings).find((each) => word.startsWith(`${each}=`));
    const value = word.slice((name?.length ?? 0) + 1);
    if (name === undefined) parts.push(word);
    else if (form.settings[name]?.test(value) === true) settings[name] = value;
    else faults.push(fault(`${name}= is not followed by the name of one`, remedy));
  }
  if (parts.length < form.least || parts.length > form.parts.length)
    faults.push(fault(`the credential has ${parts.length} parts`, remedy));
  if (faults.length > 0) throw new Problem('invalid', faults);
  return { parts, settings };
}

function shown({ type, parts, least, settings }: AccountCredentialForm): string {
  const all = parts.map((part, index) => (index < least ? `<${part}>` : `[<${part}>]`));
  return [type, ...all, ...Object.keys(settings).map((name) => `[${name}=<${name}>]`)].join(' ');
}

function fault(message: string, remedy: string): Fault {
  return { code: 'site.credential', message, rule: 'K35', remedy };
}
