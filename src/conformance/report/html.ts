/** The report as one page that needs nothing else: counts, then every check with what was said, folded away. */

import type { Result, Run } from '../runner.js';
import { exchangeText, visible } from './exchange-text.js';
import { OUTCOMES } from '../outcome.js';
import { conforms, countByLevel } from './summary.js';

export function htmlReport(run: Run): string {
  const verdict = conforms(run) ? 'No MUST is violated.' : 'At least one MUST is violated or could not be looked at.';
  const cut = run.interrupted ? '<p class="failed">The run was interrupted.</p>' : '';
  const left =
    run.left.length === 0
      ? ''
      : `<h2>Not removed</h2><ul>${run.left.map((each) => `<li>${text(each)}</li>`).join('')}</ul>`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OCCI conformance of ${text(run.endpoint)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>OCCI conformance</h1>
<dl>
<dt>Endpoint</dt><dd>${text(run.endpoint)}</dd>
<dt>Server</dt><dd>${text(run.server)}</dd>
<dt>Versions</dt><dd>${run.versions.join(', ')}</dd>
<dt>Run</dt><dd>${new Date(run.startedAt).toISOString()}, ${Math.round((run.endedAt - run.startedAt) / 1000)} s</dd>
</dl>
<p><strong>${verdict}</strong></p>
${cut}${counts(run)}${left}
${run.versions.map((version) => `<h2>OCCI ${version}</h2>${checks(run.results.filter((each) => each.version === version))}`).join('\n')}
</body>
</html>
`;
}

function counts(run: Run): string {
  const rows = countByLevel(run).map(({ version, level, counts: each }) => {
    const cells = OUTCOMES.map((outcome) => `<td>${each[outcome]}</td>`).join('');
    return `<tr><th scope="row">${version} ${level}</th>${cells}</tr>`;
  });
  const heads = OUTCOMES.map((outcome) => `<th scope="col">${outcome}</th>`).join('');
  return `<table><thead><tr><th scope="col">Level</th>${heads}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function checks(results: readonly Result[]): string {
  const chapters = [...new Set(results.map(({ statement }) => statement.chapter))];
  return chapters
    .map((chapter) => {
      const own = results.filter(({ statement }) => statement.chapter === chapter);
      return `<h3>${text(chapter)}</h3>\n${own.map(check).join('\n')}`;
    })
    .join('\n');
}

function check({ statement, outcome, reason, how, exchanges, decisive }: Result): string {
  const { id, level, says, source } = statement;
  const open = outcome === 'failed' || outcome === 'blocked' ? ' open' : '';
  const why = reason === undefined ? '' : `<p class="${outcome}">${text(reason)}</p>`;
  const talk = exchanges
    .map((each) => `<pre${each === decisive ? ' class="decisive"' : ''}>${text(exchangeText(each))}</pre>`)
    .join('');
  return `<details${open}><summary><span class="${outcome}">${outcome}</span> ${id} ${level}: ${text(says)}</summary>
<p>${text(source)}. Checked: ${text(how)}.</p>${why}${talk}</details>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
dt { float: left; clear: left; width: 6rem; opacity: .7; }
table { border-collapse: collapse; } th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th[scope=row] { text-align: left; }
summary { cursor: pointer; padding: .15rem 0; } summary span { display: inline-block; width: 7rem; font-weight: 600; }
.passed { color: #2a7d2a; } .failed, .blocked { color: #c0282d; } .inapplicable, .skipped { opacity: .6; }
pre { overflow: auto; padding: .6rem; background: #8881; border-left: 3px solid #8884; font-size: 12px; }
pre.decisive { border-left-color: #c08a00; }
`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(value: string): string {
  return visible(value).replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}
