/** The monitoring kinds over the wire: sensors, collectors and their rules (C-253…C-257). */

import { forEachServer } from '../support/server.js';
import { Wire } from '../infrastructure/wire.js';

const M = 'http://schemas.ogf.org/occi/monitoring#';
const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';
const HOUR = 3_600_000;

forEachServer({}, (server) => {
  let compute: string;
  const wire = new Wire(server);
  const sensor = (attributes = {}): Promise<string> => wire.make('/sensor/', { kind: `${M}sensor`, attributes });
  const collector = (source: string, target: string, attributes = {}) => ({
    kind: `${M}collector`,
    source: { location: source },
    target: { location: target },
    attributes,
  });

  beforeAll(async () => {
    compute = await wire.make('/compute/', { kind: COMPUTE });
  });

  it('C-253 discovery shows the kinds and the tags together', async () => {
    expect(await wire.category(`${M}sensor`)).toMatchObject({ parent: 'http://schemas.ogf.org/occi/core#resource' });
    expect(await wire.category(`${M}collector`)).toMatchObject({ parent: 'http://schemas.ogf.org/occi/core#link' });
    const applies = { metric: 'collector', aggregator: 'sensor', publisher: 'sensor' };
    for (const [tag, kind] of Object.entries(applies))
      expect((await wire.category(M + tag)).applies).toEqual([M + kind]);
  });

  it('C-253 associates the tags with what they apply to', async () => {
    const path = await wire.make('/sensor/', { kind: `${M}sensor`, mixins: [`${M}aggregator`, `${M}publisher`] });
    const link = await wire.make('/collector/', { ...collector(path, compute), mixins: [`${M}metric`] });
    expect((await wire.show(path)).mixins).toEqual([`${M}aggregator`, `${M}publisher`]);
    expect((await wire.show(link)).mixins).toEqual([`${M}metric`]);
    const misplaced = await wire.send('POST', '/sensor/', { kind: `${M}sensor`, mixins: [`${M}metric`] });
    expect([400, 403]).toContain(misplaced.status);
    await wire.remove(path);
  });

  it('C-254 refuses a collector whose source is no sensor', async () => {
    const path = await sensor();
    expect(await wire.refused('POST', '/collector/', collector(compute, path))).toEqual([
      400,
      ['monitoring.collector-source'],
    ]);
    const inline = {
      kind: COMPUTE,
      links: [{ kind: `${M}collector`, target: { location: compute } }],
    };
    expect(await wire.refused('POST', '/compute/', inline)).toEqual([400, ['monitoring.collector-source']]);
    await wire.remove(path);
  });

  it('C-254 lets a collector watch resources of this server and nothing else', async () => {
    const path = await sensor();
    const link = await wire.make('/collector/', collector(path, compute));
    for (const target of ['http://example.org/compute/1', link]) {
      expect(await wire.refused('POST', '/collector/', collector(path, target))).toEqual([
        400,
        ['monitoring.collector-target'],
      ]);
    }
    expect(await wire.refused('POST', '/collector/', collector(compute, link))).toEqual([
      400,
      ['monitoring.collector-source', 'monitoring.collector-target'],
    ]);
    await wire.remove(path);
  });

  it('C-255 refuses a window in the past or one that ends before it begins, with every fault', async () => {
    const yesterday = new Date(Date.now() - 24 * HOUR).toISOString();
    const window = { 'occi.sensor.timebase': yesterday, 'occi.sensor.timestart': 60, 'occi.sensor.timestop': 30 };
    expect(await wire.refused('POST', '/sensor/', { kind: `${M}sensor`, attributes: window })).toEqual([
      400,
      ['monitoring.window-order', 'monitoring.window-past', 'monitoring.window-past'],
    ]);
    expect(await wire.send('GET', '/sensor/')).toMatchObject({ status: 200, json: { resources: [] } });
  });

  it('C-255 takes a window to come, in ISO 8601 and in seconds since the epoch', async () => {
    const base = Math.ceil(Date.now() / 1000) + 3600;
    for (const timebase of [new Date(base * 1000).toISOString(), String(base)]) {
      const window = { 'occi.sensor.timebase': timebase, 'occi.sensor.timestart': 0, 'occi.sensor.timestop': 60 };
      const path = await sensor(window);
      expect((await wire.show(path)).attributes).toMatchObject(window);
      await wire.remove(path);
    }
    const odd = { 'occi.sensor.timebase': 'P1D' };
    expect(await wire.refused('POST', '/sensor/', { kind: `${M}sensor`, attributes: odd })).toEqual([
      400,
      ['attribute.pattern'],
    ]);
  });

  it('takes the reference time of the draft’s example from text, unquoted', async () => {
    const body = `Category: sensor; scheme="${M}"; class="kind"\nX-OCCI-Attribute: occi.sensor.timebase=1371025907`;
    const reply = await server().request('POST', '/sensor/', { headers: { 'content-type': 'text/plain' }, body });
    expect(reply.status).toBe(201);
    const path = new URL(reply.headers.location ?? '').pathname;
    expect((await wire.show(path)).attributes['occi.sensor.timebase']).toBe('1371025907');
    await wire.remove(path);
  });

  it('C-255 holds an update to the same rule, but not what was so before', async () => {
    const path = await sensor({ 'occi.sensor.timestop': 7200 });
    expect((await wire.show(path)).attributes['occi.sensor.timebase']).toMatch(/^20.*Z$/);
    const update = (attributes: Record<string, unknown>) => wire.send('POST', path, { attributes });
    expect((await update({ 'occi.sensor.timestop': 3600 })).status).toBe(200);
    const past = { 'occi.sensor.timebase': new Date(Date.now() - 24 * HOUR).toISOString() };
    expect((await update(past)).status).toBe(400);
    expect((await update({ 'occi.sensor.timebase': '-1' })).status).toBe(200);
    expect((await wire.show(path)).attributes['occi.sensor.timebase']).toBe('-1');
    await wire.remove(path);
  });

  it('C-256 replaces what cannot be met by the best fit, and fills in the worst case', async () => {
    const path = await sensor({ 'occi.sensor.period': 0.001, 'occi.sensor.accuracy': 0 });
    expect((await wire.show(path)).attributes).toEqual({
      'occi.sensor.period': 10,
      'occi.sensor.granularity': 1,
      'occi.sensor.accuracy': 1,
    });
    const link = await wire.make('/collector/', collector(path, compute, { 'occi.collector.granularity': 0 }));
    expect((await wire.show(link)).attributes).toEqual({
      'occi.collector.period': 60,
      'occi.collector.granularity': 0.001,
      'occi.collector.accuracy': 30,
    });
    expect((await wire.send('POST', link, { attributes: { 'occi.collector.period': 5 } })).status).toBe(200);
    expect((await wire.show(link)).attributes['occi.collector.period']).toBe(10);
    expect((await wire.send('PUT', path, { kind: `${M}sensor` })).status).toBe(200);
    expect((await wire.show(path)).attributes['occi.sensor.period']).toBe(60);
    await wire.remove(path);
  });

  it('C-257 deletes the collectors of a sensor with it, and those that watch what is deleted', async () => {
    const path = await sensor();
    const other = await wire.make('/compute/', { kind: COMPUTE });
    const links = [
      await wire.make('/collector/', collector(path, compute)),
      await wire.make('/collector/', collector(path, other)),
    ];
    await wire.remove(other);
    expect((await wire.show(path)).links).toHaveLength(1);
    await wire.remove(path);
    for (const link of links) expect((await wire.send('GET', link)).status).toBe(404);
    expect(await server().rows(`SELECT id FROM entity WHERE kind = '${M}collector'`)).toEqual([]);
    expect((await wire.send('GET', compute)).status).toBe(200);
  });

  it('C-253 lets users make mixins that depend on the tags', async () => {
    const mixin = {
      term: 'my_metric',
      scheme: 'http://example.org/occi#',
      title: 'A metric of mine',
      depends: [`${M}metric`],
      location: '/mixin/my_metric/',
    };
    const reply = await wire.send('POST', '/-/', { mixins: [mixin] });
    expect([reply.status, reply.text]).toEqual([expect.any(Number), expect.any(String)]);
    expect([200, 201]).toContain(reply.status);
    const path = await sensor();
    const link = await wire.make('/collector/', {
      ...collector(path, compute),
      mixins: ['http://example.org/occi#my_metric'],
    });
    expect((await wire.show(link)).mixins).toEqual(['http://example.org/occi#my_metric', `${M}metric`]);
    await wire.remove(path);
  });
});
