/** Hosts that are set aside: the VO's machines go there first, those of others never; and what fails is given back (S-083). */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, mixinOf, OS } from '../conformance/client.js';
import { descriptor, OVF_TYPE, STATE } from '../integration/appliance-wire.js';
import { Wire } from '../infrastructure/wire.js';
import { forEachServer, type Part, type RequestOptions } from '../support/server.js';
import { until } from '../support/until.js';

const VO = 'http://schemas.contrail-project.eu/occi/vo#';
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const A = 'eu.contrail-project.vo.';
const accounts = ['higgs', 'darwin'].map((name) => ({ name, roles: ['user' as const], group: `of-${name}` }));
const hosts = ['own', 'shared'].map((name) => ({ name, rack: 'r', zone: 'z', country: 'CH', cores: 4 }));
const faults = [{ operation: 'createNetwork', kind: 'refuse', class: 'fatal', nth: 1 }];

const images = join(packageRoot, 'examples', 'single-vm', 'images');
const config = {
  images: { fileRoots: [images] },
  templates: {
    os: [{ term: 'debian12', title: 'Debian 12', image: pathToFileURL(join(images, 'base.qcow2')).href }],
  },
};

forEachServer({ accounts, site: { hosts, faults }, config }, (server) => {
  const wire = new Wire(server);
  const as = (name: string): RequestOptions => ({ as: name });
  const ADMIN = as('admin');
  let vo: string;

  const usage = async (): Promise<Record<string, Record<string, number>>> =>
    (await wire.send('GET', vo, undefined, { ...ADMIN, headers: { accept: 'application/vnd.vep.vo-usage+json' } }))
      .json;
  const deploy = (name: string, machines: readonly string[] = ['m1']) =>
    server().request('POST', '/appliance/', {
      as: name,
      headers: { 'content-type': OVF_TYPE, accept: 'application/occi+json' },
      body: descriptor({ machines }),
    });
  /** How many cores are free on each host, when nothing is under way any more. */
  const free = async (): Promise<Record<string, number>> => {
    const { json } = await wire.send('GET', '/health/sites/sim/inventory', undefined, ADMIN);
    return Object.fromEntries(
      (json.hosts as { name: string; freeCores: number }[]).map(({ name, freeCores }) => [name, freeCores]),
    );
  };
  const machine = (name: string): Promise<string> =>
    wire.make('/compute/', { kind: COMPUTE, attributes: { 'occi.compute.cores': 1 } }, as(name));
  const active = (name: string, path: string) =>
    server().wait(path, ({ json }) => json.attributes?.[STATE] === 'active', as(name));

  beforeAll(async () => {
    vo = await wire.make('/vo/', { kind: `${VO}vo`, attributes: { [`${A}name`]: 'of-higgs' } }, ADMIN);
  });

  it('S-083 gives the quota of a deployment back that failed, when it is undeployed by itself', async () => {
    const reply = await deploy('higgs');
    expect(reply.status).toBe(201);
    const path = new URL(reply.headers.location ?? '').pathname;
    await server().wait(path, ({ json }) => json.attributes?.[STATE] === 'error', as('higgs'));
    const { used } = await usage();
    expect(used).toMatchObject({ appliances: 1, machines: 0, cores: 0, storage: 0, networks: 0 });
    expect((await wire.send('DELETE', path, undefined, as('higgs'))).status).toBe(200);
    await until(async () => Object.values((await usage())['used'] ?? {}).every((amount) => amount === 0));
  });

  it('sends the machines of a VO to its own hosts first, and those of others never', async () => {
    const attributes = {
      [`${A}name`]: 'of-higgs',
      [`${A}provision.type`]: 'host',
      [`${A}provision.reference`]: 'own',
    };
    await wire.make('/vo-provision/', { kind: `${VO}provision`, attributes }, ADMIN);
    const before = await free();
    const left = (own: number, shared: number) =>
      until(async () => {
        const now = await free();
        return now['own'] === (before['own'] ?? 0) - own && now['shared'] === (before['shared'] ?? 0) - shared;
      });
    await active('darwin', new URL((await deploy('darwin')).headers.location ?? '').pathname);
    await machine('darwin');
    await left(0, 2);
    await active('higgs', new URL((await deploy('higgs')).headers.location ?? '').pathname);
    await machine('higgs');
    await left(2, 2);
    // There is room for three on the host that is not theirs: it is as if it were not there.
    const refused = await deploy('darwin', ['m1', 'm2', 'm3']);
    expect([refused.status, refused.text]).toEqual([409, expect.not.stringContaining('own')]);
  });

  it('makes an image that is set aside a template of the VO, and of nobody else, until it is given back', async () => {
    const client = new Client(server(), '1.2').being('admin');
    const machine = await client.active({ categories: [mixinOf(`${OS}debian12`)] });
    const saved = await client.act(machine, 'compute', 'save', ['name="golden"']);
    const [, term = '', scheme = ''] = /Category: ([^;]+); scheme="([^"]+)"/.exec(saved.text) ?? [];
    expect(term).not.toBe('');
    const template = scheme + term;
    const sees = async (name: string): Promise<boolean> =>
      (await client.being(name as Part).categories()).some((each) => each.term === term);
    const boot = (name: string) =>
      wire.send(
        'POST',
        '/compute/',
        { kind: COMPUTE, mixins: [template], attributes: { 'occi.compute.cores': 1 } },
        as(name),
      );
    expect([await sees('higgs'), await sees('darwin')]).toEqual([false, false]);
    expect((await boot('higgs')).status).toBe(400);

    const attributes = {
      [`${A}name`]: 'of-higgs',
      [`${A}provision.type`]: 'image',
      [`${A}provision.reference`]: template,
    };
    // Only what `save` made, and only what is there.
    for (const reference of [`${OS}debian12`, `${scheme}no-such`, '/network/none'])
      expect(
        await wire.refused(
          'POST',
          '/vo-provision/',
          { kind: `${VO}provision`, attributes: { ...attributes, [`${A}provision.reference`]: reference } },
          ADMIN,
        ),
      ).toEqual([400, ['vo.provision-reference']]);
    const before = (await usage())['provisioned'] ?? {};
    let provision = '';
    await until(async () => {
      const reply = await wire.send('POST', '/vo-provision/', { kind: `${VO}provision`, attributes }, ADMIN);
      provision = new URL(reply.headers.location ?? 'none:').pathname;
      // Until the site has made the image, nobody knows what there is to be counted.
      expect(reply.status === 201 || /vo\.image-unknown/.test(reply.text)).toBe(true);
      return reply.status === 201;
    });
    expect((await usage())['provisioned']?.['storage']).toBeGreaterThan(before['storage'] ?? 0);
    expect([await sees('higgs'), await sees('darwin')]).toEqual([true, false]);
    const booted = await boot('higgs');
    expect(booted.status).toBe(201);
    expect((await boot('darwin')).status).toBe(400);

    expect((await wire.send('DELETE', provision, undefined, ADMIN)).status).toBe(200);
    expect([await sees('higgs'), (await boot('higgs')).status]).toEqual([false, 400]);
    // What was made of it stays.
    const copy = new URL(booted.headers.location ?? '').pathname;
    expect((await wire.send('GET', copy, undefined, as('higgs'))).status).toBe(200);
  });
});
