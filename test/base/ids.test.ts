import { isUuid, newUuid } from '../../src/base/ids.js';

describe('newUuid', () => {
  it('makes version 7 UUIDs in canonical form', () => {
    const id = newUuid();
    expect(isUuid(id)).toBe(true);
    expect(id[14]).toBe('7');
    expect('89ab').toContain(id[19]);
  });

  it('is strictly increasing within a process, also when the clock stands still or goes back', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => newUuid(1_700_000_000_000 - (index % 7)));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
