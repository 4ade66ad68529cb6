/** A fake OpenStack for each test, and sites of it with whatever options. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { newUuid } from '../../src/base/ids.js';
import type { JsonObject } from '../../src/base/json.js';
import type { ComputeSpec, Observed, ResourceClass, SiteAdapter } from '../../src/iaas/adapter.js';
import { writeRef } from '../../src/iaas/adapters/openstack/marks.js';
import type { Json, Request } from '../support/fake-openstack/answers.js';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import { openSite, optionsFor } from './openstack-harness.js';
import { qcow2 } from './simulator-harness.js';

export interface Seen extends Request {
  readonly service: string;
}

export class OpenStackBench {
  directory = '';
  #fake: FakeOpenStack | undefined;
  readonly #sites: SiteAdapter[] = [];

  /** Opened and closed for each test of the present file. */
  static forEachTest(): OpenStackBench {
    const bench = new OpenStackBench();
    beforeEach(async () => {
      bench.directory = mkdtempSync(join(tmpdir(), 'vep-openstack-'));
      bench.#fake = await FakeOpenStack.start();
    });
    afterEach(async () => {
      for (const site of bench.#sites.splice(0)) await site.close();
      await bench.fake.close();
      rmSync(bench.directory, { recursive: true });
    });
    return bench;
  }

  get fake(): FakeOpenStack {
    return this.#fake as FakeOpenStack;
  }

  async site(more: JsonObject = {}, clock: Clock = systemClock): Promise<SiteAdapter> {
    const { url, user, password, project } = this.fake;
    const wish = { url, user: user.name, password, project: project.name, more: { endpoints: {}, ...more } };
    const site = await openSite(optionsFor(wish, this.directory), this.directory, clock);
    this.#sites.push(site);
    return site;
  }

  /** In another project than the usual one. */
  credentialsFor(project: string): JsonObject {
    const password = { file: join(this.directory, 'secret') };
    return { method: 'password', user: this.fake.user.name, password, project };
  }

  /** Requests that reach the cloud from now on. */
  watch(): Seen[] {
    const [fake, seen] = [this.fake, [] as Seen[]];
    const answer = fake.answer.bind(fake);
    fake.answer = (service, request) => {
      seen.push({ ...request, service });
      return answer(service, request);
    };
    return seen;
  }

  /** Something happens just before a request is answered, once. */
  before(method: string, path: RegExp, then: () => void): void {
    const { fake } = this;
    const answer = fake.answer.bind(fake);
    fake.answer = (service, request) => {
      if (request.method === method && path.test(request.path)) {
        fake.answer = answer;
        then();
      }
      return answer(service, request);
    };
  }

  /** A machine that boots an image and has come to rest. */
  async running(site: SiteAdapter, more: Partial<ComputeSpec> = {}): Promise<string> {
    const spec = machine({ image: writeRef(this.fake.project.id, this.fake.foreignImage()), ...more });
    const ref = await site.createCompute(spec, spec.id);
    await rest(site, 'compute', ref);
    return ref;
  }
}

export async function rest(site: SiteAdapter, what: ResourceClass, ref: string): Promise<Observed | undefined> {
  for (;;) {
    const seen = (await site.describe(what, [ref])).get(ref);
    if (!seen?.busy) return seen;
    await pause(5);
  }
}

export async function listed(site: SiteAdapter, what: ResourceClass): Promise<readonly Observed[]> {
  const found: Observed[] = [];
  for await (const each of site.list(what)) found.push(each);
  return found;
}

export async function volumeOf(site: SiteAdapter, owner?: ComputeSpec['owner']): Promise<string> {
  const id = newUuid();
  const ref = await site.createStorage({ id, name: 'root', sizeBytes: 2 ** 30, ...(owner ? { owner } : {}) }, id);
  await rest(site, 'storage', ref);
  return ref;
}

export const machine = (more: Partial<ComputeSpec> = {}): ComputeSpec => ({
  id: newUuid(),
  name: 'vm',
  cores: 1,
  memoryBytes: 512 * 2 ** 20,
  ...more,
});

export const networkOf = (site: SiteAdapter, id = newUuid()): Promise<string> =>
  site.createNetwork({ id, name: 'net' }, id);

/** What images of {@link imageSpec} consist of. */
export const IMAGE_BYTES = qcow2(2 ** 20);

export const imageSpec = (id = newUuid()): Parameters<SiteAdapter['importImage']>[0] => ({
  ...{ id, name: 'image', format: 'qcow2', sizeBytes: IMAGE_BYTES.length },
  open: () => Promise.resolve(only(IMAGE_BYTES)),
});

async function* only(piece: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(piece);
}

/** Members of the request that makes a thing. */
export const wished = (seen: readonly Seen[], path: RegExp): Json => {
  const request = seen.find((each) => each.method === 'POST' && path.test(each.path));
  return JSON.parse(request?.body.toString() ?? '{}');
};

/** Those members that are spoken of, also where they are absent. */
export const among = (found: Json, expected: Json): Json =>
  Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]]));
