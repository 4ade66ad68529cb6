/**
 * OpenNebula before a real oned (`VEP_TEST_OPENNEBULA`), behind a faulty proxy: the behaviour suite of all adapters, and
 * `examples/web-shop` with `kill -9` of the server at calls whose answers are lost with it.
 */

import { newUuid } from '../../src/base/ids.js';
import { describeAdapter } from '../support/adapter-suite.js';
import { describeLifeCycle } from '../support/adapter-suite/life-cycle.js';
import { describePlugs } from '../support/adapter-suite/plugs.js';
import { describeTokens } from '../support/adapter-suite/tokens.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { examplePackage, KilledServer } from '../support/killed-server.js';
import { RealOned, realOned } from '../support/real-oned/oned.js';
import { optionsFor, realOnedHarness } from './opennebula-harness.js';

// The dummy drivers are programs of their own, and take their tenths of a second.

const folder = realOned;
if (folder !== undefined) {
  describeAdapter('a real oned', () => realOnedHarness(folder));
  describeAdapter(
    'a real oned whose networks have a wire of their own',
    () => realOnedHarness(folder, { networks: { isolated: { driver: 'vxlan', device: 'eth0' } } }),
    [describeLifeCycle, describeTokens, describePlugs],
  );

  it('deploys the web shop, survives kill -9 at four calls, and goes without a trace', async () => {
    const oned = new RealOned(folder);
    await oned.prepare();
    oned.clear();
    const proxy = await FaultyProxy.open(oned.url);
    const realm = `t${newUuid().slice(-6)}`;
    const more = { realm, patience: { pollMs: 50, settleMs: 25_000 }, events: { pollMs: 200 } };
    const server = await KilledServer.start({
      site: (directory) => ({
        name: 'one',
        type: 'opennebula',
        options: optionsFor(proxy.url, directory, more, oned.password),
      }),
    });
    const called = (method: string) => (): Promise<void> => {
      const struck = proxy.strikes();
      proxy.next({ kind: 'lose-answer' }, ({ body }) => body.includes(`<methodName>${method}<`));
      return struck;
    };
    const kinds = async (): Promise<Readonly<Record<string, number>>> => {
      const counts: Record<string, number> = {};
      for (const thing of await oned.contents(realm)) {
        const [kind = ''] = thing.split(' ');
        counts[kind] = (counts[kind] ?? 0) + 1;
      }
      return counts;
    };
    try {
      const calls = ['one.vn.reserve', 'one.vm.allocate', 'one.vm.deploy'].map(called);
      const location = await server.deploy(examplePackage('web-shop'), ...calls);
      // The image that the boot disks are copies of, and four volumes.
      expect(await kinds()).toMatchObject({ VM: 3, VNET: 2, IMAGE: 5 });
      await server.remove(location, called('one.vm.action'));
      expect(await kinds()).toEqual({});
    } finally {
      await server.close();
      await proxy.close();
    }
  }, 900_000);
} else it.skip('VEP_TEST_OPENNEBULA names no folder of a real oned', () => undefined);
