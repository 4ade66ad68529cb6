/** What is remembered is what would be read again. */

import { remembered } from '../../src/base/remembered.js';

describe('a function that is remembered', () => {
  it('is asked once for each text, undefined or not', () => {
    const asked: string[] = [];
    const lengthOf = remembered(4, (text) => {
      asked.push(text);
      return text === '' ? undefined : text.length;
    });
    expect(['ab', '', 'ab', ''].map(lengthOf)).toEqual([2, undefined, 2, undefined]);
    expect(asked).toEqual(['ab', '']);
  });

  it('keeps no more results than it may, and none of long texts', () => {
    const asked: string[] = [];
    const same = remembered(2, (text) => {
      asked.push(text);
      return text;
    });
    ['a', 'b', 'c', 'a'].map(same);
    expect(asked).toEqual(['a', 'b', 'c', 'a']);
    const long = 'x'.repeat(101);
    [long, long].map(same);
    expect(asked.slice(4)).toEqual([long, long]);
  });
});
