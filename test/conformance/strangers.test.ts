/**
 * The suite against servers unlike VEP, and against ones that go wrong under it: without JSON, of 1.1 alone, below a path,
 * with templates that a compute must have, making what they refuse, interrupted. VEP behind a proxy plays them all.
 */

import { createServer, type AddressInfo } from 'node:net';
import { CHECKS } from '../../src/conformance/checks/index.js';
import { readCredentials, runSuite, type Run, type RunOptions } from '../../src/conformance/index.js';
import { Wire } from '../../src/conformance/wire.js';
import { serverFor } from '../support/server.js';
import { all, creates, header, isJson, rewrite, saying } from './breakages.js';
import { FaultyServer, type Breakage, type Told } from './faulty-server.js';

const REFUSED: Told = {
  status: 400,
  headers: { server: 'stranger OCCI/1.1 OCCI/1.2', 'content-type': 'text/plain' },
  body: 'no',
};

describe('the wire', () => {
  it('takes answers that say their length twice, as servers of the field send them', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      // The status line comes alone, as from Python's wsgiref.
      socket.once('data', () => {
        socket.write('HTTP/1.0 404 Not Found\r\n');
        setImmediate(() => socket.end('Content-Length: 4\r\nServer: a\r\nContent-length: 4\r\n\r\nnone'));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const wire = new Wire(new URL(`http://127.0.0.1:${port}`), undefined, 5000);
    try {
      const { status, headers } = (await wire.send({ method: 'GET', path: '/x', headers: [], secret: [] })).answer;
      expect([status, headers[1]]).toEqual([404, ['Server', 'a']]);
    } finally {
      wire.close();
      server.close();
    }
  });
});

describe('the conformance suite', () => {
  const server = serverFor();
  let stranger: FaultyServer;
  beforeAll(async () => {
    stranger = new FaultyServer(server().url);
    await stranger.start();
  });
  afterAll(() => stranger.close());

  function run(breakage: Breakage, options: Partial<RunOptions>): Promise<Run> {
    stranger.breakage = breakage;
    const credentials = readCredentials(`bearer:${server().tokens.user}`, () => '');
    return runSuite({ endpoint: stranger.url, credentials, patienceMs: 5000, ...options });
  }
  const outcomes = ({ results }: Run): Record<string, string> =>
    Object.fromEntries(
      results.map(({ statement, outcome, reason }) => [statement.id, reason ? `${outcome}: ${reason}` : outcome]),
    );
  async function left(): Promise<string> {
    const root = await server().request('GET', '/', { headers: { accept: 'text/plain' } });
    const model = await server().request('GET', '/-/');
    return root.text + (/conformance-[^;]*/.exec(model.text)?.[0] ?? '');
  }

  it('judges a server of 1.1 without JSON by 1.1, and finds no fault with it', async () => {
    const plain = header(
      () => true,
      'server',
      () => 'stranger/1 OCCI/1.1 OCCI-CRTP/1.0',
    );
    const noJson: Breakage = {
      request: (asked) => (asked.headers['accept'] === 'application/occi+json' ? { ...REFUSED, status: 406 } : asked),
      ...plain,
    };
    const only = ['C-00', 'C-10', 'C-14', 'C-18', 'C-20', 'C-21', 'I-02'];
    const judged = await run(noJson, { only });
    expect(judged.versions).toEqual(['1.1']);
    const bad = judged.results.filter(({ outcome }) => outcome === 'failed' || outcome === 'blocked');
    expect(bad.map(({ statement, reason }) => [statement.id, reason])).toEqual([]);
    expect(judged.results.length).toBeGreaterThan(40);
  });

  it('fails the missing JSON of a server of 1.2 once', async () => {
    const noJson: Breakage = { answer: (told, asked) => (isJson(asked, told) ? { ...REFUSED, status: 406 } : told) };
    const found = outcomes(await run(noJson, { versions: ['1.2'], only: ['C-185', 'C-221', 'C-229', 'C-238'] }));
    expect(found['C-185']).toMatch(/^failed/);
    for (const id of ['C-221', 'C-229', 'C-238'])
      expect(found[id]).toBe('inapplicable: the server has no JSON rendering');
  });

  it('finds JSON that is none, and goes on', async () => {
    const broken = rewrite(isJson, /^[^]*$/, '{"kinds": [');
    const found = outcomes(await run(broken, { versions: ['1.2'], only: ['C-084', 'C-229'] }));
    expect(found).toEqual({ 'C-084': 'passed', 'C-229': expect.stringMatching(/^failed: .* the body is not JSON/) });
  });

  it('finds its way below a path', async () => {
    const origin = stranger.url;
    const below: Breakage = {
      request: (asked) =>
        asked.path.startsWith('/cloud/') ? { ...asked, path: asked.path.slice(6) } : { ...REFUSED, status: 404 },
      answer: (told) => {
        const here = (text: string): string => text.replaceAll(`${origin}/`, `${origin}/cloud/`);
        const headers = Object.fromEntries(Object.entries(told.headers).map(([name, value]) => [name, here(value)]));
        return { ...told, headers, body: here(told.body) };
      },
    };
    const only = ['C-084', 'C-094', 'C-104', 'C-107', 'C-113', 'C-127', 'C-168', 'C-174'];
    const judged = await run(below, { versions: ['1.2'], only, endpoint: `${stranger.url}/cloud/` });
    expect(outcomes(judged)).toEqual(Object.fromEntries(only.map((id) => [id, 'passed'])));
    expect([judged.left, await left()]).toEqual([[], '']);
  });

  it('gives a compute the templates that a server wants it to have', async () => {
    const strict: Breakage = {
      request: (asked) =>
        all(creates, saying('compute; scheme'))(asked) && !saying('/template/|os_tpl#')(asked) ? REFUSED : asked,
    };
    expect(outcomes(await run(strict, { versions: ['1.2'], only: ['C-049', 'C-050'] }))).toEqual({
      'C-049': 'passed',
      'C-050': 'passed',
    });
  });

  it('tries its statements on what the server does make', async () => {
    const computesAlone: Breakage = {
      request: (asked) =>
        creates(asked) && !all(saying('compute; scheme'), saying('/template/'))(asked) ? REFUSED : asked,
    };
    const only = ['C-104', 'C-112', 'C-142', 'C-152', 'C-164'];
    const found = outcomes(await run(computesAlone, { versions: ['1.2'], only }));
    expect(found).toEqual(Object.fromEntries(only.map((id) => [id, 'passed'])));
    expect(await left()).toBe('');
  });

  it('waits for what comes up by itself just when it is to be brought up', async () => {
    const late: Breakage = {
      request: (asked) => (asked.query === 'action=online' ? { ...REFUSED, status: 409 } : asked),
    };
    expect(outcomes(await run(late, { versions: ['1.1'], only: ['C-065'] }))).toEqual({ 'C-065': 'passed' });
  });

  it('does not look at what needs something that fails', async () => {
    const makesNothing: Breakage = { request: (asked) => (creates(asked) ? REFUSED : asked) };
    const found = outcomes(await run(makesNothing, { versions: ['1.2'], only: ['C-112', 'C-152'] }));
    expect([found['C-112'], found['C-152']]).toEqual([
      expect.stringMatching(/^failed: POST .* → 400/),
      expect.stringMatching(/^blocked: no network can be made/),
    ]);
  });

  it('takes away what a server has made while refusing it', async () => {
    const liar: Breakage = { answer: (told, asked) => (creates(asked) ? REFUSED : told) };
    const judged = await run(liar, { versions: ['1.2'], only: ['C-112'] });
    expect([judged.left, await left()]).toEqual([[], '']);
  });

  it('names what it cannot remove', async () => {
    const stubborn: Breakage = {
      request: (asked) => (asked.method === 'DELETE' ? { ...REFUSED, status: 409 } : asked),
    };
    const judged = await run(stubborn, { versions: ['1.2'], only: ['C-112'] });
    expect(judged.left).toEqual(Array(2).fill(expect.stringMatching(/^\/network\/.*: DELETE .* → 409$/)));
    for (const one of judged.left) {
      const [path = ''] = one.split(': ');
      expect((await server().request('DELETE', path)).status).toBe(200);
    }
  });

  it('takes away what it made when it is interrupted, and says no more', async () => {
    const stop = new AbortController();
    let made = 0;
    const interrupted: Breakage = {
      answer: (told, asked) => {
        // The first is made to see what can be made.
        if (creates(asked) && (made += 1) > 1) stop.abort();
        return told;
      },
    };
    const judged = await run(interrupted, { versions: ['1.2'], only: ['C-084', 'C-142'], signal: stop.signal });
    expect([judged.interrupted, judged.left]).toEqual([true, []]);
    expect(judged.results.map(({ statement }) => statement.id)).toEqual(['C-084']);
    expect(await left()).toBe('');
  });

  it('leaves alone what was there before, and destroys nothing beside it', async () => {
    const headers = { 'content-type': 'text/plain' };
    const body = 'Category: network; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"';
    const { headers: made } = await server().request('POST', '/network/', { headers, body });
    const path = new URL(made.location ?? '').pathname;
    const only = Object.keys(CHECKS).filter((id) => CHECKS[id]?.destructive === true);
    const judged = await run({}, { only });
    expect(new Set(judged.results.map(({ outcome }) => outcome))).toEqual(new Set(['skipped']));
    expect((await server().request('GET', path)).status).toBe(200);
    expect((await server().request('DELETE', path)).status).toBe(200);
  });
});
