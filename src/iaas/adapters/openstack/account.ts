/** A user's own project of an OpenStack (K35): the options of the site with the user's application credential. */

import { readAccountCredential } from '../../account-credential.js';
import type { OpenStackOptions } from './options.js';

const FORM = {
  type: 'openstack',
  parts: ['application credential id', 'secret'],
  least: 2,
  settings: { router: /^\S{1,255}$/ },
};

/**
 * An ordinary member of one project: it chooses no hosts, makes no flavors, measures nothing and serves no other groups. Networks lead out by
 * the router that the user names.
 *
 * @throws Problem `invalid` for a credential that is written otherwise
 */
export function withAccount(options: OpenStackOptions, credential: string, mark: string): OpenStackOptions {
  const { parts, settings } = readAccountCredential(credential, FORM);
  const [id = '', secret = ''] = parts;
  const { router: _router, external, ...networks } = options.networks;
  const leadingOut =
    settings['router'] === undefined
      ? {}
      : { router: settings['router'], ...(external === undefined ? {} : { external }) };
  return {
    ...options,
    credentials: { method: 'application_credential', id, secret: { text: secret } },
    realm: `${options.realm}.${mark}`,
    hosts: { ...options.hosts, choose: false },
    flavors: { ...options.flavors, create: false },
    metrics: { diagnostics: false },
    networks: { ...networks, ...leadingOut, securityGroups: [] },
    tenants: { ...options.tenants, projects: [], others: 'own', limits: false },
  };
}
