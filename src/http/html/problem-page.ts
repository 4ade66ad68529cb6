/** A refusal as a page: every fault with its code, place, rule and remedy. It says no more than the other renderings do. */

import type { Problem, ProblemKind } from '../../base/errors.js';
import { faultItem } from './form.js';
import type { Page } from './layout.js';
import { html } from './template.js';

const TITLES: Readonly<Partial<Record<ProblemKind, string>>> = {
  unauthenticated: 'Please sign in',
  forbidden: 'This is not for you',
  'not-found': 'There is nothing here',
  'method-not-allowed': 'This cannot be done here',
  conflict: 'This does not fit what is there',
  'precondition-failed': 'It has changed meanwhile',
  'too-large': 'This is too large',
  'too-many-requests': 'Too many requests',
  unmet: 'This cannot be promised',
  unavailable: 'The server is busy with itself',
  internal: 'The server has failed',
};

const SIGN_IN = html`<p>
  Reload this page and give the name of your account, and its password or one of its API tokens. Signing in stays with
  your browser until it is closed.
</p>`;

export function problemPage(problem: Problem, status: number, requestId: string): Page {
  const title = TITLES[problem.kind] ?? 'This was not understood';
  const content = html`<h1>${title}</h1>
    <p class="lead">Status ${status}, request <code>${requestId}</code></p>
    <ul class="sheet faults">
      ${problem.faults.map((fault) => html`<li>${faultItem(fault)}</li>`)}
    </ul>
    ${problem.kind === 'unauthenticated' && SIGN_IN}
    <p><a href="/">To the beginning</a></p>`;
  return { title, way: [], content };
}
