/**
 * Ports that nobody listens on, for what must be told one before it starts, or lets go of one and takes it again. They
 * lie below those that the system gives to connections (Linux: from 32,768): one of those would be taken now and then
 * by a connection of another test.
 */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [FIRST, END] = [10_240, 32_768];

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
