/** `vep deploy` against a server that answers as it is told. */

import { readFileSync, rmSync, symlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { deploymentEvents, problem, SHOP } from './fake-vep.js';
import { besideFake } from './beside-fake.js';

const cli = besideFake();

describe('vep deploy', () => {
  const shop = join(packageRoot, 'examples/web-shop/web-shop.ovf');

  beforeEach(() => {
    mkdirSync(join(cli.folder, 'images'));
    writeFileSync(join(cli.folder, 'a.ovf'), readFileSync(shop));
    writeFileSync(join(cli.folder, 'images/base.qcow2'), 'image');
  });

  it('sends descriptor, files, agreement and inputs, and answers the URL', async () => {
    writeFileSync(join(cli.folder, 'sla.json'), '{"kind":"Agreement"}');
    writeFileSync(
      join(cli.folder, 'in.json'),
      '{"configuration":"of the file","properties":{"title":"x","currency":"CHF"}}',
    );
    const { code, out, err } = await cli.run(
      'deploy a.ovf --sla sla.json --inputs in.json --property title=a=b --network frontend=public --accept-eulas --configuration c --site sim --title Mine --keep-on-failure',
    );
    expect({ code, out }).toEqual({ code: 0, out: `${cli.fake.server.url}/appliance/${SHOP}\n` });
    expect(err).toContain('accepted as');
    const body = cli.fake.server.asked.find(({ method }) => method === 'POST')!.body.toString();
    expect(body).toContain('{"kind":"Agreement"}');
    expect(body).toContain('filename="images/base.qcow2"');
    expect(body).toContain(
      '"properties":{"title":"a=b","currency":"CHF"},"networks":{"frontend":"public"},"eulas":"all"',
    );
    expect(body).toContain('"eu.contrail-project.ovf.keep-on-failure":true');
    // What is given one by one goes before the file, and nothing is chosen twice.
    expect(body).not.toContain('of the file');
  });

  it('sends no file from outside the folder of the descriptor, whatever a link says', async () => {
    const secret = join(cli.folder, '..', `secret-${process.pid}`);
    writeFileSync(secret, 'secret');
    rmSync(join(cli.folder, 'images/base.qcow2'));
    symlinkSync(secret, join(cli.folder, 'images/base.qcow2'));
    const { err } = await cli.run('deploy a.ovf');
    rmSync(secret);
    expect(err).toContain('images/base.qcow2 is not beside the descriptor and is not sent');
    expect(cli.fake.server.asked.find(({ method }) => method === 'POST')!.body.toString()).not.toContain('secret');
  });

  it('names each file as the descriptor does', async () => {
    writeFileSync(
      join(cli.folder, 'a.ovf'),
      readFileSync(shop, 'utf8').replace('images/base.qcow2', './images/b%20%C3%A9.qcow2'),
    );
    writeFileSync(join(cli.folder, 'images/b é.qcow2'), 'image');
    await cli.run('deploy a.ovf');
    expect(cli.fake.server.asked.at(-1)!.body.toString()).toContain('filename="./images/b%20%C3%A9.qcow2"');
  });

  it('O-019 sends a file that lies there in pieces piece by piece', async () => {
    const pieced = readFileSync(shop, 'utf8').replace('images/base.qcow2"', './images/b%20c.img" ovf:chunkSize="2"');
    writeFileSync(join(cli.folder, 'a.ovf'), pieced);
    for (const number of [0, 1]) writeFileSync(join(cli.folder, `images/b c.img.00000000${number}`), 'ab');
    const { err } = await cli.run('deploy a.ovf');
    expect(err).not.toContain('is not sent');
    const body = cli.fake.server.asked.at(-1)!.body.toString();
    for (const number of [0, 1]) expect(body).toContain(`filename="./images/b%20c.img.00000000${number}"`);
  });

  it('sends the manifest of a folder, whatever it is called', async () => {
    writeFileSync(join(cli.folder, 'manifest.mf'), 'SHA256(a.ovf)= 00\n');
    await cli.run('deploy a.ovf');
    expect(cli.fake.server.asked.at(-1)!.body.toString()).toContain('filename="manifest.mf"');
  });

  it('names a URL instead of fetching it, and uploads an archive first', async () => {
    await cli.run('deploy https://example.org/a.ovf');
    expect(cli.fake.server.asked.at(-1)!.body.toString()).toContain(
      '"eu.contrail-project.ovf.url":"https://example.org/a.ovf"',
    );
    // A file of the server's, not of this machine.
    await cli.run('deploy file:///mnt/vo/a.ovf');
    expect(cli.fake.server.asked.at(-1)!.body.toString()).toContain(
      '"eu.contrail-project.ovf.url":"file:///mnt/vo/a.ovf"',
    );
    writeFileSync(join(cli.folder, 'a.ova'), Buffer.from('a.ovf\0'.padEnd(512, '\0')));
    cli.fake.override = ({ url, method }) =>
      url.startsWith('/upload/')
        ? { body: { id: 'u', received: method === 'PUT' ? 512 : 0, complete: method === 'PUT', reference: 'upload:u' } }
        : undefined;
    expect((await cli.run('deploy a.ova')).code).toBe(0);
    const [sent, given] = cli.fake.server.asked.slice(-2);
    expect(sent!.body.toString()).toContain('"eu.contrail-project.ovf.url":"upload:u"');
    expect([given!.method, given!.url]).toEqual(['DELETE', '/upload/u']);
  });

  it.each(['deploy', 'plan'])('gives its upload up also where %s is refused, and without it', async (command) => {
    writeFileSync(join(cli.folder, 'a.ova'), Buffer.from('a.ovf\0'.padEnd(512, '\0')));
    cli.fake.override = ({ url, method }) => {
      if (url.startsWith('/appliance/')) return problem(422, 'ovf.O-033', 'HostResource names no disk');
      if (!url.startsWith('/upload/')) return undefined;
      if (method === 'DELETE') return problem(500, 'internal', 'not now');
      return {
        body: { id: 'u', received: method === 'PUT' ? 512 : 0, complete: method === 'PUT', reference: 'upload:u' },
      };
    };
    const { code, err } = await cli.run(`${command} a.ova`);
    expect([code, err]).toEqual([1, expect.stringContaining('ovf.O-033')]);
    const { method, url } = cli.fake.server.asked.at(-1)!;
    expect([method, url]).toEqual(['DELETE', '/upload/u']);
  });

  it('--watch tells how it goes, line by line, and draws what came of it', async () => {
    cli.fake.events = [deploymentEvents('done')];
    const { code, out, err } = await cli.run('deploy a.ovf --watch');
    expect(code).toBe(0);
    expect(err.split('\n').slice(1)).toEqual(['image a.vmdk: 25 %', 'image a.vmdk: done', 'machine web: working', '']);
    expect(out).toContain('├─ machine Web  active');
  });

  it('--watch waits for a server that goes away right after it has accepted', async () => {
    cli.fake.events = [deploymentEvents('done')];
    let away = 4;
    cli.fake.override = ({ method }) => {
      if (method === 'POST' || cli.fake.server.lines.every((line) => !line.startsWith('POST'))) return undefined;
      away -= 1;
      return away < 0 ? undefined : problem(503, 'server.stopping', 'the server is shutting down');
    };
    const { code, out } = await cli.run('deploy a.ovf --watch');
    expect(code).toBe(0);
    expect(away).toBeLessThan(0);
    expect(out).toContain('├─ machine Web  active');
  });

  it('--watch redraws bars on a terminal, and says nothing with --quiet', async () => {
    cli.fake.events = [deploymentEvents('done')];
    const { err } = await cli.run('deploy a.ovf --watch', { interactive: true });
    expect(err).toContain('█');
    expect(err).toContain('\u001b[1A\u001b[2K');
    cli.fake.events = [deploymentEvents('done')];
    expect((await cli.run('deploy a.ovf --watch --quiet')).err).toBe('');
  });

  it('--watch ends with 5 and the reason when the deployment failed', async () => {
    cli.fake.events = [deploymentEvents('failed')];
    cli.fake.state = 'error';
    cli.fake.message = 'capacity: no host has room';
    const { code, err, out } = await cli.run('deploy a.ovf --watch --json');
    expect(code).toBe(5);
    expect(err).toContain('machine web: failed, capacity: no host has \\u001b[2J room');
    expect(err).toContain('error: capacity: no host has room');
    expect(JSON.parse(out)).toMatchObject({ state: 'error', message: 'capacity: no host has room' });
  });

  it('--timeout ends it with 5 while the work goes on', async () => {
    cli.fake.state = 'inactive';
    const { code, err } = await cli.run('deploy a.ovf --watch --timeout 2');
    expect(code).toBe(5);
    expect(err).toContain('not active after 2 seconds; the work goes on');
  });

  it('--dry-run and plan show what would be made and what is missing, and deploy nothing', async () => {
    const property = { key: 'title', content: 'shop', limits: {}, password: false, label: 'Name', blocking: true };
    const plan = {
      version: 1,
      site: 'sim',
      digest: '00',
      deployable: false,
      plan: null,
      unresolved: {
        blocked: true,
        configurations: [],
        networks: [{ name: 'lan' }],
        properties: [property],
        eulas: [],
        assumedSizes: [],
      },
      findings: [{ code: 'ovf.O-040', severity: 'warning', message: 'shared' }],
      sites: [{ name: 'sim', fits: false, reasons: ['no room'], refusals: [] }],
      unmet: [{ code: 'sla.unmet', message: 'too many cores' }],
      price: [{ component: 'vm', amount: '0.05', currency: 'EUR', per: 'hour' }],
    };
    cli.fake.override = ({ url }) => (url === '/appliance/?dry-run' ? { body: plan as never } : undefined);
    const { code, out } = await cli.run('deploy a.ovf --dry-run');
    expect(code).toBe(1);
    expect(out).toContain('--property  title  Name  needed');
    expect(out).toContain('site sim: cannot take it (no room)');
    expect(out).toContain('this cannot be promised:\nerror: too many cores [sla.unmet]');
    expect(out).toContain('not deployable: fill in what is needed');
    expect(out).toContain('price: vm 0.05 EUR per hour');
    expect(out).toContain('warning: shared [ovf.O-040]');
    expect(JSON.parse((await cli.run('plan a.ovf --json')).out)).toEqual(plan);
    expect(cli.fake.server.lines.filter((line) => line.startsWith('POST'))).toEqual(
      Array(2).fill('POST /appliance/?dry-run'),
    );
  });

  it.each([
    ['deploy missing.ovf', 'cannot be read'],
    ['deploy a.ovf --sla missing.json', 'the file of --sla cannot be read'],
    ['deploy a.ovf --property novalue', 'has no "="'],
    ['deploy a.ovf --inputs a.ovf', 'is not JSON'],
    ['deploy a.ovf --timeout soon', 'not a number'],
    ['deploy', "missing required argument 'package'"],
    ['deploy a.ovf --wach', "unknown option '--wach'"],
  ])('%s is a mistake of the command line', async (line, message) => {
    const { code, err } = await cli.run(line);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
