/**
 * The event stream `/events/?subject=<id>`: what happens to an appliance, or to an entity that stands alone, as
 * server-sent events (HTML Living Standard §9.2). A stream that broke off goes on after `Last-Event-ID`. Who may no
 * longer see the subject is told no more of it: permission is asked again with every event.
 */

import type { ServerResponse } from 'node:http';
import type { Access } from '../access/access.js';
import type { Principal } from '../access/principal.js';
import type { Clock } from '../base/clock.js';
import { notFound, problem } from '../base/errors.js';
import { isUuid } from '../base/ids.js';
import { JoinedSignal } from '../base/signals.js';
import type { Engine } from '../engine/engine.js';
import type { ProgressEvent } from '../engine/progress.js';
import { loadEntity } from '../store/entities.js';
import type { Store } from '../store/sql.js';
import type { Endpoint } from './express-app.js';
import { onlyParameters, parameter } from './target.js';

export interface EventStreamServices {
  readonly store: Store;
  readonly access: Access;
  readonly engine: Engine;
  readonly clock: Clock;
  /** Ends all streams when the server shuts down. */
  readonly stopping: AbortSignal;
}

/** A comment this often keeps proxies from closing a quiet stream, and notices clients that have gone. */
const HEARTBEAT_MS = 15_000;

export function eventStreamEndpoint(services: EventStreamServices): Endpoint {
  return {
    method: 'get',
    path: '/events/',
    handle: async (request, response, principal) => {
      const target = request.vep?.target ?? { path: '/events/', query: [] };
      onlyParameters(target, ['subject', 'after']);
      const subject = parameter(target, 'subject') ?? '';
      if (!isUuid(subject)) {
        throw problem('malformed', 'events.subject', 'the stream needs the id of an appliance or entity', {
          place: { field: 'subject' },
          remedy: 'ask for /events/?subject=<uuid>',
        });
      }
      const after = Number(request.headers['last-event-id'] ?? parameter(target, 'after') ?? 0);
      if (!Number.isSafeInteger(after) || after < 0) {
        throw problem('malformed', 'events.last-id', 'the last event id is not a number of this stream', {
          place: { field: 'Last-Event-ID' },
          remedy: 'send back the id of the last event you saw, or none',
        });
      }
      if (!principal || !(await mayRead(services, principal, subject))) throw notFound();
      await stream(services, principal, subject, after, response);
    },
  };
}

async function stream(
  services: EventStreamServices,
  principal: Principal,
  subject: string,
  after: number,
  response: ServerResponse,
): Promise<void> {
  const { engine, clock, stopping } = services;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  using joined = new JoinedSignal([gone.signal, stopping]);
  const { signal } = joined;
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  response.write('retry: 2000\n\n');
  void beat(clock, response, signal);
  for await (const event of engine.watch(subject, { after, signal })) {
    if (!(await mayRead(services, principal, subject))) break;
    if (!response.write(render(event))) await drained(response);
  }
  response.end();
}

async function beat(clock: Clock, response: ServerResponse, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(HEARTBEAT_MS, signal);
    if (signal.aborted || response.writableEnded) return;
    response.write(': still here\n\n');
  }
}

function render({ seq, at, entity, type, data }: ProgressEvent): string {
  return `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify({ seq, at, entity, type, ...data })}\n\n`;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

async function mayRead(
  { store, access }: EventStreamServices,
  principal: Principal,
  subject: string,
): Promise<boolean> {
  await access.prepare(principal);
  return (await loadEntity(store, subject, access.scope(principal, 'read'))) !== undefined;
}
