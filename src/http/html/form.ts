/** The frame of a form, and what is said of one that was refused (WCAG 2.2, 3.3.1–3.3.3). */

import type { Fault, Place, Problem } from '../../base/errors.js';
import type { Attempt } from './fields.js';
import type { FormName } from './submission.js';
import { html, visible, type Content, type Html } from './template.js';

export interface FormFrame {
  /** Path of the page: forms are sent to where they stand. */
  readonly path: string;
  readonly name: FormName;
  /** Fields that the reader does not see. */
  readonly hidden?: Readonly<Record<string, string>>;
  readonly content?: Content;
  readonly submit: Content;
  readonly tone?: 'main' | 'danger' | 'small';
  /** What a script asks before the form is sent. */
  readonly confirm?: string;
  /** Further buttons. */
  readonly more?: Content;
}

export function form({ path, name, hidden = {}, content, submit, tone, confirm, more }: FormFrame): Html {
  return html`<form method="post" action="${path}" ${confirm !== undefined && html`data-confirm="${confirm}"`}>
    ${Object.entries({ form: name, ...hidden }).map(
      ([field, value]) => html`<input type="hidden" name="${field}" value="${value}" autocomplete="off" />`,
    )}
    ${content}
    <button ${tone !== undefined && html`class="${tone}"`}>${submit}</button>
    ${more}
  </form>`;
}

/** A form folded away under its title; open where it was refused. */
export function folded(title: Content, content: Content, open: boolean): Html {
  return html`<details ${open && html`open`}>
    <summary>${title}</summary>
    ${content}
  </details>`;
}

/** The attempt, if it was made with this very form. */
export function attemptOf(
  attempt: Attempt | undefined,
  name: FormName,
  which?: readonly [field: 'mixin' | 'action', value: string],
): Attempt | undefined {
  if (attempt?.submission.form !== name) return undefined;
  return which === undefined || attempt.submission.one(which[0]) === which[1] ? attempt : undefined;
}

/** Everything that is wrong, at the top of the page, where focus goes. */
export function alert(problem: Problem): Html {
  return html`<div class="alert" role="alert" tabindex="-1">
    <h2>This was not done</h2>
    <ul>
      ${problem.faults.map((fault) => html`<li>${faultItem(fault)}</li>`)}
    </ul>
  </div>`;
}

/** A fault with its code, place, rule and remedy. */
export function faultItem({ code, message, place, rule, remedy, value }: Fault): Html {
  const where = place === undefined ? '' : placeText(place);
  return html`${visible(message)}
    <code>${code}</code> ${value !== undefined && html`<span class="hint">Value: <code>${visible(value)}</code></span>`}
    ${where !== '' && html`<span class="hint">Where: ${visible(where)}</span>`}
    ${rule !== undefined && html`<span class="hint">Rule: ${rule}</span>`}
    ${remedy !== undefined && html`<span class="hint">What to do: ${visible(remedy)}</span>`}`;
}

function placeText({ line, column, field, path }: Place): string {
  const position = line === undefined ? '' : `line ${line}${column === undefined ? '' : `, column ${column}`}`;
  return [position, field ?? '', path ?? ''].filter((part) => part !== '').join(', ');
}
