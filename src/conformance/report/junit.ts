/**
 * The report for continuous integration, in the JUnit form that its servers read: a suite a version and chapter, a case a
 * statement. A failed or blocked MUST is a failure; of the other levels it is a case skipped with the reason, because a
 * build must not break for what a standard leaves open.
 */

import type { Result, Run } from '../runner.js';
import { exchangeText, visible } from './exchange-text.js';

export function junitReport(run: Run): string {
  const groups = new Map<string, Result[]>();
  for (const result of run.results) {
    const name = `OCCI ${result.version}: ${result.statement.chapter}`;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  const suites = [...groups].map(([name, results]) => suite(name, results, run));
  const attributes = totals('VEP conformance suite', run.results);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${attributes}>\n${suites.join('')}</testsuites>\n`;
}

function suite(name: string, results: readonly Result[], { startedAt, endpoint, server }: Run): string {
  const timestamp = new Date(startedAt).toISOString().slice(0, 19);
  const properties = `    <properties>
      <property name="endpoint" value="${xml(endpoint)}"/>
      <property name="server" value="${xml(server)}"/>
    </properties>\n`;
  const cases = results.map(testCase).join('');
  return `  <testsuite ${totals(name, results)} timestamp="${timestamp}">\n${properties}${cases}  </testsuite>\n`;
}

function totals(name: string, results: readonly Result[]): string {
  const failures = results.filter(isFailure).length;
  const skipped = results.filter((each) => each.outcome !== 'passed' && !isFailure(each)).length;
  const seconds = results.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  return `name="${xml(name)}" tests="${results.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds}"`;
}

function isFailure({ outcome, statement }: Result): boolean {
  return statement.level === 'MUST' && (outcome === 'failed' || outcome === 'blocked');
}

function testCase(result: Result): string {
  const { statement, version, outcome, reason = '', exchanges, decisive, ms } = result;
  const { id, level, says, source } = statement;
  const name = `${id} ${level} ${says} (${source})`;
  const head = `    <testcase classname="occi.${version.replace('.', '_')}.${id}" name="${xml(name)}" time="${ms / 1000}"`;
  if (outcome === 'passed' && decisive === undefined) return `${head}/>\n`;
  const talk = isFailure(result) ? exchanges : decisive === undefined ? [] : [decisive];
  const out = `      <system-out>${xml(talk.map(exchangeText).join('\n\n'))}</system-out>\n`;
  const verdict = isFailure(result)
    ? `      <failure type="${outcome}" message="${xml(reason)}">${xml(reason)}</failure>\n`
    : outcome === 'passed'
      ? ''
      : `      <skipped message="${xml(`${outcome}: ${reason}`)}"/>\n`;
  return `${head}>\n${verdict}${out}    </testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function xml(text: string): string {
  return visible(text).replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
