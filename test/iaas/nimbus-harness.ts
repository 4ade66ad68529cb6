/** Nimbus for tests: the adapter, a faulty proxy, and behind it a fake Query front end. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { nimbus } from '../../src/iaas/adapters/ec2/site-type.js';
import { faultsOnTheWire, type Harness, type Wire } from '../support/adapter-suite.js';
import { ACCESS_ID, FakeNimbus, SECRET } from '../support/fake-nimbus/index.js';
import { FaultyProxy } from '../support/faulty-proxy.js';
import { runLog } from '../support/run.js';
import { isOperationOf } from './ec2-harness.js';

export interface NimbusHarness extends Harness {
  readonly fake: FakeNimbus;
  readonly directory: string;
  readonly proxy: FaultyProxy;
}

/** `sha256`: of the file behind the image `base-image`. */
export async function nimbusHarness(sha256 = '0'.repeat(64)): Promise<NimbusHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'vep-nimbus-'));
  const fake = await FakeNimbus.start();
  const proxy = await FaultyProxy.open(fake.url);
  const keep = (id: string, secret: string): void => {
    writeFileSync(join(directory, 'id'), id);
    writeFileSync(join(directory, 'secret'), `${secret}\n`);
  };
  keep(ACCESS_ID, SECRET);
  const open = (): Promise<SiteAdapter> =>
    nimbus.read({
      endpoint: `${proxy.url}/`,
      credentials: { accessId: { file: join(directory, 'id') }, secret: { file: join(directory, 'secret') } },
      country: 'US',
      instanceTypes: [
        { name: 'm1.small', cores: 1, memoryMib: 1024 },
        { name: 'm1.large', cores: 2, memoryMib: 1024 },
        { name: 'm1.xlarge', cores: 4, memoryMib: 8192 },
      ],
      capacity: { cores: 64, memoryGib: 128 },
      images: { known: [{ sha256, image: 'base-image' }] },
    })({ site: 'nimbus', clock: systemClock, log: runLog(), data: { directory } });
  const adapter = await open();
  let keys = 0;
  const wire: Wire = {
    proxy,
    isRequestOf: isOperationOf,
    expireCredentials: () => {
      keys += 1;
      fake.secrets.clear();
      fake.secrets.set(`${ACCESS_ID}${keys}`, `${SECRET}-${keys}`);
      return Promise.resolve(keep(`${ACCESS_ID}${keys}`, `${SECRET}-${keys}`));
    },
  };
  return {
    adapter,
    fake,
    directory,
    proxy,
    wire,
    secrets: [SECRET],
    advance: (ms) => pause(ms),
    pace: { stepMs: 5, patienceMs: 180_000 },
    image: { format: 'raw', bytes: Buffer.alloc(4096, 'vep'), virtualSizeBytes: 4096 },
    boot: 'base-image',
    there: 'base-image',
    boots: (ref) => Promise.resolve(1 + fake.reboots.filter((id) => id === ref).length),
    second: open,
    faults: faultsOnTheWire(wire, {
      failLater: () => Promise.resolve(void (fake.failNext = true)),
      clear: () => Promise.resolve(void (fake.failNext = false)),
    }),
    foreign: { createMachine: () => Promise.resolve(fake.foreign()) },
    close: async () => {
      await adapter.close();
      await proxy.close();
      await fake.close();
      rmSync(directory, { recursive: true });
    },
  };
}
