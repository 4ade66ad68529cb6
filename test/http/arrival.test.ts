/** The pace of request bodies: large ones may take their time, those in drops are given up. */

import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { jest } from '@jest/globals';
import type { Problem } from '../../src/base/errors.js';
import { watchArrival } from '../../src/http/arrival.js';

const PERIOD = 60_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function arriving(headers: Record<string, string>) {
  const socket = { bytesRead: 0 };
  const message = Object.assign(new EventEmitter(), { headers, socket, complete: false });
  const reasons: Problem[] = [];
  watchArrival(message as unknown as IncomingMessage, PERIOD, (reason) => reasons.push(reason));
  return {
    message,
    reasons,
    /** Lets one period pass in which so many bytes come. */
    pass(bytes: number): void {
      socket.bytesRead += bytes;
      jest.advanceTimersByTime(PERIOD);
    },
  };
}

const LARGE = { 'content-length': '20000000000' };

it.each([LARGE, { 'transfer-encoding': 'chunked' }])('lets a body %j take days that keeps coming', (headers) => {
  const { reasons, pass } = arriving(headers);
  for (let minute = 0; minute < 3000; minute += 1) pass(1024 * 60);
  expect(reasons).toEqual([]);
});

it('gives up, once, a body that comes in drops', () => {
  const { reasons, pass } = arriving(LARGE);
  pass(1_000_000);
  pass(600);
  pass(0);
  expect(reasons.map(({ kind, faults }) => [kind, faults[0]?.code])).toEqual([['timeout', 'http.body-too-slow']]);
});

it.each([
  ['a message without a body', {}, () => undefined],
  ['a body that is there', LARGE, (message: { complete: boolean }) => void (message.complete = true)],
  ['a message whose connection is gone', LARGE, (message: EventEmitter) => void message.emit('close')],
])('leaves %s alone', (_what, headers, change) => {
  const { message, reasons, pass } = arriving(headers);
  change(message);
  pass(0);
  expect(reasons).toEqual([]);
  expect(jest.getTimerCount()).toBe(0);
});
