/** C-022 How a storage grows, by what its site can do: refused at once where it cannot. */

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
