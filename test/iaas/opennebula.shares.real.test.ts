/** Limits of a Virtual Organization in the quotas, rules and data centres of a real oned (`VEP_TEST_OPENNEBULA`). */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newUuid } from '../../src/base/ids.js';
import { readDocument, type Branch } from '../../src/iaas/document.js';
import { NO_SHARE, type TenantShare } from '../../src/iaas/tenant.js';
import { realOned, RealOned } from '../support/real-oned/oned.js';
import { openSite, optionsFor } from './opennebula-harness.js';

const GIB = 2 ** 30;

async function shares(home: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-one-'));
  const oned = new RealOned(home);
  await oned.prepare();
  const realm = `t${newUuid().slice(-6)}`;
  const site = await openSite(optionsFor(oned.url, directory, { realm }, oned.password), directory);
  const [owner, others] = [realm, { user: `local:${realm}`, group: `${realm}o` }];
  const name = `vep-${owner}`;
  const group = async (): Promise<Branch> => {
    const [found] = (await oned.pool('one.grouppool.info', 'GROUP')).filter((each) => each.value('NAME') === name);
    return readDocument(await oned.ask('one.group.info', found?.number(-1, 'ID') ?? -1));
  };
  /** oned drops what is as it is for everybody. */
  const limit = async (...path: readonly string[]): Promise<number> => (await group()).number(-1, ...path);
  const vdc = async (): Promise<Branch | undefined> =>
    (await oned.pool('one.vdcpool.info', 'VDC')).find((each) => each.value('NAME') === `${name}-hosts`);
  const rules = async (id: string): Promise<readonly string[]> =>
    (await oned.pool('one.acl.info', 'ACL'))
      .flatMap((rule) => rule.value('STRING') ?? '')
      .filter((rule) => rule.includes(id));
  const settle = async (share: TenantShare, before: TenantShare): Promise<void> =>
    expect(await site.tenants?.settle(owner, share, before)).toEqual({ name: `group ${name}`, findings: [] });
  const id = newUuid();
  const network = await site.createNetwork({ id, name: 'theirs', owner: others }, id);
  try {
    const share: TenantShare = {
      limits: { machines: 5, cores: 8, memoryBytes: 16 * GIB, volumes: 4, storageBytes: 40 * GIB },
      ...{ hosts: ['node1', 'node2'], networks: [network], volumes: [] },
    };
    await settle(share, NO_SHARE);
    await settle(share, share);
    const vm = ['VMS', 'CPU', 'MEMORY'].map((each) => limit('VM_QUOTA', 'VM', each));
    const stored = ['IMAGES', 'SIZE'].map((each) => limit('DATASTORE_QUOTA', 'DATASTORE', each));
    expect(await Promise.all([...vm, ...stored])).toEqual([5, 8, 16_384, 4, 40_960]);
    expect((await vdc())?.child('HOSTS')?.all('HOST')).toHaveLength(2);
    const opened = `@${(await group()).value('ID')} NET/#${network} USE`;
    expect(await rules(opened)).toHaveLength(1);
    await settle(NO_SHARE, share);
    expect([await limit('VM_QUOTA', 'VM', 'CPU'), await limit('DATASTORE_QUOTA', 'DATASTORE', 'SIZE')]).toEqual([
      -1, -1,
    ]);
    expect([await vdc(), await rules(opened)]).toEqual([undefined, []]);
  } finally {
    await site.delete('network', network);
    await site.close();
    for (const [pool, kind, remove] of [
      ['one.userpool.info', 'USER', 'one.user.delete'],
      ['one.grouppool.info', 'GROUP', 'one.group.delete'],
    ] as const)
      for (const each of await oned.pool(pool, kind))
        if (each.value('NAME')?.includes(realm)) await oned.ask(remove, each.number(-1, 'ID'));
    rmSync(directory, { recursive: true });
  }
}

const folder = realOned;
if (folder === undefined) it.skip('VEP_TEST_OPENNEBULA names no folder of a real oned', () => undefined);
else it('are written, looked up, and taken back', () => shares(folder));
