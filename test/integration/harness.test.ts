/** The harness itself: a server comes up, answers to every part, settles a compute, restarts and goes away. */

import { forEachServer } from '../support/server.js';

forEachServer({}, (server) => {
  it('serves every part of a test', async () => {
    for (const as of ['user', 'colleague', 'stranger', 'federation', 'admin'] as const) {
      expect([as, (await server().request('GET', '/-/', { as })).status]).toEqual([as, 200]);
    }
    expect((await server().request('GET', '/-/', { as: null })).status).toBe(401);
  });

  it('lets a compute become active and keeps it over a restart', async () => {
    const made = await server().request('POST', '/compute/', {
      headers: { 'content-type': 'application/occi+json', accept: 'application/occi+json' },
      body: JSON.stringify({ kind: 'http://schemas.ogf.org/occi/infrastructure#compute', attributes: {} }),
    });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    const path = new URL(made.headers.location ?? '').pathname;
    const act = await server().request('POST', `${path}?action=start`, {
      headers: { 'content-type': 'application/occi+json', accept: 'application/occi+json' },
      body: JSON.stringify({ action: 'http://schemas.ogf.org/occi/infrastructure/compute/action#start' }),
    });
    expect([act.status, act.text]).toEqual([200, '{}']);
    await server().wait(path, (reply) => reply.json.attributes['occi.compute.state'] === 'active');
    await server().restart();
    const again = await server().wait(path, (reply) => reply.status === 200);
    expect(again.json.attributes['occi.compute.state']).toBe('active');
  });
});
