/**
 * Quotas under pressure: two hundred deployments at once with room for ten, on PostgreSQL half of them at another process on
 * the same database, and a mixture with plain creations. What is charged never exceeds the quota, and what was not made is not charged (S-083).
 */

import type { Config } from '../../src/base/config.js';
import { APPLIANCE } from '../../extensions/ovf-deployment/vocabulary.js';
import { descriptor, OVF_TYPE } from '../integration/appliance-wire.js';
import { Wire } from '../infrastructure/wire.js';
import { build, ServerProcess } from '../faults/server-process.js';
import { forEachServer, type RequestOptions } from '../support/server.js';
import { until } from '../support/until.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const A = 'eu.contrail-project.vo.';
const DEPLOYMENTS = 200;
const ROOM = 10;
const accounts = [{ name: 'higgs', roles: ['user' as const], group: 'atlas' }];

forEachServer({ accounts }, (server, database) => {
  let other: ServerProcess | undefined;
  afterAll(() => other?.kill());
  const wire = new Wire(server);
  const higgs: RequestOptions = { as: 'higgs', timeoutMs: 120_000 };
  const limits: Record<string, unknown> = { [`${A}limit.machines`]: ROOM, [`${A}limit.appliances`]: DEPLOYMENTS };
  let vo: string;

  beforeAll(async () => {
    if (database === 'postgres') {
      build();
      other = new ServerProcess(server().directory, documentOf(server().config));
      await other.start();
    }
    vo = await wire.make(
      '/vo/',
      { kind: `${VO}vo`, attributes: { [`${A}name`]: 'atlas', ...limits } },
      { as: 'admin' },
    );
    // A build that is not there yet takes its time.
  });

  const charged = async (): Promise<Record<string, number>> => {
    const headers = { accept: 'application/vnd.vep.vo-usage+json' };
    return (await wire.send('GET', vo, undefined, { as: 'admin', headers })).json.used;
  };
  const deploy = (machines: readonly string[] = ['m1']) =>
    server().request('POST', '/appliance/', {
      ...higgs,
      headers: { 'content-type': OVF_TYPE, accept: 'application/occi+json' },
      body: descriptor({ machines }),
    });
  const empty = async (): Promise<void> => {
    expect((await settled(() => wire.send('DELETE', '/appliance/', undefined, higgs))).status).toBe(200);
    await until(
      async () => Object.values(await charged()).every((amount) => amount === 0),
      () => 'what was deleted stays charged',
    );
  };

  it(`S-083 takes exactly ${ROOM} of ${DEPLOYMENTS} deployments at once`, async () => {
    const there = async (): Promise<{ readonly status: number }> =>
      other === undefined
        ? deploy()
        : deployAt(await other.url, String((server().tokens as Record<string, string>)['higgs']));
    const replies = await Promise.all(
      Array.from({ length: DEPLOYMENTS }, (_, index) => settled(index % 2 === 0 ? () => deploy() : there)),
    );
    const statuses = new Map<number, number>();
    for (const { status } of replies) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    expect(statuses).toEqual(
      new Map([
        [201, ROOM],
        [422, DEPLOYMENTS - ROOM],
      ]),
    );
    expect(await charged()).toMatchObject({ appliances: ROOM, machines: ROOM });
    await empty();
  });

  it('S-083 counts whole appliances, plain creations and growth alike, and never past the quota', async () => {
    const plain = () =>
      wire.send('POST', '/compute/', { kind: 'http://schemas.ogf.org/occi/infrastructure#compute' }, higgs);
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, index) => settled(() => (index % 2 === 0 ? deploy(['m1', 'm2', 'm3']) : plain()))),
    );
    const made = replies.filter(({ status }) => status === 201);
    const machines = made.reduce((sum, { json }) => sum + (json.kind === APPLIANCE ? 3 : 1), 0);
    expect(replies.map(({ status }) => status).filter((status) => status !== 201 && status !== 422)).toEqual([]);
    expect(machines).toBeLessThanOrEqual(ROOM);
    expect((await charged())['machines']).toBe(machines);
    expect((await settled(() => wire.send('DELETE', '/compute/', undefined, higgs))).status).toBe(200);
    await empty();
  });
});

async function deployAt(url: string, token: string): Promise<{ readonly status: number }> {
  const response = await fetch(`${url}/appliance/`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': OVF_TYPE, accept: 'application/occi+json' },
    body: descriptor({ machines: ['m1'] }),
  });
  await response.arrayBuffer();
  return { status: response.status };
}

/** Two servers may meet in one place so often that one says "send the request again"; nothing was changed then. */
async function settled<R extends { readonly status: number }>(send: () => Promise<R>): Promise<R> {
  const reply = await send();
  return reply.status === 503 ? settled(send) : reply;
}

/** The configuration of the first server, for a process that reads it from a file. */
function documentOf({ data, engine, limits, sites }: Config): object {
  const { requestsPerSecond } = limits;
  const { reconcileMs } = engine;
  return { data: { database: data.database }, engine: { reconcileMs }, limits: { requestsPerSecond }, sites };
}
