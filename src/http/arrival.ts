/**
 * The pace of request bodies. A package of many gigabytes may take hours to arrive, so there is no limit on the whole of
 * it, as Node's `requestTimeout` would be; but a body that comes in drops, or not at all, holds a connection and a
 * handler for nothing and is given up.
 */

import type { IncomingMessage } from 'node:http';
import { problem, type Problem } from '../base/errors.js';

/** Anything that deserves the name of a connection is faster. */
const LEAST_BYTES_PER_SECOND = 1024;

/**
 * Calls `giveUp` with the reason, once, when the body of `message` brings less than 1 KiB a second over a whole period.
 *
 * @param periodMs also the time in which the last, shorter piece of a body must have come
 */
export function watchArrival(message: IncomingMessage, periodMs: number, giveUp: (reason: Problem) => void): void {
  const { headers, socket } = message;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
  const least = (periodMs / 1000) * LEAST_BYTES_PER_SECOND;
  let read = socket.bytesRead;
  const timer = setInterval(() => {
    if (message.complete) return clearInterval(timer);
    const arrived = socket.bytesRead - read;
    read = socket.bytesRead;
    if (arrived >= least) return;
    clearInterval(timer);
    giveUp(tooSlow(periodMs));
  }, periodMs);
  message.once('close', () => clearInterval(timer));
}

function tooSlow(periodMs: number): Problem {
  return problem(
    'timeout',
    'http.body-too-slow',
    `less than 1 KiB a second of the body arrived within ${periodMs} ms`,
    {
      rule: 'RFC 9110 §15.5.9',
      remedy: 'send it again over a better connection; large files can be resumed through /upload/',
    },
  );
}
