/** Several processes on one simulated site: together they never give more than there is, and killing one harms nothing. */

import { fork, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { createSimulator } from '../../src/iaas/adapters/simulator/simulator.js';
import { compiledSources } from '../support/compiled-sources.js';
import { HOMES, type Home, type Simulator } from './simulator-harness.js';

const OPTIONS = {
  latenciesMs: { create: 0 },
  hosts: [1, 2, 3].map((index) => ({ name: `h${index}`, rack: 'r', zone: 'z', country: 'DE', cores: 8 })),
};

/** What a child does: create machines until the site is full, telling of each once it is acknowledged. */
const CHILD = `
import { systemClock } from './src/base/clock.js';
import { silentLog } from './src/base/log.js';
import { parseSimulatorConfig } from './src/iaas/adapters/simulator/config.js';
import { createSimulator } from './src/iaas/adapters/simulator/simulator.js';
const { home, site, options, prefix, cores } = JSON.parse(process.argv[2]);
const adapter = await createSimulator(parseSimulatorConfig(options), { site, clock: systemClock, log: silentLog, home });
for (let index = 0; ; index++) {
  const id = prefix + index;
  try {
    process.send({ id, ref: await adapter.createCompute({ id, name: id, cores, memoryBytes: 2 ** 20 }, id) });
  } catch (error) {
    process.send({ end: error.class });
    break;
  }
}
await adapter.close();
process.disconnect();
`;

type Message = { readonly id: string; readonly ref: string } | { readonly end: string };

describe.each(HOMES)('processes that share a simulated site on %s', (_name, makeHome) => {
  let folder: string;
  let home: Home;
  let site: string;
  let remove: () => Promise<void>;

  beforeAll(async () => {
    folder = await compiledSources(CHILD);
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    ({ home, site, remove } = await makeHome());
  });
  afterEach(() => remove());

  const start = (
    prefix: string,
    cores: number,
    seen: (message: Message, child: ChildProcess) => void,
  ): Promise<void> => {
    const child = fork(join(folder, 'child.mjs'), [JSON.stringify({ home, site, options: OPTIONS, prefix, cores })], {
      execArgv: [],
      stdio: 'inherit',
    });
    child.on('message', (message) => seen(message as Message, child));
    return new Promise((resolve) => child.on('exit', () => resolve()));
  };
  const open = (): Promise<Simulator> =>
    createSimulator(parseSimulatorConfig(OPTIONS), { site, clock: systemClock, log: silentLog, home });
  const machines = async (adapter: Simulator): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for await (const machine of adapter.list('compute')) found.set(machine.id ?? '', machine.ref);
    return found;
  };

  it('never over-commit, and find the same machines', async () => {
    const acknowledged = new Map<string, string>();
    const ends: string[] = [];
    const take = (message: Message): void => {
      if ('end' in message) ends.push(message.end);
      else acknowledged.set(message.id, message.ref);
    };
    await Promise.all([start('a', 1, take), start('b', 1, take)]);
    const adapter = await open();
    expect(ends).toEqual(['capacity', 'capacity']);
    expect(acknowledged.size).toBe(24);
    expect(await machines(adapter)).toEqual(acknowledged);
    expect((await adapter.inventory()).hosts.map((host) => host.freeCores)).toEqual([0, 0, 0]);
    await adapter.close();
  });

  it('lose nothing that was acknowledged when they are killed', async () => {
    const acknowledged = new Map<string, string>();
    for (const round of [1, 2, 3]) {
      let count = 0;
      await start(`r${round}-`, 1, (message, child) => {
        if ('end' in message) return;
        acknowledged.set(message.id, message.ref);
        count += 1;
        if (count === round + 1) child.kill('SIGKILL');
      });
      const adapter = await open();
      const there = await machines(adapter);
      for (const [id, ref] of acknowledged) expect(there.get(id)).toBe(ref);
      const free = (await adapter.inventory()).hosts.reduce((sum, host) => sum + host.freeCores, 0);
      expect(free).toBe(24 - there.size);
      await adapter.close();
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(2 + 3 + 4);
  });
});
