/** The configuration of a simulated site: sound defaults, and every wrong key named at once. */

import { Problem } from '../../src/base/errors.js';
import { parseSimulatorConfig } from '../../src/iaas/adapters/simulator/config.js';

function faultsOf(options: unknown): string[] {
  try {
    parseSimulatorConfig(options);
  } catch (error) {
    if (error instanceof Problem) return error.faults.map((fault) => `${fault.code} ${fault.place?.path ?? ''}`);
    throw error;
  }
  return [];
}

describe('the configuration of a simulated site', () => {
  it('needs nothing: twelve hosts in two countries, three zones and six racks', () => {
    const { hosts } = parseSimulatorConfig({});
    expect(hosts).toHaveLength(12);
    expect(hosts.every((host) => host.cores === 16 && host.memoryBytes === 64 * 2 ** 30)).toBe(true);
    const count = (of: 'rack' | 'zone' | 'country'): number => new Set(hosts.map((host) => host[of])).size;
    expect({ countries: count('country'), zones: count('zone'), racks: count('rack') }).toEqual({
      countries: 2,
      zones: 3,
      racks: 6,
    });
    expect(new Set(hosts.map((host) => host.country))).toEqual(new Set(['DE', 'FR']));
    expect(parseSimulatorConfig(undefined)).toEqual(parseSimulatorConfig({}));
  });

  it('keeps the defaults beside what is given', () => {
    const config = parseSimulatorConfig({
      latenciesMs: { start: 9 },
      hosts: [{ name: 'h', rack: 'r', zone: 'z', country: 'AT' }],
    });
    expect(config.latenciesMs).toMatchObject({ start: 9, stop: 700 });
    expect(config.hosts).toEqual([
      { name: 'h', rack: 'r', zone: 'z', country: 'AT', cores: 16, memoryBytes: 64 * 2 ** 30, traits: [] },
    ]);
  });

  it('does not touch what it was given', () => {
    const given = { hosts: [{ name: 'h', rack: 'r', zone: 'z', country: 'AT' }] };
    parseSimulatorConfig(given);
    expect(given).toEqual({ hosts: [{ name: 'h', rack: 'r', zone: 'z', country: 'AT' }] });
  });

  it('names every key that is wrong', () => {
    const faults = faultsOf({
      sed: 1,
      timeFactor: 0,
      hosts: [{ name: 'h', rack: 'r', zone: 'z', country: 'Austria', cores: 0 }],
      lacks: ['compute.fly'],
      faults: [{ operation: 'createCompute', kind: 'explode' }],
      load: [{ machines: 'web-*', metric: 'cpu', shape: { kind: 'constant' } }],
    });
    for (const key of [
      'sed',
      'timeFactor',
      'hosts.0.country',
      'hosts.0.cores',
      'lacks.0',
      'faults.0.kind',
      'load.0.shape',
    ]) {
      expect(faults.some((fault) => fault.includes(` ${key}`))).toBe(true);
    }
  });

  it.each([
    [
      'two hosts of one name',
      { hosts: [1, 2].map(() => ({ name: 'h', rack: 'r', zone: 'z', country: 'DE' })) },
      'simulator.twice hosts.1.name',
    ],
    ['a network without a range', { networks: [{ name: 'n', cidr: '10.0.0.0' }] }, 'simulator.cidr networks.0.cidr'],
    ['a pool that is none', { networkPool: { cidr: 'ten' } }, 'simulator.cidr networkPool.cidr'],
    [
      'subnets larger than the pool',
      { networkPool: { cidr: '10.0.0.0/16', prefix: 8 } },
      'simulator.prefix networkPool.prefix',
    ],
    [
      'subnets without room',
      { networkPool: { cidr: '10.0.0.0/16', prefix: 31 } },
      'simulator.prefix networkPool.prefix',
    ],
    ['no hosts', { hosts: [] }, 'simulator.invalid hosts'],
    ['no object', 7, 'simulator.invalid (top level)'],
  ])('refuses %s', (_what, options, fault) => {
    expect(faultsOf(options)).toEqual([fault]);
  });
});
