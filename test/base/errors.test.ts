import { Problem, excerpt, problem, throwIfFaulty } from '../../src/base/errors.js';
import { canonicalJson, jsonEqual } from '../../src/base/json.js';

describe('Problem', () => {
  it('carries all faults and says them all', () => {
    const error = new Problem('invalid', [
      { code: 'a', message: 'first' },
      { code: 'b', message: 'second' },
    ]);
    expect(error.message).toBe('first; second');
    expect(error.faults).toHaveLength(2);
  });

  it('is thrown for errors only, not for warnings', () => {
    expect(() => throwIfFaulty('invalid', [{ code: 'w', message: 'm', severity: 'warning' }])).not.toThrow();
    expect(() => throwIfFaulty('invalid', [{ code: 'e', message: 'm' }])).toThrow(Problem);
    expect(problem('conflict', 'c', 'm', { remedy: 'r' }).faults[0]).toEqual({ code: 'c', message: 'm', remedy: 'r' });
  });
});

describe('excerpt', () => {
  it('cuts long values and makes control and direction characters visible', () => {
    expect(excerpt('x'.repeat(100))).toHaveLength(80);
    expect(excerpt('a\nb\u202e')).toBe('a\\u000ab\\u202e');
    expect(excerpt({ a: 1 })).toBe('{"a":1}');
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of members', () => {
    expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null,"d":1}]}');
    expect(jsonEqual({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
    expect(jsonEqual(undefined, null)).toBe(false);
  });
});
