/** Sites that tell what has changed: looked at once a pause and in batches, again while busy, and listened to anew when they break off. */

import { silentLog } from '../../src/base/log.js';
import { SiteWatch, type Lookout, type Watched } from '../../src/engine/site-watch.js';
import type { SiteAdapter, SiteEvent } from '../../src/iaas/adapter.js';
import { eventually } from './eventually.js';
import { FakeClock } from './fake-clock.js';

/** A site that says what it is told to say. */
class Speaker {
  readonly site = 'sim';
  readonly said: (SiteEvent | 'break')[] = [];
  opened = 0;
  #wake: () => void = () => undefined;
  events = true;

  say(...refs: readonly string[]): void {
    this.said.push(...refs.map((ref): SiteEvent => ({ class: 'compute', ref, at: 0 })));
    this.#wake();
  }

  break(): void {
    this.said.push('break');
    this.#wake();
  }

  asAdapter(): SiteAdapter {
    const listen = async function* (this: Speaker, signal: AbortSignal): AsyncIterable<SiteEvent> {
      this.opened += 1;
      while (!signal.aborted) {
        const event = this.said.shift();
        if (event === 'break') throw new Error('the line broke');
        if (event) yield event;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
      }
    };
    return {
      site: this.site,
      capabilities: () => ({ events: this.events }),
      events: listen.bind(this),
    } as unknown as SiteAdapter;
  }
}

function setUp(busy: (ref: string) => boolean = () => false) {
  const speaker = new Speaker();
  const clock = new FakeClock();
  const looks: string[] = [];
  const lookout: Lookout = {
    look: async (_adapter, what, refs) => {
      looks.push(`${what} ${refs.join(' ')}`);
      return refs.filter(busy);
    },
  };
  const term: { current: AbortController | undefined } = { current: new AbortController() };
  const settings = { pauseMs: 1000, reopenMs: 5000 };
  const watched: Watched = { sites: () => [speaker.asAdapter()], term: () => term.current?.signal };
  const watch = new SiteWatch(watched, lookout, { clock, log: silentLog }, settings);
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { speaker, clock, looks, term, end };
}

it('looks once at what has changed several times, and at all of it together', async () => {
  const { speaker, clock, looks, end } = setUp();
  speaker.say('a', 'b', 'a');
  await eventually(() => speaker.said.length === 0);
  expect(looks).toEqual([]);
  await eventually(() => {
    clock.advance(1000);
    return looks.length > 0;
  });
  expect(looks).toEqual(['compute a b']);
  await end();
});

it('looks again at what is busy, but not for ever', async () => {
  const { speaker, clock, looks, end } = setUp(() => true);
  speaker.say('a');
  await eventually(() => {
    clock.advance(1000);
    return looks.length >= 11;
  });
  for (let round = 0; round < 20; round += 1) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(looks).toHaveLength(11);
  await end();
});

it('listens anew when a site breaks off, and to one that tells events only later', async () => {
  const { speaker, clock, end } = setUp();
  await eventually(() => speaker.opened === 1);
  speaker.break();
  await eventually(() => {
    clock.advance(1000);
    return speaker.opened === 2;
  });
  speaker.events = false;
  speaker.break();
  await eventually(() => speaker.said.length === 0);
  speaker.events = true;
  await eventually(() => {
    clock.advance(60_000);
    return speaker.opened === 3;
  });
  await end();
});

it('listens only for as long as it is for this process to listen', async () => {
  const { speaker, clock, looks, term, end } = setUp();
  await eventually(() => speaker.opened === 1);
  term.current?.abort();
  term.current = undefined;
  speaker.say('a');
  for (let round = 0; round < 20; round += 1) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect([speaker.opened, looks]).toEqual([1, []]);
  term.current = new AbortController();
  await eventually(() => {
    clock.advance(60_000);
    return looks.length > 0;
  });
  expect([speaker.opened, looks]).toEqual([2, ['compute a']]);
  await end();
});
