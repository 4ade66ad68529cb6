/**
 * Attacks of `spec/security-cases.md` that no other test has in its care, against a whole server. Where it costs nothing, the
 * attack is first shown to work where the defence is not.
 */

import { parseConfig } from '../../src/base/config-file.js';
import { Problem } from '../../src/base/errors.js';
import { Wire } from '../infrastructure/wire.js';
import { descriptor, OVF_TYPE } from '../integration/appliance-wire.js';
import { forEachServer, type Reply } from '../support/server.js';

const COMPUTE = 'http://schemas.ogf.org/occi/infrastructure#compute';

forEachServer({}, (server, database) => {
  const wire = new Wire(server);

  it('S-099 takes identifiers of a descriptor as data, whatever language they are written in', async () => {
    const ids = [`m'"]`, `a' or '1'='1`, `//*[1]`, `../../x`, `$(id)`];
    for (const id of ids) {
      const escaped = id
        .replaceAll('&', '&amp;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&apos;')
        .replaceAll('<', '&lt;');
      const reply = await server().request('POST', '/appliance/?dry-run', {
        headers: { 'content-type': OVF_TYPE },
        body: descriptor({ machines: [escaped] }),
      });
      expect([id, reply.status]).toEqual([id, 200]);
      const { plan } = reply.json as { plan: { machines: { id: string }[]; disks: { id: string }[] } | null };
      expect([plan?.machines.map((machine) => machine.id), plan?.disks.map((disk) => disk.id)]).toEqual([
        [id],
        [`${id}-disk`],
      ]);
    }
  });

  it('S-089 writes who did what to what, in order, and lets no line break of a client forge an entry', async () => {
    const forged = 'x\r\n{"actor":"local:admin","verb":"delete"}';
    const path = await wire.make('/compute/', { kind: COMPUTE, title: 'audited' });
    expect((await wire.send('POST', path, { title: forged })).status).toBeLessThan(500);
    expect((await wire.send('DELETE', path, undefined, { as: 'stranger' })).status).toBe(404);
    expect((await wire.send('DELETE', path)).status).toBe(200);
    const id = path.split('/').at(-1) ?? '';
    const rows = await server().rows(
      `SELECT seq, actor, grp, verb, entity, outcome, request_id FROM audit_entry WHERE entity = '${id}' ORDER BY seq`,
    );
    const verbs = rows.map((row) => row['verb']);
    expect([verbs[0], verbs.at(-1)]).toEqual(['create', 'delete']);
    for (const row of rows) {
      expect(row).toMatchObject({ actor: 'local:user', grp: 'user', entity: id, outcome: 'granted' });
      expect(String(row['request_id'])).not.toBe('');
    }
    const sequence = rows.map((row) => Number(row['seq']));
    expect(sequence).toEqual([...sequence].sort((a, b) => a - b));
    expect(await server().rows("SELECT 1 FROM audit_entry WHERE actor = 'local:admin' AND verb = 'delete'")).toEqual(
      [],
    );
  });

  it('S-087 keeps a local account apart from whoever has its name elsewhere, and administrators local', async () => {
    // The same name, by Basic and by token of another account: neither is the other.
    const named = (name: string, secret: string) =>
      server().request('GET', '/compute/', {
        as: null,
        headers: { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` },
      });
    expect((await named('stranger', server().tokens.stranger)).status).toBe(200);
    expect((await named('admin', server().tokens.stranger)).status).toBe(401);
    // No credential of a federation carries the role, whatever the provider writes.
    const config = (role: string): string =>
      JSON.stringify({
        access: {
          issuers: [
            {
              issuer: 'https://issuer.example',
              audience: ['vep'],
              vos: [{ vo: 'atlas', group: '/atlas', roles: [role] }],
            },
          ],
        },
      });
    expect(() => parseConfig(config('provider'), {})).not.toThrow();
    expect(() => parseConfig(config('administrator'), {})).toThrow(Problem);
    for (const vo of ['admin', 'user'])
      expect(() => parseConfig(config('provider').replace('"vo":"atlas"', `"vo":"${vo}"`), {})).toThrow(Problem);
  });

  const [seconds, perSecond] = process.env['VEP_TEST_NIGHTLY'] === undefined ? [1, 200] : [60, 500];
  it(`S-120 gives no wrong verdict among ${seconds * perSecond} requests with good and bad credentials (${database})`, async () => {
    const own = await wire.make('/compute/', { kind: COMPUTE });
    const bad = 'vep_' + 'A'.repeat(43);
    const kinds: readonly (readonly [expected: number, send: () => Promise<Reply>])[] = [
      [200, () => server().request('GET', own)],
      [200, () => server().request('GET', own, { as: 'colleague' })],
      [404, () => server().request('GET', own, { as: 'stranger' })],
      [401, () => server().request('GET', own, { as: null })],
      [401, () => server().request('GET', own, { as: null, headers: { authorization: `Bearer ${bad}` } })],
      [401, () => server().request('GET', own, { as: 'user', headers: { 'x-auth-token': bad } })],
      [403, () => server().request('GET', '/health/sites')],
    ];
    let sent = 0;
    const took: number[] = [];
    const [begin, memory] = [performance.now(), process.memoryUsage.rss()];
    const worker = async (): Promise<void> => {
      while (sent < seconds * perSecond) {
        const index = sent++;
        const [expected, send] = kinds[index % kinds.length] ?? kinds[0]!;
        // Five hundred a second, and no more, where that is what is shown.
        const early = begin + (index * 1000) / perSecond - performance.now();
        if (seconds > 1 && early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        const at = performance.now();
        const { status } = await send();
        took.push(performance.now() - at);
        expect(status).toBe(expected);
      }
    };
    await Promise.all(Array.from({ length: seconds > 1 ? 64 : 16 }, worker));
    if (seconds > 1) tell(database, took, performance.now() - begin, process.memoryUsage.rss() - memory);
  });
});

// What the nightly run measures, with client and server in one process; times are told and not judged.
function tell(database: string, took: readonly number[], ms: number, grown: number): void {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1);
  console.log(
    `S-120 (${database}): ${took.length} requests in ${(ms / 1000).toFixed(1)} s, half within ${at(0.5)} ms, ` +
      `99 % within ${at(0.99)} ms, resident memory ${(grown / 2 ** 20).toFixed(0)} MiB more`,
  );
}
