/** The tree that is read off libxml2's writing of a document, held to libxml2's own nodes (K36). */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { XmlElement } from 'libxml2-wasm';

import { elementTree, type Element } from '../../src/ovf/xml/element.js';
import { readSourceXml } from '../../src/ovf/xml/intake.js';
import { completeDescriptor } from './complete-descriptor.js';
import { mutate, random } from './mutation.js';
import { sharedFolder } from './schema-support.js';

type Plain = Pick<Element, 'namespace' | 'name' | 'text'> & {
  attributes: readonly string[];
  children: readonly Plain[];
};

function ofNode(node: XmlElement): Plain {
  // Going from node to node would end at the first processing instruction, which the library has no class for.
  const children = node.find('*').flatMap((child) => (child instanceof XmlElement ? [ofNode(child)] : []));
  const attributes = node.attrs.map((attr) => `${attr.namespaceUri} ${attr.name} ${attr.value}`);
  return {
    namespace: node.namespaceUri,
    name: node.name,
    text: children.length === 0 ? unmarked(node.content) : '',
    attributes,
    children,
  };
}

/** The library takes a byte order mark off the beginning of every text; the writing keeps it. */
function unmarked(text: string): string {
  return text.replace(/^\ufeff/, '');
}

function ofElement({ namespace, name, text, attributes, children }: Element): Plain {
  const written = attributes.map((attr) => `${attr.namespace} ${attr.name} ${attr.value}`);
  return { namespace, name, text: unmarked(text), attributes: written, children: children.map(ofElement) };
}

/** Compares both; false when the text is not XML. */
function agrees(text: string | Uint8Array): boolean {
  let source: ReturnType<typeof readSourceXml>;
  try {
    source = readSourceXml(Buffer.from(text));
  } catch {
    return false;
  }
  using document = source.document;
  const tree = elementTree(source);
  const count = (element: Element): number => element.children.reduce((sum, child) => sum + count(child), 1);
  expect(source.tags).toHaveLength(count(tree));
  expect(ofElement(tree)).toEqual(ofNode(document.root));
  return true;
}

describe('the tree of a document', () => {
  it.each([
    ['entities', `<a b="&lt;&amp;&quot;&apos;&gt;&#x1D11E;&#9;">&lt;&#13;&amp;amp;</a>`],
    ['sections of characters', '<a>x<![CDATA[<b>&amp;]]>y<!-- c --><?p i?>z</a>'],
    [
      'namespaces in one another',
      '<a xmlns="u:1"><b xmlns=""/><p:c xmlns:p="u:2" p:d="1" d="2"><p:e xmlns:p="u:3"/><f/></p:c><g/></a>',
    ],
    ['text around elements', '<a>one<b>two</b>three</a>'],
    ['names and texts beyond ASCII', '<ä ö="ü">𝄞</ä>'],
    ['names of one hash', '<a><Aa bB="1" Ab="2"/><BB AaAa="1" BBBB="2" AaBB="3"/><Aa/></a>'],
    ['names and sections beyond ASCII in one another', '<a é="è"><b><ñ/>x<![CDATA[€]]>ö</b><ñ>&#233;ä</ñ></a>'],
    ['white space', '<a \n b = "x\n\ty" >\n\t</a >\n'],
  ])('has %s as libxml2 has them', (_, text) => {
    expect(agrees(text)).toBe(true);
  });

  it('is that of libxml2 for descriptors however they are changed', () => {
    const draw = random(11);
    const original = completeDescriptor('1.1 with VMware');
    const seen = Array.from({ length: 60 }, () => agrees(mutate(original, draw)));
    expect(seen.filter(Boolean).length).toBeGreaterThan(40);
  });

  const corpus = sharedFolder('ovf-corpus');
  (corpus === undefined ? it.skip : it)('is that of libxml2 for every descriptor of the corpus', () => {
    const files = join(corpus ?? '', 'files');
    const seen = readdirSync(files).map((name) => agrees(readFileSync(join(files, name))));
    expect(seen.filter(Boolean).length).toBeGreaterThan(150);
  });
});
