/**
 * XML documents of sites as trees of named values. Those of OpenNebula and Nimbus are a small part of XML, elements with text, CDATA and the
 * predefined entities, and answers pools of many megabytes: one pass over the text reads them some ten times faster than
 * a tree copied out of libxml2. Anything that is not well formed is refused; a document type declaration always is.
 */

/** An element: its text, and the elements below it in their order. */
export class Branch {
  readonly name: string;
  readonly children: Branch[] = [];
  text = '';

  constructor(name: string) {
    this.name = name;
  }

  /** The first element of a name below this one. */
  child(name: string): Branch | undefined {
    return this.children.find((each) => each.name === name);
  }

  all(name: string): readonly Branch[] {
    return this.children.filter((each) => each.name === name);
  }

  /** The element at the end of a path of names, each the first of its name. */
  at(...path: readonly string[]): Branch | undefined {
    return path.reduce<Branch | undefined>((branch, name) => branch?.child(name), this);
  }

  /** Text at the end of a path; nothing when there is no such element or it is empty. */
  value(...path: readonly string[]): string | undefined {
    const text = this.at(...path)?.text;
    return text === undefined || text === '' ? undefined : text;
  }

  /** Number at the end of a path, or `otherwise` when there is none. */
  number(otherwise: number, ...path: readonly string[]): number {
    const text = this.value(...path);
    const number = text === undefined ? Number.NaN : Number(text);
    return Number.isFinite(number) ? number : otherwise;
  }
}

/** What cannot be read as a document of a site. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}

const DEEPEST = 64;

/**
 * Reads one document.
 * @throws DocumentError where it is not well formed
 */
export function readDocument(text: string): Branch {
  const top = new Branch('');
  const open: Branch[] = [top];
  let at = 0;
  while (at < text.length) {
    const tag = text.indexOf('<', at);
    const here = open[open.length - 1] as Branch;
    const piece = text.slice(at, tag === -1 ? text.length : tag);
    if (here === top ? piece.trim() !== '' : false) throw new DocumentError('text outside the document');
    if (here !== top && piece !== '') here.text += unescaped(piece);
    if (tag === -1) break;
    at = readTag(text, tag, open);
  }
  if (open.length !== 1 || top.children.length !== 1) throw new DocumentError('the document ends too early');
  return top.children[0] as Branch;
}

const [SLASH, BANG, QUESTION, OPEN_BRACKET] = [0x2f, 0x21, 0x3f, 0x5b];

/** Takes in what begins at `tag`; answers where it ends. */
function readTag(text: string, tag: number, open: Branch[]): number {
  const here = open[open.length - 1] as Branch;
  const mark = text.charCodeAt(tag + 1);
  if (mark === BANG && text.charCodeAt(tag + 2) === OPEN_BRACKET && text.startsWith('<![CDATA[', tag)) {
    const end = endOf(text, ']]>', tag + 9);
    here.text += text.slice(tag + 9, end - 3);
    return end;
  }
  if (mark === BANG && text.startsWith('<!--', tag)) return endOf(text, '-->', tag + 4);
  if (mark === QUESTION) return endOf(text, '?>', tag + 2);
  const end = endOf(text, '>', tag + 1);
  if (mark === SLASH) {
    const name = text.slice(tag + 2, end - 1).trimEnd();
    if (open.length === 1 || here.name !== name) throw new DocumentError(`</${name.slice(0, 40)}> closes nothing`);
    // Text between elements is layout.
    if (here.children.length > 0) here.text = '';
    open.pop();
    return end;
  }
  const empty = text.charCodeAt(end - 2) === SLASH;
  const inner = text.slice(tag + 1, empty ? end - 2 : end - 1);
  // Attributes, of which there are few, mean nothing here.
  const name = PLAIN.test(inner) ? inner : /^[A-Za-z_][\w.:-]*(?=\s)/.exec(inner)?.[0];
  if (name === undefined || open.length > DEEPEST) throw new DocumentError('this is no element');
  const branch = new Branch(name);
  here.children.push(branch);
  if (!empty) open.push(branch);
  return end;
}

const PLAIN = /^[A-Za-z_][\w.:-]*$/;

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  if (found === -1) throw new DocumentError('the document ends too early');
  return found + mark.length;
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  // A pool of machines has a hundred thousand of these, and hardly ever another.
  if (!/&(?!lt;|gt;|amp;|quot;|apos;)/.test(text)) {
    return text
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&apos;', "'")
      .replaceAll('&amp;', '&');
  }
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]+);/g, (_all, name: string) => {
    if (name.startsWith('#')) {
      const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
      if (code > 0x10ffff) throw new DocumentError('a character that does not exist');
      return String.fromCodePoint(code);
    }
    const character = ENTITIES[name];
    if (character === undefined) throw new DocumentError(`the entity ${name} is not known`);
    return character;
  });
}
