/** C-022 How storages grow and computes are resized, by what their site can do: refused at once where it cannot, else back to what was. */

import { CRTP } from '../conformance/client.js';
import { forEachServer } from '../support/server.js';
import { siteBeside } from './site-beside.js';
import { Wire } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure';
const SIZE = 'occi.storage.size';

const storage = (wire: Wire): Promise<string> =>
  wire.make('/storage/', { kind: `${S}#storage`, attributes: { [SIZE]: 1 } });
const larger = { attributes: { [SIZE]: 2 } };

forEachServer({ site: { lacks: ['storage.resize'] } }, (server) => {
  it('where volumes keep their size, it is refused and stays what it was', async () => {
    const wire = new Wire(server);
    const path = await storage(wire);
    await wire.until(path, 'occi.storage.state', 'online');
    expect(await wire.refused('POST', path, larger)).toEqual([422, ['infrastructure.storage-keeps-size']]);
    expect((await wire.show(path)).attributes).toMatchObject({ [SIZE]: 1 });
    await wire.remove(path);
  });
});

forEachServer({ site: { lacks: ['storage.resizeDetached'] } }, (server) => {
  const site = siteBeside(server);
  it('where volumes grow with the disks of machines, it has to be linked to one', async () => {
    const wire = new Wire(server);
    const path = await storage(wire);
    await wire.until(path, 'occi.storage.state', 'online');
    expect(await wire.refused('POST', path, larger)).toEqual([409, ['infrastructure.storage-unattached']]);
    const compute = await wire.make('/compute/', { kind: `${S}#compute` });
    const ends = { source: { location: compute }, target: { location: path } };
    const link = await wire.make('/storagelink/', { kind: `${S}#storagelink`, ...ends });
    await wire.shown(link, 'occi.storagelink.deviceid');
    expect((await wire.send('POST', path, larger)).status).toBe(200);
    const onSite = async (): Promise<unknown> => {
      for await (const each of site().list('storage'))
        if (each.class === 'storage' && path.endsWith(each.id ?? 'nothing')) return each.sizeBytes;
      return undefined;
    };
    while ((await onSite()) !== 2 * 2 ** 30) await wire.show(path);
    await wire.remove(link, compute, path);
  });
});

forEachServer({}, (server) => {
  const site = siteBeside(server);
  const bytesAt = async (what: 'compute' | 'storage', path: string): Promise<number | undefined> => {
    for await (const each of site().list(what)) {
      if (!path.endsWith(each.id ?? 'nothing')) continue;
      if (each.class === 'storage') return each.sizeBytes;
      if (each.class === 'compute') return each.memoryBytes;
    }
    return undefined;
  };

  /** A machine that is there: one that is still to be made would be made in its new size at once. */
  const machine = async (wire: Wire, ...mixins: string[]): Promise<string> => {
    const path = await wire.make('/compute/', { kind: `${S}#compute`, mixins });
    while ((await bytesAt('compute', path)) === undefined) await wire.show(path);
    return path;
  };

  it('one that could not grow is asked for the same again, or for less', async () => {
    const wire = new Wire(server);
    const path = await storage(wire);
    await wire.until(path, 'occi.storage.state', 'online');
    for (const [asked, then] of [
      [9, 9],
      [500, 10],
    ] as const) {
      await site().injectFault({ operation: 'resizeStorage', kind: 'refuse', class: 'quota', times: 1 });
      const before = (await wire.show(path)).attributes[SIZE] as number;
      await wire.send('POST', path, { attributes: { [SIZE]: asked } });
      await wire.shown(path, 'occi.storage.state.message');
      expect((await wire.show(path)).attributes[SIZE]).toBe(before);
      expect((await wire.send('POST', path, { attributes: { [SIZE]: then } })).status).toBe(200);
      while ((await bytesAt('storage', path)) !== then * 2 ** 30) await wire.show(path);
      await wire.until(path, 'occi.storage.state.message', undefined);
    }
    expect(await wire.refused('POST', path, larger)).toEqual([400, ['infrastructure.storage-shrinks']]);
    await wire.remove(path);
  });

  it('after two wishes in a row that came to nothing it is as large as before both', async () => {
    const wire = new Wire(server);
    const path = await storage(wire);
    await wire.until(path, 'occi.storage.state', 'online');
    await site().injectFault({ operation: 'resizeStorage', kind: 'transient', nth: 1 });
    await site().injectFault({ operation: 'resizeStorage', kind: 'refuse', class: 'quota', times: 2 });
    for (const size of [9, 20]) await wire.send('POST', path, { attributes: { [SIZE]: size } });
    await wire.until(path, SIZE, 1);
    await wire.remove(path);
  });

  it('K13 whoever has seen the size that it did not get, has seen another version', async () => {
    const wire = new Wire(server);
    const path = await storage(wire);
    await wire.until(path, 'occi.storage.state', 'online');
    await site().injectFault({ operation: 'resizeStorage', kind: 'refuse', class: 'quota', times: 1 });
    const { headers } = await wire.send('POST', path, { attributes: { [SIZE]: 9 } });
    await wire.shown(path, 'occi.storage.state.message');
    const late = await wire.send('POST', path, larger, { headers: { 'if-match': headers.etag ?? '' } });
    expect([headers.etag, late.status]).toEqual([expect.any(String), 412]);
    await wire.remove(path);
  });

  it('a compute is asked for the same again, too', async () => {
    const wire = new Wire(server);
    const path = await machine(wire);
    await site().injectFault({ operation: 'resizeCompute', kind: 'refuse', class: 'capacity', times: 1 });
    const wish = { attributes: { 'occi.compute.memory': 2 } };
    await wire.send('POST', path, wish);
    await wire.shown(path, 'occi.compute.state.message');
    await wire.send('POST', path, wish);
    while ((await bytesAt('compute', path)) !== 2 * 2 ** 30) await wire.show(path);
    await wire.remove(path);
  });

  it('a compute whose site refuses another template has the former one, and what else it was given', async () => {
    const wire = new Wire(server);
    const tag = { scheme: 'http://example.org/tags#', term: 'mine', location: '/tags/mine/' };
    expect((await wire.send('POST', '/-/', { mixins: [tag] })).status).toBe(200);
    const path = await machine(wire, `${CRTP}small`);
    const mixins = async (): Promise<string[]> => [...((await wire.show(path))['mixins'] as string[])].sort();
    const before = await mixins();
    await site().injectFault({ operation: 'resizeCompute', kind: 'refuse', class: 'capacity', times: 1 });
    await wire.send('POST', path, { mixins: [`${CRTP}large`, 'http://example.org/tags#mine'] });
    await wire.shown(path, 'occi.compute.state.message');
    expect(await mixins()).toEqual([...before, 'http://example.org/tags#mine'].sort());
    await wire.remove(path);
  });
});

forEachServer({ site: { lacks: ['compute.liveResize'] } }, (server) => {
  const site = siteBeside(server);

  it('a compute that was stopped for another size, which its site then refused, runs again', async () => {
    const wire = new Wire(server);
    const path = await wire.make('/compute/', { kind: `${S}#compute` });
    await wire.until(path, 'occi.compute.state', 'inactive');
    await wire.act(path, `${S}/compute/action#start`);
    await wire.until(path, 'occi.compute.state', 'active');
    await site().injectFault({ operation: 'resizeCompute', kind: 'refuse', class: 'capacity', times: 1 });
    await wire.send('POST', path, { attributes: { 'occi.compute.memory': 2 } });
    await wire.until(path, 'occi.compute.memory', 1);
    const stateAt = async (): Promise<string | undefined> => {
      for await (const each of site().list('compute')) if (path.endsWith(each.id ?? 'nothing')) return each.state;
      return undefined;
    };
    for (let look = 0; (await stateAt()) !== 'active' && look < 200; look += 1) await wire.show(path);
    expect(await stateAt()).toBe('active');
    await wire.remove(path);
  });
});
