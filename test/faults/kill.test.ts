/**
 * `kill -9` of a real server process at random instants, while an appliance of six machines is deployed and while it is
 * taken down again (DESIGN, "What must always hold", 1 and 2): what was acknowledged is honoured, once, the simulated site
 * holds exactly what it should, and no work is left lying about. A failing round names its seed: VEP_TEST_SEED repeats it.
 */

import { randomInt, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import type { JsonObject } from '../../src/base/json.js';
import { silentLog } from '../../src/base/log.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';
import { createSimulator } from '../../src/iaas/adapters/simulator/simulator.js';
import { forEachDatabase } from '../support/databases.js';
import { NETWORKS, testPackage, type TestPackage } from './appliance.js';
import { NOTHING, takeCensus, together, type Census } from './census.js';
import { between, chanceOf, type Chance } from './chance.js';
import { Client, CutOff, type Answer } from './client.js';
import { rowsOf } from './rows.js';
import { build, ServerProcess } from './server-process.js';

const NIGHTLY = process.env['VEP_TEST_NIGHTLY'] === '1';
const ROUNDS = { sqlite: NIGHTLY ? 50 : 6, postgres: NIGHTLY ? 10 : 2 };
const SEED = Number(process.env['VEP_TEST_SEED'] ?? randomInt(2 ** 31));
const MACHINES = 6;
/** Within this time of asking for it, in milliseconds, the server is killed: about as long as the work takes. */
const WITHIN_MS = 2500;
/** Milliseconds within which everything must have come to rest after the last restart. */
const PATIENCE_MS = 180_000;
const OPTIONS = { timeFactor: 10 };
const ACTIONS = 'http://schemas.contrail-project.eu/occi/ovf/appliance/action#';
const STATE = 'eu.contrail-project.appliance.state';

beforeAll(build, 300_000);

/** Two sites of which neither has room for all machines, with networks that reach over both. */
const TWO: readonly Site[] = ['east', 'west'].map((name) => {
  const host = { name: 'h1', rack: 'r1', zone: 'z1', country: 'DE', cores: MACHINES - 1, memoryBytes: 64 * 2 ** 30 };
  return { name, connects: NETWORKS, options: { ...OPTIONS, hosts: [host] } };
});

forEachDatabase((name, database) => {
  const cases = [
    ['on one site', ROUNDS[name], [{ name: 'sim', options: OPTIONS }]],
    ...(name === 'sqlite' ? [['over two sites', NIGHTLY ? 20 : 2, TWO] as const] : []),
  ] as const;
  it.each(cases)(
    `honours what it acknowledged %s through %i rounds of kill -9 (seed ${SEED})`,
    async (_, rounds, sites) => {
      const directory = join(tmpdir(), `vep-kill-${randomUUID()}`);
      mkdirSync(directory);
      const postgres = 'postgres' in database.at ? database.at.postgres : undefined;
      const trial = new Trial(directory, postgres, sites);
      try {
        await trial.begin();
        for (let round = 0; round < rounds; round++) await trial.round(SEED + round);
      } finally {
        await trial.end();
        rmSync(directory, { recursive: true, force: true });
      }
    },
    (ROUNDS[name] + 1) * 2 * PATIENCE_MS,
  );
});

interface Site {
  readonly name: string;
  readonly connects?: readonly string[];
  readonly options: JsonObject;
}

/** One server on one data directory, and the sites that outlive its kills. */
class Trial {
  readonly #directory: string;
  readonly #postgres: string | undefined;
  readonly #sites: readonly Site[];
  readonly #server: ServerProcess;
  readonly #client: Client;
  /** Entities beside the appliances whose creation was acknowledged. */
  readonly #bystanders: string[] = [];
  #empty: Census | undefined;

  constructor(directory: string, postgres: string | undefined, sites: readonly Site[]) {
    this.#directory = directory;
    this.#sites = sites;
    this.#postgres = postgres;
    this.#server = new ServerProcess(directory, {
      ...(postgres === undefined ? {} : { data: { database: postgres } }),
      engine: { leaseMs: 1000, reconcileMs: 500 },
      sites: sites.map((site) => ({ ...site, type: 'simulator' })),
    });
    this.#client = new Client(directory, () => this.#server.url);
  }

  async begin(): Promise<void> {
    await this.#server.start();
    this.#empty = await this.#census();
  }

  end(): Promise<void> {
    return this.#server.kill();
  }

  /** Deploys an appliance and takes it down, each under fire, in one of the ways there are. */
  async round(seed: number): Promise<void> {
    const chance = chanceOf(seed);
    const fleet = testPackage(chance, MACHINES);
    try {
      const appliance = await this.#deployUnderFire(chance, fleet);
      if (chance() < 0.5) await this.#undeployUnderFire(chance, appliance);
      await this.#deleteUnderFire(chance, appliance);
    } catch (error) {
      throw new Error(`round with seed ${seed} failed; the server said: ${this.#server.log.slice(-4000)}`, {
        cause: error,
      });
    }
  }

  async #deployUnderFire(chance: Chance, fleet: TestPackage): Promise<string> {
    const key = `fleet-${randomUUID()}`;
    // Two sites are nearly full with it, and the round before has only just given back what it had.
    if (this.#sites.length > 1)
      for (const { name } of this.#sites) expect((await this.#client.lookAt(name)).status).toBe(200);
    const { location } = await this.#underFire(chance, () => this.#client.deploy(fleet, key), [201]);
    await this.#until(`${location} to be active`, () => this.#isAt(location, 'active'));
    await this.#rest();
    expect(await this.#client.ids('/appliance/')).toEqual([idOf(location)]);
    const { counts, ids, states } = await this.#census();
    const storages = this.#bystanders.length;
    const split = this.#sites.length > 1;
    // On each of two sites there is every network that a machine there uses, and every image.
    const each = split ? { network: counts.network, image: counts.image } : {};
    expect(counts).toEqual({ ...fleet.things, ...each, storage: fleet.things.storage + storages });
    if (split)
      expect((await this.#rows("SELECT DISTINCT site FROM entity WHERE kind LIKE '%#compute'")).length).toBe(2);
    expect(ids.compute).toEqual(await this.#client.ids('/compute/'));
    expect(ids.network).toEqual(await this.#client.ids('/network/'));
    expect(ids.storage).toEqual(await this.#client.ids('/storage/'));
    expect(ids.nic).toEqual(await this.#client.ids('/networkinterface/'));
    expect(ids.attachment).toEqual(await this.#client.ids('/storagelink/'));
    expect(states).toMatchObject({ compute: ['active'], network: ['active'], storage: ['online'] });
    expect(await this.#timesCreated(idOf(location))).toBe(1);
    return location;
  }

  async #undeployUnderFire(chance: Chance, appliance: string): Promise<void> {
    // Asked for again after it was committed, there may be nothing left to undeploy.
    await this.#underFire(chance, () => this.#client.act(appliance, ACTIONS, 'undeploy'), [200, 409]);
    await this.#until(`${appliance} to be inactive`, () => this.#isAt(appliance, 'inactive'));
    await this.#rest();
    await this.#expectNothing();
    expect(await this.#client.ids('/compute/')).toEqual([]);
  }

  async #deleteUnderFire(chance: Chance, appliance: string): Promise<void> {
    await this.#underFire(chance, () => this.#client.delete(appliance), [200, 404]);
    // K11: gone for everyone from the moment of the acknowledgement, whatever still has to be done.
    expect(await this.#client.entity(appliance)).toBeUndefined();
    await this.#rest();
    await this.#expectNothing();
    const left = await rowsOf(this.#directory, this.#postgres, "SELECT id FROM entity WHERE kind NOT LIKE '%#storage'");
    expect(left).toEqual([]);
  }

  /**
   * Asks until there is an answer, while the server is killed once or twice at instants that chance chooses. The answer,
   * and that of every bystander created meanwhile, must hold after the last restart.
   */
  async #underFire(chance: Chance, ask: () => Promise<Answer>, expected: readonly number[]): Promise<Answer> {
    const fire = this.#fire(Array.from({ length: chance() < 0.25 ? 2 : 1 }, () => between(chance, 0, WITHIN_MS)));
    const key = `bystander-${randomUUID()}`;
    const bystander = this.#insist(() => this.#client.createStorage(key));
    const [answered, stood] = await Promise.allSettled([this.#insist(ask), bystander]);
    await fire;
    if (answered.status === 'rejected') throw answered.reason;
    if (stood.status === 'rejected') throw stood.reason;
    const answer = answered.value;
    expect(expected).toContain(answer.status);
    this.#bystanders.push(stood.value.location);
    for (const location of this.#bystanders) expect(await this.#client.entity(location)).toBeDefined();
    return answer;
  }

  async #fire(delays: readonly number[]): Promise<void> {
    for (const delay of delays) {
      await pause(delay);
      await this.#server.kill();
      await this.#server.start();
    }
  }

  /** A client that was cut off asks again when the server is back. */
  async #insist(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof CutOff)) throw error;
        await pause(20);
      }
    }
  }

  async #isAt(location: string, state: string): Promise<boolean> {
    const entity = await this.#client.entity(location);
    return entity?.attributes[STATE] === state && entity.attributes[`${STATE}.message`] === undefined;
  }

  /** Waits until all work is done, and sees that none has died. */
  async #rest(): Promise<void> {
    const unfinished = "SELECT id, type, state, step FROM operation WHERE finished_at IS NULL AND state <> 'dead'";
    await this.#until('all operations to end', async () => (await this.#rows(unfinished)).length === 0);
    expect(await this.#rows("SELECT type, step, findings FROM operation WHERE state IN ('dead', 'failed')")).toEqual(
      [],
    );
  }

  async #expectNothing(): Promise<void> {
    const census = await this.#census();
    expect(census.counts).toEqual({ ...NOTHING, storage: this.#bystanders.length });
    expect(census.freeCores).toBe(this.#empty?.freeCores);
    expect(census.freeMemoryBytes).toBe(this.#empty?.freeMemoryBytes);
  }

  async #timesCreated(id: string): Promise<number> {
    const rows = await this.#rows("SELECT entity FROM audit_entry WHERE verb = 'create' AND outcome = 'granted'");
    return rows.filter((row) => row['entity'] === id).length;
  }

  #rows(sql: string): Promise<Record<string, unknown>[]> {
    return rowsOf(this.#directory, this.#postgres, sql);
  }

  async #census(): Promise<Census> {
    const home =
      this.#postgres === undefined ? { directory: join(this.#directory, 'sites') } : { postgresUrl: this.#postgres };
    const sites = await Promise.all(
      this.#sites.map(({ name, options }) =>
        createSimulator(parseSimulatorConfig(options), { site: name, clock: systemClock, log: silentLog, home }),
      ),
    );
    try {
      return together(await Promise.all(sites.map(takeCensus)));
    } finally {
      for (const site of sites) await site.close();
    }
  }

  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (Date.now() > end) {
        const work = await this.#rows(
          'SELECT type, state, direction, step, attempts, message FROM operation WHERE finished_at IS NULL',
        );
        throw new Error(`waited in vain for ${what}; unfinished: ${JSON.stringify(work)}`);
      }
      await pause(100);
    }
  }
}

function idOf(location: string): string {
  return location.slice(location.lastIndexOf('/') + 1);
}
