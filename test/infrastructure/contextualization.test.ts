/** Keys and user data on the way to the guest: the mixins of OCCI 1.2 and those of OpenStack (I-006). */

import { serverFor } from '../support/server.js';
import { siteBeside } from './site-beside.js';
import { Wire } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample someone@example.org';
const SCRIPT = '#cloud-config\npackages: [nginx]\n';
const BASE64 = Buffer.from(SCRIPT).toString('base64');

const server = serverFor();
const site = siteBeside(server);
const wire = new Wire(server);

const MIXINS: readonly (readonly [string, string, string])[] = [
  [`${S}/credentials#ssh_key`, 'occi.credentials.ssh.publickey', KEY],
  [`${S}/compute#user_data`, 'occi.compute.userdata', BASE64],
  ['http://schemas.openstack.org/instance/credentials#public_key', 'org.openstack.credentials.publickey.data', KEY],
  ['http://schemas.openstack.org/compute/instance#user_data', 'org.openstack.compute.user_data', BASE64],
];

it.each([
  ['C-080 C-081 ssh_key and user_data', MIXINS.slice(0, 2)],
  ['I-006 public_key and user_data of OpenStack', MIXINS.slice(2)],
])('%s reach the guest', async (_what, mixins) => {
  const path = await wire.make('/compute/', {
    kind: `${S}#compute`,
    mixins: mixins.map(([mixin]) => mixin),
    attributes: Object.fromEntries(mixins.map(([, attribute, value]) => [attribute, value])),
  });
  await wire.act(path, `${S}/compute/action#start`);
  await wire.until(path, 'occi.compute.state', 'active');
  const [row] = await server().rows(`SELECT site_ref FROM entity WHERE id = '${path.slice('/compute/'.length)}'`);
  const guest = await site().guestOf(String(row?.['site_ref']));
  expect(guest).toMatchObject({ sshKeys: [KEY], userData: SCRIPT });
});

it('I-006 takes what rOCCI-cli sends as --context, quoted and without blanks', async () => {
  const body = [
    `Category: compute;scheme="${S}#";class="kind"`,
    'Category: public_key;scheme="http://schemas.openstack.org/instance/credentials#";class="mixin"',
    'Category: user_data;scheme="http://schemas.openstack.org/compute/instance#";class="mixin"',
    'X-OCCI-Attribute: org.openstack.credentials.publickey.name="Public SSH key"',
    `X-OCCI-Attribute: org.openstack.credentials.publickey.data="${KEY}"`,
    `X-OCCI-Attribute: org.openstack.compute.user_data="${BASE64}"`,
  ].join('\n');
  const headers = { 'content-type': 'text/plain', accept: 'text/plain' };
  const reply = await server().request('POST', '/compute/', { headers, body });
  expect([reply.status, reply.text]).toEqual([201, expect.stringMatching(/^X-OCCI-Location: /)]);
});

it.each(MIXINS)('C-083 %s does not apply to a network', async (mixin, attribute, value) => {
  const reply = await wire.send('POST', '/network/', {
    kind: `${S}#network`,
    mixins: [mixin],
    attributes: { [attribute]: value },
  });
  expect([400, 403]).toContain(reply.status);
});

it.each(MIXINS.filter(([mixin]) => mixin.endsWith('user_data')))(
  'C-082 %s cannot be changed after creation',
  async (mixin, attribute, value) => {
    const path = await wire.make('/compute/', {
      kind: `${S}#compute`,
      mixins: [mixin],
      attributes: { [attribute]: value },
    });
    const other = Buffer.from('another').toString('base64');
    expect((await wire.send('POST', path, { attributes: { [attribute]: other } })).status).toBe(403);
    expect((await wire.show(path)).attributes[attribute]).toBe(value);
  },
);
