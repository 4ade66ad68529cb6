/**
 * An action invocation, made precise (GFD.223 §10.3.2, GFD.185 §3.4.4): the action must be named in the body as in the URL, be
 * one of the entity's kind or mixins, and have parameters that fit its definition. Whether the entity's present
 * state allows it is for the kind's handler to judge.
 */

import { excerpt } from '../../base/errors.js';
import { acceptValue } from '../attribute-value.js';
import type { Action, AttributeValue, OcciVersion, TypeId } from '../model.js';
import type { CategoryRegistry } from '../registry.js';
import type { AttributeInput, CategoryRef, OcciRequest } from '../request.js';
import { isAccepted } from '../visible.js';
import { definitionOf, required } from './attributes.js';
import { findCategory } from './categories.js';
import { Findings } from './findings.js';

export interface ResolvedAction {
  readonly action: TypeId;
  readonly term: string;
  readonly parameters: Readonly<Record<string, AttributeValue>>;
}

/** Misspellings that a widespread client sends (rOCCI: `deffered`), by parameter. */
const SPELLINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = { method: { deffered: 'deferred' } };

/**
 * Resolves an invocation on entities of `kind` with `mixins`; `term` is the value of `?action=`.
 * @throws Problem `invalid` with every fault; `conflict` when the body names no action and the term fits several (A36).
 */
export function resolveAction(
  request: OcciRequest,
  registry: CategoryRegistry,
  kind: TypeId,
  mixins: readonly TypeId[],
  term: string,
  version: OcciVersion,
): ResolvedAction {
  const findings = new Findings();
  const offered = registry.actionsOf(kind, mixins).filter((candidate) => isAccepted(candidate, version));
  const action = namedAction(request, registry, offered, term, findings);
  const parameters = action === undefined ? {} : parametersOf(action, givenTo(request), version, findings);
  findings.throwIfAny();
  if (action === undefined) throw new Error('an invocation without an action has a finding');
  return { action: action.id, term: action.term, parameters };
}

function namedAction(
  request: OcciRequest,
  registry: CategoryRegistry,
  offered: readonly Action[],
  term: string,
  findings: Findings,
): Action | undefined {
  const refs = refsOf(request);
  const [ref] = refs;
  const fitting = offered.filter((candidate) => candidate.term === term);
  if (ref === undefined) {
    const several = fitting.length > 1;
    complain(findings, several ? 'conflict' : 'invalid', 'action.missing', {
      message: several ? `more than one action is called ${excerpt(term)}` : 'the request does not name the action',
      rule: 'GFD.185 §3.4.4 (C-160)',
      remedy: `send the action's category: ${several ? fitting.map(({ id }) => id).join(' or ') : 'its scheme and term'}`,
    });
    return undefined;
  }
  if (refs.length > 1) {
    complain(findings, 'invalid', 'action.several', {
      message: 'the request names more than one category',
      rule: 'GFD.229 §5.1.1 (C-220)',
      remedy: 'name one action',
    });
  }
  const category = findCategory(ref, registry, findings);
  if (category === undefined) return undefined;
  if (category.class !== 'action') {
    complain(findings, 'invalid', 'action.class', {
      message: `${category.id} is a ${category.class}, not an action`,
      rule: 'GFD.229 §5.1.1 (C-220)',
      remedy: 'send the category of the action',
    });
    return undefined;
  }
  if (category.term !== term) {
    complain(findings, 'invalid', 'action.mismatch', {
      message: `the URL asks for ${excerpt(term)}, the body for ${category.term}`,
      rule: 'GFD.223 §10.3.2 (C-161)',
      remedy: 'name the same action in both',
    });
  }
  if (!offered.includes(category)) {
    complain(findings, 'invalid', 'action.not-offered', {
      message: `${category.id} is no action of this entity`,
      rule: 'GFD.221 §5.3.5 (C-119, C-162)',
      remedy: `it has ${offered.map(({ id }) => id).join(', ') || 'no actions'}`,
    });
  }
  return category;
}

function parametersOf(
  action: Action,
  given: ReadonlyMap<string, AttributeInput>,
  version: OcciVersion,
  findings: Findings,
): Readonly<Record<string, AttributeValue>> {
  const parameters: Record<string, AttributeValue> = {};
  for (const [name, input] of given) {
    const definition = definitionOf(name, action.attributes, version, findings);
    if (definition === undefined) continue;
    const outcome = acceptValue(definition, spelledRight(name, input));
    if (outcome.ok) parameters[name] = outcome.value;
    else findings.add('invalid', outcome.fault);
  }
  for (const definition of action.attributes.values()) {
    if (definition.default !== undefined) parameters[definition.name] ??= definition.default;
    if (definition.required && !given.has(definition.name) && parameters[definition.name] === undefined) {
      findings.add('invalid', required(definition));
    }
  }
  return parameters;
}

/** JSON says itself that it is an invocation; text sends a category, with or without attributes (C-220). */
function refsOf(request: OcciRequest): readonly CategoryRef[] {
  if (request.action !== undefined) return [request.action.action];
  return request.categories.length > 0 ? request.categories : (request.entities[0]?.categories ?? []);
}

function givenTo(request: OcciRequest): ReadonlyMap<string, AttributeInput> {
  return request.action?.attributes ?? request.entities[0]?.attributes ?? new Map<string, AttributeInput>();
}

function spelledRight(name: string, input: AttributeInput): AttributeInput {
  const right = typeof input.value === 'string' ? SPELLINGS[name]?.[input.value] : undefined;
  return right === undefined ? input : { value: right, typed: input.typed };
}

function complain(
  findings: Findings,
  kind: 'invalid' | 'conflict',
  code: string,
  more: { message: string; rule: string; remedy: string },
): void {
  findings.add(kind, { code, place: { field: 'Category' }, ...more });
}
