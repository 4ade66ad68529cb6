/** The one style sheet of the pages: light and dark by the reader's preference, contrast of at least 4.5 to 1 (WCAG 1.4.3). */

export const STYLE_SHEET = `:root {
  color-scheme: light dark;
  --ground: #f6f7f9;
  --sheet: #ffffff;
  --ink: #1b2330;
  --dim: #566174;
  --line: #d9dee6;
  --brand: #1d4e89;
  --on-brand: #ffffff;
  --soft: #e8eef6;
  --good: #14632f;
  --good-soft: #dff3e5;
  --bad: #9b1c1c;
  --bad-soft: #fbe4e4;
  --radius: 8px;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d;
    --sheet: #1a202a;
    --ink: #e6eaf0;
    --dim: #a3adbd;
    --line: #323b49;
    --brand: #8db8ec;
    --on-brand: #10161f;
    --soft: #232c39;
    --good: #8ad8a4;
    --good-soft: #183524;
    --bad: #f2a3a3;
    --bad-soft: #412020;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }
body {
  margin: 0;
  min-height: 100vh;
  display: grid;
  grid: 'top top' auto 'side main' 1fr 'side foot' auto / 13rem minmax(0, 1fr);
  background: var(--ground);
  color: var(--ink);
}
a { color: var(--brand); text-underline-offset: 0.15em; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.skip { position: absolute; left: -99rem; top: 0; padding: 0.5rem 1rem; background: var(--sheet); z-index: 1; }
.skip:focus { left: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
body > header {
  grid-area: top;
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0.25rem 1.5rem;
  padding: 0.7rem 1.5rem;
  background: var(--sheet);
  border-bottom: 1px solid var(--line);
}
.brand { font-weight: 700; font-size: 1.2rem; letter-spacing: 0.06em; text-decoration: none; }
body > header nav { display: flex; gap: 1.25rem; }
.who { margin: 0 0 0 auto; color: var(--dim); font-size: 0.9rem; }
.collections { grid-area: side; padding: 1rem 0.75rem 2rem 1.5rem; border-right: 1px solid var(--line); font-size: 0.93rem; }
.collections h2 {
  margin: 1rem 0 0.3rem;
  border: 0;
  padding: 0;
  font-size: 0.75rem;
  text-transform: uppercase;
  letter-spacing: 0.08em;
  color: var(--dim);
}
.collections ul { list-style: none; margin: 0; padding: 0; }
.collections a { display: block; padding: 0.15rem 0.6rem; margin-left: -0.6rem; border-radius: 5px; text-decoration: none; overflow-wrap: anywhere; }
.collections a:hover { background: var(--soft); }
.collections a[aria-current] { background: var(--soft); font-weight: 600; }
main { grid-area: main; padding: 1.25rem clamp(1rem, 3vw, 2.5rem) 2rem; max-width: 76rem; }
body > footer {
  grid-area: foot;
  padding: 0.9rem clamp(1rem, 3vw, 2.5rem);
  border-top: 1px solid var(--line);
  color: var(--dim);
  font-size: 0.9rem;
}
footer ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0.25rem 0 0; padding: 0; }
.trail ol { display: flex; flex-wrap: wrap; list-style: none; margin: 0 0 0.75rem; padding: 0; font-size: 0.9rem; color: var(--dim); }
.trail li + li::before { content: '›'; margin: 0 0.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 0.35rem; overflow-wrap: anywhere; }
h1 .state { vertical-align: 0.3rem; margin-left: 0.5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.6rem; }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
.lead { margin: 0 0 0.75rem; color: var(--dim); max-width: 60rem; }
.lead code { overflow-wrap: anywhere; }
.bar { display: flex; flex-wrap: wrap; align-items: end; gap: 0.6rem; margin: 1rem 0; }
.sheet { background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); padding: 1rem 1.25rem; margin: 0 0 1rem; }
.scroll { overflow-x: auto; background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: 0.5rem 1rem; color: var(--dim); }
th, td { text-align: left; vertical-align: top; padding: 0.5rem 1rem; border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
thead th { font-size: 0.8rem; color: var(--dim); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; }
td { overflow-wrap: anywhere; }
.list th, .list td { overflow-wrap: normal; white-space: nowrap; }
.list tbody th { min-width: 11rem; white-space: normal; overflow-wrap: anywhere; }
.facts tbody th { width: 45%; }
.scroll + details { margin-top: 0.75rem; }
td pre { margin: 0; white-space: pre-wrap; font-size: 0.85rem; }
code, .name { font: 0.9em ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace; }
.name { overflow-wrap: anywhere; }
.hint { display: block; color: var(--dim); font-size: 0.85rem; font-weight: 400; }
.state { display: inline-block; padding: 0.05rem 0.6rem; border-radius: 99px; font-size: 0.85rem; font-weight: 600; line-height: 1.5; white-space: nowrap; }
.state.good { color: var(--good); background: var(--good-soft); }
.state.bad { color: var(--bad); background: var(--bad-soft); }
.state.quiet { color: var(--ink); background: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 0.9rem; list-style: none; margin: 0 0 1rem; padding: 0; }
.cards a { display: block; height: 100%; padding: 0.9rem 1.1rem; background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); text-decoration: none; }
.cards a:hover { border-color: var(--brand); }
.cards strong { display: block; font-size: 1.05rem; }
.cards span { color: var(--dim); font-size: 0.9rem; }
details { background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); margin: 0 0 0.75rem; }
summary { cursor: pointer; padding: 0.6rem 1.1rem; font-weight: 600; color: var(--brand); border-radius: var(--radius); }
details[open] > summary { border-bottom: 1px solid var(--line); border-radius: var(--radius) var(--radius) 0 0; }
/* Categories stand side by side until one is opened. */
.categories { margin-bottom: 0.75rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 0.6rem; align-items: start; }
.categories details { margin: 0; min-width: 0; }
.categories details[open] { grid-column: 1 / -1; }
.categories summary { padding: 0.45rem 0.9rem; overflow-wrap: anywhere; }
summary .hint { margin-left: 1.1rem; }
details > form, details > div { padding: 1rem 1.1rem; }
.plain, .plain > form { background: none; border: 0; padding: 0; margin: 0; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1rem 1.5rem; margin: 0 0 1rem; }
.field { display: flex; flex-direction: column; min-width: 0; }
.field.wide { grid-column: 1 / -1; }
.field label, legend { font-weight: 600; }
.field .required { color: var(--bad); font-weight: 400; font-size: 0.85rem; }
fieldset { border: 1px solid var(--line); border-radius: var(--radius); margin: 0 0 1rem; padding: 0.75rem 1.1rem; min-width: 0; }
input, select, textarea, button { font: inherit; color: inherit; }
input:not([type='checkbox']), select, textarea {
  width: 100%;
  padding: 0.4rem 0.6rem;
  background: var(--ground);
  border: 1px solid var(--dim);
  border-radius: 6px;
}
textarea { min-height: 6rem; font-family: ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace; font-size: 0.9rem; }
input[aria-invalid], select[aria-invalid], textarea[aria-invalid] { border: 2px solid var(--bad); }
.wrong { color: var(--bad); font-size: 0.9rem; }
.checks { display: flex; flex-wrap: wrap; gap: 0.3rem 1.5rem; }
.check { display: flex; gap: 0.5rem; align-items: baseline; font-weight: 600; }
button { padding: 0.4rem 1rem; border: 1px solid var(--brand); border-radius: 6px; background: var(--sheet); color: var(--brand); font-weight: 600; cursor: pointer; }
button:hover { background: var(--soft); }
button.main { background: var(--brand); color: var(--on-brand); }
button.danger { border-color: var(--bad); color: var(--bad); }
button.small { padding: 0.1rem 0.6rem; font-size: 0.85rem; }
.alert { border: 2px solid var(--bad); border-radius: var(--radius); background: var(--bad-soft); padding: 0.75rem 1.1rem; margin: 0.75rem 0 1.25rem; }
.alert h2 { margin: 0 0 0.25rem; color: var(--bad); }
.alert ul { margin: 0; padding-left: 1.2rem; }
.alert li { margin: 0.35rem 0; }
.faults { padding-left: 2.25rem; }
.pages { display: flex; gap: 1rem; align-items: center; margin: 0.75rem 0 1.5rem; }
.empty { color: var(--dim); padding: 1rem 1.25rem; margin: 0; }
.tags { display: flex; flex-wrap: wrap; gap: 0.5rem; list-style: none; margin: 0 0 0.9rem; padding: 0; }
.tags li { display: flex; gap: 0.6rem; align-items: center; background: var(--sheet); border: 1px solid var(--line); border-radius: var(--radius); padding: 0.25rem 0.7rem; }
dl + .scroll { margin-top: 0.75rem; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.25rem 1.25rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 50rem) {
  body { grid: 'top' auto 'side' auto 'main' 1fr 'foot' auto / minmax(0, 1fr); }
  .collections { border-right: 0; border-bottom: 1px solid var(--line); padding: 0.5rem 1rem; }
  .collections h2 { margin-top: 0.4rem; }
  .collections ul { display: flex; flex-wrap: wrap; gap: 0 0.9rem; }
  .collections a { margin: 0; padding: 0.1rem 0.3rem; }
}
`;
