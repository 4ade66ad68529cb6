/**
 * The way to the site: what happens on a network and in front of a busy service, tried on every sort of call through the
 * faulty proxy. An adapter may ask again by itself or hand the failure on; never may it make a thing twice, take
 * nonsense for an answer, hang, or end up unable to go on.
 */

import type { Clock } from '../../../src/base/clock.js';
import { IaasError, type IaasErrorClass, type ResourceClass } from '../../../src/iaas/adapter.js';
import { CALL_LIMITS, GuardedSite } from '../../../src/iaas/guarded-site.js';
import type { WireFault } from '../faulty-proxy.js';
import type { Bench } from './bench.js';
import type { Wire } from './harness.js';

const answer = (status: number, body: string, contentType = 'text/plain'): WireFault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': contentType },
  body,
});

const PAGE = '<!DOCTYPE html><html><body><h1>It works!</h1></body></html>';

/** What strikes, and how an adapter may call it when it does not deal with it by itself. */
const FAULTS: readonly (readonly [what: string, fault: WireFault, classes: readonly IaasErrorClass[]])[] = [
  ['a connection reset before the request was read', { kind: 'reset' }, ['transient']],
  ['an answer that is lost after the work', { kind: 'lose-answer' }, ['transient']],
  ['an answer that is cut in the middle', { kind: 'cut-answer' }, ['transient']],
  ['status 500', answer(500, 'Internal Server Error'), ['transient']],
  ['status 502 with a page', answer(502, PAGE, 'text/html'), ['transient']],
  ['status 503', answer(503, 'try again later'), ['transient']],
  ['status 429', answer(429, 'slow down'), ['transient']],
  ['a page in the place of an answer', answer(200, PAGE, 'text/html'), ['transient', 'fatal']],
  ['an empty answer', answer(200, ''), ['transient', 'fatal']],
  ['half of a JSON document', answer(200, '{"server": {"id": "1', 'application/json'), ['transient', 'fatal']],
  ['half of an XML document', answer(200, '<?xml version="1.0"?><a><b>', 'text/xml'), ['transient', 'fatal']],
  ['JSON that says nothing', answer(200, 'null', 'application/json'), ['transient', 'fatal']],
  ['XML of somebody else', answer(200, '<?xml version="1.0"?><other/>', 'text/xml'), ['transient', 'fatal']],
];

interface Call {
  /** The class of thing of which there must be one more when it has succeeded. */
  readonly makes?: ResourceClass;
  /** Asks; the same thing each time. */
  ask(adapter?: Bench['adapter']): Promise<unknown>;
  /** What must hold when it has succeeded. */
  settled(): Promise<void>;
}

/** Every sort of call, with everything it needs in place; nothing where the site does not offer it. */
const CALLS: Readonly<Record<string, (bench: Bench) => Promise<Call | undefined>>> = {
  createCompute: async (bench) => {
    const spec = bench.spec();
    return creation(bench, 'compute', (adapter) => adapter.createCompute(spec, spec.id));
  },
  createNetwork: async (bench) => {
    if (!bench.can.network.has('create')) return undefined;
    const spec = { id: bench.id(), name: 'net', cidr: '192.168.81.0/24' };
    return creation(bench, 'network', (adapter) => adapter.createNetwork(spec, spec.id));
  },
  createStorage: async (bench) => {
    if (!bench.can.storage.has('create')) return undefined;
    const spec = { id: bench.id(), name: 'vol', sizeBytes: 2 ** 30 };
    return creation(bench, 'storage', (adapter) => adapter.createStorage(spec, spec.id));
  },
  attachNic: async (bench) => {
    if (!bench.can.network.has('create')) return undefined;
    const spec = { id: bench.id(), compute: await bench.stopped(), network: await bench.network('192.168.82.0/24') };
    return creation(bench, 'nic', (adapter) => adapter.attachNic(spec, spec.id));
  },
  attachStorage: async (bench) => {
    if (!bench.can.storage.has('create')) return undefined;
    const spec = { id: bench.id(), compute: await bench.stopped(), storage: await bench.volume() };
    return creation(bench, 'attachment', (adapter) => adapter.attachStorage(spec, spec.id));
  },
  importImage: async (bench) => {
    if (!bench.takesImages) return undefined;
    const spec = bench.imageSpec();
    return creation(bench, 'image', (adapter) => adapter.importImage(spec, spec.id));
  },
  actCompute: async (bench) => {
    const ref = await bench.resting();
    return {
      ask: (adapter = bench.adapter) => adapter.actCompute(ref, bench.move, undefined),
      settled: async () => void (await bench.reaches('compute', ref, 'active')),
    };
  },
  delete: async (bench) => {
    const ref = await bench.machine();
    return {
      ask: (adapter = bench.adapter) => adapter.delete('compute', ref),
      settled: async () => expect(await bench.rest('compute', ref)).toBeUndefined(),
    };
  },
  describe: async (bench) => {
    const ref = await bench.machine();
    return reading(bench, async (adapter) =>
      expect([...(await adapter.describe('compute', [ref])).keys()]).toEqual([ref]),
    );
  },
  inventory: async (bench) =>
    reading(bench, async (adapter) => expect((await adapter.inventory()).hosts.length).toBeGreaterThan(0)),
  metrics: async (bench) => {
    if (bench.can.metrics.length === 0) return undefined;
    const ref = await bench.running();
    await bench.measured(ref);
    return reading(bench, async (adapter) => expect((await adapter.metrics([ref])).length).toBeGreaterThan(0));
  },
};

export function describeWire(bench: Bench): void {
  describe('is reached over a network that fails', () => {
    const cases = Object.keys(CALLS).flatMap((operation) => FAULTS.map((fault) => [operation, ...fault] as const));
    it.each(cases)('and does %s once through %s', async (operation, what, fault, classes) => {
      const wire = wireOf(bench);
      if (!wire) return;
      if (bench.isSilent(operation)) return;
      if (wire.failures && !wire.failures.has(what)) return bench.skip('a failure of another kind of wire');
      const call = await CALLS[operation]?.(bench);
      if (!call) return bench.skip(`no ${operation}`);
      await strike(bench, wire, operation, call, fault, classes);
    });

    it('and is not there at all for a while', async () => {
      const wire = wireOf(bench);
      if (!wire) return;
      const calls: Call[] = [];
      for (const [operation, prepare] of Object.entries(CALLS)) {
        const call = bench.isSilent(operation) ? undefined : await prepare(bench);
        if (call) calls.push(call);
      }
      await wire.proxy.refuse();
      try {
        for (const call of calls) await bench.refused(call.ask(), 'transient');
        const findings = await bench.adapter.check().catch((error: unknown) => bench.isRefusal(error, 'transient'));
        if (findings) expect(findings).not.toEqual([]);
      } finally {
        await wire.proxy.restore();
      }
      for (const call of calls) {
        await call.ask();
        await call.settled();
      }
    });

    it.each(Object.keys(CALLS))('and gives a %s that is never answered up in time', async (operation) => {
      const wire = wireOf(bench);
      if (!wire) return;
      if (bench.isSilent(operation)) return;
      const call = await CALLS[operation]?.(bench);
      if (!call) return bench.skip(`no ${operation}`);
      const patience = new Patience();
      const guarded = new GuardedSite(bench.adapter, patience, CALL_LIMITS, () => undefined);
      const [struck, left] = [wire.proxy.strikes(), wire.proxy.left()];
      wire.proxy.next({ kind: 'hang' }, (request) => wire.isRequestOf(operation, request));
      const refusal = bench.refused(call.ask(guarded), 'transient');
      await struck;
      patience.end();
      await refusal;
      await left;
      await call.ask();
      await call.settled();
    });

    it('and goes on when its credentials have had their time', async () => {
      const wire = wireOf(bench);
      if (!wire) return;
      if (!wire.expireCredentials) return bench.skip('credentials that do not expire');
      for (const prepare of Object.values(CALLS)) {
        const call = await prepare(bench);
        if (!call) continue;
        await wire.expireCredentials();
        await call.ask();
        await call.settled();
      }
    });

    it('and tells a quota that shows late', async () => {
      const wire = wireOf(bench);
      if (!wire) return;
      if (!wire.exhaustQuota) return bench.skip('no late quota');
      const spec = bench.spec();
      await wire.exhaustQuota();
      const refusal = await bench.adapter.createCompute(spec, spec.id).then(
        async (ref) => {
          const seen = await bench.reaches('compute', bench.own('compute', ref), 'error');
          return new IaasError(/quota/i.test(seen.message ?? '') ? 'quota' : 'fatal', seen.message ?? '');
        },
        (error: unknown) => error,
      );
      bench.isRefusal(refusal, 'quota');
      await bench.harness.faults?.clear();
    });
  });
}

/** A clock on which time passes only when the test says that patience is over. */
class Patience implements Clock {
  readonly #waiting: (() => void)[] = [];

  now(): number {
    return 0;
  }

  sleep(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  end(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The wire, or nothing (noted) where the adapter speaks no HTTP or the counterpart stands without a proxy. */
function wireOf(bench: Bench): Wire | undefined {
  if (!bench.harness.wire) bench.skip('no faulty proxy before the counterpart');
  return bench.harness.wire;
}

async function strike(
  bench: Bench,
  { proxy, isRequestOf }: Wire,
  operation: string,
  call: Call,
  fault: WireFault,
  classes: readonly IaasErrorClass[],
): Promise<void> {
  const before = call.makes === undefined ? 0 : (await bench.listed(call.makes)).length;
  const struck = proxy.struck;
  proxy.next(fault, (request) => isRequestOf(operation, request));
  await call.ask().catch((error: unknown) => bench.isRefusal(error, ...classes));
  // Were it not so, isRequestOf would not know the request, and nothing would have been tried.
  expect({ operation, struck: proxy.struck - struck }).toEqual({ operation, struck: 1 });
  await call.ask();
  await call.settled();
  if (call.makes !== undefined) expect((await bench.listed(call.makes)).length).toBe(before + 1);
}

function creation(bench: Bench, makes: ResourceClass, make: (adapter: Bench['adapter']) => Promise<string>): Call {
  let made: string | undefined;
  return {
    makes,
    ask: async (adapter = bench.adapter) => (made = bench.own(makes, await make(adapter))),
    settled: async () => void (await bench.reaches(makes, made ?? 'nothing')),
  };
}

function reading(bench: Bench, read: (adapter: Bench['adapter']) => Promise<void>): Call {
  return { ask: (adapter = bench.adapter) => read(adapter), settled: () => Promise.resolve() };
}
