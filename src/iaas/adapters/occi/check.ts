/** What is missing at a site that is another OCCI server: each finding with what an administrator does about it. */

import type { OcciClient, OcciPeer } from '../../../client/occi-client.js';
import { COMPUTE, NETWORK, NETWORKINTERFACE, STORAGE, STORAGELINK } from '../../../occi/model.js';
import type { CallOptions, SiteFinding } from '../../adapter.js';
import { offerOf } from './capabilities.js';
import { templateNamed } from './machines.js';
import type { OcciOptions } from './options.js';
import { asIaasError } from './refusals.js';
import { resourceMixins } from './sizes.js';
import type { Things } from './things.js';

export interface CheckServices {
  readonly client: OcciClient;
  readonly things: Things;
  readonly options: OcciOptions;
}

export async function check(
  { client, things, options }: CheckServices,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  client.forget();
  const peer = await client.peer(call).catch((error: unknown) => refused(error, 'the query interface'));
  if ('code' in peer) return [peer];
  const listed = await things.all('compute', call).then(
    () => [],
    (error: unknown) => [refused(error, 'the list of machines')],
  );
  return [...listed, ...lacking(peer), ...templates(peer, options), ...sizes(peer)];
}

function lacking({ discovery }: OcciPeer): SiteFinding[] {
  const { kinds } = offerOf(discovery);
  const wanted = [COMPUTE, NETWORK, STORAGE, NETWORKINTERFACE, STORAGELINK].filter((kind) => !kinds.has(kind));
  return wanted.map((kind) => ({
    code: 'occi.kind',
    message: `the server does not offer the kind ${kind}`,
    remedy: 'see what its query interface says (GET /-/) to this account; what needs the kind will be refused',
  }));
}

function templates({ discovery }: OcciPeer, { template, templateless }: OcciOptions): SiteFinding[] {
  const offer = offerOf(discovery);
  const some = offer.templates
    .slice(0, 5)
    .map(({ id }) => id.slice(id.indexOf('#') + 1))
    .join(', ');
  if (template !== undefined && templateNamed(offer, template) === undefined) {
    return [
      {
        code: 'occi.template',
        message: `the server has no OS template ${template}`,
        remedy: `name one that it has under template${some === '' ? '' : `: ${some}`}`,
      },
    ];
  }
  if (template !== undefined || templateless || offer.templates.length > 0) return [];
  return [
    {
      code: 'occi.template',
      message: 'the server has no OS template, and machines are to be made from one',
      remedy: 'set templateless: true if it makes machines without',
    },
  ];
}

function sizes({ discovery }: OcciPeer): SiteFinding[] {
  const { isVep, sizes: known } = offerOf(discovery);
  if (isVep || known.length > 0 || resourceMixins(discovery).length === 0) return [];
  return [
    {
      code: 'occi.sizes',
      message: 'the server has resource templates and does not tell their sizes, so that machines are made without one',
      remedy:
        'leave rendering as auto: in JSON servers tell them; else see whether it makes machines of cores and memory',
    },
  ];
}

function refused(error: unknown, what: string): SiteFinding {
  const { class: errorClass, message } = asIaasError(error);
  const remedy =
    errorClass === 'denied'
      ? 'see to credentials or certificate, and to what the account may do there'
      : 'see to the endpoint, the server itself, the way to it and certificateAuthorities';
  return { code: errorClass === 'denied' ? 'occi.account' : 'occi.endpoint', message: `${what}: ${message}`, remedy };
}
