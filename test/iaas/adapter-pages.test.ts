/**
 * Every type of site has a page in `docs/adapters/`, and the table of what it can do is the one that the code gives.
 * `VEP_UPDATE_PAGES=1` writes the tables anew.
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { Discovery } from '../../src/client/discovery.js';
import type { Capabilities } from '../../src/iaas/adapter.js';
import { ec2Capabilities, nimbusCapabilities } from '../../src/iaas/adapters/ec2/capabilities.js';
import { OPERATIONS } from '../../src/iaas/adapters/ec2/operations.js';
import { libvirtCapabilities } from '../../src/iaas/adapters/libvirt/capabilities.js';
import { occiCapabilities, offerOf } from '../../src/iaas/adapters/occi/capabilities.js';
import { openNebulaCapabilities } from '../../src/iaas/adapters/opennebula/capabilities.js';
import { openStackCapabilities } from '../../src/iaas/adapters/openstack/capabilities.js';
import { capabilitiesOf as simulatorCapabilities } from '../../src/iaas/adapters/simulator/capabilities.js';
import { capabilityTable } from '../../src/iaas/capability-table.js';
import { siteTypeNames } from '../../src/server/configured-sites.js';

/** What each type can do when nothing is taken from it. */
const CAPABILITIES: Readonly<Record<string, Capabilities>> = {
  simulator: simulatorCapabilities({ lacks: [] }),
  occi: occiCapabilities({ ...offerOf(ownCategories()), isVep: true }, { templateless: true, appliances: true }),
  ec2: ec2Capabilities({
    zones: [],
    hibernation: true,
    placementGroups: true,
    metrics: { periodSeconds: 300 },
    network: { vpc: 'vpc-1', addresses: true },
    images: { bucket: { name: 'images', prefix: '', partMib: 64 }, known: [] },
    volumes: { shared: { type: 'io2', iops: 100 } },
  }),
  nimbus: nimbusCapabilities({ images: { known: [{ sha256: '', image: 'an image' }] } }),
  libvirt: libvirtCapabilities({ bridge: undefined, efi: true }),
  opennebula: openNebulaCapabilities({
    liveResize: true,
    networks: { reserveFrom: ['a network'], publicFrom: ['another'] },
    limits: true,
    efi: true,
    shares: true,
  }),
  openstack: openStackCapabilities({ addresses: true, choose: true, limits: true, measures: true, shares: true }),
};

/** What a VEP's query interface says of the infrastructure. */
function ownCategories(): Discovery {
  const documents = ['infrastructure', 'interop-egi'].map(
    (name) => JSON.parse(readFileSync(join(packageRoot, 'occi-kinds', `${name}.json`), 'utf8')) as Discovery,
  );
  return new Discovery({
    kinds: documents.flatMap(({ kinds }) => kinds),
    mixins: documents.flatMap(({ mixins }) => mixins),
    actions: documents.flatMap(({ actions }) => actions),
  });
}

const FOLDER = join(packageRoot, 'docs/adapters');
const TABLE = /(<!-- capabilities -->\n)[^]*?(<!-- \/capabilities -->)/;

it('has one page for each type of site that can be configured', () => {
  expect(Object.keys(CAPABILITIES).sort()).toEqual([...siteTypeNames].sort());
  expect(readdirSync(FOLDER).sort()).toEqual(siteTypeNames.map((name) => `${name}.md`).sort());
});

it.each(Object.entries(CAPABILITIES))('says of %s what the code says', (name, capabilities) => {
  const file = join(FOLDER, `${name}.md`);
  const page = readFileSync(file, 'utf8');
  expect(page).toMatch(TABLE);
  const current = page.replace(TABLE, (_all, start, end) => `${start}\n${capabilityTable(capabilities)}\n\n${end}`);
  if (process.env['VEP_UPDATE_PAGES'] === '1') writeFileSync(file, current);
  else expect(page).toBe(current);
});

it('names every action of EC2 that is asked for', () => {
  const file = join(FOLDER, 'ec2.md');
  const page = readFileSync(file, 'utf8');
  const names = Object.keys(OPERATIONS).map((name) => `\`${name}\``);
  const actions = /(<!-- actions -->\n)[^]*?(<!-- \/actions -->)/;
  expect(page).toMatch(actions);
  const current = page.replace(actions, (_all, start, end) => `${start}\n${names.join(', ')}.\n\n${end}`);
  if (process.env['VEP_UPDATE_PAGES'] === '1') writeFileSync(file, current);
  else expect(page).toBe(current);
});
