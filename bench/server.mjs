/** A VEP server from the build, configured by the environment like any other. */

import { loadConfig } from '../dist/src/base/config-file.js';
import { start } from '../dist/src/server.js';
import { answerQuestions } from './measured-process.mjs';

const server = await start({ config: loadConfig(process.env) });
answerQuestions(server.url, () => server.close(0));
