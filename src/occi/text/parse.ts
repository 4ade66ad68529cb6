/**
 * The parsers of `text/plain` (also called `text/occi+plain`), `text/occi` and `text/uri-list`: GFD.185 §3.5–3.6, GFD.229 §4–§8.
 * They read leniently what real clients write (`spec/occi.md` §6.3, I-001…I-036), list every fault of what they cannot read,
 * and cost time and memory in proportion to the input. What the values mean is decided later, by URL and registry.
 */

import { problem } from '../../base/errors.js';
import type { TypeId } from '../model.js';
import type { AttributeInput, CategoryRef, LinkInput, OcciRequest } from '../request.js';
import { parseAttribute } from './attribute.js';
import { parseCategory } from './category.js';
import { fromHeader } from './header-text.js';
import { COLON, COMMA, END, FieldLexer, QUOTE, SEMICOLON, SyntaxBreak } from './lexer.js';
import { forEachLine } from './lines.js';
import { LinkReader } from './link.js';
import { unexpected } from './parameters.js';
import { TextFaults } from './text-faults.js';
import { isUriReference } from './uri.js';

/** What one request may hold at most. */
export interface TextLimits {
  /** Characters of one line or header value. */
  readonly line: number;
  /** Categories, links, attributes and locations together. */
  readonly values: number;
}

export const TEXT_LIMITS: TextLimits = { line: 65_536, values: 50_000 };

/**
 * Reads a body of `text/plain` or `text/occi+plain`: one `Name: value` a line (GFD.229 §6).
 * @throws Problem `malformed` with all faults, `too-large` beyond the limits.
 */
export function parseTextPlain(body: string, limits: TextLimits = TEXT_LIMITS): OcciRequest {
  const reader = new FieldReader(limits);
  const lexer = new FieldLexer(body);
  forEachLine(body, (from, to, line) => reader.readLine(lexer, from, to, line));
  return reader.request();
}

/**
 * Reads the OCCI fields among the headers of a request (GFD.229 §7), as Node's `rawHeaders` has them in pairs; other
 * headers are not looked at.
 * @throws Problem `malformed` with all faults, `too-large` beyond the limits.
 */
export function parseTextOcci(
  headers: readonly (readonly [name: string, value: string])[],
  limits: TextLimits = TEXT_LIMITS,
): OcciRequest {
  const reader = new FieldReader(limits);
  for (const [name, value] of headers) {
    const field = fieldOf(name);
    if (field !== undefined) reader.readHeader(field, fromHeader(value));
  }
  return reader.request();
}

/**
 * Reads a body of `text/uri-list`: one URI a line, comments begin with `#` (RFC 2483 §5, GFD.229 §8).
 * @throws Problem `malformed` with all faults, `too-large` beyond the limits.
 */
export function parseUriList(body: string, limits: TextLimits = TEXT_LIMITS): OcciRequest {
  const reader = new FieldReader(limits);
  forEachLine(body, (from, to, line) => reader.readUri(body, from, to, line));
  return reader.request();
}

/** One of the four fields of the text renderings. */
interface Field {
  readonly name: string;
  readonly rule: string;
  readonly read: (reader: FieldReader, lexer: FieldLexer) => void;
}

const CATEGORY: Field = { name: 'Category', rule: 'GFD.229 §4.1', read: (reader, lexer) => reader.category(lexer) };
const LINK: Field = { name: 'Link', rule: 'GFD.229 §4.2', read: (reader, lexer) => reader.link(lexer) };
const ATTRIBUTE: Field = {
  name: 'X-OCCI-Attribute',
  rule: 'GFD.229 §4.3',
  read: (reader, lexer) => reader.attribute(lexer),
};
const LOCATION: Field = {
  name: 'X-OCCI-Location',
  rule: 'GFD.229 §4.4',
  read: (reader, lexer) => reader.location(lexer),
};

/** Names are case-insensitive (I-017); rOCCI-core 5 writes the X- forms of the first two. */
const FIELDS: ReadonlyMap<string, Field> = new Map([
  ['category', CATEGORY],
  ['x-occi-category', CATEGORY],
  ['link', LINK],
  ['x-occi-link', LINK],
  ['x-occi-attribute', ATTRIBUTE],
  ['x-occi-location', LOCATION],
]);

function fieldOf(name: string): Field | undefined {
  return FIELDS.get(name.toLowerCase());
}

/** The field whose name and colon come next. As nearly everybody writes them, names need not be looked up. */
function takeField(lexer: FieldLexer): Field | undefined {
  if (lexer.takeText('X-OCCI-Attribute:')) return ATTRIBUTE;
  if (lexer.takeText('Link:')) return LINK;
  if (lexer.takeText('X-OCCI-Location:')) return LOCATION;
  if (lexer.takeText('Category:')) return CATEGORY;
  const field = fieldOf(lexer.fieldName());
  return lexer.take(COLON) ? field : undefined;
}

const NO_LOCATION = { message: 'a location is not a URI', remedy: 'write one URL or path' };

/** Reads field after field and gathers what they hold. */
class FieldReader {
  private readonly faults = new TextFaults();
  private readonly limits: TextLimits;
  private readonly categories = new CategoryList();
  private readonly attributes = new Map<string, AttributeInput>();
  private readonly linkReader = new LinkReader();
  private readonly links: LinkInput[] = [];
  private readonly actionLinks: string[] = [];
  private readonly locations: string[] = [];
  private values = 0;

  constructor(limits: TextLimits) {
    this.limits = limits;
  }

  readLine(lexer: FieldLexer, from: number, to: number, line: number): void {
    this.checkLength(to - from, { line });
    lexer.select(from, to);
    if (lexer.peek() === END) return;
    const start = lexer.position;
    const field = takeField(lexer);
    if (field !== undefined) {
      this.faults.enter(field.name, field.rule, from, line);
      this.readValues(lexer, field);
      return;
    }
    this.faults.enter('', 'GFD.229 §6', from, line);
    this.faults.add(start, {
      code: 'text.unknown-field',
      message: 'this line is no field of the text rendering',
      remedy: 'write Category, Link, X-OCCI-Attribute or X-OCCI-Location and a colon, one field a line',
      value: lexer.text.slice(start, to),
    });
  }

  readHeader(field: Field, value: string): void {
    this.checkLength(value.length, { field: field.name });
    this.faults.enter(field.name, field.rule, 0);
    this.readValues(new FieldLexer(value), field);
  }

  readUri(body: string, from: number, to: number, line: number): void {
    this.checkLength(to - from, { line });
    const uri = body.slice(from, to).trim();
    if (uri === '' || uri.startsWith('#')) return;
    this.countValue();
    this.faults.enter('', 'GFD.229 §8', from, line);
    this.addLocation(uri, from, true);
  }

  /** `#value`: a comma-separated list, empty elements allowed (RFC 2616 §2.1). */
  private readValues(lexer: FieldLexer, field: Field): void {
    for (;;) {
      while (lexer.take(COMMA));
      if (lexer.peek() === END) return;
      this.countValue();
      try {
        field.read(this, lexer);
        const next = lexer.peek();
        if (next !== COMMA && next !== END) throw unexpected(lexer);
      } catch (error) {
        if (!(error instanceof SyntaxBreak)) throw error;
        this.faults.addBreak(error);
        lexer.skipToComma();
      }
    }
  }

  category(lexer: FieldLexer): void {
    const category = parseCategory(lexer, this.faults);
    if (category !== undefined) this.categories.add(category);
  }

  attribute(lexer: FieldLexer): void {
    parseAttribute(lexer, this.attributes, this.faults);
  }

  link(lexer: FieldLexer): void {
    const parsed = this.linkReader.read(lexer, this.faults);
    if (parsed === undefined) return;
    if ('link' in parsed) this.links.push(parsed.link);
    else this.actionLinks.push(parsed.actionLink);
  }

  location(lexer: FieldLexer): void {
    const quoted = lexer.peek() === QUOTE;
    const at = lexer.position;
    const written = quoted ? lexer.quoted() : lexer.uri();
    if (!quoted && written === '') throw new SyntaxBreak('text.location', NO_LOCATION.message, at, NO_LOCATION.remedy);
    // Without quotes the lexer takes nothing that a URI does not hold.
    this.addLocation(written.endsWith(';') ? written.slice(0, -1) : written, at, quoted);
    while (lexer.take(SEMICOLON));
  }

  private addLocation(uri: string, at: number, unchecked: boolean): void {
    if (uri !== '' && (!unchecked || isUriReference(uri))) {
      this.locations.push(uri);
      return;
    }
    this.faults.add(at, { code: 'text.location', ...NO_LOCATION, value: uri });
  }

  private countValue(): void {
    this.values += 1;
    if (this.values <= this.limits.values) return;
    throw problem('too-large', 'text.too-many-values', `a request holds at most ${this.limits.values} values`, {
      remedy: 'split the request',
    });
  }

  private checkLength(length: number, place: { readonly line?: number; readonly field?: string }): void {
    if (length <= this.limits.line) return;
    throw problem('too-large', 'text.line-too-long', `a line is longer than ${this.limits.line} characters`, {
      place,
      remedy: 'spread the values over several fields of the same name',
    });
  }

  /** @throws Problem `malformed` with every fault that was found. */
  request(): OcciRequest {
    this.faults.report();
    const categories = this.categories.list();
    const { attributes, links, actionLinks, locations } = this;
    const describes = categories.length > 0 || attributes.size > 0 || links.length > 0 || actionLinks.length > 0;
    return {
      entities: describes ? [{ categories, attributes, links, actionLinks }] : [],
      categories,
      locations,
      empty: !describes && locations.length === 0,
    };
  }
}

/** Categories in their order; one that says the same as an earlier one of its name is left out. */
class CategoryList {
  private readonly all: CategoryRef[] = [];
  private readonly byId = new Map<TypeId, CategoryRef>();

  add(category: CategoryRef): void {
    const id = category.scheme + category.term;
    const earlier = this.byId.get(id);
    if (earlier !== undefined && JSON.stringify(earlier) === JSON.stringify(category)) return;
    this.byId.set(id, category);
    this.all.push(category);
  }

  list(): readonly CategoryRef[] {
    return this.all;
  }
}
