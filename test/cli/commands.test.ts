import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentEvents, FakeVep, problem, SHOP } from './fake-vep.js';
import { vep, type FakeTerminalOptions, type Ran } from './fake-terminal.js';
import { besideFake } from './beside-fake.js';

const cli = besideFake();

describe('vep credential', () => {
  const sent = (): unknown => {
    const asked = cli.fake.server.asked.find(({ method, url }) => method === 'POST' && url === `/appliance/${SHOP}`);
    return asked && JSON.parse(asked.body.toString());
  };
  const exchanged = (credential: string): unknown => ({
    attributes: { 'eu.contrail-project.ovf.inputs': { credentials: { 'site:east': credential } } },
  });
  beforeEach(() => (cli.fake.accounts = 'west east'));

  it.each([
    ['typed unseen', { secret: ' ec2 KEY typed ' }, '', 'ec2 KEY typed'],
    ['from standard input', { input: 'ec2 KEY piped\nmore\n' }, '', 'ec2 KEY piped'],
    ['from a file', {}, ' --file key', 'ec2 KEY\nfiled'],
  ])('sends a credential that is %s, and shows nothing of it', async (_, given, option, credential) => {
    writeFileSync(join(cli.folder, 'key'), 'ec2 KEY\nfiled\n');
    const { code, out, err } = await cli.run(`credential Shop east${option}`, given);
    expect([code, err, out]).toEqual([0, '', 'Shop: another credential for east is used from now on\n']);
    expect(sent()).toEqual(exchanged(credential));
  });

  it.each([
    ['credential Shop moon', 2, 'not at "moon" with a credential of yours'],
    ['credential Shop east', 2, 'no credential was given'],
    ['credential Shop east --file none', 2, 'the file of --file cannot be read'],
    ['credential Shop east ec2-KEY-secret', 2, 'too many arguments'],
  ])('refuses %s', async (line, code, words) => {
    const ran = await cli.run(line);
    expect([ran.code, ran.err]).toEqual([code, expect.stringContaining(words)]);
    expect(sent()).toBeUndefined();
  });
});

describe('vep list and vep show', () => {
  it('list appliances as a table', async () => {
    const { code, out } = await cli.run('list');
    expect(code).toBe(0);
    expect(out).toBe(`TITLE  STATE   MACHINES  MESSAGE  ID\nShop   active  2                  ${SHOP}\n`);
  });

  it('list other kinds, and what is nothing', async () => {
    expect((await cli.run('list compute')).out).toContain('Web       active  2      1.5  sim ');
    expect((await cli.run('list network')).out).toContain('lan    active  network  ');
    expect((await cli.run('list nonsense')).code).toBe(6);
  });

  it('draw an appliance with machines, addresses, disks, networks and agreement', async () => {
    const { out } = await cli.run('show Shop');
    expect(out).toBe(
      [
        `Shop  active, on sim  ${SHOP}`,
        '├─ agreement gold  accepted',
        '├─ network lan  active  10.0.0.0/24',
        '├─ machine Web  active  2 cores, 1.5 GiB, web, on host-1',
        '│  ├─ eth0 on lan  active  10.0.0.2',
        '│  └─ disk root  online  4 GiB, vda',
        '└─ machine Database  active  2 cores, 1.5 GiB, db, on host-1',
        '',
      ].join('\n'),
    );
  });

  it('say since when nobody has seen it, where its site is down', async () => {
    cli.fake.observedAt = '2026-11-30T14:02:33.000Z';
    const seen = 'active (last seen 2026-11-30 14:02Z)';
    expect((await cli.run('list')).out).toContain(`Shop   ${seen}  2 `);
    expect((await cli.run('list compute')).out).toContain(`Web       ${seen}  2 `);
    const { out } = await cli.run('show Shop');
    expect(out).toContain(`Shop  ${seen}, on sim`);
    expect(out).toContain(`machine Web  ${seen}  2 cores`);
    expect(out).toContain('machine Database  active  2 cores');
    const at = Date.parse(cli.fake.observedAt);
    const { seenAt, machines } = JSON.parse((await cli.run('show Shop --json')).out);
    expect([seenAt, machines[0].seenAt]).toEqual([at, at]);
    expect(machines[1]).not.toHaveProperty('seenAt');
  });

  it('say where it is, not where it might have been', async () => {
    cli.fake.wish = 'elsewhere,sim';
    expect((await cli.run('show Shop')).out).toContain('Shop  active, on sim  ');
    expect(JSON.parse((await cli.run('show Shop --json')).out).site).toBe('sim');
  });

  it('ask for the components of that appliance alone', async () => {
    await cli.run(`show ${SHOP}`);
    const asked = cli.fake.server.asked.find(({ url }) => url === '/compute/');
    expect(asked?.headers['x-occi-attribute']).toBe(`eu.contrail-project.ovf.appliance="/appliance/${SHOP}"`);
  });

  it('answer JSON of a stable shape', async () => {
    const report = JSON.parse((await cli.run(`show ${SHOP.slice(0, 8)} --json`)).out);
    expect(report).toMatchObject({
      id: SHOP,
      path: `/appliance/${SHOP}`,
      state: 'active',
      deployed: true,
      site: 'sim',
      agreements: [{ title: 'gold', state: 'accepted' }],
      networks: [{ title: 'lan', address: '10.0.0.0/24' }],
      machines: [
        {
          ovfId: 'web',
          cores: 2,
          memoryGiB: 1.5,
          host: 'host-1',
          interfaces: [{ device: 'eth0', address: '10.0.0.2', network: 'lan' }],
          disks: [{ title: 'root', sizeGiB: 4, device: 'vda' }],
        },
        { ovfId: 'db', interfaces: [], disks: [] },
      ],
    });
    expect(JSON.parse((await cli.run('list --json')).out)[0]).toMatchObject({
      path: `/appliance/${SHOP}`,
      title: 'Shop',
    });
  });

  it('show other entities by path, and colours only on a terminal that wants them', async () => {
    const path = `/compute/01890000-0000-7000-8000-0000000000c1`;
    const plain = await cli.run(`show ${path}`);
    expect(plain.out).toContain('occi.compute.cores = 2');
    expect(plain.out).toContain('can restart');
    expect(plain.out).not.toContain('\u001b');
    expect((await cli.run(`show ${path}`, { interactive: true })).out).toContain('\u001b[32mactive\u001b[39m');
    for (const [line, environment] of [
      [`show ${path} --no-color`, {}],
      [`show ${path}`, { NO_COLOR: '1' }],
    ] as const) {
      expect((await cli.run(line, { interactive: true, environment })).out).not.toContain('\u001b');
    }
  });

  it('let no control character of a title reach the terminal', async () => {
    cli.fake.message = 'a\u001b]0;b\u0007\nc\u202e';
    const { out } = await cli.run('list');
    expect(out).toContain('a\\u001b]0;b\\u0007 c\\u202e');
  });
});

describe('actions', () => {
  const posted = (): string[] => cli.fake.server.lines.filter((line) => line.startsWith('POST'));

  it.each(['start', 'stop', 'suspend', 'undeploy'])('vep %s triggers the action', async (term) => {
    expect((await cli.run(`${term} Shop`)).out).toBe(`Shop: ${term} accepted\n`);
    expect(posted()).toEqual([`POST /appliance/${SHOP}?action=${term}`]);
  });

  it('vep restart stops and starts an appliance, and restarts a machine', async () => {
    await cli.run('restart Shop');
    expect(posted()).toEqual([`POST /appliance/${SHOP}?action=stop`, `POST /appliance/${SHOP}?action=start`]);
    await cli.run('restart /compute/01890000-0000-7000-8000-0000000000c1');
    expect(posted().at(-1)).toContain('?action=restart');
    expect(cli.fake.server.asked.at(-1)!.body.toString()).toContain('infrastructure/compute/action#restart');
  });

  it('vep scale names machine and count, and takes whole numbers only', async () => {
    await cli.run('scale Shop web 3');
    expect(JSON.parse(cli.fake.server.asked.at(-1)!.body.toString()).attributes).toEqual({ role: 'web', count: 3 });
    expect((await cli.run('scale Shop web none')).code).toBe(2);
  });

  it('vep delete deletes', async () => {
    expect((await cli.run('delete Shop')).out).toBe('Shop: deleted\n');
    expect(cli.fake.server.lines.at(-1)).toBe(`DELETE /appliance/${SHOP}`);
  });

  it('--watch leaves what was filed before out of account', async () => {
    cli.fake.state = 'inactive';
    const later = deploymentEvents('done', 5000)
      .replaceAll('"root"', '"later"')
      .replaceAll('appliance.deploy', 'appliance.undeploy');
    cli.fake.events = [deploymentEvents('failed', 500), later];
    cli.fake.override = ({ url, headers }) =>
      url.startsWith('/events/') && headers['last-event-id'] === undefined
        ? { body: cli.fake.events.shift() ?? '' }
        : undefined;
    const { code, out } = await cli.run('undeploy Shop --watch');
    expect({ code, out }).toEqual({ code: 0, out: 'Shop: inactive\n' });
    expect((await cli.run('restart /compute/01890000-0000-7000-8000-0000000000c1 --watch')).code).toBe(2);
  });

  it('a name that fits several appliances is refused with their ids', async () => {
    const twin = (id: string): object => ({
      kind: 'http://schemas.contrail-project.eu/occi/ovf#appliance',
      id,
      title: 'Twin',
      attributes: {},
    });
    cli.fake.override = ({ url }) =>
      url === '/appliance/'
        ? { body: { resources: [twin('urn:uuid:a-1'), twin('urn:uuid:a-2')] } as never }
        : undefined;
    const { code, err } = await cli.run('stop Twin');
    expect(code).toBe(2);
    expect(err).toContain('name one by its id: a-1, a-2');
  });
});

describe('exit codes', () => {
  it.each([
    [400, 1],
    [401, 4],
    [403, 4],
    [404, 6],
    [406, 1],
    [409, 7],
    [412, 7],
    [413, 1],
    [422, 1],
    [429, 3],
    [500, 3],
    [503, 3],
  ])('an answer of %d ends with %d', async (status, code) => {
    cli.fake.override = () =>
      problem(status, 'some.code', 'some message', { rule: 'K00', remedy: 'do this', place: { line: 3 } });
    const ran = await cli.run('list');
    expect(ran.code).toBe(code);
    expect(ran.err).toContain('error: line 3: some message [some.code, K00]');
    expect(ran.err).toContain(status === 401 ? 'remedy: sign in with `vep login`' : 'remedy: do this');
    expect(ran.err).not.toContain('at ');
  });

  it('are 3 without a server, 4 without an administrator, and 0 for help', async () => {
    expect((await vep(['list'], { directory: cli.folder })).code).toBe(3);
    expect((await vep(['list', '--endpoint', 'http://127.0.0.1:1'], { directory: cli.folder })).code).toBe(3);
    expect((await vep(['sites', '--admin', '--endpoint', cli.fake.server.url], { directory: cli.folder })).code).toBe(
      4,
    );
    expect((await cli.run('--help')).code).toBe(0);
    expect((await cli.run('help exit-codes')).out).toContain('5  what was watched failed');
    expect(JSON.parse((await cli.run('exit-codes --json')).out)).toMatchObject({ 0: 'done as asked' });
  });

  it('come with the faults as JSON when JSON is asked for, and with a trace only when that is', async () => {
    cli.fake.override = () => problem(409, 'x.y', 'no');
    expect(JSON.parse((await cli.run('list --json')).err)).toEqual({
      error: { exit: 7, faults: [{ severity: 'error', code: 'x.y', message: 'no' }] },
    });
    expect((await cli.run('list --debug')).err).toMatch(/\n {4}at /);
  });
});

describe('keeping a server', () => {
  it('vep sites shows status and capacity', async () => {
    const { out } = await cli.run('sites --admin');
    expect(out).toContain('sim   simulator  up      3/4       10/16       8/16      1024           DE');
    expect(JSON.parse((await cli.run('sites --admin --json')).out)[0]).toMatchObject({ name: 'sim', up: true });
  });

  it('vep sites says how old the figures of a site are that is down', async () => {
    const [site] = JSON.parse((await cli.run('sites --admin --json')).out);
    cli.fake.override = ({ url }) =>
      url === '/health/sites' ? { body: { sites: [{ ...site, up: false }] } } : undefined;
    expect((await cli.run('sites --admin')).out).toMatch(
      /sim {3}simulator {2}down \(figures of \d{4}-\d\d-\d\d \d\d:\d\dZ\) {2}3\/4/,
    );
  });

  it('vep sites check says what is missing, on every site or on one, and ends with 1 when anything is', async () => {
    const well = await cli.run('sites check --admin');
    expect(well).toMatchObject({ code: 0, out: 'ok: site sim (simulator): nothing is missing\n' });
    const finding = { code: 'no-hosts', message: 'no host is up', remedy: 'bring one back' };
    cli.fake.override = ({ url }) =>
      url === '/health/sites/sim/check' ? { body: { site: 'sim', type: 'simulator', findings: [finding] } } : undefined;
    const ill = await cli.run('sites check sim --admin');
    expect(ill.code).toBe(1);
    expect(ill.out).toContain('failed: site sim (simulator): no host is up [no-hosts]\n  remedy: bring one back');
    expect((await cli.run('sites check nowhere --admin')).code).toBe(6);
  });

  it('vep retry retries', async () => {
    cli.fake.override = ({ url }) => (url === '/health/operations/o/retry' ? { body: {} } : undefined);
    expect((await cli.run('retry o --admin')).code).toBe(0);
  });

  it('vep doctor says what is well, and what is not with a remedy', async () => {
    const well = await cli.run('doctor');
    expect(well.code).toBe(0);
    expect(well.out).toContain('ok: operations: none has given up');
    const dead = {
      id: 'o-1',
      type: 'infrastructure.provision',
      entity: 'e',
      appliance: null,
      site: 'sim',
      step: 'make',
      class: 'denied',
      message: 'no',
      createdAt: 1,
    };
    cli.fake.override = ({ url }) =>
      url === '/health/operations'
        ? { body: { dead: [dead] } }
        : url === '/health/sites'
          ? { body: { sites: [{ name: 's', type: 't', up: false, since: 1, capacity: null }] } }
          : undefined;
    const ill = await cli.run('doctor');
    expect(ill.code).toBe(1);
    expect(ill.out).toContain('infrastructure.provision of e on sim gave up at make: no');
    expect(ill.out).toContain('vep retry o-1 --admin');
    expect(ill.out).toContain('failed: site s: is down');
    const surroundings = {
      code: 'images.file-root',
      severity: 'warning',
      message: 'the folder /mnt/images is not there',
      place: { path: 'images.fileRoots' },
      remedy: 'mount it',
    };
    const other = { code: 'site.other-vep', message: 'marks are on 2 things', remedy: 'give it another realm' };
    cli.fake.override = ({ url }) =>
      url === '/health/surroundings'
        ? { body: { findings: [surroundings] } }
        : url === '/health/sites/sim/check'
          ? { body: { site: 'sim', type: 'simulator', findings: [other] } }
          : undefined;
    const warned = await cli.run('doctor');
    expect(warned.code).toBe(0);
    expect(warned.out).toContain(
      'warning: surroundings: images.fileRoots: the folder /mnt/images is not there [images.file-root]\n  remedy: mount it',
    );
    expect(warned.out).toContain('warning: site sim: marks are on 2 things [site.other-vep]');
    cli.fake.override = ({ url }) =>
      url.startsWith('/health/s') ? problem(403, 'access.administrators-only', 'for administrators') : undefined;
    expect(JSON.parse((await cli.run('doctor --json')).out)).toMatchObject({
      healthy: true,
      checks: expect.arrayContaining([expect.objectContaining({ result: 'skipped', name: 'sites' })]),
    });
  });

  it('vep doctor looks at the data directory', async () => {
    writeFileSync(join(cli.folder, 'admin.token'), 'vep_a', { mode: 0o644 });
    writeFileSync(join(cli.folder, 'endpoint.json'), '{"url":"http://127.0.0.1:1","pid":999999999}', { mode: 0o600 });
    const { code, out } = await vep(['doctor', '--data-dir', cli.folder]);
    expect(code).toBe(3);
    expect(out).toContain(
      `failed: data directory: others can read admin.token\n  remedy: chmod 600 ${join(cli.folder, 'admin.token')}`,
    );
    expect(out).toMatch(/failed: server: no answer from http:\/\/127.0.0.1:1/);
  });

  it('vep config check names the key of every fault', async () => {
    writeFileSync(join(cli.folder, 'vep.yaml'), 'server: {port: none}\nunknown: 1\n');
    const bad = await cli.run('config check vep.yaml');
    expect(bad.code).toBe(1);
    expect(bad.err).toContain('server.port');
    expect(bad.err).toContain('unknown is not a configuration key');
    writeFileSync(join(cli.folder, 'vep.yaml'), 'server: {port: 1234}\n');
    const good = await cli.run('config check vep.yaml');
    expect(good.out).toContain('listens on 127.0.0.1:1234');
    expect(JSON.parse((await cli.run('config check --json')).out)).toMatchObject({ valid: true, database: 'sqlite' });
  });
});

describe('vep login', () => {
  const file = (): string => join(cli.folder, 'config/vep/credentials.json');
  const signing = (line: string, options: FakeTerminalOptions = {}): Promise<Ran> =>
    vep(line.split(' '), {
      directory: cli.folder,
      environment: { XDG_CONFIG_HOME: join(cli.folder, 'config') },
      ...options,
    });

  it('tries a token and keeps it for its owner alone', async () => {
    expect((await signing(`login ${cli.fake.server.url}`, { secret: 'vep_typed' })).code).toBe(0);
    expect(cli.fake.server.asked[0]?.headers.authorization).toBe('Bearer vep_typed');
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    await signing('list');
    expect(cli.fake.server.asked.at(-1)?.headers.authorization).toBe('Bearer vep_typed');
    await signing('list --token vep_given');
    expect(cli.fake.server.asked.at(-1)?.headers.authorization).toBe('Bearer vep_given');
  });

  it('reads it from standard input, and keeps none that is refused', async () => {
    cli.fake.override = () => problem(401, 'access.unauthenticated', 'no');
    expect((await signing(`login ${cli.fake.server.url}`, { input: 'vep_piped\n' })).code).toBe(4);
    expect(cli.fake.server.asked[0]?.headers.authorization).toBe('Bearer vep_piped');
    expect((await signing('list')).code).toBe(3);
    expect((await signing(`login ${cli.fake.server.url}`)).code).toBe(2);
  });

  it('forgets it again', async () => {
    await signing(`login ${cli.fake.server.url}`, { secret: 'vep_typed' });
    await signing('login --logout');
    expect((await signing('list')).code).toBe(3);
  });

  it('sends a token only to the server it belongs to', async () => {
    await signing(`login ${cli.fake.server.url}`, { secret: 'vep_typed' });
    const other = await FakeVep.start();
    await signing(`list --endpoint ${other.server.url}`);
    expect(other.server.asked[0]?.headers.authorization).toBeUndefined();
    await other.server.close();
  });
});

describe('on the machine of the server', () => {
  it('endpoint and token are found in the data directory, and that token goes nowhere else', async () => {
    writeFileSync(join(cli.folder, 'endpoint.json'), JSON.stringify({ url: cli.fake.server.url, pid: process.pid }));
    writeFileSync(join(cli.folder, 'user.token'), 'vep_user\n');
    writeFileSync(join(cli.folder, 'admin.token'), 'vep_admin\n');
    const local = async (args: readonly string[]): Promise<string | undefined> => {
      await vep(args, { environment: { VEP_DATA_DIR: cli.folder } });
      return cli.fake.server.asked.at(-1)?.headers.authorization;
    };
    expect(await local(['list'])).toBe('Bearer vep_user');
    expect(await local(['sites', '--admin'])).toBe('Bearer vep_admin');
    const other = await FakeVep.start();
    await local(['list', '--endpoint', other.server.url]);
    expect(other.server.asked[0]?.headers.authorization).toBeUndefined();
    await other.server.close();
  });
});
