/**
 * The Category production (GFD.185 §3.5.1, GFD.229 §4.1), read as leniently as real clients need it: parameters in any
 * order, class missing or unquoted (I-019), scheme without its `#` or with the term behind it.
 */

import type { CategoryClass, TypeId } from '../model.js';
import type { CategoryRef } from '../request.js';
import type { FieldLexer } from './lexer.js';
import { nextParameter, once, parameterValue, unexpected } from './parameters.js';
import type { TextFaults } from './text-faults.js';
import { isAbsoluteUri, isUriReference, typeIds } from './uri.js';

const CLASSES: ReadonlySet<string> = new Set<CategoryClass>(['kind', 'mixin', 'action']);

/**
 * Reads one category-value. Parameters that the grammar does not know are passed over.
 * @returns `undefined` if it was faulty.
 * @throws SyntaxBreak where the grammar cannot go on.
 */
export function parseCategory(lexer: FieldLexer, faults: TextFaults): CategoryRef | undefined {
  const term = lexer.name();
  const at = lexer.position - term.length;
  if (term === '') throw unexpected(lexer);
  const parameters = readParameters(lexer, faults);

  const scheme = normalScheme(parameters.scheme, term);
  const before = faults.count;
  const refuse = (code: string, message: string, remedy: string, value?: string): void => {
    faults.add(at, { code: `text.category.${code}`, message, remedy, ...(value === undefined ? {} : { value }) });
  };
  if (parameters.scheme === undefined) refuse('scheme', `category ${term} has no scheme`, 'add scheme="…#"', term);
  else if (scheme === undefined) {
    refuse(
      'scheme',
      `the scheme of category ${term} is not an absolute URI ending in "#"`,
      'write it as /-/ lists it',
      parameters.scheme,
    );
  }
  const { class: class_, rel, location } = parameters;
  if (class_ !== undefined && !isClass(class_)) {
    refuse(
      'class',
      `the class of category ${term} is none of kind, mixin, action`,
      'write one of these or leave it out',
      class_,
    );
  }
  const related = rel === undefined ? [] : typeIds(rel);
  if (!related.every(isAbsoluteUri)) {
    refuse(
      'rel',
      `rel of category ${term} is not a type identifier`,
      'write scheme and term of the related category',
      rel,
    );
  }
  if (location !== undefined && location !== '' && !isUriReference(location)) {
    refuse('location', `the location of category ${term} is not a URI`, 'write a path such as "/mine/"', location);
  }
  if (faults.count > before || scheme === undefined) return undefined;
  return categoryRef(scheme, term, parameters, related);
}

interface CategoryParameters {
  scheme?: string;
  class?: string;
  title?: string;
  rel?: string;
  location?: string;
  attributes?: string;
  actions?: string;
}

function readParameters(lexer: FieldLexer, faults: TextFaults): CategoryParameters {
  const parameters: CategoryParameters = {};
  for (let name = nextParameter(lexer); name !== undefined; name = nextParameter(lexer)) {
    const at = lexer.position - name.length;
    const value = parameterValue(lexer, name);
    const known = KNOWN.get(name) ?? KNOWN.get(name.toLowerCase());
    if (known !== undefined) parameters[known] = once(parameters[known], value, name, at, faults);
  }
  return parameters;
}

const KNOWN: ReadonlyMap<string, keyof CategoryParameters> = new Map(
  (['scheme', 'class', 'title', 'rel', 'location', 'attributes', 'actions'] as const).map((name) => [name, name]),
);

/** Absent and empty parameters are the same: empty ones are only ever written by careless emitters. */
function categoryRef(
  scheme: string,
  term: string,
  parameters: CategoryParameters,
  rel: readonly TypeId[],
): CategoryRef {
  const ref: { -readonly [Member in keyof CategoryRef]: CategoryRef[Member] } = { scheme, term };
  if (parameters.class !== undefined && isClass(parameters.class)) ref.class = parameters.class;
  if (parameters.title) ref.title = parameters.title;
  if (rel.length > 0) ref.rel = rel;
  if (parameters.location) ref.location = parameters.location;
  if (parameters.attributes) ref.hasAttributes = true;
  if (parameters.actions) ref.hasActions = true;
  return ref;
}

function isClass(text: string): text is CategoryClass {
  return CLASSES.has(text);
}

/** The scheme up to and with its `#`; `undefined` if it is no scheme at all. */
function normalScheme(written: string | undefined, term: string): string | undefined {
  if (written === undefined || !isAbsoluteUri(written)) return undefined;
  const hash = written.indexOf('#');
  if (hash < 0) return `${written}#`;
  const behind = written.slice(hash + 1);
  return behind === '' || behind === term ? written.slice(0, hash + 1) : undefined;
}
