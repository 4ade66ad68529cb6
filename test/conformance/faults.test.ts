/** The suite can fail: it is run against servers with one fault each, and the statement that the fault breaks must say so. */

import { runSuite, type Result, type Version } from '../../src/conformance/index.js';
import { serverFor } from '../support/server.js';
import { FAULTS } from './faults/index.js';
import { FaultyServer } from './faulty-server.js';

describe('a server with one fault', () => {
  const server = serverFor();
  let faulty: FaultyServer;
  beforeAll(async () => {
    faulty = new FaultyServer(server().url);
    await faulty.start();
  });
  afterAll(() => faulty.close());

  async function run(only: readonly string[], version: Version, patienceMs: number): Promise<readonly Result[]> {
    const { results } = await runSuite({
      endpoint: faulty.url,
      credentials: { scheme: 'bearer', token: server().tokens.user },
      versions: [version],
      only,
      // What a fault leaves behind does not keep the next from deleting collections.
      destructive: true,
      patienceMs,
    });
    return results;
  }

  it('is caught by forty statements and more', () => {
    expect(new Set(FAULTS.map(({ id }) => id)).size).toBeGreaterThanOrEqual(40);
  });

  it.each(FAULTS)('$id: $says', async ({ id, version, breakage }) => {
    faulty.breakage = breakage;
    // A state that a fault keeps from being reached is not worth waiting for.
    const [result] = await run([id], version, 1500);
    expect([result?.outcome, result?.reason]).toEqual(['failed', expect.any(String)]);
  });

  it.each(['1.1', '1.2'] as const)('and without the fault the same statements hold in %s', async (version) => {
    faulty.breakage = {};
    const ids = FAULTS.filter((each) => each.version === version).map(({ id }) => id);
    const results = await run(ids, version, 120_000);
    expect(
      results.filter(({ outcome }) => outcome !== 'passed').map(({ statement, reason }) => [statement.id, reason]),
    ).toEqual([]);
  });
});
