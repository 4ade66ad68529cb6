/** The event stream (`/events/`): what happened is told in order, once, and a stream that broke off goes on. */

import http from 'node:http';
import { Client } from '../conformance/client.js';
import { forEachServer, type TestServer } from '../support/server.js';
import { PATIENCE_MS } from '../support/until.js';
import { deploy, descriptor, pathOf, send } from './appliance-wire.js';

interface Event {
  readonly id: number;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Reads events until `enough` says so or the stream ends; then hangs up. */
function read(
  server: TestServer,
  path: string,
  enough: (events: readonly Event[]) => boolean,
  headers: Record<string, string> = {},
): Promise<Event[]> {
  return new Promise((resolve, reject) => {
    const events: Event[] = [];
    const request = http.get(
      `${server.url}${path}`,
      { headers: { authorization: `Bearer ${server.tokens.user}`, ...headers } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          const blocks = text.split('\n\n');
          text = blocks.pop() ?? '';
          for (const block of blocks) {
            const fields = Object.fromEntries(
              block
                .split('\n')
                .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
            );
            if (fields['id'] !== undefined)
              events.push({
                id: Number(fields['id']),
                type: fields['event'] ?? '',
                data: JSON.parse(fields['data'] ?? '{}') as Record<string, unknown>,
              });
          }
          if (enough(events)) request.destroy();
        });
        response.on('close', () => resolve(events));
        response.on('error', () => resolve(events));
      },
    );
    request.setTimeout(PATIENCE_MS, () =>
      request.destroy(new Error(`no end in sight: ${JSON.stringify(events.map((event) => event.type))}`)),
    );
    request.on('error', (error) => (events.length > 0 ? resolve(events) : reject(error)));
  });
}

forEachServer({}, (server) => {
  const client = (): Client => new Client(server(), '1.2');
  const streamOf = (path: string): string => `/events/?subject=${path.split('/').at(-1)}`;

  it('tells a deployment from its first step to its last, in order', async () => {
    const path = pathOf(await send(client(), descriptor()));
    const subject = path.split('/').at(-1);
    const done = (events: readonly Event[]): boolean =>
      events.some(
        (event) =>
          event.data['entity'] === subject &&
          /done|finished|ended/.test(JSON.stringify([event.type, event.data['state']])),
      );
    const events = await read(server(), streamOf(path), done);
    expect(events.length).toBeGreaterThan(5);
    const ids = events.map((event) => event.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  it('goes on after the last event that was seen', async () => {
    const path = await deploy(client());
    const [first, second] = await read(server(), streamOf(path), (events) => events.length >= 2);
    const resumed = await read(server(), streamOf(path), (events) => events.length >= 1, {
      'last-event-id': String(first?.id),
    });
    expect(resumed[0]).toEqual(second);
    const byQuery = await read(server(), `${streamOf(path)}&after=${first?.id}`, (events) => events.length >= 1);
    expect(byQuery[0]).toEqual(second);
  });

  it('is closed to others, and to questions that make no sense', async () => {
    const path = await client().create('compute');
    expect((await server().request('GET', streamOf(path), { as: 'stranger' })).status).toBe(404);
    expect((await server().request('GET', streamOf(path), { as: null })).status).toBe(401);
    expect((await server().request('GET', `/events/?subject=${crypto.randomUUID()}`)).status).toBe(404);
    for (const query of [
      '',
      '?subject=x',
      `?subject=${path.split('/').at(-1)}&after=x`,
      `?subject=${path.split('/').at(-1)}&colour=red`,
    ])
      expect([query, (await server().request('GET', `/events/${query}`)).status]).toEqual([query, 400]);
    expect((await server().request('POST', '/events/')).status).toBe(405);
  });

  it('ends when the server does', async () => {
    const path = await client().create('compute');
    let ended = false;
    const stream = read(server(), streamOf(path), () => false).then(
      () => (ended = true),
      () => (ended = true),
    );
    await client().act(path, 'compute', 'start');
    await client().until(path, 'occi.compute.state', 'active');
    await server().restart();
    await stream;
    expect(ended).toBe(true);
  });
});
