/** Sites that reach each other and cut networks from the same addresses. */

import { clashInConfiguration, poolClashes } from '../../src/iaas/network-pools.js';

const site = (name: string, ...connects: string[]) => ({ name, connects });
const pools = (cidrs: Record<string, string>) =>
  new Map(Object.entries(cidrs).map(([name, cidr]) => [name, { option: 'networkPool.cidr', cidr }]));

describe('ranges of sites that reach each other', () => {
  const both = [site('east', 'backend', 'public'), site('west', 'backend')];

  it.each([
    ['the same', '10.128.0.0/10', '10.128.0.0/10', true],
    ['one within the other', '10.0.0.0/8', '10.160.0.0/11', true],
    ['the other within the one', '10.160.0.0/11', '10.0.0.0/8', true],
    ['apart', '10.128.0.0/11', '10.160.0.0/11', false],
    ['of two versions', '10.0.0.0/8', 'fd00::/48', false],
    ['of version 6', 'fd00::/48', 'fd00:0:0:1::/64', true],
    ['no ranges', '300.0.0.0/8', '300.0.0.0/8', false],
  ])('%s', (_case, east, west, isClash) => {
    expect(poolClashes(both, pools({ east, west })).map(({ networks }) => networks)).toEqual(
      isClash ? [['backend']] : [],
    );
  });

  it('are nobody’s concern where sites do not reach each other, or get ranges elsewhere', () => {
    const same = { east: '10.0.0.0/8', west: '10.0.0.0/8' };
    expect(poolClashes([site('east', 'backend'), site('west', 'public')], pools(same))).toEqual([]);
    expect(poolClashes([{ name: 'east' }, { name: 'west' }], pools(same))).toEqual([]);
    expect(poolClashes(both, pools({ east: '10.0.0.0/8' }))).toEqual([]);
  });

  it('are told with the key to change', () => {
    const [clash] = poolClashes(both, pools({ east: '10.0.0.0/8', west: '10.128.0.0/10' }));
    expect(clash && clashInConfiguration(clash)).toMatchObject({
      code: 'site.network-pools',
      severity: 'warning',
      message: expect.stringMatching(/on backend .* on east and west: .* 10\.0\.0\.0\/8 and 10\.128\.0\.0\/10/),
      place: { path: 'sites.west.options.networkPool.cidr' },
    });
  });
});
