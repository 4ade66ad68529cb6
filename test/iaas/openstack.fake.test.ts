/**
 * The fake OpenStack answers as the real one was recorded to answer (`openstack/transcript.txt` of the shared data): the same
 * status, the same members where it tells of a thing, the same words where it refuses.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeOpenStack } from '../support/fake-openstack/index.js';
import type { Json } from '../support/fake-openstack/answers.js';

const FILE = join(process.env['VEP_TEST_SHARED'] ?? '/nowhere', 'openstack/transcript.txt');
const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : undefined;
if (text === undefined) console.info('skipped: VEP_TEST_SHARED has no openstack/transcript.txt');
const described = text === undefined ? describe.skip : describe;

/** An exchange of the recording whose request looks like this: its status and its answer. */
function recorded(method: string, path: RegExp, status: number, asked = /^/): string {
  const exchanges = (text ?? '').split('\n>>> ').slice(1);
  for (const exchange of exchanges) {
    const [request = '', answer = ''] = exchange.split(/\n<<< /, 2);
    const [, verb, url = ''] = /^(\w+) (\S+)/.exec(request) ?? [];
    if (verb !== method || !path.test(url) || !answer.startsWith(String(status)) || !asked.test(request)) continue;
    return answer.slice(answer.indexOf('\n') + 1).trim();
  }
  throw new Error(`nothing recorded: ${method} ${path.source} ${status}`);
}

/** Members of a recorded object, also of one whose recording was cut. */
function membersOf(document: string, under: string): string[] {
  const at = document.indexOf(`"${under}": {`);
  const found: string[] = [];
  let depth = 0;
  for (const match of document.slice(at + under.length + 4).matchAll(/"((?:[^"\\]|\\.)*)"(:)?|[{}[\]]/g)) {
    if (match[0] === '{' || match[0] === '[') depth += 1;
    else if (match[0] === '}' || match[0] === ']') depth -= 1;
    else if (match[2] !== undefined && depth === 1) found.push(match[1] ?? '');
    if (depth === 0 && found.length > 0) break;
  }
  return found;
}

described('the fake OpenStack', () => {
  let fake: FakeOpenStack;
  let token: string;

  beforeEach(async () => {
    fake = await FakeOpenStack.start({ stepMs: 0 });
    const identity = { methods: ['password'], password: { user: { name: 'alice', password: fake.password } } };
    const answer = await ask('POST', '/identity/v3/auth/tokens', {
      auth: { identity, scope: { project: { name: 'project-a' } } },
    });
    token = answer.headers.get('x-subject-token') ?? '';
  });
  afterEach(() => fake.close());

  async function ask(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string; readonly json: Json }> {
    const answer = await fetch(`${fake.url}${path}`, {
      method,
      headers: { 'x-auth-token': token ?? '', 'openstack-api-version': 'compute 2.79', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await answer.text();
    return {
      status: answer.status,
      headers: answer.headers,
      text: said,
      json: said.startsWith('{') ? JSON.parse(said) : undefined,
    };
  }

  const volumes = (): string => `/volume/v3/${fake.project.id}/volumes`;

  it.each([
    ['a network', '/network/v2.0/networks', { network: { name: 'net1' } }, /\/networks$/, 201, 'network'],
    ['a volume', 'volumes', { volume: { name: 'data1', size: 1 } }, /\/volumes$/, 202, 'volume'],
    ['an image', '/image/v2/images', { name: 'vep-img', disk_format: 'qcow2' }, /\/images$/, 201, undefined],
  ] as const)('tells of %s what the real one tells', async (_what, path, body, recordedPath, status, under) => {
    const made = await ask('POST', path === 'volumes' ? volumes() : path, body);
    expect(made.status).toBe(status);
    const answer = recorded('POST', recordedPath, status);
    const theirs = under === undefined ? Object.keys(JSON.parse(answer) as object) : membersOf(answer, under);
    const ours = Object.keys(under === undefined ? made.json : made.json[under]);
    expect(theirs).toEqual(expect.arrayContaining(ours));
  });

  it('tells of a server what the real one tells, through the same states', async () => {
    const image = fake.foreignImage();
    const server = { name: 'web1', flavorRef: '1', imageRef: image, networks: 'none', tags: ['vep'] };
    const made = await ask('POST', '/compute/v2.1/servers', { server });
    expect(made.status).toBe(202);
    const shown = await ask('GET', `/compute/v2.1/servers/${made.json.server.id}`);
    const theirs = membersOf(recorded('GET', /\/servers\/[^/]+$/, 200, /2\.79/), 'server');
    // What only an administrator sees, and what only a failed server has.
    const ours = Object.keys(shown.json.server).filter((name) => !name.startsWith('OS-EXT-SRV-ATTR'));
    expect(theirs).toEqual(expect.arrayContaining(ours));
    expect(shown.json.server.status).toBe('ACTIVE');
    expect(Object.keys(shown.json.server.flavor)).toEqual([
      'vcpus',
      'ram',
      'disk',
      'ephemeral',
      'swap',
      'original_name',
      'extra_specs',
    ]);
  });

  it('refuses a token that it has not given, and credentials that are wrong, in the words of Keystone', async () => {
    token = 'nonsense';
    const refused = await ask('GET', '/compute/v2.1/servers');
    expect(refused.status).toBe(401);
    expect(refused.json).toEqual(JSON.parse(recorded('GET', /\/servers$/, 401)));
    const identity = { methods: ['password'], password: { user: { name: 'alice', password: 'bad' } } };
    const wrong = await ask('POST', '/identity/v3/auth/tokens', { auth: { identity } });
    expect(wrong.json).toEqual(JSON.parse(recorded('POST', /\/auth\/tokens$/, 401)));
  });

  it('refuses a microversion that it does not know', async () => {
    const refused = await ask('GET', '/compute/v2.1/servers', undefined, { 'openstack-api-version': 'compute 2.999' });
    expect([refused.status, refused.json]).toEqual([406, JSON.parse(recorded('GET', /\/servers$/, 406))]);
  });

  it.each([
    [{ name: 'x', flavorRef: '99', networks: 'none' }, 400, /"99"/],
    [{ name: 'x', flavorRef: '1', networks: 'none', imageRef: '638cc3c8-ab17-4813-a711-47161fea2ed0' }, 400, /2ed0/],
  ])('refuses the server %j', async (server, status, asked) => {
    const refused = await ask('POST', '/compute/v2.1/servers', { server });
    expect([refused.status, refused.json]).toEqual([status, JSON.parse(recorded('POST', /\/servers$/, status, asked))]);
  });

  it('refuses quotas as Nova and Cinder do', async () => {
    fake.project.quota = { ...fake.project.quota, cores: 20, ram: 51_200, volumes: 2 };
    const server = { name: 'huge', flavorRef: '4', imageRef: fake.foreignImage(), networks: 'none' };
    const compute = await ask('POST', '/compute/v2.1/servers', { server });
    expect(compute.status).toBe(403);
    expect(compute.json.forbidden.message).toMatch(
      /^Quota exceeded for cores, ram: Requested 64, 262144, but already used 0, 0 of 20, 51200 cores, ram$/,
    );
    for (const name of ['one', 'two']) await ask('POST', volumes(), { volume: { name, size: 1 } });
    const volume = await ask('POST', volumes(), { volume: { size: 1, name: 'q2' } });
    expect([volume.status, volume.json]).toEqual([413, JSON.parse(recorded('POST', /\/volumes$/, 413, /q2/))]);
    expect(volume.headers.get('retry-after')).toBe('0');
  });

  it('refuses what is there already, and what is not there, as Glance does', async () => {
    const { json } = await ask('POST', '/image/v2/images', { name: 'vep-img', disk_format: 'qcow2' });
    for (const status of [204, 409]) {
      const path = `/image/v2/images/${json.id}/file`;
      const answer = await fetch(`${fake.url}${path}`, {
        method: 'PUT',
        headers: { 'x-auth-token': token },
        body: 'x',
      });
      expect(answer.status).toBe(status);
      if (status === 409) expect((await answer.text()).trim()).toBe(recorded('PUT', /\/file$/, 409));
    }
  });
});
