/**
 * `examples/web-shop` on OpenStack, unchanged and by configuration alone, in a server process that is killed with `kill -9`
 * at the calls where it hurts: nothing is made twice, everything comes up, and nothing is left in the project. Before a
 * fake always, and before a real cloud where `VEP_TEST_OPENSTACK` names one.
 */

import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { Front } from '../support/real-openstack/front.js';
import { realOpenStack } from '../support/real-openstack/keystone.js';
import { Tenancy } from '../support/real-openstack/tenancy.js';
import { ADMINISTRATOR, optionsFor } from './openstack-harness.js';

const PATIENCE_MS = 300_000;

/** What stands behind the site. */
interface Cloud {
  readonly options: (directory: string) => object;
  /** Names of what the project has, by kind. */
  contents(): Promise<Readonly<Record<string, readonly string[]>>>;
  called(method: string, path: RegExp): Promise<void>;
  close(): Promise<void>;
}

async function fakeCloud(): Promise<Cloud> {
  const fake = await FakeOpenStack.start({ stepMs: 20 });
  const wish = { url: fake.url, user: fake.user.name, password: fake.password, project: fake.project.name };
  return {
    options: (directory) => optionsFor({ ...wish, more: { ...ADMINISTRATOR, endpoints: {} } }, directory),
    contents: () => Promise.resolve(fake.contents()),
    called: (method, path) => fake.called(method, path),
    close: () => fake.close(),
  };
}

async function realCloud(): Promise<Cloud> {
  const tenancy = await Tenancy.open('admin');
  const front = await Front.open();
  const wish = { url: front.url, user: tenancy.name, password: tenancy.password, project: tenancy.name };
  return {
    options: (directory) => optionsFor({ ...wish, more: ADMINISTRATOR }, directory),
    contents: () => tenancy.contents(),
    called: (method, path) => front.called(method, path),
    close: async () => {
      await front.close();
      await tenancy.close();
    },
  };
}

const CLOUDS: readonly (readonly [string, () => Promise<Cloud>])[] = [
  ['a fake OpenStack', fakeCloud],
  ...(realOpenStack ? [['a real OpenStack', realCloud] as const] : []),
];

describe.each(CLOUDS)('the web shop on %s', (_name, open) => {
  it(
    'deploys, survives kill -9 at four calls, and goes without a trace',
    async () => {
      const cloud = await open();
      const server = await KilledServer.start({
        site: (directory) => ({ name: 'stack', type: 'openstack', options: cloud.options(directory) }),
        reconcileMs: 2000,
        patienceMs: PATIENCE_MS,
      });
      try {
        const location = await server.deploy(
          examplePackage('web-shop'),
          () => cloud.called('POST', /\/networks$/),
          () => cloud.called('POST', /\/servers$/),
          () => cloud.called('POST', /\/servers$/),
        );
        const { servers, ports, volumes, networks } = await cloud.contents();
        expect([servers?.length, ports?.length, volumes?.length, networks?.length]).toEqual([3, 5, 4, 2]);
        expect(new Set([...(ports ?? []), ...(volumes ?? []), ...(networks ?? [])]).size).toBe(11);

        await server.remove(location, () => cloud.called('DELETE', /\/servers\/[^/]+$/));
        // The image stays, for whoever deploys the shop again.
        const { images: _images, ...rest } = await cloud.contents();
        expect(rest).toEqual({});
      } finally {
        await server.close();
        await cloud.close();
      }
    },
    4 * PATIENCE_MS,
  );
});
