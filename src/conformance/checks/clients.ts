/** What clients in the field send in text, and need in the answers: I-001 … I-027, I-033 … I-035 (`docs/conformance.md`). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { JSON_TYPE, OCCI, PLAIN, URIS, attributeField, cut } from '../message.js';
import { COMPUTE, INFRA, INTERFACE, NETWORK, RESOURCE_TEMPLATE, SSH_KEY, actionId } from '../names.js';
import { Inapplicable } from '../outcome.js';
import { linesOf, readMessage, uris } from '../read/fields.js';
import { STATE, type Trial } from '../trial.js';

const TITLE = 'occi.core.title';
/** rOCCI 4 sends what it accepts as the type of what it sends. */
const BOTH = 'text/plain,text/occi';

/** `compute;scheme="…";class="kind"`, without blanks. */
const tight = (id: string, className: string): string => {
  const { scheme, term } = cut(id);
  return `Category: ${term};scheme="${scheme}";class="${className}"`;
};

/** Lines as rOCCI 4 writes them to make an entity of the kind. */
function lines(trial: Trial, kind: string, more: Readonly<Record<string, string | number>> = {}): string[] {
  const { mixins = [], attributes = {} } = trial.filled(kind, { attributes: more });
  return [
    tight(kind, 'kind'),
    ...mixins.map((id) => tight(id, 'mixin')),
    ...Object.entries(attributes).map(([name, value]) => `X-OCCI-Attribute: ${attributeField(name, value)}`),
  ];
}

async function postLines(
  trial: Trial,
  url: string,
  body: readonly string[],
  type = BOTH,
  kind = trial.subject,
): Promise<Exchange> {
  return trial.post(url, { kind, body: body.join('\n'), type, accept: type });
}

async function created(trial: Trial, exchange: Exchange, kind = trial.subject): Promise<string> {
  trial.status(exchange, 200, 201);
  return trial.made(exchange, trial.location(kind));
}

/** A compute with a network that an inline link could join it with. */
async function inlineLink(trial: Trial, write: (network: string) => string): Promise<void> {
  const kind = trial.need(INTERFACE);
  const network = await trial.make(NETWORK);
  const link = write(network);
  const exchange = await postLines(
    trial,
    trial.location(COMPUTE),
    [...lines(trial, COMPUTE), `Link: ${link}`],
    PLAIN,
    COMPUTE,
  );
  const { links } = await trial.entity(await created(trial, exchange, COMPUTE));
  const shown = links.filter(({ category }) => category.includes(kind.id));
  trial.equal(
    shown.map(({ target }) => trial.peer.resolve(target)),
    [network],
    'the target of its link',
  );
}

/** Answers to everything that a client does with an entity. */
async function life(trial: Trial): Promise<Exchange[]> {
  const path = await trial.make();
  await trial.get(path);
  await trial.get('/-/');
  await trial.get(trial.location(trial.subject), URIS);
  await trial.send('PUT', path, trial.filled(trial.subject));
  await trial.post(path, { attributes: { [TITLE]: `${trial.peer.mark} x` } });
  await trial.send('DELETE', path);
  await trial.get(path);
  return trial.exchanges;
}

export const CLIENT_CHECKS: Checks = {
  'I-001': {
    how: 'the same lines, the same list as Content-Type and Accept',
    run: async (trial) => {
      const kind = trial.model.get(COMPUTE) ? COMPUTE : trial.subject;
      const body = lines(trial, kind, { 'occi.core.id': crypto.randomUUID() });
      const exchange = await postLines(trial, trial.location(kind), body, BOTH, kind);
      trial.status(exchange, 201);
      const location = exchange.header('location');
      trial.holds(location !== undefined, 'there is no Location');
      trial.equal(readMessage(exchange).locations, [location], 'X-OCCI-Location');
    },
  },
  'I-002': {
    how: 'GET of the root',
    run: async (trial) => {
      const exchange = await trial.get('/');
      trial.status(exchange, 200, 204);
      const accept = exchange.header('accept') ?? '';
      trial.holds(accept.includes(PLAIN) && accept.includes(OCCI), `Accept is "${accept}"`);
    },
  },
  'I-003': {
    how: 'every line of a collection in text/uri-list against the endpoint',
    run: async (trial) => {
      await trial.make();
      const exchange = await trial.get(trial.location(trial.subject), URIS);
      trial.status(exchange, 200);
      for (const uri of uris(exchange.body))
        trial.holds(uri.startsWith(`${trial.peer.options.wire.origin}/`), `${uri} is not below the endpoint`);
    },
  },
  'I-004': {
    how: 'POST of the full Category line of a resource template to a compute',
    run: async (trial) => {
      const [one, other] = trial.model.dependingOn(RESOURCE_TEMPLATE).map(({ id }) => id);
      if (one === undefined || other === undefined) throw new Inapplicable('the server offers no two templates');
      const path = await trial.make(COMPUTE, { mixins: [one] });
      const full = trial.model.fields.find(({ id }) => id === other)?.raw ?? '';
      const exchange = await trial.post(path, { body: `Category: ${full}`, type: BOTH, accept: BOTH });
      trial.status(exchange, 200, 201, 202, 204);
      const { categories } = await trial.entity(path);
      trial.holds(
        categories.some(({ id }) => id === other),
        `${other} is not on the compute`,
      );
    },
  },
  'I-005': {
    how: 'stop with a quoted method; in 1.1 resize of a storage with a bare number',
    run: async (trial) => {
      const path = await trial.active();
      const stop = [tight(actionId('compute', 'stop'), 'action'), 'X-OCCI-Attribute: method="graceful"'];
      trial.status(await trial.post(`${path}?action=stop`, { body: stop.join('\n'), type: BOTH }), 200, 202, 204);
      await trial.until(path, STATE, 'inactive');
    },
  },
  'I-006': {
    how: 'a compute is made with both',
    run: async (trial) => {
      trial.need(SSH_KEY);
      const mixins = [
        'http://schemas.openstack.org/instance/credentials#public_key',
        'http://schemas.openstack.org/compute/instance#user_data',
      ];
      const attributes = {
        'org.openstack.credentials.publickey.name': 'conformance',
        'org.openstack.credentials.publickey.data': 'ssh-ed25519 AAAA conformance',
        'org.openstack.compute.user_data': 'I2Nsb3VkLWNvbmZpZwo=',
      };
      const exchange = await trial.post(trial.location(COMPUTE), trial.filled(COMPUTE, { mixins, attributes }));
      trial.status(exchange, 200, 201);
    },
  },
  'I-007': {
    how: 'locations of these kinds in /-/, of those that are offered',
    run: async (trial) => {
      await trial.discover();
      for (const term of ['compute', 'network', 'storage', 'securitygroup', 'ipreservation']) {
        const { location } = trial.model.get(INFRA + term) ?? {};
        if (location !== undefined) trial.holds(location.includes(`/${term}/`), `${term} is at ${location}`);
      }
    },
  },
  'I-008': {
    how: 'GET without credentials',
    run: async (trial) => trial.status(await trial.get('/-/', undefined, { as: 'nobody' }), 401),
  },
  'I-009': {
    how: 'every Category line of /-/',
    run: async (trial) => {
      for (const { raw } of (await trial.discover()).categories)
        trial.holds(SUITE_LINE.test(raw), `not as clients read it: ${raw}`);
    },
  },
  'I-010': {
    how: 'a compute with little memory, and a network',
    run: async (trial) => {
      const path = await trial.make(COMPUTE, { attributes: { 'occi.compute.memory': 0.25 } });
      for (const raw of (await trial.entity(path)).rawAttributes)
        trial.holds(!/=(-|\+|\.\d|\d[\d.]*e)/i.test(raw), `clients cannot read ${raw}`);
    },
  },
  'I-011': {
    how: '/-/ for a client of 1.1',
    run: async (trial) => {
      for (const { id, term, attributes } of (await trial.discover()).categories) {
        trial.holds(/^[a-z][a-z0-9_-]*$/.test(term), `the term of ${id}`);
        for (const { name } of attributes) trial.holds(!/[A-Z]/.test(name), `the attribute ${name} of ${id}`);
      }
    },
  },
  'I-012': {
    how: 'titles in /-/',
    run: async (trial) => {
      for (const { id, title = '' } of (await trial.discover()).categories)
        trial.holds(!title.includes(','), `the title of ${id} is "${title}"`);
    },
  },
  'I-013': {
    how: 'answers to everything that is done with an entity',
    run: async (trial) => {
      for (const exchange of await life(trial))
        trial.holds(
          exchange.header('content-type') !== undefined,
          `${exchange.summary} without Content-Type`,
          exchange,
        );
    },
  },
  'I-014': {
    how: 'the first Category of an entity in text/plain and text/occi',
    run: async (trial) => {
      const path = await trial.make();
      await trial.tagged([path]);
      const plain = await trial.get(path, PLAIN);
      trial.holds(/^Category: /.test(plain.body), 'it does not begin with "Category: "', plain);
      for (const exchange of [plain, await trial.get(path, OCCI)]) {
        const { categories, attributes } = readMessage(exchange);
        trial.equal(categories[0]?.id, trial.subject, 'the first category', exchange);
        trial.holds(attributes.has('occi.core.id'), 'there is no occi.core.id', exchange);
      }
    },
  },
  'I-015': {
    how: 'a title of digits without quotes',
    run: async (trial) => {
      const body = lines(trial, trial.subject).filter((line) => !line.includes(TITLE));
      const exchange = await postLines(
        trial,
        trial.location(trial.subject),
        [...body, `X-OCCI-Attribute: ${TITLE}=12345`],
        PLAIN,
      );
      const path = await created(trial, exchange);
      trial.equal(await trial.value(path, TITLE), '12345', TITLE);
    },
  },
  'I-016': {
    how: 'a kind with a boolean that a client may set is made with "true"',
    run: async (trial) => {
      for (const kind of trial.model.kinds) {
        const boolean = kind.attributes.find(({ type, mutable }) => type === 'boolean' && mutable);
        if (boolean === undefined) continue;
        await trial.make(kind.id).catch(() => Promise.reject(new Inapplicable(`no ${kind.term} can be made for it`)));
        const body = [...lines(trial, kind.id), `X-OCCI-Attribute: ${boolean.name}="true"`];
        await created(trial, await postLines(trial, trial.location(kind.id), body, PLAIN, kind.id), kind.id);
        return;
      }
      throw new Inapplicable('no kind has a boolean that a client may set');
    },
  },
  'I-017': {
    how: 'field names in small letters',
    run: async (trial) => {
      const body = lines(trial, trial.subject).map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase()));
      const path = await created(trial, await postLines(trial, trial.location(trial.subject), body, PLAIN));
      trial.equal(await trial.value(path, TITLE), trial.peer.mark, TITLE);
    },
  },
  'I-018': {
    how: 'a blank line first, each line end, a semicolon at the end of the Category',
    run: async (trial) => {
      const [category = '', ...rest] = lines(trial, trial.subject);
      for (const end of ['\n', '\r\n']) {
        const body = ['', `${category};`, ...rest, ''].join(end);
        const exchange = await trial.post(trial.location(trial.subject), { kind: trial.subject, body });
        trial.equal(await trial.value(await created(trial, exchange), TITLE), trial.peer.mark, TITLE);
      }
    },
  },
  'I-019': {
    how: 'POST of a Category without class',
    run: async (trial) => {
      const body = lines(trial, trial.subject).map((line) => line.replace(';class="kind"', ''));
      await created(trial, await postLines(trial, trial.location(trial.subject), body, PLAIN));
    },
  },
  'I-020': {
    how: 'POST of an entity to /',
    run: async (trial) => {
      const path = await created(trial, await trial.post('/', trial.filled(trial.subject)));
      const { categories } = await trial.entity(path);
      trial.holds(
        categories.some(({ id }) => id === trial.subject),
        `it is not of the kind ${trial.subject}`,
      );
    },
  },
  'I-021': {
    how: 'POST of a mixin with such a rel',
    run: async (trial) => {
      await trial.tag();
      const definition = {
        ...trial.definition(trial.peer.word()),
        rel: 'http://example.com/occi/something_else#mixin',
      };
      trial.status(await trial.post('/-/', { define: [definition] }), 200);
    },
  },
  'I-022': {
    how: 'a title with blanks and a comma as filter',
    run: async (trial) => {
      const title = `${trial.peer.word()} a b, c`;
      const path = await trial.make(trial.subject, { attributes: { [TITLE]: title } });
      const filter = { attributes: { [TITLE]: title }, type: OCCI };
      trial.equal(await trial.list(trial.location(trial.subject), filter), [path], 'what is listed');
    },
  },
  'I-023': {
    how: 'X-OCCI-Location of a collection and of a creation',
    run: async (trial) => {
      const exchange = await trial.post(trial.location(trial.subject), {
        ...trial.filled(trial.subject),
        accept: PLAIN,
      });
      await created(trial, exchange);
      const list = await trial.get(trial.location(trial.subject), PLAIN);
      for (const each of [exchange, list])
        for (const url of readMessage(each).locations)
          trial.holds(/^https?:\/\/[^/]+\//.test(url), `${url} is not absolute`, each);
    },
  },
  'I-024': {
    how: 'PUT of all that GET showed of a compute with a link',
    run: async (trial) => {
      const { source, link } = await trial.linked();
      await trial.until(link, stateName(link), 'active', 'inactive');
      const { body } = await trial.get(source, PLAIN);
      trial.status(await trial.send('PUT', source, { body, accept: PLAIN }), 200, 201);
      const shown = (await trial.entity(source)).links.flatMap(({ self }) =>
        self === undefined ? [] : [trial.peer.resolve(self)],
      );
      trial.equal(shown, [link], 'its links');
    },
  },
  'I-025': {
    how: 'POST of an entity with occi.core.id',
    run: async (trial) => {
      const attributes = { 'occi.core.id': crypto.randomUUID() };
      await created(
        trial,
        await trial.post(trial.location(trial.subject), trial.filled(trial.subject, { attributes })),
      );
    },
  },
  'I-026': {
    how: 'a compute is made with such a Link',
    run: (trial) =>
      inlineLink(
        trial,
        (network) => `<bogus>; rel="${NETWORK}"; category="${INTERFACE}"; occi.core.target="${network}"`,
      ),
  },
  'I-027': {
    how: 'a compute is made with such a Link',
    run: (trial) =>
      inlineLink(
        trial,
        (network) => `<${network}>; category="${INTERFACE}"; category="${INTERFACE}"; rel="${NETWORK}"`,
      ),
  },
  'I-033': {
    how: 'POST with text/plain; charset=utf-8, and with JSON likewise where there is some',
    run: async (trial) => {
      const body = lines(trial, trial.subject);
      await created(trial, await postLines(trial, trial.location(trial.subject), body, 'text/plain; charset=utf-8'));
      if (trial.model.json === undefined) return;
      const json = JSON.stringify({ kind: trial.subject, title: trial.peer.mark, attributes: jsonAttributes(trial) });
      const type = `${JSON_TYPE}; charset=utf-8`;
      await created(trial, await trial.post(trial.location(trial.subject), { kind: trial.subject, body: json, type }));
    },
  },
  'I-034': {
    how: 'page and number with either',
    run: async (trial) => {
      await trial.make();
      const location = trial.location(trial.subject);
      const [one, other] = [
        await trial.get(`${location}?page=1&number=1`, URIS),
        await trial.get(`${location}?page=1;number=1`, URIS),
      ];
      if (uris(one.body).length > 1) throw new Inapplicable('the server has no pages');
      trial.status(other, 200);
      trial.equal(uris(other.body), uris(one.body), 'what is listed');
    },
  },
  'I-035': {
    how: '/-/ in text/occi and in text/plain',
    run: async (trial) => {
      const headers = await trial.get('/-/', OCCI);
      if (headers.status === 406) return;
      trial.status(headers, 200);
      const plain = await trial.get('/-/', PLAIN);
      trial.equal(
        readMessage(headers).categories.length,
        linesOf(plain.body).length,
        'the number of categories',
        headers,
      );
    },
  },
};

/** One blank after each `;`, class quoted, parameters in order, none empty. */
const SUITE_LINE =
  /^[A-Za-z0-9][A-Za-z0-9._-]*; scheme="[^"]+"; class="(kind|mixin|action)"(; title="([^"\\]|\\.)+")?(; rel="[^"]+")?(; location="[^"]+")?(; attributes="[^"]+")?(; actions="[^"]+")?$/;

const stateName = (path: string): string =>
  path.includes('storagelink') ? 'occi.storagelink.state' : 'occi.networkinterface.state';

function jsonAttributes(trial: Trial): Record<string, string | number | boolean> {
  const { attributes = {} } = trial.filled(trial.subject);
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.startsWith('occi.core.')));
}
