import { createServer } from 'node:net';

import fc from 'fast-check';

import { Problem } from '../../src/base/errors.js';
import { elementTree, type Element } from '../../src/ovf/xml/element.js';
import { DESCRIPTOR_LIMITS, readSourceXml, readXml } from '../../src/ovf/xml/intake.js';
import { scanXml } from '../../src/ovf/xml/scan.js';

function problemOf(bytes: Uint8Array | string): Problem {
  try {
    readXml(Buffer.from(bytes as string)).dispose();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the document was accepted');
}

const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
};

function treeOf(bytes: Uint8Array): Element {
  const source = readSourceXml(bytes);
  using _document = source.document;
  return elementTree(source);
}

describe('XML intake', () => {
  it.each<[string, Uint8Array]>([
    ['UTF-8 without a mark', Buffer.from('<a>ä</a>')],
    ['UTF-8 with a byte order mark', Buffer.from('\ufeff<a>ä</a>')],
    ['UTF-8 as declared', Buffer.from('<?xml version="1.0" encoding="utf-8"?><a>ä</a>')],
    ['UTF-16 little-endian', utf16('<?xml version="1.0" encoding="UTF-16"?><a>ä</a>', 'le')],
    ['UTF-16 big-endian without declaration', utf16('<a>ä</a>', 'be')],
  ])('O-082 reads %s', (_name, bytes) => {
    expect(treeOf(bytes)).toMatchObject({ name: 'a', text: 'ä', at: { line: 1, path: '/a' } });
  });

  it.each<[string, Uint8Array]>([
    ['UTF-8 that is declared as UTF-16', Buffer.from('<?xml version="1.0" encoding="utf-16"?><a/>')],
    ['UTF-16 that is declared as UTF-8', utf16('<?xml version="1.0" encoding="utf-8"?><a/>', 'le')],
    ['Latin 1', Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a/>')],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])],
    ['half a UTF-16 character', Buffer.concat([utf16('<a/>', 'be'), Buffer.from([0])])],
  ])('O-082 refuses %s', (_name, bytes) => {
    const problem = problemOf(bytes);
    expect(problem.kind).toBe('malformed');
    expect(problem.faults[0]).toMatchObject({ code: 'xml.encoding', rule: 'O-082', place: { line: 1 } });
  });

  it('O-075 refuses a document type declaration before parsing and says where it is', () => {
    const problem = problemOf('<?xml version="1.0"?>\n<!-- x -->\n  <!DOCTYPE a [<!ENTITY b "c">]>\n<a>&b;</a>');
    expect(problem.kind).toBe('malformed');
    expect(problem.faults[0]).toMatchObject({ code: 'xml.doctype', place: { line: 3, column: 3 } });
  });

  it('says where each element begins, in characters', () => {
    const text = '<?xml version="1.0"?>\n<a\n  x="ä"><b/><!-- ü\n<c> --> 𝄞<b>\n\t<c\n/></b></a>';
    const root = treeOf(Buffer.from(text));
    const [first, second] = root.children;
    expect([root, first, second, second?.children[0]].map((element) => element?.at)).toMatchObject([
      { line: 2, column: 1 },
      { line: 3, column: 9 },
      { line: 4, column: 10 },
      { line: 5, column: 2 },
    ]);
  });

  it('writes down where an element stands', () => {
    const [child] = treeOf(Buffer.from('<a>\n <b/></a>')).children;
    expect(JSON.parse(JSON.stringify(child?.at))).toEqual({ line: 2, column: 2, path: '/a/b' });
  });

  it('says by which path each element is found, the second of a name and further ones by number', () => {
    const root = treeOf(Buffer.from(`<a xmlns:p="u"><b/><c><b/></c><p:b><b/><b/></p:b><c/><${'d'.repeat(90)}/></a>`));
    const pathsOf = ({ at, children }: Element): string[] => [at.path, ...children.flatMap(pathsOf)];
    expect(pathsOf(root)).toEqual([
      ...['/a', '/a/b', '/a/c', '/a/c/b', '/a/b[2]', '/a/b[2]/b', '/a/b[2]/b[2]', '/a/c[2]'],
      `/a/${'d'.repeat(80)}…`,
    ]);
  });

  it('takes the word DOCTYPE in comments, CDATA and values for what it is', () => {
    const text = '<!-- <!DOCTYPE a> --><a b="&lt;!DOCTYPE"><![CDATA[<!DOCTYPE a><b>]]></a>';
    expect(treeOf(Buffer.from(text)).text).toBe('<!DOCTYPE a><b>');
  });

  it('O-080 processes neither XInclude nor processing instructions', () => {
    const text = '<?run me?><a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>';
    expect(treeOf(Buffer.from(text)).children).toMatchObject([{ name: 'include', children: [], text: '' }]);
  });

  it('O-076 opens no connection for entities, schema locations or stylesheets', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/x`;
    expect(problemOf(`<!DOCTYPE a SYSTEM "${url}"><a/>`).faults[0]?.code).toBe('xml.doctype');
    using document = readXml(
      Buffer.from(
        `<?xml-stylesheet href="${url}"?><a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="${url}"/>`,
      ),
    );
    expect(document.root.name).toBe('a');
    await new Promise((resolve) => server.close(resolve));
    expect(connections).toBe(0);
  });

  const hostile: readonly [string, () => Uint8Array, string][] = [
    [
      'billion laughs',
      () =>
        Buffer.from(
          `<!DOCTYPE l [<!ENTITY a "lol">${'b'.repeat(9).replace(/b/g, '<!ENTITY b "&a;&a;&a;&a;">')}]><l>&b;</l>`,
        ),
      'xml.doctype',
    ],
    [
      'quadratic blow-up',
      () => Buffer.from(`<!DOCTYPE l [<!ENTITY a "${'x'.repeat(100_000)}">]><l>${'&a;'.repeat(100_000)}</l>`),
      'xml.doctype',
    ],
    ['200,000 elements in one another', () => Buffer.from('<a>'.repeat(200_000)), 'xml.depth'],
    [
      '200,000 attributes',
      () => Buffer.from(`<a ${Array.from({ length: 200_000 }, (_, i) => `a${i}=""`).join(' ')}/>`),
      'xml.attributesPerElement',
    ],
    ['200,000 elements beside one another', () => Buffer.from(`<a>${'<b/>'.repeat(200_000)}</a>`), 'xml.children'],
    ['a million comments', () => Buffer.from('<!--x-->'.repeat(1_000_000)), 'xml.elements'],
    [
      'many elements with many attributes',
      () => Buffer.from(`<a>${`<b ${'c="" '.repeat(500)}/>`.repeat(500)}</a>`),
      'xml.attributes',
    ],
    ['100 MB', () => Buffer.alloc(100_000_000, 0x20), 'xml.bytes'],
    ['3 million open quotes', () => Buffer.from('<a "'.repeat(2_900_000)), 'xml.depth'],
  ];
  // The code is that of the limit that was met first, long before the document's end.
  it.each(hostile)('S-098, O-077, O-078 refuses %s at its limit', (_name, make, code) => {
    expect(problemOf(make()).faults.map((fault) => fault.code)).toEqual([code]);
  });

  it('says line and column of every error of a document that is not well-formed', () => {
    const problem = problemOf('<a>\n  <b>\n  </c>\n</a>');
    expect(problem.kind).toBe('malformed');
    expect(problem.faults[0]).toMatchObject({ code: 'xml.not-well-formed', place: { line: 3 } });
  });

  it('D13 refuses an undeclared prefix', () => {
    expect(problemOf('<a x:b="c"/>').faults[0]).toMatchObject({ code: 'xml.not-well-formed', place: { line: 1 } });
  });

  it.each(['', ' ', 'x', '<', '<a', '<a b="', '<!--', '<?', '<![CDATA[', '</a>'])('refuses %j', (text) => {
    expect(problemOf(text).faults[0]?.code).toBe('xml.not-well-formed');
  });

  it('reads any bytes or refuses them with a problem, and never crashes', () => {
    const marks = fc.constantFrom(
      '<',
      '>',
      '/',
      '!',
      '?',
      '"',
      "'",
      '=',
      '-',
      '[',
      ']',
      '&',
      'a',
      ' ',
      '\n',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc.array(marks, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''))),
        ),
        (bytes) => {
          try {
            readXml(bytes).dispose();
          } catch (error) {
            expect(error).toBeInstanceOf(Problem);
          }
        },
      ),
      { numRuns: 500, seed: 7 },
    );
  });

  it('counts depth, elements and attributes as the parser does', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
    const attributes = (given: readonly string[]): string =>
      [...new Set(given)].map((name) => ` ${name}="=&gt;'/>'"`).join('');
    const tree = fc.letrec<{ leaf: string; node: string; any: string }>((tie) => ({
      leaf: names.map((given) => `<n${attributes(given)}/>`),
      node: fc
        .tuple(names, fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
        .map(([given, inside]) => `<n${attributes(given)}><!-- <x> -->${inside.join('<![CDATA[<y z="">]]>')}</n>`),
      any: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('node')),
    }));
    fc.assert(
      fc.property(tree.any, (text) => {
        let elements = (text.match(/<!--/g) ?? []).length + (text.match(/<!\[CDATA/g) ?? []).length;
        let attributes = 0;
        let depth = 0;
        const visit = (element: Element, level: number): void => {
          elements++;
          attributes += element.attributes.length;
          depth = Math.max(depth, level);
          for (const child of element.children) visit(child, level + 1);
        };
        visit(treeOf(Buffer.from(text)), 1);
        const at = (limits: Partial<typeof DESCRIPTOR_LIMITS>): string | undefined =>
          scanXml(Buffer.from(text), { ...DESCRIPTOR_LIMITS, ...limits })?.kind;
        expect(at({ elements, attributes, depth })).toBeUndefined();
        expect(at({ elements: elements - 1 })).toBe('elements');
        if (attributes > 0) expect(at({ attributes: attributes - 1 })).toBe('attributes');
        expect(at({ depth: depth - 1 })).toBe('depth');
      }),
      { numRuns: 100, seed: 11 },
    );
  });
});
