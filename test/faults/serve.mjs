/**
 * A VEP server as a process of its own, from the build: `node serve.mjs` with VEP_CONFIG and its kin. Says
 * `VEP ready at <url>` on standard output once it listens, and ends gracefully at SIGTERM.
 */

import { loadConfig } from '../../dist/src/base/config.js';
import { start } from '../../dist/src/server.js';

const server = await start({ config: loadConfig(process.env) });
process.once('SIGTERM', () => void server.close().then(() => process.exit(0)));
process.stdout.write(`VEP ready at ${server.url}\n`);
