/**
 * What a client sent, in one form whatever the rendering was: the result of every parser, before anything has been
 * looked up. Category references are not resolved, attribute values are typed as the rendering typed them
 * (`resolve.ts` coerces them to the declared type).
 */

import type { AttributeValue, CategoryClass, TypeId } from './model.js';

/** A category as named in a request. Text clients may leave out the class (I-019). */
export interface CategoryRef {
  readonly scheme: string;
  readonly term: string;
  readonly class?: CategoryClass;
  /** The remaining parameters, for defining a user mixin. */
  readonly title?: string;
  readonly rel?: readonly TypeId[];
  readonly location?: string;
  readonly applies?: readonly TypeId[];
  readonly hasAttributes?: boolean;
  readonly hasActions?: boolean;
}

/** A value with the way it was written: a text client's `"4"` may still be meant for a number (I-015, I-016). */
export interface AttributeInput {
  readonly value: AttributeValue;
  /** `true`: JSON, the type is what the client said. `false`: text, may be coerced to the declared type. */
  readonly typed: boolean;
  /**
   * An unquoted number as it was written, where `String(value)` would say it differently (`007`, `1.0`, 20 digits): what
   * an attribute declared as string gets.
   */
  readonly written?: string;
}

/** An inline link, or what identifies one that is already there. */
export interface LinkInput {
  /** URI-reference of the target as written. */
  readonly target: string;
  /** Types of the target (`rel`). */
  readonly rel: readonly TypeId[];
  /** URI-reference of the link entity itself, in a rendering that was sent back. */
  readonly self?: string;
  readonly id?: string;
  /** Kind and mixins of the link. Empty: to be inferred from `rel`. */
  readonly categories: readonly TypeId[];
  readonly attributes: ReadonlyMap<string, AttributeInput>;
}

/** One entity, whole or partial, as a client described it. */
export interface EntityInput {
  readonly categories: readonly CategoryRef[];
  /** By flat name; `occi.core.*` names are included here whatever the rendering. */
  readonly attributes: ReadonlyMap<string, AttributeInput>;
  readonly links: readonly LinkInput[];
  /** Action links or action identifiers that came along; they carry no meaning in a request. */
  readonly actionLinks: readonly string[];
}

export interface ActionInput {
  readonly action: CategoryRef;
  readonly attributes: ReadonlyMap<string, AttributeInput>;
}

/** Everything a body or a header set can hold. Which parts may be there depends on the URL and the method. */
export interface OcciRequest {
  readonly entities: readonly EntityInput[];
  /** Categories sent on their own: filters, user mixins, action invocations in text. */
  readonly categories: readonly CategoryRef[];
  /** Present when the rendering says itself that it is an action invocation (JSON). */
  readonly action?: ActionInput;
  /** URI-references of entities (`X-OCCI-Location`, `text/uri-list`, JSON arrays of strings). */
  readonly locations: readonly string[];
  /** Nothing OCCI in it at all. */
  readonly empty: boolean;
}
