/** Structured logs (JSON lines through pino) that never hold a secret. */

import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Logger;

/** Members that are dropped wherever they turn up in a log line. */
const SECRET_PATHS = [
  'authorization',
  'password',
  'token',
  'secret',
  'credential',
  'credentials',
  'inputs',
  'cookie',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `headers["x-auth-token"]`]);

export interface LogOptions {
  readonly level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly destination?: DestinationStream;
}

export function createLog(options: LogOptions = {}): Log {
  const settings = {
    level: options.level ?? 'info',
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: [...new Set(SECRET_PATHS)], remove: true },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return options.destination
    ? pino(settings, options.destination)
    : pino(settings, pino.destination({ fd: 2, sync: false }));
}

export const silentLog: Log = pino({ level: 'silent' });
