import busboy from 'busboy';
import { VepClient, mergeInputs, type NewAppliance } from '../../src/client/index.js';
import { FakeClock } from './fake-clock.js';
import { FakeServer, problem, type Asked, type Reply } from './fake-server.js';

const APPLIANCE = 'http://schemas.contrail-project.eu/occi/ovf#appliance';
const ID = '01890000-0000-7000-8000-000000000001';
const CREATED: Reply = {
  status: 201,
  body: { kind: APPLIANCE, id: `urn:uuid:${ID}`, attributes: {} },
  headers: { Location: `/appliance/${ID}` },
};

let server: FakeServer;
let clock: FakeClock;
let client: VepClient;

beforeEach(async () => {
  server = await FakeServer.start();
  clock = new FakeClock();
  client = new VepClient({ endpoint: server.url, clock });
});
afterEach(() => server.close());

interface ReadPart {
  readonly name: string;
  readonly filename: string;
  readonly type: string;
  readonly content: string;
}

/** Parts of a multipart request, read by the parser that the server uses. */
function partsOf({ headers, body }: Asked): Promise<ReadPart[]> {
  return new Promise((resolve, reject) => {
    const parts: ReadPart[] = [];
    const parser = busboy({ headers, preservePath: true });
    parser.on('file', (name, stream, { filename, mimeType }) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () =>
        parts.push({ name, filename: filename ?? '', type: mimeType, content: Buffer.concat(chunks).toString() }),
      );
    });
    parser.on('error', reject);
    parser.on('close', () => resolve(parts));
    parser.end(body);
  });
}

async function* text(content: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

describe('sending an appliance', () => {
  const appliance: NewAppliance = {
    ovf: Buffer.from('<Envelope/>'),
    files: [{ href: 'images/a "b".vmdk', open: () => text('image') }],
    sla: Buffer.from('{"kind":"Agreement"}'),
    inputs: { properties: { a: '1' } },
    configuration: 'large',
    site: 'sim',
    agreement: '/agreement/x',
    title: 'Shop',
    keepOnFailure: true,
  };

  it('puts the parts in the order entity, sla, ovf, file', async () => {
    server.answering = () => CREATED;
    const { path } = await client.createAppliance(appliance);
    expect(path).toBe(`/appliance/${ID}`);
    const parts = await partsOf(server.asked[0]!);
    expect(parts.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'entity application/occi+json',
      'sla application/vnd.vep.sla+json',
      'ovf application/ovf+xml',
      'file application/octet-stream',
    ]);
    expect(parts[3]).toMatchObject({ filename: 'images/a %22b%22.vmdk', content: 'image' });
    expect(JSON.parse(parts[0]!.content)).toEqual({
      kind: APPLIANCE,
      title: 'Shop',
      attributes: {
        'eu.contrail-project.ovf.inputs': { properties: { a: '1' } },
        'eu.contrail-project.ovf.configuration': 'large',
        'eu.contrail-project.ovf.site': 'sim',
        'eu.contrail-project.ovf.agreement': '/agreement/x',
        'eu.contrail-project.ovf.keep-on-failure': true,
      },
    });
  });

  it('names a descriptor by URL, and an agreement in XML by its type', async () => {
    server.answering = () => CREATED;
    await client.createAppliance({ ovf: { url: 'upload:u' }, sla: Buffer.from('\ufeff <wsag:Offer/>') });
    const parts = await partsOf(server.asked[0]!);
    expect(parts.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'entity application/occi+json',
      'sla application/xml',
    ]);
    expect(JSON.parse(parts[0]!.content)).toEqual({
      kind: APPLIANCE,
      attributes: { 'eu.contrail-project.ovf.url': 'upload:u' },
    });
  });

  it('sends the very same bytes under the same key when the connection was lost', async () => {
    server.answering = () => (server.asked.length === 1 ? { broken: true } : CREATED);
    await client.createAppliance(appliance);
    const [first, second] = server.asked;
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it('asks for a plan on the same URL with ?dry-run', async () => {
    const plan = {
      site: 's',
      digest: '',
      deployable: true,
      unmet: [],
      price: [],
      plan: null,
      unresolved: { blocked: false },
      findings: [],
      sites: [],
    };
    server.answering = () => ({ body: plan, headers: { 'Content-Type': 'application/vnd.vep.plan+json' } });
    expect(await client.planAppliance(appliance)).toEqual(plan);
    expect(server.lines).toEqual(['POST /appliance/?dry-run']);
  });

  it('merges inputs member by member, what was given last counting more', () => {
    expect(
      mergeInputs({ properties: { a: '1', b: '2' }, eulas: ['x'] }, { properties: { b: '3' }, eulas: 'all' }),
    ).toEqual({
      properties: { a: '1', b: '3' },
      eulas: 'all',
    });
  });
});

describe('uploading', () => {
  const content = Buffer.from('0123456789'.repeat(10));
  const source = {
    name: 'a.ova',
    sizeBytes: content.length,
    read: (first: number, length: number) => Promise.resolve(content.subarray(first, first + length)),
  };
  let stored: Buffer;

  /** Keeps what arrives; `spoil` may interfere with a piece. */
  function storing(spoil: (piece: number, asked: Asked) => Reply | undefined = () => undefined): void {
    stored = Buffer.alloc(0);
    let pieces = 0;
    const status = (): Reply => ({
      body: { id: 'u', received: stored.length, complete: stored.length === content.length, reference: 'upload:u' },
    });
    server.answering = (asked) => {
      if (asked.method !== 'PUT') return status();
      const reply = spoil((pieces += 1), asked);
      if (reply) return reply;
      const [, first] = /^bytes (\d+)-(\d+)\/100$/.exec(asked.headers['content-range'] ?? '') ?? [];
      if (Number(first) !== stored.length) return problem(409, 'upload.offset', 'another byte is expected');
      stored = Buffer.concat([stored, asked.body]);
      return status();
    };
  }

  it('announces the file, sends it piece by piece and names it', async () => {
    storing();
    const progress: number[] = [];
    const reference = await client.upload(source, { pieceBytes: 40, progress: (sent) => progress.push(sent) });
    expect(reference).toBe('upload:u');
    expect(stored).toEqual(content);
    expect(progress).toEqual([40, 80, 100]);
    expect(JSON.parse(server.asked[0]!.body.toString())).toEqual({ name: 'a.ova', size: 100 });
  });

  it('asks how much has arrived when a piece was lost with the answer, and sends the rest', async () => {
    storing((piece, asked) => {
      if (piece !== 2) return undefined;
      stored = Buffer.concat([stored, asked.body.subarray(0, 13)]);
      return { broken: true };
    });
    await client.upload(source, { pieceBytes: 40 });
    expect(stored).toEqual(content);
  });

  it('gives up when the server takes nothing, and at once when it refuses', async () => {
    storing(() => problem(409, 'upload.busy', 'another request is sending'));
    await expect(client.upload(source, { pieceBytes: 40 })).rejects.toMatchObject({ status: 409 });
    storing(() => problem(413, 'too-large', 'too large'));
    server.asked.length = 0;
    await expect(client.upload(source, { pieceBytes: 40 })).rejects.toMatchObject({ status: 413 });
    expect(server.lines).toHaveLength(2);
  });
});
