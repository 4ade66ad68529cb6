/** The conformance suite: what `vep conformance` and the tests need of it. */

export { CATALOGUE } from './catalogue/index.js';
export { LEVELS, VERSIONS, type Level, type Statement, type Version } from './catalogue/statement.js';
export { readCredentials, type Credentials } from './credentials.js';
export { Blocked, OUTCOMES, type Outcome } from './outcome.js';
export { exchangeText } from './report/exchange-text.js';
export { htmlReport } from './report/html.js';
export { jsonReport } from './report/json.js';
export { junitReport } from './report/junit.js';
export { conforms, count, countByLevel } from './report/summary.js';
export { runSuite, selected, type Result, type Run, type RunOptions } from './runner.js';
export { WireError, type WireTls } from './wire.js';
