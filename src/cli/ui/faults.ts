/** Faults for people: what, where, by which rule, and what to do about it. */

import type { Fault } from '../../base/errors.js';
import { displayText } from './display-text.js';
import type { Style } from './style.js';

/** Two or three lines for each fault: the message with its place, then rule and remedy. */
export function faultLines(faults: readonly Fault[], style: Style): string {
  return faults.map((fault) => lines(fault, style)).join('');
}

function lines(fault: Fault, style: Style): string {
  const severity = fault.severity ?? 'error';
  const paint = severity === 'error' ? style.red : severity === 'warning' ? style.yellow : style.cyan;
  const where = placeOf(fault);
  const value = fault.value === undefined ? '' : ` (${displayText(fault.value)})`;
  const head = `${paint(severity)}: ${where === '' ? '' : `${style.bold(where)}: `}${displayText(fault.message)}${value}`;
  const rule = displayText([fault.code, fault.rule ?? ''].filter(Boolean).join(', '));
  const remedy = fault.remedy === undefined ? '' : `  remedy: ${displayText(fault.remedy)}\n`;
  return `${head} ${style.dim(`[${rule}]`)}\n${remedy}`;
}

function placeOf({ place }: Fault): string {
  if (!place) return '';
  const { line, column, field, path } = place;
  const at = line === undefined ? '' : `line ${line}${column === undefined ? '' : `:${column}`}`;
  return displayText([at, field ?? '', line === undefined ? (path ?? '') : ''].filter(Boolean).join(', '));
}
