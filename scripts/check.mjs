/** Lint and types, side by side: each takes one core for most of a minute. Shows what each has found; fails if either does. */

import { spawn } from 'node:child_process';

const run = (script) =>
  new Promise((resolve) => {
    const said = [];
    const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
    child.once('error', (error) => resolve({ script, failed: true, text: String(error) }));
    child.once('close', (code) => resolve({ script, failed: code !== 0, text: Buffer.concat(said).toString() }));
  });

for (const { script, failed, text } of await Promise.all(['lint', 'types'].map(run))) {
  process.stdout.write(text);
  if (!failed) continue;
  process.stderr.write(`npm run ${script} failed\n`);
  process.exitCode = 1;
}
