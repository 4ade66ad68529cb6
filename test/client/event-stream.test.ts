import fc from 'fast-check';
import { ClientError, ConnectionError, VepClient, type WatchEvent } from '../../src/client/index.js';
import { EventStreamParser } from '../../src/client/event-stream.js';
import { FakeClock } from './fake-clock.js';
import { FakeServer, problem, type Reply } from './fake-server.js';

const SUBJECT = '01890000-0000-7000-8000-000000000001';

function event(seq: number): string {
  return `id: ${seq}\nevent: operation\ndata: ${JSON.stringify({ seq, at: seq, entity: SUBJECT, type: 'operation' })}\n\n`;
}

describe('the event stream parser', () => {
  it('takes data of any line ends, over several lines, and skips comments and other fields', () => {
    const parser = new EventStreamParser();
    expect(parser.push('retry: 2000\n\n: still here\n\ndata: a\ndata:b\n\r\nid: 1\r\ndata: c\r\n\r\n')).toEqual([
      'a\nb',
      'c',
    ]);
  });

  it('says the same however the text is cut up', () => {
    const line = fc.constantFrom('data: x', 'data: y z', ': comment', 'id: 3', '');
    const text = fc
      .tuple(fc.array(line, { maxLength: 30 }), fc.constantFrom('\n', '\r\n', '\r'))
      .map(([lines, end]) => lines.map((each) => each + end).join('') + `data: end${end}${end}data: open`);
    fc.assert(
      fc.property(text, fc.array(fc.nat(12), { minLength: 1 }), (whole, cuts) => {
        const pieces: string[] = [];
        for (let at = 0, turn = 0; at < whole.length; turn += 1) {
          const size = (cuts[turn % cuts.length] ?? 0) + 1;
          pieces.push(whole.slice(at, at + size));
          at += size;
        }
        const parser = new EventStreamParser();
        expect(pieces.flatMap((piece) => parser.push(piece))).toEqual(new EventStreamParser().push(whole));
      }),
    );
  });
});

describe('watching', () => {
  let server: FakeServer;
  let client: VepClient;
  let clock: FakeClock;

  beforeEach(async () => {
    server = await FakeServer.start();
    clock = new FakeClock();
    client = new VepClient({ endpoint: server.url, clock });
  });
  afterEach(() => server.close());

  async function take(count: number, after?: number): Promise<number[]> {
    const stop = new AbortController();
    const seen: number[] = [];
    for await (const { seq } of client.watch(`/appliance/${SUBJECT}`, {
      signal: stop.signal,
      ...(after === undefined ? {} : { after }),
    })) {
      seen.push(seq);
      if (seen.length === count) stop.abort();
    }
    return seen;
  }

  it('goes on after the last event seen when the stream breaks off or ends', async () => {
    const replies = [
      { body: event(4) + event(5), broken: true },
      { body: event(6) },
      problem(503, 'unavailable', 'not yet'),
      { broken: true },
      { body: event(7) + event(8), open: true },
    ];
    server.answering = () => replies.shift();
    expect(await take(5, 3)).toEqual([4, 5, 6, 7, 8]);
    expect(server.asked.map(({ headers }) => headers['last-event-id'])).toEqual(['3', '5', '6', '6', '6']);
    expect(server.lines[0]).toBe(`GET /events/?subject=${SUBJECT}`);
  });

  it('ends when the subject goes, and refuses one that never was', async () => {
    const replies = [{ body: event(1) }, problem(404, 'not-found', 'gone')];
    server.answering = () => replies.shift();
    expect(await take(99)).toEqual([1]);
    server.answering = () => problem(404, 'not-found', 'nothing');
    await expect(take(1)).rejects.toBeInstanceOf(ClientError);
  });

  it('gives up after a minute without the server', async () => {
    server.answering = () => (server.asked.length === 1 ? { body: event(1) } : problem(503, 'unavailable', 'no'));
    await expect(take(99)).rejects.toMatchObject({ status: 503 });
    expect(clock.now()).toBeGreaterThan(1_060_000);
  });

  it('waits for a server that was there before the stream was first opened, and not for one that never was', async () => {
    const replies = [{ body: '{}' }, ...Array<Reply>(5).fill({ broken: true }), { body: event(1), open: true }];
    server.answering = () => replies.shift();
    await client.discover();
    expect(await take(1)).toEqual([1]);
    const never = new VepClient({ endpoint: 'http://127.0.0.1:1', clock });
    const before = clock.now();
    await expect(never.watch(SUBJECT).next()).rejects.toBeInstanceOf(ConnectionError);
    expect(clock.now() - before).toBeLessThan(10_000);
  });

  it('hands on what an operation says of itself', async () => {
    const told: WatchEvent = {
      seq: 1,
      at: 9,
      entity: SUBJECT,
      type: 'operation',
      operation: 'o',
      parent: null,
      state: 'done',
      percent: 100,
    };
    server.answering = () => ({ body: `data: ${JSON.stringify(told)}\n\n`, open: true });
    const stop = new AbortController();
    for await (const received of client.watch(SUBJECT, { signal: stop.signal })) {
      expect(received).toEqual(told);
      stop.abort();
    }
  });
});
