/** Guests report that they are ready, and the start-up sequence goes on (DSP0243 §9.7, K34). */

import { DOMParser } from '@xmldom/xmldom';
import { applianceOperations } from '../../extensions/ovf-deployment/operations.js';
import { PAUSE } from '../../extensions/ovf-deployment/deployment-graph.js';
import type { Operation, StepContext, StepOutcome } from '../../src/engine/operation.js';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { FakeClock } from '../engine/fake-clock.js';
import { siteBeside } from '../infrastructure/site-beside.js';
import { forEachServer, type Reply, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';
import { APPLIANCE, MESSAGE, STATE, components, descriptor, pathOf, send } from './appliance-wire.js';

const VEP = 'http://schemas.contrail-project.eu/ovf/environment/1';
const HOST = 'vep.guests.example';
const DELAY = 65_000;

/** `m1` is waited for, `m2` comes after it. */
const SEQUENCE = `<StartupSection><Info>order</Info>
  <Item ovf:id="m1" ovf:order="1" ovf:startDelay="${DELAY}" ovf:waitingForGuest="true"/>
  <Item ovf:id="m2" ovf:order="2"/></StartupSection>`;
const IN_ORDER = descriptor().replace(/(<VirtualSystemCollection[^>]*><Info\/>)/, `$1${SEQUENCE}`);

const sites = [
  { name: 'sim', type: 'simulator', guestUrl: `https://${HOST}/vep/`, options: { timeFactor: 1000 } },
  { name: 'deaf', type: 'simulator', options: { timeFactor: 1000 } },
];

forEachServer({ config: { sites: sites as never } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const site = siteBeside(server);

  /** What the guest of a machine finds in its OVF environment, as a guest would look for it. */
  const readyUrl = async (path: string, machine: string): Promise<string | undefined> => {
    const [compute] = (await components(client(), path, '/compute/')).filter(
      ({ attributes }) => attributes['eu.contrail-project.ovf.id'] === machine,
    );
    const [row] = await server().rows(
      `SELECT site_ref FROM entity WHERE id = '${String(compute?.id).replace('urn:uuid:', '')}'`,
    );
    const guest = await site().guestOf(String(row?.['site_ref']));
    const document = new DOMParser().parseFromString(guest?.ovfEnvironment ?? '<none/>', 'text/xml');
    const url = document.getElementsByTagNameNS(VEP, 'ReadyReport')[0]?.getAttributeNS(VEP, 'url') ?? undefined;
    if (url !== undefined) {
      expect(guest?.userData).toContain(url);
      // The same document is on the CD in the drive.
      const cd = Buffer.from((await site().cdOf(String(row?.['site_ref']))) ?? []);
      expect(cd.includes(guest?.ovfEnvironment ?? 'none')).toBe(true);
    }
    return url;
  };
  const stateOf = async (path: string, machine: string): Promise<string> => {
    const all = await components(client(), path, '/compute/');
    const found = all.find(({ attributes }) => attributes['eu.contrail-project.ovf.id'] === machine);
    return found?.attributes['occi.compute.state'];
  };
  const report = (url: string, method = 'POST'): Promise<Reply> => {
    const path = new URL(url).pathname.replace('/vep', '');
    const headers = { host: HOST, 'content-type': 'application/x-www-form-urlencoded' };
    return server().request(method, path, { as: null, headers, body: 'instance_id=i&hostname=m1' });
  };
  const machineActive = (path: string, machine: string): Promise<void> =>
    until(async () => (await stateOf(path, machine)) === 'active');

  it('a report lets the next group start: by POST alone, once, without credentials', async () => {
    const path = pathOf(await send(client(), IN_ORDER));
    await machineActive(path, 'm1');
    const url = (await readyUrl(path, 'm1')) ?? '';
    expect(url).toMatch(/^https:\/\/vep\.guests\.example\/vep\/guest\/[A-Za-z0-9_-]{43}$/);
    expect(await readyUrl(path, 'm2')).toBeUndefined();
    expect(await stateOf(path, 'm2')).toBe('inactive');
    expect(JSON.stringify(await server().rows('SELECT * FROM guest_report'))).not.toContain(url.split('/').at(-1));

    expect((await report(url, 'GET')).status).toBe(405);
    expect((await report(`${url}x`)).status).toBe(404);
    expect(await stateOf(path, 'm2')).toBe('inactive');
    expect((await report(url)).status).toBe(204);
    await client().until(path, STATE, 'active');
    expect(await stateOf(path, 'm2')).toBe('active');
    expect((await report(url)).status).toBe(404);
    await takenDown(server(), client(), path);
    expect(await server().rows('SELECT * FROM guest_report')).toEqual([]);
  });

  it('a flood of guesses is held off, with the time to come back', async () => {
    const replies = await Promise.all(
      Array.from({ length: 620 }, (_, index) => report(`https://${HOST}/guest/guess-${index}`)),
    );
    const statuses = new Set(replies.map(({ status }) => status));
    expect(statuses).toEqual(new Set([404, 429]));
    expect(replies.find(({ status }) => status === 429)?.headers['retry-after']).toMatch(/^\d+$/);
  });

  it('the dry run warns where guests cannot report, or are waited for no time at all', async () => {
    const warnings = async (body: string, name: string): Promise<string[]> => {
      const reply = await send(client(), body, [`eu.contrail-project.ovf.site="${name}"`], '?dry-run');
      const findings: { code: string; message: string }[] = reply.json.findings;
      return findings.filter(({ code }) => code === 'ovf.waiting-for-guest').map(({ message }) => message);
    };
    expect(await warnings(IN_ORDER, 'sim')).toEqual([]);
    expect(await warnings(IN_ORDER, 'deaf')).toEqual([expect.stringContaining(`${DELAY} s later`)]);
    expect(await warnings(IN_ORDER.replace(`${DELAY}`, '0'), 'sim')).toEqual([expect.stringContaining('0 s')]);
  });

  it('an appliance that is waiting can be deleted', async () => {
    const path = pathOf(await send(client(), IN_ORDER));
    await machineActive(path, 'm1');
    const shown = (await client().get(path, JSON_TYPE)).json;
    expect([shown.kind, shown.attributes[STATE], shown.attributes[MESSAGE]]).toEqual([
      APPLIANCE,
      'inactive',
      expect.stringMatching(/^deploying/),
    ]);
    await takenDown(server(), client(), path);
  });
});

describe('the pause between two groups', () => {
  const clock = new FakeClock();
  const heard = new Set<string>();
  const reports = { reported: (ids: readonly string[]) => Promise.resolve(new Set(ids.filter((id) => heard.has(id)))) };
  const type = applianceOperations({ reports } as never).find(({ name }) => name === PAUSE);
  let memory = {};
  const look = async (input: Operation['input']): Promise<StepOutcome> => {
    const outcome = await type?.steps[0]?.run({ input, memory, clock } as unknown as StepContext);
    memory = { ...memory, ...outcome?.memory };
    return outcome as StepOutcome;
  };
  beforeEach(() => {
    memory = {};
    heard.clear();
  });

  it('lasts as long as the delay without a report', async () => {
    const input = { seconds: 3, guests: { a: 60, b: 20 } };
    for (let left = 60_000; left > 0; left -= 5000) {
      expect(await look(input)).toMatchObject({ done: false, again: Math.min(left, 5000) });
      clock.advance(5000);
    }
    expect(await look(input)).toEqual({ done: true });
  });

  it('ends with the last report, but not before the delays of those that do not report', async () => {
    const input = { seconds: 30, guests: { a: 600, b: 600 } };
    await look(input);
    heard.add('a');
    clock.advance(10_000);
    expect(await look(input)).toMatchObject({ done: false, progress: { message: 'waiting for 1 guests to report' } });
    heard.add('b');
    expect(await look(input)).toMatchObject({ done: false, again: 20_000 });
    clock.advance(20_000);
    expect(await look(input)).toEqual({ done: true });
  });

  it('is a plain delay where nobody reports', async () => {
    expect(await look({ seconds: 7 })).toEqual({ done: false, again: 7000, memory: { began: clock.now() } });
    clock.advance(7000);
    expect(await look({ seconds: 7 })).toEqual({ done: true });
  });
});

async function takenDown(server: TestServer, client: Client, path: string): Promise<void> {
  expect((await client.send('DELETE', path)).status).toBe(200);
  await until(async () => (await server.rows('SELECT appliance FROM appliance')).length === 0);
}
