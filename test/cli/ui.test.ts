import fc from 'fast-check';
import { cut, displayText, padded, widthOf } from '../../src/cli/ui/display-text.js';
import { faultLines } from '../../src/cli/ui/faults.js';
import { progressRows } from '../../src/cli/ui/progress-bar.js';
import { styleOf } from '../../src/cli/ui/style.js';
import { table } from '../../src/cli/ui/table.js';
import { tree } from '../../src/cli/ui/tree.js';

const plain = styleOf(false);
const coloured = styleOf(true);

describe('text for a terminal', () => {
  it('holds no control characters, whatever it is made from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex -- what must not be there
        expect(displayText(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
      }),
    );
  });

  it('is as wide as it looks', () => {
    expect([widthOf('abc'), widthOf('語'), widthOf(coloured.red('ab')), widthOf('e\u0301')]).toEqual([3, 2, 2, 1]);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(widthOf(cut(text, width))).toBeLessThanOrEqual(width);
        expect(widthOf(padded(cut(text, width), width))).toBe(width);
      }),
    );
  });
});

describe('a table', () => {
  it('has columns as wide as their cells and nothing at the end of a line', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['1', 'x'],
          ['語', ''],
        ],
        plain,
      ),
    ).toBe('A   LONG\n1   x\n語\n');
  });

  it('counts no colours', () => {
    expect(table(['A', 'B'], [[coloured.red('xy'), 'z']], plain)).toBe('A   B\n\u001b[31mxy\u001b[39m  z\n');
  });
});

describe('a tree', () => {
  it('is drawn with its branches', () => {
    const leaf = { label: 'c' };
    expect(tree({ label: 'a', children: [{ label: 'b', children: [leaf, leaf] }, leaf] })).toBe(
      'a\n├─ b\n│  ├─ c\n│  └─ c\n└─ c\n',
    );
  });
});

describe('progress', () => {
  it('fits the columns, whatever label and note are', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.integer({ min: -5, max: 120 }),
        fc.integer({ min: 70, max: 200 }),
        (label, note, percent, columns) => {
          const row = { label: displayText(label), note: displayText(note), percent, state: 'working' as const };
          for (const line of progressRows([row, { ...row, label: 'x' }], columns, coloured))
            expect(widthOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('shows how far it is', () => {
    expect(progressRows([{ label: 'web', percent: 50, state: 'working', note: 'starts' }], 80, plain)).toEqual([
      `web  ${'█'.repeat(12)}${'░'.repeat(12)}  50 %  starts`,
    ]);
  });
});

describe('faults', () => {
  it('say what, where, by which rule and what to do', () => {
    const fault = {
      code: 'ovf.O-033',
      message: 'no such disk',
      place: { line: 3, column: 5, path: '/a' },
      rule: 'O-033, §8.3',
      remedy: 'declare it',
      value: 'd\n1',
    };
    expect(
      faultLines(
        [fault, { code: 'x', severity: 'warning', message: 'm', place: { field: 'Host', path: '/b' } }],
        plain,
      ),
    ).toBe(
      'error: line 3:5: no such disk (d 1) [ovf.O-033, O-033, §8.3]\n  remedy: declare it\nwarning: Host, /b: m [x]\n',
    );
  });
});
