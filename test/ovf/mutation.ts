/**
 * Changes to XML documents, repeatable from a seed: elements and attributes dropped, doubled, put elsewhere, renamed or
 * retyped. The text is changed, not a tree, so that lines move as they would under an editor; a mutant is mostly
 * well-formed.
 */

/** A generator of repeatable numbers (mulberry32): each call gives one below `below`. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface ElementSpan extends Span {
  readonly name: string;
  /** Behind the `>` of the start tag. */
  readonly tagEnd: number;
  readonly empty: boolean;
  readonly parent: ElementSpan | undefined;
  readonly attributes: readonly Span[];
}

const TAGS =
  /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<\?[^]*?\?>|<\/[^>]*>|<([^\s/>!?]+)((?:\s+[^\s=>/]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/g;
const ATTRIBUTE = /\s+[^\s=>/]+\s*=\s*(?:"[^"]*"|'[^']*')/g;

/** Every element but the root, in document order. */
function elementsOf(text: string): readonly ElementSpan[] {
  const open: { -readonly [K in keyof ElementSpan]: ElementSpan[K] }[] = [];
  const all: ElementSpan[] = [];
  for (const match of text.matchAll(TAGS)) {
    const end = match.index + match[0].length;
    if (match[0].startsWith('</')) {
      const closed = open.pop();
      if (closed !== undefined) closed.end = end;
    } else if (match[1] !== undefined) {
      const from = match.index + 1 + match[1].length;
      const attributes = [...(match[2] ?? '').matchAll(ATTRIBUTE)]
        .map(({ index, 0: found }) => ({ start: from + index, end: from + index + found.length }))
        .filter(({ start, end: to }) => !text.slice(start, to).trim().startsWith('xmlns'));
      const empty = match[3] === '/';
      const element = { name: match[1], start: match.index, end, tagEnd: end, empty, parent: open.at(-1), attributes };
      all.push(element);
      if (!empty) open.push(element);
    }
  }
  return all.slice(1);
}

const VALUES = ['', 'x', '-1', '0', '1', '4', '5', '65536', '18446744073709551616', 'true', 'maybe', '  2 ', '%zz'];
const MORE_VALUES = ['a'.repeat(64), 'a'.repeat(65), '${p}', 'de-DE', 'not a language', '0x1f', '1.5', '1e3', '&lt;'];
const ATTRIBUTES = [
  ...['ovf:id="x"', 'ovf:required="false"', 'ovf:required="maybe"', 'ovf:msgid="m"', 'ovf:bound="max"'],
  ...['ovf:size="-1"', 'ovf:password="maybe"', 'ovf:transport="iso"', 'ovf:fileRef="f"', 'ovf:configuration="c"'],
  ...['xml:lang="de"', 'xml:lang="not a language"', 'xml:lang=""', 'xml:space="other"', 'xml:base="%zz"', 'plain="1"'],
];
const SCHEMA_INSTANCE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const TYPES = [
  ...['Section_Type', 'Content_Type', 'VirtualSystem_Type', 'RASD_Type', 'VSSD_Type', 'Msg_Type', 'File_Type'],
  ...['EulaSection_Type', 'DiskSection_Type', 'NetworkSection_Type', 'Strings_Type', 'NoSuch_Type'],
];
const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';
const VMW = 'xmlns:v="http://www.vmware.com/schema/ovf"';
const SNIPPETS = [
  '<o:Thing xmlns:o="urn:other"><o:Deep/></o:Thing>',
  `<r:Caption xmlns:r="${CIM}ResourceAllocationSettingData">c</r:Caption>`,
  `<r:Generation xmlns:r="${CIM}ResourceAllocationSettingData">7</r:Generation>`,
  `<r:VirtualQuantityUnits xmlns:r="${CIM}ResourceAllocationSettingData">count</r:VirtualQuantityUnits>`,
  `<r:ResourceType xmlns:r="${CIM}ResourceAllocationSettingData">none</r:ResourceType>`,
  `<s:Notes xmlns:s="${CIM}VirtualSystemSettingData">n</s:Notes>`,
  `<s:AutomaticRecoveryAction xmlns:s="${CIM}VirtualSystemSettingData">5</s:AutomaticRecoveryAction>`,
  `<s:CreationTime xmlns:s="${CIM}VirtualSystemSettingData"><c:Date xmlns:c="http://schemas.dmtf.org/wbem/wscim/1/common">2010-01-12</c:Date></s:CreationTime>`,
  `<v:Config ${VMW} v:key="k" v:value="v"/>`,
  `<v:ExtraConfig ${VMW} v:key="k"/>`,
  `<v:IpAssignmentSection ${VMW} v:protocols="IPv4"><Info xmlns="http://schemas.dmtf.org/ovf/envelope/1"/></v:IpAssignmentSection>`,
  `<v:BootOrderSection ${VMW} v:instanceId="x"><Info xmlns="http://schemas.dmtf.org/ovf/envelope/1"/></v:BootOrderSection>`,
  `<v:CpuCompatibilitySection ${VMW}><Info xmlns="http://schemas.dmtf.org/ovf/envelope/1"/><v:Level v:level="0x1"/><v:Level v:level="1x"/></v:CpuCompatibilitySection>`,
  `<v:StorageGroupSection ${VMW}><Info xmlns="http://schemas.dmtf.org/ovf/envelope/1"/><v:Description>gold <b/></v:Description></v:StorageGroupSection>`,
  `<v:CoresPerSocket ${VMW}>many</v:CoresPerSocket>`,
  '\n<!-- a remark -->\n',
  '<![CDATA[ ]]>',
];

type Next = (below: number) => number;

function pick<T>(list: readonly T[], next: Next): T {
  return list[next(list.length)] as T;
}

/** The document with one change in most cases, else with two or three. */
export function mutate(text: string, next: Next): string {
  let mutant = text;
  for (let changes = Math.max(1, next(5) - 1); changes > 0; changes--) {
    const elements = elementsOf(mutant);
    if (elements.length === 0) return mutant;
    const kinds = changesOf(mutant, elements, pick(elements, next)).filter((kind) => kind.length > 0);
    mutant = pick(pick(kinds, next), next)();
  }
  return mutant;
}

/**
 * The document with every single change there is to any of its elements but the root; of changes that differ only by a
 * value, the first and one in `thinning`, another one for each element.
 */
export function* everyChange(text: string, thinning: number): Generator<string> {
  const elements = elementsOf(text);
  for (const [index, one] of elements.entries()) {
    for (const kind of changesOf(text, elements, one)) {
      for (const [variant, change] of kind.entries()) {
        if (variant === 0 || variant % thinning === index % thinning) yield change();
      }
    }
  }
}

type Change = () => string;

/** Every change to one element, by kind: a kind with many values shall not be the likelier for it. */
function changesOf(text: string, elements: readonly ElementSpan[], one: ElementSpan): readonly (readonly Change[])[] {
  const whole = text.slice(one.start, one.end);
  const tag = text.slice(one.start, one.tagEnd);
  const put = ({ start, end }: Span, by: string): string => text.slice(0, start) + by + text.slice(end);
  const extended =
    (attribute: string): Change =>
    () =>
      put({ start: one.start, end: one.tagEnd }, addTo(tag, attribute));
  const named =
    (prefix: string, local: string): Change =>
    () =>
      put(one, renamed(whole, one.name, prefix + local));
  const near = elements.slice(elements.indexOf(one) - 2).slice(0, 5);
  const isText = /^[^<>]*<\//.test(text.slice(one.tagEnd)) && !one.empty;
  const content = { start: one.tagEnd, end: text.indexOf('</', one.tagEnd) };
  return [
    [() => put(one, '')],
    ['', '\n', '\n\n'].map((between) => () => put(one, whole + between + whole)),
    [() => swap(text, one, elements)],
    near
      .filter(({ empty }) => !empty)
      .map(
        ({ tagEnd }) =>
          () =>
            put({ start: tagEnd, end: tagEnd }, whole),
      ),
    near.map(({ name }) => named(prefixOf(one.name), localOf(name))),
    near.map(({ name }) => named(prefixOf(name), localOf(one.name))),
    isText ? [...VALUES, ...MORE_VALUES].map((value) => () => put(content, value)) : [],
    one.empty ? [] : SNIPPETS.map((snippet) => () => put({ start: one.tagEnd, end: one.tagEnd }, snippet)),
    SNIPPETS.map((snippet) => () => put({ start: one.end, end: one.end }, snippet)),
    ['true', 'false', 'x'].map((nil) => extended(`${SCHEMA_INSTANCE} xsi:nil="${nil}"`)),
    TYPES.map((type) => extended(`${SCHEMA_INSTANCE} xsi:type="ovf:${type}"`)),
    ATTRIBUTES.map((attribute) => extended(attribute)),
    ...one.attributes.map((attribute) => changesOfAttribute(text, attribute)),
  ];
}

function changesOfAttribute(text: string, { start, end }: Span): readonly Change[] {
  const written = text.slice(start, end);
  const forms = [
    '',
    written.replace(/^(\s+)[\w.-]+:/, '$1'),
    written.replace(/^(\s+)([\w.-]+:)?/, '$1ovf:'),
    written.replace(/=/, 'x='),
    ...[...VALUES, ...MORE_VALUES].map((value) => written.replace(/(["']).*\1$/s, () => `"${value}"`)),
  ];
  return forms.map((form) => () => text.slice(0, start) + form + text.slice(end));
}

function swap(text: string, one: ElementSpan, elements: readonly ElementSpan[]): string {
  const other = elements.find(({ parent, start }) => parent === one.parent && start >= one.end);
  if (other === undefined) return text;
  const between = text.slice(one.end, other.start);
  const swapped = text.slice(other.start, other.end) + between + text.slice(one.start, one.end);
  return text.slice(0, one.start) + swapped + text.slice(other.end);
}

function addTo(tag: string, attribute: string): string {
  return tag.replace(/\s*\/?>$/, (close) => ` ${attribute}${close}`);
}

function renamed(whole: string, from: string, to: string): string {
  return `<${to}${whole.slice(1 + from.length)}`.replace(
    new RegExp(`</${from.replaceAll('.', '\\.')}(\\s*>)$`),
    `</${to}$1`,
  );
}

function prefixOf(name: string): string {
  return name.slice(0, name.indexOf(':') + 1);
}

function localOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
