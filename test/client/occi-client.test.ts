/** What other servers than a VEP answer and are sent, as the field has it (`spec/occi.md` §5.8–5.11, §14). */

import { refusalOf } from '../../src/client/occi-answers.js';
import { OcciClient, type OcciRequestSent } from '../../src/client/occi-client.js';
import { renderedAttributes, type Rendering } from '../../src/client/occi-requests.js';
import { discoveryOf, locationsIn, type OcciAnswer } from '../../src/client/text-answers.js';
import { asIaasError } from '../../src/iaas/adapters/occi/refusals.js';
import { COMPUTE, OS_TPL, type Attributes, type EntityView } from '../../src/occi/model.js';
import { parseTextOcci, parseTextPlain } from '../../src/occi/text/index.js';

const INFRASTRUCTURE = 'http://schemas.ogf.org/occi/infrastructure#';
const MODEL = `Category: compute; scheme="${INFRASTRUCTURE}"; class="kind"; location="/compute/"`;
const KIND = `Category: compute; scheme="${INFRASTRUCTURE}"; class="kind"`;
const PLAIN = { 'content-type': 'text/plain' };
const HEADERS = { 'content-type': 'text/occi' };
const JSON_ANSWER = { 'content-type': 'application/occi+json' };
const MACHINE: EntityView = { id: '', kind: COMPUTE, mixins: [], actions: [], links: [], attributes: {} };

const answer = (headers: Record<string, string>, text = '', status = 200): OcciAnswer => ({ status, headers, text });

/** A client of a server that answers everything but the query interface so. */
function clientOf(say: (request: OcciRequestSent) => OcciAnswer): OcciClient {
  return new OcciClient('http://server.example.org/', (request) =>
    Promise.resolve(request.path === '/-/' ? answer(PLAIN, MODEL) : say(request)),
  );
}

describe('lists', () => {
  const [one, two] = ['http://h/compute/1', 'http://h/compute/2'];
  it.each([
    ['X-OCCI-Location of text/occi', answer({ ...HEADERS, 'x-occi-location': `${one}, ${two}` }, 'OK')],
    ['Location of text/occi alone, as rOCCI-server 1 has it', answer({ ...HEADERS, location: `${one},${two}` }, 'OK')],
    ['both, as jOCCI wants it', answer({ ...HEADERS, 'x-occi-location': `${one}, ${two}`, location: `${one},${two}` })],
    ['lines', answer(PLAIN, `X-OCCI-Location: ${one}\nX-OCCI-Location: ${two}`)],
    [
      'lower-case lines after an empty one, as erocci',
      answer(PLAIN, `\nx-occi-location: ${one}\nx-occi-location: ${two}`),
    ],
    ['text/uri-list', answer({ 'content-type': 'text/uri-list' }, `${one}\r\n${two}\r\n`)],
    [
      'text/uri-list below a comment, as pyssf',
      answer({ 'content-type': 'text/uri-list' }, `# uri:/compute/\r\n${one}\n${two}`),
    ],
  ])('are read from %s', (_form, listed) => expect(locationsIn(listed)).toEqual([one, two]));

  it('are read from a header of any length', () => {
    const urls = Array.from({ length: 5000 }, (_, index) => `http://h/compute/${index}`);
    expect(locationsIn(answer({ ...HEADERS, 'x-occi-location': urls.join(', ') }))).toEqual(urls);
  });
});

describe('the query interface', () => {
  it('names each category once', () => {
    const template = `Category: debian; scheme="http://x/os_tpl#"; class="mixin"; rel="${OS_TPL}"; location="/debian/"`;
    const { kinds, mixins } = discoveryOf(answer(PLAIN, `${MODEL}\n${template}`), 'text/plain');
    expect([kinds, mixins].map((each) => each.map(({ term }) => term))).toEqual([['compute'], ['debian']]);
  });

  it('is found at the well-known place where /-/ is not', async () => {
    const asked: string[] = [];
    const client = new OcciClient('http://server.example.org/', ({ path }) => {
      asked.push(path);
      return Promise.resolve(path === '/-/' ? answer(PLAIN, 'no', 404) : answer(PLAIN, MODEL));
    });
    expect((await client.peer()).discovery.locationOf(COMPUTE)).toBe('/compute/');
    expect(asked).toEqual(['/-/', '/.well-known/org/ogf/occi/-/']);
  });
});

describe('the version', () => {
  /** What a client called itself: first for the query interface, and then for an entity. */
  async function agents(server: string, rendering?: Rendering, only11 = false): Promise<string[]> {
    const asked: string[] = [];
    const client = new OcciClient(
      'http://server.example.org/',
      ({ path, headers }) => {
        const agent = headers['User-Agent'] ?? '';
        asked.push(/OCCI\/1\.[0-9]/.exec(agent)?.[0] ?? '');
        if (only11 && agent.includes('OCCI/1.2')) return Promise.resolve(answer(PLAIN, 'not my version', 501));
        return Promise.resolve(answer({ ...PLAIN, server }, path === '/-/' ? MODEL : KIND));
      },
      rendering,
    );
    await client.get('/compute/1');
    return asked;
  }

  it.each<[string, string, Rendering | undefined, boolean, string[]]>([
    [
      '1.2 in text too, where the server says that it speaks it',
      'vep/1 OCCI/1.1 OCCI/1.2',
      'text/plain',
      false,
      ['1.2', '1.2'],
    ],
    ['1.2 where it is found to speak text alone', 'other/1 OCCI/1.2', undefined, false, ['1.2', '1.2']],
    ['1.1 in text of a server of that', 'other/1 OCCI/1.1', 'text/plain', false, ['1.2', '1.1']],
    ['1.1 in text of a server that says nothing', '', undefined, false, ['1.2', '1.1']],
    ['1.1 of a server that serves nobody who says more', 'other/1 OCCI/1.1', undefined, true, ['1.2', '1.1', '1.1']],
  ])('is %s', async (_what, server, rendering, only11, versions) => {
    expect(await agents(server, rendering, only11)).toEqual(versions.map((each) => `OCCI/${each}`));
  });
});

describe('a creation', () => {
  const id = '01890000-0000-7000-8000-000000000001';
  const made = { kind: COMPUTE, id: `urn:uuid:${id}` };
  it.each([
    ['in Location', answer({ ...PLAIN, location: `http://h/compute/${id}` }, 'OK', 201)],
    ['in Location of text/occi', answer({ ...HEADERS, location: `/compute/${id}` }, 'OK', 201)],
    ['in the body alone, as rOCCI-server 1 and ooi', answer(PLAIN, `X-OCCI-Location: http://h/compute/${id}\n`)],
    ['in Location without a body', answer({ location: `http://h/compute/${id}` }, '', 204)],
    ['in Location though accepted only', answer({ ...PLAIN, location: `http://h/compute/${id}` }, 'OK', 202)],
    ['by a list in JSON, as rOCCI-server 2', answer(JSON_ANSWER, JSON.stringify([`http://h/compute/${id}`]), 201)],
    ['by the entity as text', answer(PLAIN, `${KIND}\nX-OCCI-Attribute: occi.core.id="${id}"\n`)],
    [
      'by the entity in headers',
      answer(
        { ...HEADERS, category: KIND.slice('Category: '.length), 'x-occi-attribute': `occi.core.id="${id}"` },
        'OK',
      ),
    ],
    ['by the entity in JSON', answer(JSON_ANSWER, JSON.stringify(made))],
    ['by a collection in JSON, as ooi', answer(JSON_ANSWER, JSON.stringify({ resources: [made] }))],
  ])('says where the entity is %s', async (_form, reply) => {
    const client = clientOf(() => reply);
    expect(await client.create(MACHINE, 'key')).toBe(`/compute/${id}`);
  });

  it('is no machine yet where the server answers with a task', async () => {
    const client = clientOf(({ method }) => {
      if (method === 'POST') return answer({ location: 'http://h/tasks/1' }, '', 202);
      return { ...answer(PLAIN, KIND), from: `/compute/${id}` };
    });
    await expect(client.create(MACHINE, 'key')).rejects.toMatchObject({ name: 'Deferred', task: '/tasks/1' });
    expect(await client.madeBy('/tasks/1')).toBe(`/compute/${id}`);
  });

  it.each([
    ['no place at all', answer(PLAIN, KIND, 201)],
    ['a collection of nothing', answer(JSON_ANSWER, '{"resources": []}', 201)],
  ])('that names %s is no answer', async (_what, reply) => {
    await expect(clientOf(() => reply).create(MACHINE, 'key')).rejects.toMatchObject({ name: 'NoAnswer' });
  });
});

describe('a refusal', () => {
  const words = 'Quota exceeded for cores: requested 4';
  it.each([
    ['a header, as rOCCI-server 2 and ooi in text/occi', answer({ ...HEADERS, 'x-occi-error': words }, '', 403)],
    ['message of JSON, as ooi', answer(JSON_ANSWER, JSON.stringify({ code: 403, message: words }), 403)],
    [
      'error of JSON, as rOCCI-server 2',
      answer(JSON_ANSWER, JSON.stringify({ status: 'forbidden', error: words }), 403),
    ],
    ['the first line of text', answer(PLAIN, `${words}\nfor that account`, 403)],
    ['faults, as a VEP', answer(JSON_ANSWER, JSON.stringify({ faults: [{ code: 'vo.quota', message: words }] }), 403)],
  ])('is told by %s', (_form, refused) => {
    expect(asIaasError(refusalOf(refused))).toMatchObject({ class: 'quota', message: words });
  });

  it.each([
    ['JSON without words', answer(JSON_ANSWER, '{"status": 3}', 409), 'conflict', 'the server answered 409'],
    ['a page', answer({ 'content-type': 'text/html' }, '<html>no</html>', 403), 'denied', 'the server answered 403'],
    [
      '304, where the cloud behind rOCCI-server 1 did not do it',
      answer({}, '', 304),
      'fatal',
      'the server answered 304',
    ],
  ])('without words is told by its status: %s', (_form, refused, errorClass, message) => {
    expect(asIaasError(refusalOf(refused))).toMatchObject({ class: errorClass, message });
  });
});

describe('values', () => {
  const VALUES: Attributes = {
    title: 'größe ☃, "quoted" \\ and; more',
    rules: [{ protocol: 'tcp', type: 'inbound' }],
    small: 4.76837158203125e-7,
    large: 1e21,
    yes: true,
  };
  const READ = {
    title: VALUES['title'],
    rules: '[{"protocol":"tcp","type":"inbound"}]',
    small: 4.76837158203125e-7,
    large: 1e21,
    yes: true,
  };
  const read = ({ headers, text }: ReturnType<typeof renderedAttributes>): Record<string, unknown> => {
    const { entities } = text === '' ? parseTextOcci(Object.entries(headers)) : parseTextPlain(text);
    return Object.fromEntries([...(entities[0]?.attributes ?? [])].map(([name, { value }]) => [name, value]));
  };

  it.each<Rendering>(['text/plain', 'text/occi'])('of an update are written in the grammar of %s', (rendering) => {
    const request = renderedAttributes(VALUES, rendering);
    expect(read(request)).toEqual(READ);
    expect(JSON.stringify(request)).not.toMatch(/[0-9]e[+-]?[0-9]/);
    // What is no latin-1 no header can carry.
    for (const value of Object.values(request.headers))
      expect(Buffer.from(value, 'latin1').toString('latin1')).toBe(value);
  });

  it('with line ends stay on their line', () => {
    const { text } = renderedAttributes({ name: 'a\r\nX-OCCI-Attribute: b="c"' }, 'text/plain');
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  it('of an action stand behind its category', () => {
    const action = 'http://schemas.ogf.org/occi/infrastructure/compute/action#stop';
    const { text } = renderedAttributes({ method: 'graceful' }, 'text/plain', action);
    expect(text).toBe(
      'Category: stop; scheme="http://schemas.ogf.org/occi/infrastructure/compute/action#"; class="action"\r\n' +
        'X-OCCI-Attribute: method="graceful"\r\n',
    );
    expect(JSON.parse(renderedAttributes({ method: 'graceful' }, 'application/occi+json', action).text)).toEqual({
      action,
      attributes: { method: 'graceful' },
    });
  });
});
