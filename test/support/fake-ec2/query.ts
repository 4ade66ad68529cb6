/** The Query protocol of EC2: parameters with dots as a tree, and answers as documents with `<xSet><item>`. */

export interface Tree {
  readonly [name: string]: Tree | string;
}

/** `A.1.B=x` as `{A: {1: {B: 'x'}}}`. */
export function treeOf(parameters: Iterable<readonly [string, string]>): Tree {
  const root: Record<string, unknown> = {};
  for (const [name, value] of parameters) {
    const path = name.split('.');
    const last = path.pop() ?? '';
    let at = root;
    for (const step of path) at = (at[step] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return root as Tree;
}

export class Parameters {
  readonly #tree: Tree;
  constructor(tree: Tree) {
    this.#tree = tree;
  }

  text(...path: readonly string[]): string | undefined {
    let at: Tree | string | undefined = this.#tree;
    for (const step of path) at = typeof at === 'object' ? at[step] : undefined;
    return typeof at === 'string' ? at : undefined;
  }

  number(...path: readonly string[]): number | undefined {
    const text = this.text(...path);
    return text === undefined ? undefined : Number(text);
  }

  at(...path: readonly string[]): Parameters {
    let at: Tree | string | undefined = this.#tree;
    for (const step of path) at = typeof at === 'object' ? at[step] : undefined;
    return new Parameters(typeof at === 'object' ? at : {});
  }

  /** The members of a list that are texts. */
  texts(name: string): string[] {
    return this.#members(name).flatMap((each) => (typeof each === 'string' ? [each] : []));
  }

  /** The members of a list that are structures. */
  list(name: string): Parameters[] {
    return this.#members(name).flatMap((each) => (typeof each === 'object' ? [new Parameters(each)] : []));
  }

  get names(): string[] {
    return Object.keys(this.#tree);
  }

  #members(name: string): (Tree | string)[] {
    const list = this.#tree[name];
    if (typeof list !== 'object') return [];
    return Object.entries(list)
      .sort(([one], [other]) => Number(one) - Number(other))
      .map(([, value]) => value);
  }
}

export type Answer = { readonly [name: string]: Value };
type Value = string | number | boolean | Answer | readonly (Answer | string)[] | undefined;

/** The members of an answer; lists as `<item>`s. */
export function membersOf(answer: Answer): string {
  return Object.entries(answer)
    .map(([name, value]) => (value === undefined ? '' : `<${name}>${contentOf(value)}</${name}>`))
    .join('');
}

function contentOf(value: Exclude<Value, undefined>): string {
  if (Array.isArray(value))
    return (value as readonly (Answer | string)[])
      .map((each) => `<item>${typeof each === 'string' ? escaped(each) : membersOf(each)}</item>`)
      .join('');
  if (typeof value === 'object') return membersOf(value as Answer);
  return escaped(String(value));
}

export function escaped(text: string): string {
  return text.replaceAll(
    /[<>&"]/g,
    (char) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' })[char] ?? char,
  );
}

/** A refusal with its code and status. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
