/**
 * Images that a site holds as sources for others: templates of the configuration that stand for one, and those that `save` has
 * made, boot machines at any site, and are what disks of a descriptor are made from, for those who see them.
 */

import { Client, JSON_TYPE, OS, mixinOf } from '../conformance/client.js';
import { forEachServer, type JsonBody, type Reply } from '../support/server.js';
import { descriptor, OVF, pathOf, send, STATE, untilNothingIsLeft } from './appliance-wire.js';

const GIB = 2 ** 30;
/** Only a failure waits that long. */
const PATIENCE_MS = 180_000;
const held = (name: string): object => ({ name, format: 'qcow2', sizeBytes: GIB, virtualSizeBytes: 2 * GIB });
const site = (name: string, options: object = {}): object => ({
  name,
  type: 'simulator',
  options: { timeFactor: 1000, ...options },
});
const sites = [
  site('east'),
  site('west', { images: [held('golden')] }),
  site('shut', { images: [held('kept')], lacks: ['exportsImages'] }),
];
const os = [
  { term: 'golden', title: 'Golden', image: 'site:west/img-golden' },
  { term: 'kept', title: 'Kept', image: 'site:shut/img-kept' },
  { term: 'empty', title: 'Empty' },
];

forEachServer({ config: { sites: sites as never, templates: { os } } }, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const imagesAt = async (name: string): Promise<string[]> => {
    const reply = await server().request('GET', `/health/sites/${name}/inventory`, { as: 'admin' });
    return reply.json.images.map(({ name }: { name: string }) => name);
  };
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const at = (name: string): string => `${OVF}.site="${name}"`;
  const ovf = (image: string): string => descriptor({ machines: ['m1'], image });
  const deployed = async (image: string, where: string): Promise<string> => {
    const path = pathOf(await send(client(), ovf(image), [at(where)]));
    await server().wait(path, ({ json }) => json.attributes[STATE] === 'active', {
      headers: { accept: JSON_TYPE },
      timeoutMs: PATIENCE_MS,
    });
    return path;
  };
  const rehearsed = async (image: string, where: string, as = client()): Promise<JsonBody> =>
    (await send(as, ovf(image), [at(where)], '?dry-run')).json;
  const codesOf = ({ findings }: JsonBody): string[] => findings.map(({ code }: { code: string }) => code);

  /** A template that `save` made of a machine at the default site: its type identifier and its location. */
  let saves = 0;
  const saved = async (): Promise<{ id: string; location: string; name: string }> => {
    const name = `mine ${(saves += 1)}`;
    const machine = await client().active({ categories: [mixinOf(`${OS}golden`)] });
    const { text } = await client().act(machine, 'compute', 'save', [`name="${name}"`]);
    const [, term = '', scheme = ''] = /Category: ([^;]+); scheme="([^"]+)"/.exec(text) ?? [];
    await until(async () => (await imagesAt('east')).includes(name));
    return { name, id: scheme + term, location: `${server().url}/mixin/os_tpl/saved/${term}/` };
  };

  afterEach(async () => {
    await client().send('DELETE', '/appliance/');
    await client().send('DELETE', '/compute/');
    await untilNothingIsLeft(client());
  });

  it('boots a machine at one site from an image that another holds', async () => {
    await client().active({ categories: [mixinOf(`${OS}golden`)] });
    expect(await imagesAt('east')).toContain('golden');
  });

  it('brings a saved machine to another site with an appliance, and takes it away with it', async () => {
    const { id, location, name } = await saved();
    for (const href of [id, location]) {
      await deployed(href, 'west');
      await until(async () => (await imagesAt('west')).length === 2);
      expect((await client().send('DELETE', '/appliance/')).status).toBe(200);
      await until(async () => (await imagesAt('west')).length === 1);
    }
    expect(await imagesAt('east')).toContain(name);
  });

  it('uses it as it is where it lies, and leaves it there', async () => {
    const { id } = await saved();
    const before = await imagesAt('east');
    const path = await deployed(id, 'east');
    expect(await imagesAt('east')).toEqual(before);
    const exported = await client().get(path, 'application/ovf+xml');
    expect([exported.status, exported.text]).toEqual([200, expect.stringContaining(`href="${id}"`)]);
    expect((await client().send('DELETE', path)).status).toBe(200);
    await until(async () => (await client().list('/appliance/')).length === 0);
    expect(await imagesAt('east')).toEqual(before);
  });

  it('is no template to whoever does not see it, like one that does not exist', async () => {
    const { id, location } = await saved();
    const stranger = client().being('stranger');
    const refusals = new Set<string>();
    for (const name of [id, location, `${OS}nothing`, `${server().url}/mixin/os_tpl/saved/nothing/`]) {
      const reply: Reply = await send(stranger, ovf(name), [at('east')]);
      expect([reply.status, reply.json.faults.map(({ code }: JsonBody) => code)]).toEqual([
        400,
        ['ovf.template-unknown'],
      ]);
      refusals.add(reply.json.faults[0].message);
    }
    expect(refusals.size).toBe(1);
    expect(codesOf(await rehearsed(id, 'east', client().being('colleague')))).toEqual([]);
  });

  it('is refused beforehand where the site that holds it hands nothing out', async () => {
    const refused = await rehearsed(`${OS}kept`, 'east');
    expect([refused.deployable, codesOf(refused)]).toEqual([false, ['site.image-elsewhere']]);
    expect(await rehearsed(`${OS}kept`, 'shut')).toMatchObject({ deployable: true, findings: [] });
    expect(codesOf(await rehearsed(`${OS}empty`, 'shut'))).toEqual(['ovf.template-imageless']);
    const machine = await client().create('compute', { categories: [mixinOf(`${OS}kept`)] });
    await server().wait(machine, ({ text }) => text.includes('hands no images out'), {
      headers: { accept: JSON_TYPE },
    });
  });
});

it('of a site that is not configured is a fault of the configuration', async () => {
  const { checkSites } = await import('../../src/server/configured-sites.js');
  const { parseConfig } = await import('../../src/base/config-file.js');
  const os = [
    { term: 'a', title: 'A', image: 'site:nowhere/x' },
    { term: 'b', title: 'B', image: 'site:sim' },
  ];
  const config = parseConfig(JSON.stringify({ templates: { os } }), {});
  expect(() => checkSites(config)).toThrow(
    expect.objectContaining({
      faults: ['a', 'b'].map((term) =>
        expect.objectContaining({ code: 'config.template-site', place: { path: `templates.os.${term}.image` } }),
      ),
    }) as Error,
  );
});
