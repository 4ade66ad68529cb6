/** One process's view of a site never runs ahead of the log: what could not be stored has not happened. */

import type { CommandLog, Entry, LogTail } from '../../src/iaas/adapters/simulator/command-log.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { SharedCloud } from '../../src/iaas/adapters/simulator/shared-cloud.js';
import { readSnapshot } from '../../src/iaas/adapters/simulator/snapshot.js';
import { SiteClock } from './site-clock.js';

/** A log in memory whose next append can be made to fail after it was decided. */
class FailingLog implements CommandLog {
  readonly commands: string[] = [];
  failing = false;

  read(after: number): Promise<LogTail> {
    return Promise.resolve({ commands: this.commands.slice(after) });
  }

  append(after: number, decide: (tail: LogTail) => Entry | undefined): Promise<void> {
    const entry = decide({ commands: this.commands.slice(after) });
    if (this.failing) return Promise.reject(new Error('disk full'));
    if (entry) this.commands.push(entry.command);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const create = (id: string) =>
  ({ do: 'createCompute', token: id, spec: { id, name: id, cores: 1, memoryBytes: 2 ** 30 } }) as const;

describe('the view of a simulated site', () => {
  it('forgets what the log did not take', async () => {
    const log = new FailingLog();
    const shared = new SharedCloud(log, new SiteClock());
    await shared.run(() => ({ do: 'configure', config: parseSimulatorConfig({}) }));
    const kept = await shared.run(() => create('kept'));
    log.failing = true;
    await expect(shared.run(() => create('lost'))).rejects.toMatchObject({ class: 'transient', said: undefined });
    log.failing = false;
    expect([...(await shared.read()).things.compute.keys()]).toEqual([kept?.ref]);
    await shared.run(() => create('next'));
    expect((await shared.read()).things.compute.size).toBe(2);
    await shared.close();
    await expect(shared.read()).rejects.toMatchObject({ class: 'fatal' });
  });

  it('appends nothing when nothing is asked', async () => {
    const log = new FailingLog();
    expect(await new SharedCloud(log, new SiteClock()).run(() => undefined)).toBeUndefined();
    expect(log.commands).toEqual([]);
  });

  it('refuses a snapshot of another form, saying what to do', () => {
    expect(() => readSnapshot('{"version":99}')).toThrow(/another name/);
  });
});
