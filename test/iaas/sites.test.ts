/** The sites of a VEP: guarded calls, health, and an inventory that outlives its site. */

import { jest } from '@jest/globals';
import { isAccount, newAccountName, siteBehind } from '../../src/iaas/account.js';
import { IaasError, RefusedCredential, type ImageExport, type SiteAdapter } from '../../src/iaas/adapter.js';
import { Sites } from '../../src/iaas/sites.js';
import { HOMES, simulatorHarness } from './simulator-harness.js';

type Site = Awaited<ReturnType<typeof simulatorHarness>> & { readonly sites: Sites; readonly name: string };

async function withSite(options: object, work: (site: Site) => Promise<void>): Promise<void> {
  const harness = await simulatorHarness(HOMES[0]![1], options);
  const sites = new Sites({ clock: harness.clock, limits: { callMs: 1000, importMs: 5000 } });
  sites.add(harness.adapter);
  try {
    await work({ ...harness, sites, name: harness.adapter.site });
  } finally {
    await sites.close();
    await harness.close();
  }
}

const spec = { id: 'i', name: 'n', cores: 1, memoryBytes: 2 ** 30 };

/** An adapter that answers one call as told; the others as the given one. */
const altered = (adapter: SiteAdapter, change: Partial<SiteAdapter>): SiteAdapter =>
  new Proxy(adapter, {
    get: (target, member) => {
      const value: unknown = Reflect.get({ ...change }, member) ?? Reflect.get(target, member, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

describe('the sites of a VEP', () => {
  it('are found by name, the first being the default', () =>
    withSite({}, async ({ sites, name, adapter }) => {
      expect(sites.names).toEqual([name]);
      expect(sites.default).toBe(name);
      expect(sites.has(name)).toBe(true);
      expect(sites.adapter(name).type).toBe('simulator');
      expect(() => sites.adapter('elsewhere')).toThrow(IaasError);
      expect(() => sites.add(adapter)).toThrow(/two sites/);
      expect(() => new Sites({ clock: { now: () => 0, sleep: () => Promise.resolve() } }).default).toThrow(/no site/);
      await Promise.resolve();
    }));

  it('have accounts of users beside them, which wait for another credential while theirs is refused', () =>
    withSite({}, async ({ sites, name, adapter }) => {
      const account = newAccountName(name);
      expect([siteBehind(account), isAccount(account), isAccount(name)]).toEqual([name, true, false]);
      let holder = 'first';
      const inventory = jest.fn(() => Promise.reject(new RefusedCredential('expired', 'ExpiredToken')));
      const theirs = (change: Partial<SiteAdapter>): SiteAdapter =>
        altered(adapter, {
          site: account,
          account: () => Promise.resolve(holder),
          close: () => Promise.resolve(),
          ...change,
        });
      sites.propose(theirs({ inventory }));
      expect([sites.names, sites.all, sites.has(account)]).toEqual([[name], [name], true]);
      sites.confirm(account);
      expect([sites.names, sites.all]).toEqual([[name], [name, account]]);
      const refusal = {
        class: 'transient',
        said: undefined,
        message: expect.stringContaining(`site ${name} does not take`),
      };
      await expect(sites.adapter(account).inventory()).rejects.toMatchObject(refusal);
      expect(sites.status(account)).toMatchObject({ up: false, isRefused: true });
      expect(sites.status(name)).toMatchObject({ up: true });

      await sites.exchange(account, theirs({}), 'first');
      expect(sites.status(account)).not.toHaveProperty('isRefused');
      await expect(sites.adapter(account).inventory()).resolves.toHaveProperty('hosts');
      holder = 'another';
      let end: (error: Error) => void = () => undefined;
      const closed = new Promise<never>((_, reject) => (end = reject));
      const look = jest.fn(() => Promise.resolve(new Map()));
      await sites.exchange(account, theirs({ describe: look }), 'first');
      await expect(sites.adapter(account).describe('compute', ['i'])).rejects.toMatchObject(refusal);
      expect(look).not.toHaveBeenCalled();
      const hanging = theirs({ inventory: () => closed, close: async () => end(new IaasError('fatal', 'closed')) });
      await sites.exchange(account, hanging);
      const asked = sites.adapter(account).inventory();
      const heard = expect(asked).rejects.toMatchObject({
        class: 'transient',
        message: expect.stringContaining('another credential'),
      });
      await sites.exchange(account, theirs({}));
      await heard;
      await sites.exchange(account);
      expect(sites.has(account)).toBe(false);
    }));

  it('refuse what a site cannot do before asking it', () =>
    withSite({ lacks: ['compute.suspend', 'network.create', 'metrics', 'events'] }, async ({ sites, name }) => {
      const site = sites.adapter(name);
      await expect(site.actCompute('x', 'suspend', undefined)).rejects.toMatchObject({ class: 'unsupported' });
      await expect(site.createNetwork({ id: 'n', name: 'n' }, 'n')).rejects.toMatchObject({ class: 'unsupported' });
      await expect(site.metrics([])).rejects.toMatchObject({ class: 'unsupported' });
      expect(() => site.events(new AbortController().signal)).toThrow(IaasError);
    }));

  it('hand out no images where the site does not, and wait for no piece of one longer than for a call', () =>
    withSite({ lacks: ['exportsImages'] }, async ({ sites, name, adapter, clock, advance }) => {
      await expect(sites.adapter(name).exportImage('x')).rejects.toMatchObject({ class: 'unsupported' });
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('the beginning');
        await new Promise(() => undefined);
      };
      const exportImage = (): Promise<ImageExport> =>
        Promise.resolve({ sizeBytes: 100, open: () => Promise.resolve(silent()) });
      const exporting = { capabilities: () => ({ ...adapter.capabilities(), exportsImages: true }), exportImage };
      const others = new Sites({ clock, limits: { callMs: 1000, importMs: 5000 } });
      others.add(altered(adapter, exporting));
      const bytes = await (await others.adapter(name).exportImage('x')).open();
      const pieces = bytes[Symbol.asyncIterator]();
      expect(await pieces.next()).toEqual({ done: false, value: Buffer.from('the beginning') });
      const next = expect(pieces.next()).rejects.toMatchObject({ class: 'transient' });
      await advance(1000);
      await next;
    }));

  it('end a call that is not answered within its limit, even if the adapter takes no notice', () =>
    withSite({}, async ({ sites, name, adapter, advance, clock }) => {
      await adapter.injectFault({ operation: 'inventory', kind: 'time-out', nth: 1 });
      const asked = expect(sites.adapter(name).inventory()).rejects.toMatchObject({ class: 'transient' });
      await advance(1000);
      await asked;
      const deaf = new Sites({ clock, limits: { callMs: 1000, importMs: 5000 } });
      deaf.add(
        altered(adapter, {
          inventory: () => new Promise(() => undefined),
          list: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
        }),
      );
      const calls = [deaf.adapter(name).inventory(), drain(deaf.adapter(name).list('compute'))].map((call) =>
        expect(call).rejects.toMatchObject({ class: 'transient' }),
      );
      await advance(1000);
      await Promise.all(calls);
    }));

  it('end a call that its caller gives up', () =>
    withSite({}, async ({ sites, name, adapter, advance }) => {
      await adapter.injectFault({ operation: 'describe', kind: 'time-out', nth: 1 });
      const stop = new AbortController();
      const asked = expect(sites.adapter(name).describe('compute', [], { signal: stop.signal })).rejects.toMatchObject({
        class: 'transient',
      });
      await advance(10);
      stop.abort();
      await asked;
      expect(sites.status(name)).toMatchObject({ up: true });
      await expect(sites.adapter(name).inventory({ signal: AbortSignal.abort() })).rejects.toMatchObject({
        class: 'transient',
      });
    }));

  it('give every failure as one of the nine classes', () =>
    withSite({}, async ({ name, adapter, clock }) => {
      const odd = new Sites({ clock });
      odd.add(altered(adapter, { inventory: () => Promise.reject(new TypeError('x is undefined')) }));
      await expect(odd.adapter(name).inventory()).rejects.toMatchObject({
        class: 'fatal',
        message: expect.stringContaining('x is undefined'),
      });
    }));

  it('are down after three calls without an answer and up after one with', () =>
    withSite({}, async ({ sites, name, adapter, advance, clock }) => {
      const start = clock.now();
      expect(sites.status(name)).toEqual({ name, type: 'simulator', up: true, since: start });
      await adapter.injectFault({ operation: 'createCompute', kind: 'lose-answer', times: 3 });
      for (let index = 0; index < 3; index++) {
        await advance(10);
        await expect(sites.adapter(name).createCompute(spec, 't')).rejects.toMatchObject({ class: 'transient' });
      }
      expect(sites.statuses()).toMatchObject([
        { up: false, since: start + 30, lastError: { class: 'transient', at: start + 30 } },
      ]);
      await advance(10);
      await sites.adapter(name).createCompute(spec, 't');
      expect(sites.status(name)).toMatchObject({ up: true, since: start + 40 });
    }));

  it('are up while they refuse, for a refusal is an answer', () =>
    withSite({}, async ({ sites, name, adapter }) => {
      await adapter.injectFault({ operation: 'createCompute', kind: 'transient', times: 5 });
      for (let index = 0; index < 5; index++)
        await expect(sites.adapter(name).createCompute(spec, 't')).rejects.toMatchObject({ class: 'transient' });
      expect(sites.status(name).up).toBe(true);
    }));

  it('show an inventory at most five seconds old, asked for once for all', () =>
    withSite({}, async ({ sites, name, adapter, advance }) => {
      const first = await Promise.all([sites.inventoryOf(name), sites.inventoryOf(name)]);
      expect(first[0].inventory).toBe(first[1].inventory);
      await adapter.createCompute(spec, 't');
      await advance(4999);
      expect((await sites.inventoryOf(name)).ageMs).toBe(4999);
      expect((await sites.inventoryOf(name)).inventory).toBe(first[0].inventory);
      await advance(2);
      const fresh = await sites.inventoryOf(name);
      expect(fresh.ageMs).toBe(0);
      expect(fresh.inventory).not.toBe(first[0].inventory);
      expect((await sites.inventoryOf(name, 0)).ageMs).toBe(0);
    }));

  it('see room that was given back before five seconds are over, with one question for all of it', () =>
    withSite({ quota: {} }, async ({ sites, name, adapter, advance }) => {
      const ref = await adapter.createCompute(spec, 'i');
      const coresFree = async (): Promise<number> =>
        (await sites.inventoryOf(name)).inventory.hosts.reduce((sum, { freeCores }) => sum + freeCores, 0);
      const [taken, first] = [await coresFree(), (await sites.inventoryOf(name)).inventory];
      await adapter.delete('compute', ref);
      while ((await adapter.describe('compute', [ref])).size > 0) await advance(100);
      expect(await coresFree()).toBe(taken);
      for (let index = 0; index < 3; index++) sites.nudge(name);
      await advance(200);
      while ((await sites.inventoryOf(name)).inventory === first) await advance(0);
      expect(await coresFree()).toBe(taken + 1);
    }));

  it('keep the last inventory of a site that does not answer, and wait for it no more', () =>
    withSite({}, async ({ sites, name, adapter, advance }) => {
      await sites.inventoryOf(name);
      await adapter.injectFault({ operation: 'inventory', kind: 'lose-answer', times: 3 });
      for (let index = 1; index <= 3; index++) {
        await advance(6000);
        expect((await sites.inventoryOf(name)).ageMs).toBe(index * 6000);
      }
      expect(sites.status(name).up).toBe(false);
      await adapter.injectFault({ operation: 'inventory', kind: 'time-out', nth: 1 });
      await advance(6000);
      expect((await sites.inventoryOf(name)).ageMs).toBe(24_000);
      await advance(2000);
      expect((await sites.inventoryOf(name)).ageMs).toBe(26_000);
      await advance(100);
      expect((await sites.inventoryOf(name)).ageMs).toBeLessThan(1000);
      expect(sites.status(name).up).toBe(true);
    }));

  it('pass on the failure of a site of which nothing is known', () =>
    withSite({ faults: [{ operation: 'inventory', kind: 'lose-answer', nth: 1 }] }, async ({ sites, name }) => {
      await expect(sites.inventoryOf(name)).rejects.toMatchObject({ class: 'transient' });
      await expect(sites.inventoryOf(name)).resolves.toMatchObject({ ageMs: 0 });
    }));

  it('hand every call on to the adapter', () =>
    withSite({}, async ({ sites, name, advance, image }) => {
      const site = sites.adapter(name);
      const open = async function* (): AsyncIterable<Uint8Array> {
        yield await Promise.resolve(image.bytes);
      };
      const images = {
        id: 'img',
        name: 'img',
        format: image.format,
        sizeBytes: image.bytes.byteLength,
        open: () => Promise.resolve(open()),
      };
      const boot = await site.importImage(images, 'img');
      await advance(1000);
      const compute = await site.createCompute({ ...spec, image: boot }, 'vm');
      const network = await site.createNetwork({ id: 'n', name: 'n' }, 'n');
      const storage = await site.createStorage({ id: 's', name: 's', sizeBytes: 2 ** 30 }, 's');
      await advance(1000);
      const nic = await site.attachNic({ id: 'nic', compute, network }, 'nic');
      const attachment = await site.attachStorage({ id: 'att', compute, storage }, 'att');
      await advance(1000);
      await site.resizeCompute(compute, { cores: 2, memoryBytes: 2 ** 30 });
      await site.resizeStorage(storage, 2 ** 31);
      await advance(2000);
      await site.actStorage(storage, 'snapshot');
      await site.actNetwork(network, 'down');
      await site.actCompute(compute, 'start', undefined);
      await advance(3000);
      const saved = await site.saveCompute(compute, 'saved', 'hot', 'saved');
      expect((await site.metrics([compute])).length).toBeGreaterThan(0);
      expect(await site.check()).toEqual([]);
      expect((await site.describe('compute', [compute])).get(compute)).toMatchObject({ state: 'active', cores: 2 });
      await advance(3000);
      for await (const thing of site.list('image')) expect([boot, saved]).toContain(thing.ref);
      for (const [what, ref] of [
        ['nic', nic],
        ['attachment', attachment],
        ['compute', compute],
      ] as const) {
        await site.delete(what, ref);
        await advance(1000);
        expect((await site.describe(what, [ref])).size).toBe(0);
      }
    }));
});

async function drain(things: AsyncIterable<unknown>): Promise<void> {
  for await (const _each of things);
}
