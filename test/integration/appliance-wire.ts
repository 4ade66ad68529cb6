/** Appliances as tests send them: small descriptors of machines in a row, with what the tests read off their entities. */

import { APPLIANCE, OVF_APPLIANCE } from '../../extensions/ovf-deployment/vocabulary.js';
import { category, JSON_TYPE, type Client } from '../conformance/client.js';
import { envelope, item, system, collection, product, property } from '../ovf/plan-support.js';
import type { JsonBody, Reply } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';

export { APPLIANCE, OVF_APPLIANCE };
export const OVF = 'eu.contrail-project.ovf';
export const STATE = 'eu.contrail-project.appliance.state';
export const MESSAGE = `${STATE}.message`;
export const OVF_TYPE = 'application/ovf+xml';
export const APPLIANCE_CATEGORY = category(APPLIANCE);

export interface DescriptorParts {
  readonly machines?: readonly string[];
  /** Reference of a file that the first disk of every machine is made from. */
  readonly image?: string;
  readonly properties?: readonly string[];
}

/** Machines on one network, each with a disk; one collection round them when there are several. */
export function descriptor({ machines = ['m1', 'm2'], image, properties = [] }: DescriptorParts = {}): string {
  const file = image === undefined ? '' : `<File ovf:id="file" ovf:href="${image}"/>`;
  const from =
    image === undefined ? '' : 'ovf:fileRef="file" ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"';
  const disks = machines.map(
    (id) => `<Disk ovf:diskId="${id}-disk" ovf:capacity="4" ovf:capacityAllocationUnits="byte * 2^30" ${from}/>`,
  );
  const systems = machines.map((id) =>
    system(id, {
      items:
        item({ id: 'scsi', type: 6, address: '0' }) +
        item({ id: 'disk', type: 17, resource: `ovf:/disk/${id}-disk`, parent: 'scsi', slot: 0 }) +
        item({ id: 'nic', type: 10, connection: 'net' }),
      sections: machines.length === 1 ? product(properties) : '',
    }),
  );
  const content = machines.length === 1 ? systems.join('') : collection('app', systems.join(''), product(properties));
  return envelope(content, { references: file, disks: disks.join(''), networks: ['net'] });
}

export { property };

/** Sends a descriptor as the body, the entity in the headers (K05 b). */
export function send(client: Client, body: string, attributes: readonly string[] = [], query = ''): Promise<Reply> {
  const headers = {
    'content-type': OVF_TYPE,
    accept: JSON_TYPE,
    ...(attributes.length > 0 ? { 'X-OCCI-Attribute': attributes.join(', ') } : {}),
  };
  return client.send('POST', `/appliance/${query}`, { headers, body });
}

export const pathOf = (reply: Reply): string => {
  if (reply.status !== 201) throw new Error(`not created: ${reply.status} ${reply.text}`);
  return new URL(reply.headers.location ?? '').pathname;
};

/** Deploys and waits until the appliance is active. */
export async function deploy(client: Client, parts: DescriptorParts = {}): Promise<string> {
  const path = pathOf(await send(client, descriptor(parts)));
  await client.until(path, STATE, 'active');
  return path;
}

/** Everything of one kind that the appliance consists of. */
export async function components(client: Client, path: string, location: string): Promise<JsonBody[]> {
  const reply = await client.get(location, JSON_TYPE);
  const all: JsonBody[] = [...(reply.json.resources ?? []), ...(reply.json.links ?? [])];
  return all.filter((each) => String(each.attributes?.[OVF_APPLIANCE] ?? '').endsWith(path));
}

export const locationOf = (kind: string, entity: JsonBody): string =>
  `/${kind}/${String(entity.id).replace('urn:uuid:', '')}`;

export function actOn(
  client: Client,
  path: string,
  term: string,
  attributes: Record<string, unknown> = {},
): Promise<Reply> {
  const action = `http://schemas.contrail-project.eu/occi/ovf/appliance/action#${term}`;
  return client.send('POST', `${path}?action=${term}`, { json: { action, attributes }, accept: JSON_TYPE });
}

/** Nothing of anybody is left on the site or in the store. */
export async function untilNothingIsLeft(client: Client, timeoutMs = PATIENCE_MS): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const [row] = await client.server.rows('SELECT COUNT(*) AS count FROM entity');
    if (Number(row?.['count']) === 0) return;
    if (performance.now() > until)
      throw new Error(
        `left: ${JSON.stringify(await client.server.rows('SELECT kind, phase, observed, heading FROM entity'))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
