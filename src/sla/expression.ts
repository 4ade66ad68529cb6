/**
 * The expressions of objectives and conditions (`spec/sla.md` §6.4): comparisons of a variable, or of a metric with its
 * aggregation, joined by AND. Words are case-insensitive; numbers may carry a unit. What does not fit the grammar is an
 * error, never "always true".
 *
 *     expression  = comparison *( "AND" comparison )
 *     comparison  = operand operator value
 *     operand     = name / aggregate "(" name "," duration ")"
 *     value       = literal / "(" literal *( "," literal ) ")"
 *     literal     = number [ unit ] / word / "'" text "'"
 */

import { AGGREGATES, type Aggregate, type Variable } from './agreement.js';
import { OPERATORS, type Bound, type Operator, type Scalar } from './bound.js';
import { parseDuration } from './duration.js';
import { readBound } from './measure.js';
import { metricOf, type Metric } from './vocabulary.js';

export interface Comparison {
  readonly metric: string;
  /** The variable it was written with. */
  readonly variable?: string;
  readonly aggregate?: Aggregate;
  /** Seconds. */
  readonly window?: number;
  readonly bound: Bound;
}

export type ParsedExpression =
  { readonly comparisons: readonly Comparison[] } | { readonly complaint: string; readonly remedy: string };

const LONGEST_EXPRESSION = 4096;
const MOST_COMPARISONS = 32;

/** Reads an expression; names are looked up among the variables first and then among the metrics. */
export function parseExpression(text: string, variables: ReadonlyMap<string, Variable>): ParsedExpression {
  if (text.length > LONGEST_EXPRESSION) {
    return { complaint: 'the expression is too long', remedy: `write at most ${LONGEST_EXPRESSION} characters` };
  }
  try {
    return { comparisons: new ExpressionReader(text, variables).expression() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { complaint: error.message, remedy: error.remedy };
  }
}

class ExpressionError extends Error {
  readonly remedy: string;
  constructor(message: string, remedy = 'write for example "avg(vm.cpu.utilization, PT5M) LT 0.8"') {
    super(message);
    this.remedy = remedy;
  }
}

const TOKEN =
  /\s*(?:(?<mark>[(),])|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?<unit>%|[A-Za-z]+(?:\/s)?)?|(?<word>[A-Za-z_][A-Za-z0-9_.-]*)|'(?<text>[^']*)')/y;

interface Token {
  readonly mark?: string;
  readonly number?: string;
  readonly unit?: string;
  readonly word?: string;
  readonly text?: string;
}

class ExpressionReader {
  readonly #tokens: readonly Token[];
  readonly #variables: ReadonlyMap<string, Variable>;
  #at = 0;

  constructor(text: string, variables: ReadonlyMap<string, Variable>) {
    this.#tokens = tokens(text);
    this.#variables = variables;
  }

  expression(): Comparison[] {
    const comparisons = [this.#comparison()];
    while (this.#at < this.#tokens.length) {
      if (this.#word().toUpperCase() !== 'AND') throw new ExpressionError('comparisons are joined by AND alone');
      comparisons.push(this.#comparison());
      if (comparisons.length > MOST_COMPARISONS) throw new ExpressionError('there are too many comparisons');
    }
    return comparisons;
  }

  #comparison(): Comparison {
    const name = this.#word();
    const operand = this.#peek()?.mark === '(' ? this.#aggregation(name) : this.#named(name);
    const written = this.#word().toUpperCase();
    const op = OPERATORS.find((candidate) => candidate === written);
    if (!op) throw new ExpressionError(`"${written}" is no operator`, `use one of ${OPERATORS.join(', ')}`);
    return { ...operand.parts, bound: this.#bound(operand.metric, op) };
  }

  #aggregation(name: string): { metric: Metric; parts: Omit<Comparison, 'bound'> } {
    const aggregate = AGGREGATES.find((candidate) => candidate === name.toLowerCase());
    if (!aggregate) throw new ExpressionError(`"${name}" is no aggregation`, `use one of ${AGGREGATES.join(', ')}`);
    this.#mark('(');
    const operand = this.#named(this.#word());
    this.#mark(',');
    const window = parseDuration(this.#word());
    if (window?.months !== 0) throw new ExpressionError('the window is no duration of fixed length');
    this.#mark(')');
    return { metric: operand.metric, parts: { ...operand.parts, aggregate, window: window.seconds } };
  }

  #named(name: string): { metric: Metric; parts: Omit<Comparison, 'bound'> } {
    const variable = this.#variables.get(name);
    const metric = metricOf(variable?.metric ?? name);
    if (!metric) {
      throw new ExpressionError(`"${name}" is neither a variable nor a metric`, 'declare it, or name a metric');
    }
    if (!variable) return { metric, parts: { metric: metric.name } };
    const { aggregate, window } = variable;
    return {
      metric,
      parts: { metric: metric.name, variable: name, ...(aggregate && { aggregate }), ...(window && { window }) },
    };
  }

  #bound(metric: Metric, op: Operator): Bound {
    const { values, unit } = this.#values();
    const listed = op === 'IN' || op === 'BETWEEN';
    const value = listed ? values : values[0];
    if (value === undefined || (!listed && values.length > 1)) throw new ExpressionError(`${op} takes one value`);
    const bound = readBound(metric, op, value, unit);
    if ('complaint' in bound) throw new ExpressionError(bound.complaint, bound.remedy);
    return bound.bound;
  }

  #values(): { values: Scalar[]; unit: string | undefined } {
    if (this.#peek()?.mark !== '(') {
      const { value, unit } = this.#literal();
      return { values: [value], unit };
    }
    this.#mark('(');
    const first = this.#literal();
    const values = [first.value];
    while (this.#peek()?.mark === ',') {
      this.#mark(',');
      const { value, unit } = this.#literal();
      if (unit !== first.unit) throw new ExpressionError('all values of a list must have the same unit');
      values.push(value);
    }
    this.#mark(')');
    return { values, unit: first.unit };
  }

  #literal(): { value: Scalar; unit: string | undefined } {
    const token = this.#next();
    if (token.number !== undefined) return { value: Number(token.number), unit: token.unit };
    if (token.text !== undefined) return { value: token.text, unit: undefined };
    if (token.word === undefined) throw new ExpressionError('a value is missing');
    const word = token.word.toLowerCase();
    return { value: word === 'true' ? true : word === 'false' ? false : token.word, unit: undefined };
  }

  #word(): string {
    const { word } = this.#next();
    if (word === undefined) throw new ExpressionError('a name or an operator is missing');
    return word;
  }

  #mark(mark: string): void {
    if (this.#next().mark !== mark) throw new ExpressionError(`"${mark}" is missing`);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw new ExpressionError('the expression ends too early');
    return token;
  }
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const groups = TOKEN.exec(text)?.groups;
    if (!groups) throw new ExpressionError(`character ${at + 1} fits no word, number or mark`);
    found.push(groups);
  }
  return found;
}
