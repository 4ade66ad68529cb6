/** C-022 What a site takes in only when it makes a thing reaches it all the same when it changes afterwards. */

import type { Observed, ResourceClass } from '../../src/iaas/adapter.js';
import { forEachServer } from '../support/server.js';
import { siteBeside } from './site-beside.js';
import { Wire, type EntityBody } from './wire.js';

const S = 'http://schemas.ogf.org/occi/infrastructure';

forEachServer({}, (server) => {
  const site = siteBeside(server);
  const wire = new Wire(server);
  const onSite = async <Class extends ResourceClass>(
    what: Class,
    path: string,
  ): Promise<Extract<Observed, { class: Class }>[]> => {
    const found: Observed[] = [];
    for await (const each of site().list(what)) if (path.endsWith(each.id ?? 'nothing')) found.push(each);
    return found as Extract<Observed, { class: Class }>[];
  };
  const change = async (path: string, attributes: object): Promise<void> => {
    expect((await wire.send('POST', path, { attributes })).status).toBe(200);
  };
  /** Until the site has one thing of that id as wanted. */
  const until = async <Class extends ResourceClass>(
    what: Class,
    path: string,
    wanted: (each: Extract<Observed, { class: Class }>) => boolean,
  ): Promise<void> => {
    await server().wait(path, () => true);
    for (;;) {
      const [one, ...others] = await onSite(what, path);
      if (one && others.length === 0 && wanted(one)) return;
      await wire.show(path);
    }
  };
  const network = async (attributes: object): Promise<string> => {
    const path = await wire.make('/network/', {
      kind: `${S}#network`,
      mixins: [`${S}/network#ipnetwork`],
      attributes: { ...attributes },
    });
    await wire.until(path, 'occi.network.state', 'active');
    return path;
  };

  it('a network: range, gateway and VLAN', async () => {
    const path = await network({ 'occi.network.address': '10.41.0.0/24', 'occi.network.vlan': 41 });
    const to = { 'occi.network.address': '10.42.0.0/24', 'occi.network.gateway': '10.42.0.9', 'occi.network.vlan': 42 };
    await change(path, to);
    expect((await wire.show(path)).attributes).toMatchObject({ ...to, 'occi.network.state': 'inactive' });
    await until('network', path, (each) => each.cidr === '10.42.0.0/24' && each.vlan === 42);
    await wire.until(path, 'occi.network.state', 'active');
    expect(await onSite('network', path)).toMatchObject([{ cidr: '10.42.0.0/24', gateway: '10.42.0.9', vlan: 42 }]);
    await wire.remove(path);
  });

  it('a network that is down stays down', async () => {
    const path = await network({ 'occi.network.address': '10.43.0.0/24' });
    expect((await wire.act(path, `${S}/network/action#down`)).status).toBe(200);
    await wire.until(path, 'occi.network.state', 'inactive');
    await server().wait(path, (reply) => reply.json.actions?.[0]?.endsWith('#up') === true);
    await change(path, { 'occi.network.address': '10.44.0.0/24' });
    await until('network', path, (each) => each.cidr === '10.44.0.0/24' && each.state === 'inactive' && !each.busy);
    await wire.remove(path);
  });

  it('an interface to a network that is being made anew waits for it', async () => {
    const path = await network({ 'occi.network.address': '10.48.0.0/24' });
    const compute = await wire.make('/compute/', { kind: `${S}#compute` });
    await change(path, { 'occi.network.address': '10.49.0.0/24' });
    const ends = { source: { location: compute }, target: { location: path } };
    const nic = await wire.make('/networkinterface/', { kind: `${S}#networkinterface`, ...ends });
    expect(await wire.shown(nic, 'occi.networkinterface.address')).toMatch(/^10\.49\.0\./);
    await wire.remove(nic, compute, path);
  });

  it('a network with interfaces keeps what they were given from, and its label is free', async () => {
    const path = await network({ 'occi.network.address': '10.45.0.0/24' });
    const compute = await wire.make('/compute/', { kind: `${S}#compute` });
    const ends = { source: { location: compute }, target: { location: path } };
    const nic = await wire.make('/networkinterface/', { kind: `${S}#networkinterface`, ...ends });
    const moved = { attributes: { 'occi.network.address': '10.46.0.0/24' } };
    expect(await wire.refused('POST', path, moved)).toEqual([409, ['infrastructure.network-used']]);
    await change(path, { 'occi.network.label': 'dmz' });
    expect((await wire.show(path)).attributes).toMatchObject({
      'occi.network.address': '10.45.0.0/24',
      'occi.network.label': 'dmz',
    });
    await wire.remove(nic, compute, path);
  });

  it('an interface: address and MAC; an attachment: its device', async () => {
    const target = await network({ 'occi.network.address': '10.47.0.0/24' });
    const storage = await wire.make('/storage/', { kind: `${S}#storage`, attributes: { 'occi.storage.size': 1 } });
    const compute = await wire.make('/compute/', { kind: `${S}#compute` });
    const link = (kind: string, to: string): Promise<string> =>
      wire.make(`/${kind}/`, { kind: `${S}#${kind}`, source: { location: compute }, target: { location: to } });
    const nic = await link('networkinterface', target);
    const disk = await link('storagelink', storage);
    await wire.shown(nic, 'occi.networkinterface.address');
    await change(nic, {
      'occi.networkinterface.address': '10.47.0.77',
      'occi.networkinterface.mac': '02:00:00:00:00:77',
    });
    await change(disk, { 'occi.storagelink.deviceid': 'vdf', 'occi.storagelink.mountpoint': '/data' });
    await until('nic', nic, (each) => each.address === '10.47.0.77' && each.mac === '02:00:00:00:00:77');
    await until('attachment', disk, (each) => each.device === 'vdf');
    await wire.remove(nic);
    await server().wait(nic, (reply) => reply.status === 404);
    await wire.remove(disk, compute, storage, target);
  });

  it('a disk is attached to a machine once: made twice, made twice at once, or moved there', async () => {
    const storage = await wire.make('/storage/', { kind: `${S}#storage`, attributes: { 'occi.storage.size': 1 } });
    const [one, other] = [
      await wire.make('/compute/', { kind: `${S}#compute` }),
      await wire.make('/compute/', { kind: `${S}#compute` }),
    ];
    const disk = (source: string): EntityBody => ({
      kind: `${S}#storagelink`,
      source: { location: source },
      target: { location: storage },
    });
    const refusal = [409, ['infrastructure.attached-already']];
    const both = { links: [disk(one), disk(one)] };
    expect(await wire.refused('POST', '/storagelink/', both)).toEqual(refusal);
    const link = await wire.make('/storagelink/', disk(one));
    expect(await wire.refused('POST', '/storagelink/', disk(one))).toEqual(refusal);
    // To where it is already, it may be moved.
    expect((await wire.send('POST', link, { source: { location: one } })).status).toBe(200);
    const elsewhere = await wire.make('/storagelink/', disk(other));
    expect(await wire.refused('POST', elsewhere, { source: { location: one } })).toEqual(refusal);
    await wire.remove(elsewhere, link);
    // The site has not let go of it: the new one waits.
    await wire.shown(await wire.make('/storagelink/', disk(one)), 'occi.storagelink.deviceid');
    await wire.remove(one, other, storage);
  });

  it('an interface that asks for the address of a deleted one waits until the site has it back', async () => {
    const target = await network({ 'occi.network.address': '10.52.0.0/24' });
    const source = await wire.make('/compute/', { kind: `${S}#compute` });
    const nic = (): Promise<string> =>
      wire.make('/networkinterface/', {
        kind: `${S}#networkinterface`,
        mixins: [`${S}/networkinterface#ipnetworkinterface`],
        attributes: { 'occi.networkinterface.address': '10.52.0.9' },
        source: { location: source },
        target: { location: target },
      });
    const before = await nic();
    await wire.shown(before, 'occi.networkinterface.interface');
    await wire.remove(before);
    const after = await nic();
    expect(await wire.shown(after, 'occi.networkinterface.interface')).toBeDefined();
    expect((await wire.show(after)).attributes).toMatchObject({ 'occi.networkinterface.address': '10.52.0.9' });
    await wire.remove(after, source, target);
  });

  it('an interface is moved to another network, an attachment to another machine', async () => {
    const [from, to] = [
      await network({ 'occi.network.address': '10.50.0.0/24' }),
      await network({ 'occi.network.address': '10.51.0.0/24' }),
    ];
    const storage = await wire.make('/storage/', { kind: `${S}#storage`, attributes: { 'occi.storage.size': 1 } });
    const [one, other] = [
      await wire.make('/compute/', { kind: `${S}#compute` }),
      await wire.make('/compute/', { kind: `${S}#compute` }),
    ];
    const link = (kind: string, target: string, mixins: readonly string[] = [], attributes = {}): Promise<string> =>
      wire.make(`/${kind}/`, {
        kind: `${S}#${kind}`,
        mixins,
        attributes,
        source: { location: one },
        target: { location: target },
      });
    const nic = await link('networkinterface', from, [`${S}/networkinterface#ipnetworkinterface`], {
      'occi.networkinterface.address': '10.50.0.9',
    });
    const disk = await link('storagelink', storage);
    await wire.shown(nic, 'occi.networkinterface.address');
    await wire.shown(disk, 'occi.storagelink.deviceid');

    expect((await wire.send('POST', nic, { target: { location: to } })).status).toBe(200);
    await until('nic', nic, (each) => each.address?.startsWith('10.51.0.') === true);
    await server().wait(nic, (reply) => /^10\.51/.test(String(reply.json.attributes['occi.networkinterface.address'])));
    expect((await wire.show(nic))['target']).toMatchObject({ location: to });

    const [before] = await onSite('attachment', disk);
    expect((await wire.send('POST', disk, { source: { location: other } })).status).toBe(200);
    await until('attachment', disk, (each) => each.ref !== before?.ref);
    const linksOf = async (path: string): Promise<string[]> =>
      ((await wire.show(path))['links'] ?? []).map(({ id }: { id: string }) => id.slice(9));
    expect([await linksOf(one), await linksOf(other)]).toEqual([[nic.split('/').at(-1)], [disk.split('/').at(-1)]]);

    const wrong = { target: { location: storage } };
    expect(await wire.refused('POST', nic, wrong)).toEqual([400, ['infrastructure.link-ends']]);
    await wire.remove(nic, disk);
    await server().wait(disk, (reply) => reply.status === 404);
    await wire.remove(one, other, storage, from, to);
  });

  it('a link of the core model is moved, but not to what is not there', async () => {
    const CORE = 'http://schemas.ogf.org/occi/core#';
    const resource = (): Promise<string> => wire.make('/resource/', { kind: `${CORE}resource` });
    const [one, other] = [await resource(), await resource()];
    const link = await wire.make('/link/', {
      kind: `${CORE}link`,
      source: { location: one },
      target: { location: 'http://elsewhere.example.org/' },
    });
    const absent = { target: { location: '/resource/00000000-0000-4000-8000-000000000000' } };
    expect(await wire.refused('POST', link, absent)).toEqual([400, ['occi.link-target-unknown']]);
    const ends = { source: { location: other }, target: { location: one } };
    expect((await wire.send('POST', link, ends)).status).toBe(200);
    expect(await wire.show(link)).toMatchObject(ends);
    expect([(await wire.show(one))['links'], (await wire.show(other))['links']]).toMatchObject([undefined, [{}]]);
    await wire.remove(link, one, other);
  });
});
