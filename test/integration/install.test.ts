/** Machines that install themselves in a first boot of their own (DSP0243 §9.8), and starts that are waited for again (K34). */

import { Client, JSON_TYPE } from '../conformance/client.js';
import { siteBeside } from '../infrastructure/site-beside.js';
import { forEachServer } from '../support/server.js';
import { until } from '../support/until.js';
import { MESSAGE, STATE, actOn, components, descriptor, pathOf, send } from './appliance-wire.js';

const HOST = 'vep.guests.example';
const sites = [
  { name: 'sim', type: 'simulator', guestUrl: `https://${HOST}/vep/`, options: { timeFactor: 1000 } },
] as const;

const SEQUENCE = `<StartupSection><Info>order</Info>
  <Item ovf:id="m1" ovf:order="1" ovf:startDelay="65000" ovf:waitingForGuest="true"/>
  <Item ovf:id="m2" ovf:order="2"/></StartupSection>`;

/** `m1` installs itself first, then is waited for; `m2` comes after it. */
const installing = (delay?: number): string =>
  descriptor()
    .replace(/(<VirtualSystemCollection[^>]*><Info\/>)/, `$1${SEQUENCE}`)
    .replace(
      /(<VirtualSystem ovf:id="m1"[^>]*>[\s\S]*?)(<\/VirtualSystem>)/,
      `$1<InstallSection${delay === undefined ? '' : ` ovf:initialBootStopDelay="${delay}"`}><Info>install</Info></InstallSection>$2`,
    );

forEachServer({ config: { sites: sites as never } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const site = siteBeside(server);

  const refOf = async (path: string, machine: string): Promise<string | undefined> => {
    const all = await components(client(), path, '/compute/');
    const compute = all.find(({ attributes }) => attributes['eu.contrail-project.ovf.id'] === machine);
    const [row] = await server().rows(
      `SELECT site_ref FROM entity WHERE id = '${String(compute?.id).replace('urn:uuid:', '')}'`,
    );
    return (row?.['site_ref'] as string | null) ?? undefined;
  };
  const siteState = async (ref: string | undefined): Promise<string | undefined> => {
    const report = ref === undefined ? undefined : (await site().describe('compute', [ref])).get(ref);
    return report?.busy ? 'busy' : report?.state;
  };
  /** What the machine's guest does at the end of its installation, or when somebody shuts it down from inside. */
  const powerOff = async (ref: string): Promise<void> => {
    await site().actCompute(ref, 'stop', 'poweroff');
  };
  const reportReady = async (ref: string): Promise<number> => {
    const document = (await site().guestOf(ref))?.ovfEnvironment ?? '';
    const url = /url="([^"]+)"/.exec(document)?.[1] ?? '';
    const path = new URL(url).pathname.replace('/vep', '');
    return (await server().request('POST', path, { as: null, headers: { host: HOST } })).status;
  };

  const untilState = (path: string, state: string): Promise<void> =>
    until(async () => (await client().get(path, JSON_TYPE)).json.attributes[STATE] === state);

  it('boots once to install, waits for the guest to power off, then starts in order', async () => {
    const path = pathOf(await send(client(), installing()));
    await until(async () => (await siteState(await refOf(path, 'm1'))) === 'active');
    const m1 = String(await refOf(path, 'm1'));
    const waiting = async (): Promise<string> =>
      JSON.stringify(await server().rows("SELECT * FROM operation WHERE type = 'appliance.install'"));
    await until(async () => (await waiting()).includes('waiting for the installation to power off'));
    // What it reports during its installation is heard, but is not what m2 waits for.
    expect(await reportReady(m1)).toBe(204);
    await powerOff(m1);
    const reported = async (): Promise<boolean> =>
      (await server().rows('SELECT * FROM guest_report WHERE reported_at IS NOT NULL')).length > 0;
    await until(async () => !(await reported()) && (await siteState(m1)) === 'active');
    expect(await siteState(await refOf(path, 'm2'))).toBe('inactive');
    await until(async () => (await reportReady(m1)) === 204);
    await untilState(path, 'active');
    expect(await siteState(await refOf(path, 'm2'))).toBe('active');

    // A later start is no installation, but is waited for and reported anew.
    await actOn(client(), path, 'stop', {});
    await untilState(path, 'inactive');
    expect(await reportReady(m1)).toBe(404);
    await actOn(client(), path, 'start', {});
    await until(async () => (await siteState(m1)) === 'active');
    expect(await siteState(await refOf(path, 'm2'))).toBe('inactive');
    await until(async () => (await reportReady(m1)) === 204);
    await untilState(path, 'active');
    expect((await server().rows("SELECT * FROM operation WHERE type = 'appliance.install'")).length).toBe(1);
  });

  it('an installation that takes longer than its initialBootStopDelay fails the deployment', async () => {
    const path = pathOf(await send(client(), installing(1)));
    await untilState(path, 'error');
    const shown = (await client().get(path)).text;
    expect(shown).toContain('within 1 s of its first boot');
    expect(shown).toContain(MESSAGE);
    expect(await components(client(), path, '/compute/')).toEqual([]);
  });
});
