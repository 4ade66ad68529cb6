/**
 * A machine is made once, in whichever zone: its launch is cut off at each call that changes something at EC2, before the call is done
 * and after, while its first zone is full. Whoever comes back knows nothing of it, finds the first zone with room again, and meets an EC2
 * that shows new instances late.
 */

import { systemClock, type Clock } from '../../src/base/clock.js';
import type { ComputeSpec, SiteAdapter } from '../../src/iaas/adapter.js';
import type { WireFault, WireRequest } from '../support/faulty-proxy.js';
import { ZONES } from '../support/fake-ec2/world.js';
import { ec2Harness, type Ec2Harness } from './ec2-harness.js';

const [A = '', B = ''] = ZONES;
/** No launch makes so many. */
const MOST_CALLS = 20;
/** Longer than a launch takes: four times what the harness lets EC2 take to settle. */
const LATER_MS = 10_000;

let harness: Ec2Harness;
beforeAll(async () => {
  harness = await ec2Harness({ zones: ZONES, pace: { stepMs: 15, lagMs: 60 } }, { zones: [], hibernation: false });
});
afterAll(() => harness.close());

const changes = ({ body }: WireRequest): boolean => !body.toString('latin1').includes('Action=Describe');

/** Cuts an adapter off at its call of that number, and for ever. */
function cutOffAt(number: number, kind: 'reset' | 'lose-answer'): void {
  let count = 0;
  const proxy = harness.wire?.proxy;
  const first: WireFault = { kind };
  proxy?.next(first, (request) => changes(request) && (count += 1) === number);
  proxy?.next({ kind: 'reset' }, () => count >= number, Infinity);
}

/** Asks until it is made, as the engine does. */
async function made(adapter: SiteAdapter, spec: ComputeSpec): Promise<string> {
  for (;;) {
    try {
      return await adapter.createCompute(spec, spec.id);
    } catch (error) {
      if ((error as { class?: string }).class !== 'transient') throw error;
      await harness.advance(10);
    }
  }
}

describe.each(['reset', 'lose-answer'] as const)('cut off with %s', (kind) => {
  it.each([
    ['without a network', false],
    ['on a network', true],
  ])('%s', async (_what, isOnNetwork) => {
    const { fake, adapter, wire } = harness;
    const { world } = fake;
    const network = isOnNetwork ? await adapter.createNetwork({ id: `net-${kind}`, name: 'net' }, `net-${kind}`) : '';
    const sides = new Set<string | undefined>();
    let isCut = true;
    for (let number = 1; isCut && number < MOST_CALLS; number += 1) {
      const id = `${kind}-${isOnNetwork}-${number}`;
      const size = { cores: 1, memoryBytes: 2 ** 29, image: 'ami-0c0ffee0c0ffee0c0' };
      const nics = isOnNetwork ? { nics: [{ id: `nic-${id}`, network }] } : {};
      const spec = { id, name: id, ...size, ...nics, sshKeys: ['ssh-ed25519 AAAA'] };
      world.full.add(A);
      const before = wire?.proxy.struck ?? 0;
      cutOffAt(number, kind);
      const died = await harness.open();
      await died.createCompute(spec, id).catch(() => undefined);
      await died.close();
      isCut = (wire?.proxy.struck ?? 0) > before;
      wire?.proxy.clear();
      // The zone has room again: whoever does not know better launches there.
      world.full.delete(A);
      let aheadMs = 0;
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
      const back = await harness.open({}, clock);
      const ref = await made(back, spec);
      await harness.advance(world.pace.lagMs);
      // What comes next is told of each interface; and there is time to tidy, as EC2 may have shown one too late to be removed in time.
      if (isOnNetwork) await back.attachNic({ id: `nic-${id}`, compute: ref, network }, `nic-${id}`);
      await back.tidy?.();
      aheadMs = LATER_MS;
      expect(await back.tidy?.()).toBe(0);
      await back.close();
      const alive = world.live.filter(({ tags }) => tags.get('vep:id') === id);
      expect(alive.map((each) => each.id)).toEqual([ref]);
      sides.add(alive[0]?.zone);
      const nicsOf = [...world.interfaces.values()].filter(({ tags }) =>
        [id, `nic-${id}`].includes(tags.get('vep:id') ?? ''),
      );
      expect(nicsOf.map(({ attachment, subnet }) => [attachment?.instance, subnet.zone])).toEqual([
        [ref, alive[0]?.zone],
      ]);
    }
    expect(isCut).toBe(false);
    // Some came back before the other zone was tried, some after.
    expect(sides).toEqual(new Set([A, B]));
  });
});
