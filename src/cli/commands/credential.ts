/**
 * `vep credential`: another credential of the user's own for a site where an appliance is in an account of theirs (K35). It is never an
 * argument: neither the list of processes nor the history of a shell shall have it.
 */

import { APPLIANCE } from '../../client/index.js';
import { readNamed } from '../appliance-source.js';
import { findNamed, idOf, textOf } from '../entities.js';
import { UsageError } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';

export interface CredentialOptions {
  readonly file?: string;
}

const ACCOUNTS = 'eu.contrail-project.appliance.accounts';
const INPUTS = 'eu.contrail-project.ovf.inputs';

export async function exchange(
  session: Session,
  [name = '', site = '']: readonly string[],
  { file }: CredentialOptions,
): Promise<void> {
  const { path, view } = await findNamed(session.client, name);
  if (view.kind !== APPLIANCE) throw new UsageError('only an appliance has credentials', 'name an appliance');
  // Before the secret is asked for.
  const sites = (textOf(view, ACCOUNTS) ?? '').split(' ').filter((each) => each !== '');
  if (!sites.includes(site)) throw nowhere(site, sites);
  const credential = await credentialOf(session, site, file);
  const changed = await session.client.update(path, {
    attributes: { [INPUTS]: { credentials: { [`site:${site}`]: credential } } },
  });
  const refused = (textOf(changed, `${ACCOUNTS}.refused`) ?? '').split(' ').filter((each) => each !== '');
  session.answer({ path, id: idOf(view), site, exchanged: true, refused }, () => {
    const others = refused.length === 0 ? '' : `; still refused: ${displayText(refused.join(', '))}`;
    return `${displayText(view.title ?? path)}: another credential for ${site} is used from now on${others}\n`;
  });
}

async function credentialOf(session: Session, site: string, file: string | undefined): Promise<string> {
  const remedy = 'type it, or send it: vep credential <appliance> <site> < file';
  if (file === undefined) return (await session.secret(`Credential for ${site}: `, 'credential', remedy)).trim();
  const credential = (await readNamed(session, file, '--file')).toString('utf8').trim();
  if (credential === '') throw new UsageError('no credential was given', 'put it into the file of --file');
  return credential;
}

function nowhere(site: string, sites: readonly string[]): UsageError {
  const where = sites.length === 0 ? 'nowhere' : `at ${sites.map(displayText).join(', ')}`;
  return new UsageError(
    `the appliance is not at ${JSON.stringify(site)} with a credential of yours`,
    `it is ${where} in accounts of yours: see \`vep show <appliance>\``,
  );
}
