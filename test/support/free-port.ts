/**
 * Ports that nobody listens on, for what must be told one before it starts, or lets go of one and takes it again. They
 * lie below those that the system gives to connections (Linux: from 32,768): one of those would be taken now and then
 * by a connection of another test. Each worker of jest has some of them to itself: what is let go of is not given to
 * another one meanwhile.
 */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [BELOW, EACH, WORKERS] = [10_240, 5632, 4];
const FIRST = BELOW + ((Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % WORKERS) * EACH;
const END = FIRST + EACH;

/** The first of `count` free ports that follow each other. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const first = randomInt(FIRST, END - count + 1);
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
