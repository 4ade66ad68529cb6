/** OS templates backed by images, and `save`, which makes new ones (GFD.224 §3.1, K10, K15). */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/base/package-root.js';
import { Client, OS, mixinOf } from '../conformance/client.js';
import { forEachServer } from '../support/server.js';

const images = join(packageRoot, 'examples', 'single-vm', 'images');
const image = pathToFileURL(join(images, 'base.qcow2')).href;
const config = {
  images: { fileRoots: [images] },
  templates: { os: [{ term: 'debian12', title: 'Debian 12', image }] },
};

forEachServer({ config }, (server) => {
  it('mints the template of save in the same answer, for the group alone, and boots from it', async () => {
    const client = new Client(server(), '1.2');
    const path = await client.active({ categories: [mixinOf(`${OS}debian12`)] });
    const saved = await client.act(path, 'compute', 'save', ['name="my image, v1"']);
    expect(saved.status).toBe(200);
    const [, term = '', scheme = ''] = /Category: ([^;]+); scheme="([^"]+)"/.exec(saved.text) ?? [];
    expect(scheme).toMatch(/^http:\/\/schemas\.contrail-project\.eu\//);
    const copy = await client.create('compute', { categories: [mixinOf(scheme + term)] });
    expect(await client.list(`/mixin/os_tpl/saved/${term}/`)).toEqual([copy]);
    await client.act(copy, 'compute', 'start');
    await client.until(copy, 'occi.compute.state', 'active');
    expect((await client.being('stranger').categories()).some((each) => each.term === term)).toBe(false);
    expect((await client.being('stranger').get(`/mixin/os_tpl/saved/${term}/`)).status).toBe(404);
  });

  it('takes the image of a saved template away with it, and lets its name be used again', async () => {
    const client = new Client(server(), '1.2');
    const path = await client.active({ categories: [mixinOf(`${OS}debian12`)] });
    const images = (): Promise<Record<string, unknown>[]> =>
      server().rows("SELECT template, image FROM saved_image WHERE template LIKE '%#once%'");
    const save = async (): Promise<string> => {
      const { status, text } = await client.act(path, 'compute', 'save', ['name="once"']);
      expect(status).toBe(200);
      const [category = '', term = '', scheme = ''] = /Category: ([^;]+); scheme="([^"]+)"[^\r\n]*/.exec(text) ?? [];
      while (!(await images()).some(({ template, image }) => template === scheme + term && image !== null))
        await client.get(path);
      return category;
    };
    const forget = async (category: string): Promise<void> =>
      expect(
        (await client.send('DELETE', '/-/', { headers: { category: category.replace(/^Category: /, '') } })).status,
      ).toBe(200);
    await forget(await save());
    // While its image is there, another gets another name.
    await forget(await save());
    while ((await images()).length > 0) await client.get(path);
    expect(await server().rows("SELECT type FROM operation WHERE state IN ('dead', 'failed')")).toEqual([]);
  });
});
