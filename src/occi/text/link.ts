/**
 * The Link and ActionLink productions (GFD.185 §3.5.2, §3.5.3, GFD.229 §4.2). Parameters come in any order, `category` may be
 * repeated (I-027), and where the target stands in `occi.core.target` it wins over what is between the brackets (I-026).
 */

import type { AttributeInput, LinkInput } from '../request.js';
import { parseAttributeValue, putAttribute, textOf } from './attribute.js';
import { LESS, SyntaxBreak, type FieldLexer } from './lexer.js';
import { nextParameter, once, parameterValue } from './parameters.js';
import type { TextFaults } from './text-faults.js';
import { TypeIdParameter } from './type-id-parameter.js';
import { isUriReference } from './uri.js';

/** What a link-value turned out to be. */
export type ParsedLink = { readonly link: LinkInput } | { readonly actionLink: string };

/** Reads the links of a request one after the other. */
export class LinkReader {
  private readonly rel = new TypeIdParameter();
  private readonly category = new TypeIdParameter();
  /** Of the parameters of the link before; this one's are likely to be the same. */
  private readonly names: string[] = [];

  /**
   * Reads one link-value.
   * @returns `undefined` if it was faulty.
   * @throws SyntaxBreak where the grammar cannot go on.
   */
  read(lexer: FieldLexer, faults: TextFaults): ParsedLink | undefined {
    if (lexer.peek() !== LESS) {
      throw new SyntaxBreak(
        'text.link.form',
        'a link begins with its target',
        lexer.position,
        'write <URI>; rel="…"; category="…"',
      );
    }
    const at = lexer.position;
    const bracketed = lexer.angle();
    const attributes = new Map<string, AttributeInput>();
    const self = this.parameters(lexer, attributes, faults);
    if (isActionUri(bracketed)) return { actionLink: bracketed };

    const target = lift(attributes, 'occi.core.target') ?? bracketed;
    const id = lift(attributes, 'occi.core.id');
    const link: { -readonly [Member in keyof LinkInput]: LinkInput[Member] } = {
      target,
      rel: this.rel.ids(),
      categories: this.category.ids(),
      attributes,
    };
    if (self) link.self = self;
    if (id !== undefined) link.id = id;
    return this.isSound(link, at, faults) ? { link } : undefined;
  }

  /** Reads all there are: attributes into the map, identifiers where they belong. Answers the value of `self`. */
  private parameters(
    lexer: FieldLexer,
    attributes: Map<string, AttributeInput>,
    faults: TextFaults,
  ): string | undefined {
    let self: string | undefined;
    this.rel.begin();
    this.category.begin();
    for (let index = 0; ; index += 1) {
      const name = nextParameter(lexer, this.names[index]);
      if (name === undefined) return self;
      this.names[index] = name;
      const from = lexer.position - name.length;
      switch (name.length > LONGEST_PARAMETER ? '' : name.toLowerCase()) {
        case 'rel':
          this.rel.read(lexer, name);
          break;
        case 'category':
          this.category.read(lexer, name);
          break;
        case 'self':
          self = once(self, parameterValue(lexer, name), name, from, faults);
          break;
        default:
          putAttribute(attributes, name, parseAttributeValue(lexer, name), from, faults);
      }
    }
  }

  private isSound(link: LinkInput, at: number, faults: TextFaults): boolean {
    const before = faults.count;
    const refuse = (code: string, message: string, remedy: string, value: string): void => {
      faults.add(at, { code: `text.link.${code}`, message, remedy, value });
    };
    if (!isUriReference(link.target)) {
      refuse('target', 'the target of a link is not a URI', 'write <URI> without blanks and quotes', link.target);
    }
    if (link.self !== undefined && !isUriReference(link.self)) {
      refuse('self', 'self of a link is not a URI', 'leave it out, the server names the link', link.self);
    }
    for (const id of this.rel.unsound(link.rel)) {
      refuse('rel', 'rel of a link is not a type identifier', 'write scheme and term of the target', id);
    }
    for (const id of this.category.unsound(link.categories)) {
      refuse(
        'category',
        'category of a link is not a type identifier',
        'write scheme and term of the link kind, then its mixins',
        id,
      );
    }
    if (link.rel.length === 0 && link.categories.length === 0) {
      refuse('rel', 'a link has neither rel nor category', 'add rel="type of the target"', link.target);
    }
    return faults.count === before;
  }
}

const LONGEST_PARAMETER = 'category'.length;

/** The `?action=` in the query tells an action link from an ordinary one. */
function isActionUri(uri: string): boolean {
  for (let from = uri.indexOf('?'); from >= 0; from = uri.indexOf('&', from + 1)) {
    if (uri.startsWith('action=', from + 1)) return true;
  }
  return false;
}

/** Takes an attribute that is a member of its own out of the map; empty counts as not there. */
function lift(attributes: Map<string, AttributeInput>, name: string): string | undefined {
  const input = attributes.get(name);
  if (input === undefined) return undefined;
  attributes.delete(name);
  const text = textOf(input);
  return text === '' ? undefined : text;
}
