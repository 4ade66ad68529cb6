/** Lines and columns of offsets, counted in characters. */

import { Positions } from '../../src/ovf/xml/position.js';

describe('positions in a document', () => {
  it.each(['ab\ncde\n\nf', 'äb\n𝄞d\n\nü€x', '\n', 'one line'])('are lines and characters from 1 in %j', (text) => {
    const utf8 = Buffer.from(text);
    const positions = new Positions(utf8);
    let offset = 0;
    for (const character of text) {
      const before = utf8.toString('utf8', 0, offset).split('\n');
      const column = [...(before.at(-1) ?? '')].length + 1;
      expect(positions.at(offset)).toEqual({ line: before.length, column });
      offset += Buffer.byteLength(character);
    }
  });

  it('cost one pass over a document without line ends, however many are asked for', () => {
    // A search for the next line end at every call would read these ten megabytes a hundred thousand times.
    const positions = new Positions(Buffer.alloc(10_000_000, 'x'));
    for (let offset = 0; offset < 10_000_000; offset += 100) positions.at(offset);
    expect(positions.at(10_000_000)).toEqual({ line: 1, column: 10_000_001 });
  });
});
