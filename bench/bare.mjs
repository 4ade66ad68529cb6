/** The floor to compare with: `node:http` and nothing else, answering `/<bytes>` with a constant body of that size. */

import http from 'node:http';
import { answerQuestions } from './measured-process.mjs';

const bodies = new Map();

const server = http.createServer((request, response) => {
  let body = bodies.get(request.url);
  if (body === undefined) bodies.set(request.url, (body = Buffer.alloc(Number(request.url.slice(1)), 'x')));
  response.setHeader('Content-Type', 'text/plain');
  response.setHeader('Content-Length', body.length);
  response.end(body);
});

server.listen(0, '127.0.0.1', () => {
  answerQuestions(`http://127.0.0.1:${server.address().port}`, async () => server.closeAllConnections());
});
