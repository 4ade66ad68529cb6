/** An exchange as lines for people, in the manner of HTTP itself; long bodies are cut. */

import type { Exchange } from '../exchange.js';

const LONGEST_BODY = 4000;
const LONGEST_VALUE = 1000;

/** `> ` before what was sent, `< ` before what came. */
export function exchangeText({ request, answer, path }: Exchange): string {
  const sent = [`${request.method} ${path} HTTP/1.1`, ...fields(request.headers), ...body(request.body)];
  const came = [`HTTP/1.1 ${answer.status}`, ...fields(answer.headers), ...body(answer.body)];
  return [...sent.map((line) => `> ${line}`), ...came.map((line) => `< ${line}`)].map(visible).join('\n');
}

function fields(headers: readonly (readonly [string, string])[]): string[] {
  return headers.map(([name, value]) => `${name}: ${cutTo(value, LONGEST_VALUE)}`);
}

function body(text: string): string[] {
  return text === '' ? [] : ['', ...cutTo(text, LONGEST_BODY).split(/\r\n|\n|\r/)];
}

function cutTo(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}

/** A server's control characters are nobody's terminal's, and not XML's either. */
export function visible(text: string): string {
  // eslint-disable-next-line no-control-regex -- making control characters visible is the purpose
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
