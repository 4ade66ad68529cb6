/** OCCI Platform (GFD.227) over the wire: kinds, states, actions and the links that may not run in circles. */

import { forEachServer } from '../support/server.js';
import { Wire } from '../infrastructure/wire.js';

const P = 'http://schemas.ogf.org/occi/platform';
const APPLICATIONS = '/platform/application/';
const COMPONENTS = '/platform/component/';
const LINKS = '/platform/componentlink/';

forEachServer({}, (server) => {
  const wire = new Wire(server);
  const component = (): Promise<string> => wire.make(COMPONENTS, { kind: `${P}#component` });
  const link = (source: string, target: string) => ({
    kind: `${P}#componentlink`,
    source: { location: source },
    target: { location: target },
  });

  it.each([
    ['application', 'resource'],
    ['component', 'resource'],
    ['componentlink', 'link'],
  ])('C-258 discovery shows %s, a %s', async (term, parent) => {
    expect(await wire.category(`${P}#${term}`)).toMatchObject({
      parent: `http://schemas.ogf.org/occi/core#${parent}`,
      location: `/platform/${term}/`,
    });
  });

  it.each(['application', 'component'])('C-258 discovery shows start and stop of %s', async (term) => {
    const actions = ['start', 'stop'].map((action) => `${P}/${term}/action#${action}`);
    expect((await wire.category(`${P}#${term}`)).actions).toEqual(actions);
    for (const action of actions) expect(await wire.category(action)).toBeDefined();
  });

  it.each([
    ['app_tpl', [`${P}#application`]],
    ['res_tpl', [`${P}#application`, `${P}#component`]],
    ['database', [`${P}#component`]],
    ['databaselink', [`${P}#componentlink`]],
  ])('C-258 discovery shows the mixin %s and where it applies', async (term, applies) => {
    expect((await wire.category(`${P}#${term}`)).applies).toEqual(applies);
  });

  it.each([
    ['application', 'occi.app.state', APPLICATIONS],
    ['component', 'occi.component.state', COMPONENTS],
  ])('C-258 a new %s is active, stops and starts again', async (term, state, collection) => {
    const path = await wire.make(collection, { kind: `${P}#${term}` });
    const [start, stop] = [`${P}/${term}/action#start`, `${P}/${term}/action#stop`];
    const shown = async (): Promise<unknown[]> => {
      const { attributes, actions } = await wire.show(path);
      return [attributes[state], actions];
    };
    expect(await shown()).toEqual(['active', [stop]]);
    expect((await wire.act(path, start)).status).toBe(409);
    expect((await wire.act(path, stop)).status).toBe(200);
    expect(await shown()).toEqual(['inactive', [start]]);
    expect((await wire.act(path, stop)).status).toBe(409);
    expect((await wire.act(path, start)).status).toBe(200);
    expect(await shown()).toEqual(['active', [stop]]);
    const events = await server().rows(
      `SELECT data FROM outbox WHERE subject = '${path.slice(collection.length)}' AND type = 'eu.contrail-project.entity.state'`,
    );
    expect(events.map(({ data }) => JSON.parse(String(data)) as unknown)).toMatchObject([
      { from: 'active', to: 'inactive' },
      { from: 'inactive', to: 'active' },
    ]);
    await wire.remove(path);
    expect((await wire.send('GET', path)).status).toBe(404);
  });

  it('C-042 acts on a whole collection', async () => {
    const paths = [await component(), await component()];
    expect((await wire.act(COMPONENTS, `${P}/component/action#stop`)).status).toBe(200);
    for (const path of paths) expect((await wire.show(path)).attributes['occi.component.state']).toBe('inactive');
    await wire.remove(...paths);
  });

  it('gives an application its URLs, and always a name', async () => {
    const path = await wire.make(APPLICATIONS, { kind: `${P}#application`, title: 'shop' });
    const { attributes } = await wire.show(path);
    expect(attributes).toEqual({
      'occi.app.name': 'shop',
      'occi.app.context': server().url + path,
      'occi.app.url': server().url + path,
      'occi.app.state': 'active',
    });
    expect((await wire.send('POST', path, { attributes: { 'occi.app.name': 'web shop' } })).status).toBe(200);
    expect((await wire.show(path)).attributes['occi.app.name']).toBe('web shop');
    expect((await wire.send('PUT', path, { kind: `${P}#application` })).status).toBe(200);
    expect((await wire.show(path)).attributes['occi.app.name']).toBe(`application-${path.slice(APPLICATIONS.length)}`);
    await wire.remove(path);
  });

  it.each([
    [APPLICATIONS, 'application', 'occi.app.state', 'error'],
    [APPLICATIONS, 'application', 'occi.app.url', 'http://example.org/'],
    [COMPONENTS, 'component', 'occi.component.state', 'active'],
  ])('C-023 at %s the %s attribute %s is the server’s own', async (collection, term, name, value) => {
    const reply = await wire.send('POST', collection, { kind: `${P}#${term}`, attributes: { [name]: value } });
    expect(reply.status).toBe(403);
  });

  it('joins an application with its components, and a component with what it needs', async () => {
    const [database, web] = [await component(), await component()];
    const application = await wire.make(APPLICATIONS, {
      kind: `${P}#application`,
      links: [{ kind: `${P}#componentlink`, target: { location: web } }],
    });
    const needs = await wire.make(LINKS, link(web, database));
    expect((await wire.show(web)).links).toHaveLength(1);
    expect((await wire.show(application)).links).toHaveLength(1);
    await wire.remove(application);
    expect((await wire.send('GET', needs)).status).toBe(200);
    await wire.remove(database, web);
    expect((await wire.send('GET', needs)).status).toBe(404);
  });

  it('refuses circles of components, however long, and nothing else', async () => {
    const chain = [await component(), await component(), await component(), await component()] as const;
    for (let index = 0; index + 1 < chain.length; index++)
      await wire.make(LINKS, link(chain[index] ?? '', chain[index + 1] ?? ''));
    for (const target of chain) {
      expect(await wire.refused('POST', LINKS, link(chain[3], target))).toEqual([409, ['platform.component-circle']]);
    }
    // A second way to the same component is no circle.
    const short = await wire.make(LINKS, link(chain[0], chain[3]));
    await wire.remove(short, chain[1]);
    await wire.make(LINKS, link(chain[3], chain[0]));
    await wire.remove(chain[0], chain[2], chain[3]);
  });

  it.each([
    ['an application cannot be needed', 'application', ['platform.component-link-ends']],
    ['a compute is no component', 'compute', ['platform.component-link-ends']],
  ])('%s', async (_what, term, codes) => {
    const other =
      term === 'application'
        ? await wire.make(APPLICATIONS, { kind: `${P}#application` })
        : await wire.make('/compute/', { kind: 'http://schemas.ogf.org/occi/infrastructure#compute' });
    const mine = await component();
    expect(await wire.refused('POST', LINKS, link(mine, other))).toEqual([400, codes]);
    expect(await wire.refused('POST', LINKS, link(mine, 'http://example.org/component/1'))).toEqual([400, codes]);
    await wire.remove(mine, other);
  });

  it('C-030 puts the database mixins where they belong, and their attributes out of reach', async () => {
    const path = await wire.make(COMPONENTS, { kind: `${P}#component`, mixins: [`${P}#database`] });
    expect((await wire.show(path)).mixins).toEqual([`${P}#database`]);
    const version = { attributes: { 'occi.database.version': '17' } };
    expect((await wire.send('POST', path, version)).status).toBe(403);
    const misplaced = await wire.send('POST', APPLICATIONS, { kind: `${P}#application`, mixins: [`${P}#database`] });
    expect([400, 403]).toContain(misplaced.status);
    await wire.remove(path);
  });
});
