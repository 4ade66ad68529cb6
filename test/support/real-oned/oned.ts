/**
 * A real oned that `up` beside this file has started, where `VEP_TEST_OPENNEBULA` names its folder: asked as its
 * administrator, for what a test needs there and has no adapter for.
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { methodCall, readAnswer, type Parameter } from '../../../src/iaas/adapters/opennebula/xml-rpc.js';
import { readDocument, type Branch } from '../../../src/iaas/document.js';

/** The folder of a real one; nothing where the tests have none. */
export const realOned: string | undefined = process.env['VEP_TEST_OPENNEBULA'];

/** Where the dummy driver of machines reads how its next actions end. */
const ACTIONS = '/tmp/opennebula_dummy_actions';

/** Objects that VEP makes for itself, by the pool they are in; those of a realm are named after it or carry its mark. */
const POOLS = [
  ['one.vmpool.infoextended', 'VM', [-2, -1, -1, -1, '']],
  ['one.imagepool.info', 'IMAGE', [-2, -1, -1]],
  ['one.vnpool.info', 'VNET', [-2, -1, -1]],
  ['one.vmgrouppool.info', 'VM_GROUP', [-2, -1, -1]],
] as const;

/** Networks that others are cut from: name, first address and how many there are. */
const PARENTS = [
  ['vep-parent', '192.168.0.0', 65_535],
  ['vep-public', '203.0.113.8', 200],
] as const;

export class RealOned {
  readonly url: string;
  readonly #session: string;
  /** Of `serveradmin`, who acts for others. */
  readonly password: string;

  constructor(home: string) {
    const port = /^PORT = (\d+)/m.exec(readFileSync(join(home, 'etc/oned.conf'), 'utf8'))?.[1] ?? '2633';
    this.url = `http://127.0.0.1:${port}/RPC2`;
    this.#session = readFileSync(join(home, '.one/one_auth'), 'utf8').trim();
    this.password = readFileSync(join(home, 'var/.one/sunstone_auth'), 'utf8').trim().split(':')[1] ?? '';
  }

  /** @throws Error with oned's words */
  async ask(method: string, ...parameters: readonly Parameter[]): Promise<string> {
    const body = methodCall(method, [this.#session, ...parameters]);
    const response = await fetch(this.url, { method: 'POST', headers: { 'content-type': 'text/xml' }, body });
    const answer = readAnswer(await response.text());
    if (answer.kind === 'value') return answer.value;
    throw new Error(`${method}: ${answer.said}`);
  }

  /** Gives a fresh one four hosts, its two stores and the networks that reservations and addresses are cut from, all of dummy drivers. */
  async prepare(): Promise<void> {
    const hosts = await this.pool('one.hostpool.info', 'HOST');
    for (const name of ['node1', 'node2', 'node3', 'node4'])
      if (!hosts.some((host) => host.value('NAME') === name))
        await this.ask('one.host.allocate', name, 'dummy', 'dummy', -1);
    await this.ask('one.datastore.update', 0, 'TM_MAD=dummy', 1);
    await this.ask('one.datastore.update', 1, 'TM_MAD=dummy\nDS_MAD=dummy', 1);
    const networks = await this.pool('one.vnpool.info', 'VNET', -2, -1, -1);
    for (const [name, first, size] of PARENTS) {
      if (networks.some((network) => network.value('NAME') === name)) continue;
      const range = `AR=[TYPE=IP4,IP=${first},SIZE=${size}]`;
      await this.ask('one.vn.allocate', `NAME=${name}\nVN_MAD=dummy\nBRIDGE=br0\n${range}`, -1);
    }
    const ready = async (): Promise<boolean> =>
      (await this.pool('one.hostpool.info', 'HOST')).every((host) => host.value('STATE') === '2') &&
      (await this.pool('one.datastorepool.info', 'DATASTORE')).every((store) => store.number(0, 'FREE_MB') > 0);
    while (!(await ready())) await pause(200);
  }

  async pool(method: string, kind: string, ...parameters: readonly Parameter[]): Promise<readonly Branch[]> {
    return readDocument(await this.ask(method, ...parameters)).all(kind);
  }

  /** Removes the copies that backups and snapshots have left beside the volumes of a realm: they are their user's to keep. */
  async removeCopies(realm: string): Promise<void> {
    const name = new RegExp(`^${realm}-(backup|snapshot)-of-`);
    const copies = async (): Promise<readonly number[]> =>
      (await this.pool('one.imagepool.info', 'IMAGE', -2, -1, -1))
        .filter((image) => name.test(image.value('NAME') ?? ''))
        .map((image) => image.number(-1, 'ID'));
    for (const id of await copies()) await this.ask('one.image.delete', id, false);
    while ((await copies()).length > 0) await pause(100);
  }

  /** What carries a realm's name or mark: kinds and names. Machines that are gone do not count. */
  async contents(realm: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [method, kind, parameters] of POOLS)
      for (const thing of await this.pool(method, kind, ...parameters)) {
        const name = thing.value('NAME') ?? '';
        const marked = thing.value('USER_TEMPLATE', 'VEP_REALM') ?? thing.value('TEMPLATE', 'VEP_REALM');
        if (marked === realm || name.startsWith(`${realm}-`)) found.push(`${kind} ${name}`);
      }
    return found;
  }

  /** How the next actions of a name end, one word each: `failure` or `success`. */
  order(action: string, ...outcomes: readonly string[]): void {
    mkdirSync(ACTIONS, { recursive: true });
    writeFileSync(join(ACTIONS, action), `${outcomes.join('\n')}\n`);
  }

  clear(): void {
    if (existsSync(ACTIONS)) rmSync(ACTIONS, { recursive: true });
    mkdirSync(ACTIONS);
  }
}
