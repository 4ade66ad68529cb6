/**
 * Form fields from attribute definitions (GFD.221 §5.2): the type, the pattern and the description decide what a reader
 * is offered. What is entered is judged by the server alone; the field only helps to enter it right.
 */

import type { Fault, Problem } from '../../base/errors.js';
import type { AttributeDefinition, AttributeValue } from '../../occi/model.js';
import { fieldOf, type Submission } from './submission.js';
import { html, visible, type Content, type Html } from './template.js';

/** A form that was refused: it is shown again with what was entered and what is wrong with it. */
export interface Attempt {
  readonly submission: Submission;
  readonly problem: Problem;
}

/** One attribute in a form. */
export interface Field {
  readonly definition: AttributeDefinition;
  /** Tells apart fields of the same attribute in several forms of a page. */
  readonly within: string;
  readonly value?: AttributeValue | undefined;
  readonly attempt?: Attempt | undefined;
  /** Values that are likely meant, with a word on each. */
  readonly suggestions?: readonly (readonly [value: string, name: string])[];
}

/** The longest text that fits a single line. */
const LONGEST_LINE = 1024;

export function attributeField(field: Field): Html {
  const { definition, within, attempt } = field;
  const { name, description, required, default: standard } = definition;
  const id = `${within}-${name}`;
  const faults = attempt?.problem.faults.filter((fault) => fault.place?.field === name) ?? [];
  const described = [description !== undefined && `${id}-hint`, faults.length > 0 && `${id}-wrong`].filter(Boolean);
  const attributes = html`id="${id}" name="${fieldOf(name)}" ${required && standard === undefined && html`required`}
  ${described.length > 0 && html`aria-describedby="${described.join(' ')}"`}
  ${faults.length > 0 && html`aria-invalid="true"`}`;
  return html`<div class="field ${isLong(field) && 'wide'}">
    <label for="${id}">
      <span class="name">${name}</span>
      ${required && standard === undefined && html`<span class="required">required</span>`}
    </label>
    ${control(field, attributes)}
    ${description !== undefined && html`<span class="hint" id="${id}-hint">${visible(description)}</span>`}
    ${faults.length > 0 && html`<span class="wrong" id="${id}-wrong">${faults.map(complaint)}</span>`}
  </div>`;
}

/** A value as a field holds it; line ends are those that browsers keep. */
export function fieldText(value: AttributeValue | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value);
  return text.replaceAll('\r\n', '\n');
}

/** A labelled field that belongs to no attribute. */
export function plainField(id: string, label: Content, control: Content, hint?: string): Html {
  return html`<div class="field">
    <label for="${id}">${label}</label>
    ${control} ${hint !== undefined && html`<span class="hint">${hint}</span>`}
  </div>`;
}

function control(field: Field, attributes: Html): Html {
  const { definition, suggestions = [], within } = field;
  const { type, name, pattern, default: standard } = definition;
  const text = entered(field);
  const choices = type === 'boolean' ? ['true', 'false'] : choicesOf(definition);
  if (choices.length > 0) {
    const none = standard === undefined ? '(not set)' : `(default: ${fieldText(standard)})`;
    return html`<select ${attributes}>
      <option value="">${none}</option>
      ${choices.map((choice) => html`<option ${choice === text && html`selected`}>${choice}</option>`)}
    </select>`;
  }
  if (isLong(field)) {
    // A browser drops the first line end of a text area; this is the one it drops.
    return html`<textarea ${attributes} spellcheck="false">${'\n'}${text}</textarea>`;
  }
  const placeholder = standard !== undefined && html`placeholder="${fieldText(standard)}"`;
  if (type === 'number')
    return html`<input ${attributes} ${placeholder} type="number" ${range(definition)} value="${text}" />`;
  const longest = pattern?.['maxLength'];
  const list = suggestions.length > 0 ? `${within}-${name}-list` : undefined;
  return html`<input
      ${attributes}
      ${placeholder}
      type="text"
      ${typeof longest === 'number' && html`maxlength="${longest}"`}
      ${list !== undefined && html`list="${list}"`}
      value="${text}"
      autocomplete="off"
    />
    ${
      list !== undefined &&
      html`<datalist id="${list}">
        ${suggestions.map(([value, label]) => html`<option value="${value}">${visible(label)}</option>`)}
      </datalist>`
    }`;
}

/** What was entered before, unless it is of those that may be secrets (K04), else what the entity has. */
function entered({ definition, value, attempt }: Field): string {
  const before = attempt?.submission.attributes().get(definition.name);
  const secret = definition.createOnly === true && !definition.name.startsWith('occi.core.');
  return before === undefined || secret ? fieldText(value) : before;
}

function choicesOf({ pattern }: AttributeDefinition): string[] {
  const choices = pattern?.['enum'];
  return Array.isArray(choices) ? choices.map(String) : [];
}

function isLong({ definition: { type, pattern }, value }: Field): boolean {
  const longest = pattern?.['maxLength'];
  return (
    type === 'object' ||
    type === 'array' ||
    (typeof longest === 'number' && longest > LONGEST_LINE) ||
    (typeof value === 'string' && value.includes('\n'))
  );
}

function range({ pattern = {} }: AttributeDefinition): Html {
  const { type, minimum, maximum } = pattern;
  return html`step="${type === 'integer' ? '1' : 'any'}" ${typeof minimum === 'number' && html`min="${minimum}"`}
  ${typeof maximum === 'number' && html`max="${maximum}"`}`;
}

function complaint({ message, remedy }: Fault): Html {
  return html`${visible(message)}${remedy !== undefined && `; ${visible(remedy)}`}`;
}
