/**
 * The policy as it is felt: every route, by every role, on what is their own, their group's and somebody else's, against
 * the tables of `docs/access/roles.md`. `VEP_WRITE_PAGE=1` writes what the server does into the page, to be read before
 * it is committed.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decide, VERBS } from '../../src/access/policy.js';
import { ROLES, type Role } from '../../src/access/principal.js';
import { Wire } from '../infrastructure/wire.js';
import { forEachServer, type Reply, type RequestOptions, type TestServer } from '../support/server.js';

const PAGE = 'docs/access/roles.md';
const CONTRAIL = 'http://schemas.contrail-project.eu/occi/';
const OGF = 'http://schemas.ogf.org/occi/';
const A = 'eu.contrail-project.vo.';
const OWNERSHIPS = ['own', 'group', 'foreign'] as const;
const COLUMNS = [...ROLES, 'nobody'] as const;
type Column = (typeof COLUMNS)[number];

const accounts = [
  ...ROLES.map((role) => ({ name: `a-${role}`, roles: [role], group: 'lab' })),
  { name: 'maker', roles: ['user'] as const, group: 'lab' },
  { name: 'other', roles: ['user'] as const, group: 'elsewhere' },
];
let server: () => TestServer;
const wire = new Wire(() => server());
const as = (column: Column): RequestOptions => ({ as: column === 'nobody' ? null : `a-${column}` });
const ADMIN = { as: 'admin' } as const;

/** Kinds that the policy treats alike, and the one that stands for them. */
interface Sort {
  readonly title: string;
  readonly location: string;
  readonly kind: string;
  /** Members of a new one; each is made by an administrator. */
  readonly sample: (number: number) => Record<string, unknown>;
  readonly actions: readonly (readonly [term: string, type: string])[];
}

const SORTS: readonly Sort[] = [
  {
    title: 'What tenants make: appliances, machines, networks, disks, links and the rest',
    location: '/compute/',
    kind: `${OGF}infrastructure#compute`,
    sample: () => ({}),
    actions: [['start', `${OGF}infrastructure/compute/action#start`]],
  },
  {
    title: 'Agreements',
    location: '/agreement/',
    kind: `${OGF}sla#agreement`,
    sample: () => ({}),
    actions: [
      ['accept', `${OGF}sla#accept`],
      ['terminate', `${OGF}sla#terminate`],
    ],
  },
  {
    title: 'Virtual Organizations',
    location: '/vo/',
    kind: `${CONTRAIL}vo#vo`,
    sample: (number) => ({ [`${A}name`]: `vo-${number}` }),
    actions: [['suspend', `${CONTRAIL}vo/action#suspend`]],
  },
  {
    title: 'What is set aside for a Virtual Organization',
    location: '/vo-provision/',
    kind: `${CONTRAIL}vo#provision`,
    sample: () => ({
      [`${A}name`]: 'lab',
      [`${A}provision.type`]: 'network',
      [`${A}provision.reference`]: network,
    }),
    actions: [],
  },
  {
    title: 'Members of a Virtual Organization',
    location: '/vo-member/',
    kind: `${CONTRAIL}vo#member`,
    sample: (number) => ({ [`${A}name`]: 'lab', [`${A}member.subject`]: `local:nobody-${number}` }),
    actions: [],
  },
  {
    title: 'Shares of its groups and users',
    location: '/vo-quota/',
    kind: `${CONTRAIL}vo#quota`,
    sample: (number) => ({ [`${A}name`]: 'lab', [`${A}quota.subject`]: `local:nobody-${number}` }),
    actions: [],
  },
];

/** URLs beside OCCI, with what makes a request to each that gets as far as the permission. */
const BESIDE: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', '/-/'],
  ['GET', '/'],
  ['GET', '/health'],
  ['GET', '/health/live'],
  ['GET', '/health/ready'],
  ['GET', '/health/sites'],
  ['GET', '/health/sites/sim/check'],
  ['GET', '/health/sites/sim/inventory'],
  ['GET', '/health/sites/sim/usage'],
  ['GET', '/health/surroundings'],
  ['GET', '/health/operations'],
  ['POST', '/health/operations/00000000-0000-4000-8000-000000000000/retry'],
  ['POST', '/health/entities/00000000-0000-4000-8000-000000000000/forget'],
  ['GET', '/health/trust'],
  ['POST', '/health/trust/reload'],
  ['GET', '/health/image-lists'],
  ['POST', '/health/image-lists/refresh'],
  ['GET', '/metrics'],
  ['GET', '/.well-known/org/ogf/occi/-/'],
  ['GET', '/events/operations'],
  ['GET', '/events/audit'],
  ['GET', '/events/?subject=00000000-0000-4000-8000-000000000000'],
  ['POST', '/upload/', '{"size":1}'],
  ['GET', '/upload/00000000-0000-4000-8000-000000000000'],
  ['PUT', '/upload/00000000-0000-4000-8000-000000000000', 'x'],
  ['DELETE', '/upload/00000000-0000-4000-8000-000000000000'],
  ['GET', '/console/'],
  ['GET', '/console/openapi.json'],
  ['POST', '/guest/none'],
  ['GET', '/keystone/'],
  ['GET', '/keystone/v3/'],
  ['GET', '/keystone/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/voms/auth'],
  ['POST', '/keystone/v3/OS-FEDERATION/identity_providers/egi.eu/protocols/voms/auth'],
  ['GET', '/keystone/v3/auth/federation/voms'],
  ['POST', '/keystone/v3/auth/federation/voms'],
  ['GET', '/keystone/v3/auth/projects'],
  ['GET', '/keystone/v3/OS-FEDERATION/projects'],
  ['POST', '/keystone/v3/auth/tokens', '{"auth":{}}'],
  ['GET', '/keystone/v3/auth/tokens'],
  ['DELETE', '/keystone/v3/auth/tokens'],
  ['GET', '/keystone/v2.0/'],
  ['POST', '/keystone/v2.0/tokens', '{"auth":{}}'],
  ['GET', '/keystone/v2.0/tenants'],
];

let network: string;
let numbers = 0;

forEachServer({ accounts, config: { access: { keystone: { enabled: true } } } }, (present) => {
  beforeAll(async () => {
    server = present;
    await wire.make('/vo/', { kind: `${CONTRAIL}vo#vo`, attributes: { [`${A}name`]: 'lab' } }, ADMIN);
    network = await wire.make('/network/', { kind: `${OGF}infrastructure#network` }, ADMIN);
  });

  it('treats every route, role and ownership as the page says', async () => {
    const sections = new Map<string, string[][]>();
    for (const sort of SORTS) sections.set(sort.title, await rowsOf(sort));
    sections.set('Beside OCCI', await besideOcci());
    const page = readFileSync(PAGE, 'utf8');
    if (process.env['VEP_WRITE_PAGE'] === '1') writeFileSync(PAGE, written(page, sections));
    for (const [title, rows] of sections) expect([title, tableUnder(page, title)]).toEqual([title, rows]);
  });

  it('has a table for every kind, and treats the kinds of a table alike', async () => {
    const { kinds } = (await wire.send('GET', '/-/', undefined, ADMIN)).json as {
      kinds: { scheme: string; term: string }[];
    };
    const special = new Set(SORTS.slice(1).map(({ kind }) => kind));
    const [tenants] = SORTS;
    for (const { scheme, term } of kinds) {
      if (special.has(scheme + term)) continue;
      expect([term, verdicts(scheme + term)]).toEqual([term, verdicts(tenants?.kind ?? '')]);
    }
  });

  it('has a row for every URL beside OCCI', async () => {
    const { paths } = (await wire.send('GET', '/console/openapi.json')).json as { paths: Record<string, object> };
    const { kinds, mixins } = (await wire.send('GET', '/-/')).json as Record<string, { location?: string }[]>;
    const occi = [...(kinds ?? []), ...(mixins ?? [])].flatMap(({ location }) => location ?? []);
    const walked = new Set(BESIDE.map(([, path]) => shape(path)));
    const beside = Object.keys(paths).filter(
      (path) => !path.startsWith('/{') && !occi.some((each) => path.startsWith(each)),
    );
    expect(beside.length).toBeGreaterThan(10);
    expect(beside.map(shape).filter((path) => !walked.has(path))).toEqual([]);
  });
});

it('has a row for every route that the sources name', () => {
  const named = ['src/http', 'extensions'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => routesIn(readFileSync(join(folder, name), 'utf8'))),
  );
  expect(named.length).toBeGreaterThan(30);
  const walked = new Set(BESIDE.map(([method, path]) => `${method} ${shape(path)}`));
  expect(named.filter((route) => !walked.has(route))).toEqual([]);
});

/** Routes as the sources declare them, with what stands for their parameters in the table. */
function routesIn(source: string): readonly string[] {
  const declared = [...source.matchAll(/method: '(\w+)',\s+path: ('\/[^']*'|[A-Z]+),/g)];
  const façade = [...source.matchAll(/\bendpoint\('(get|post|put|delete)', '(\/[^']*)'/g)];
  const constant = (name: string): string => new RegExp(`const ${name} = '([^']+)'`).exec(source)?.[1] ?? name;
  return [
    ...declared.map(([, method = '', path = '']) => [
      method,
      path.startsWith("'") ? path.slice(1, -1) : constant(path),
    ]),
    ...façade.map(([, method = '', path = '']) => [method, `/keystone${path}`]),
  ].map(([method = '', path = '']) => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, parameter)}`);
}

function parameter(_all: string, name: string): string {
  const sample: Readonly<Record<string, string>> = { provider: 'egi.eu', protocol: 'voms', token: 'none' };
  return sample[name] ?? `{${name}}`;
}

/** The request lines for one sort of kinds, with what each role is answered on each ownership. */
async function rowsOf(sort: Sort): Promise<string[][]> {
  const made = new Map<Column, Record<(typeof OWNERSHIPS)[number], string>>();
  for (const column of COLUMNS) {
    const paths: string[] = [];
    for (const _ of OWNERSHIPS) {
      numbers += 1;
      paths.push(await wire.make(sort.location, { kind: sort.kind, attributes: sort.sample(numbers) }, ADMIN));
      // A network is set aside once.
      if (sort.location === '/vo-provision/') await giveAway(paths.at(-1) ?? '', 'local:admin', 'admin');
    }
    const [own = '', group = '', foreign = ''] = paths;
    made.set(column, { own, group, foreign });
    await giveAway(own, column === 'nobody' ? 'local:maker' : `local:a-${column}`, 'lab');
    await giveAway(group, 'local:maker', 'lab');
    await giveAway(foreign, 'local:other', 'elsewhere');
  }
  const onEach = async (
    request: (path: string, column: Column) => Promise<{ readonly status: number }>,
  ): Promise<string[]> => {
    const cells: string[] = [];
    for (const column of COLUMNS) {
      const statuses: number[] = [];
      for (const ownership of OWNERSHIPS)
        statuses.push((await request(made.get(column)?.[ownership] ?? '', column)).status);
      cells.push(statuses.join(' '));
    }
    return cells;
  };
  const title = { attributes: {}, title: 'renamed' };
  const rows: string[][] = [];
  rows.push([
    'GET collection',
    ...(await Promise.all(COLUMNS.map((column) => listed(sort, column, made.get(column))))),
  ]);
  rows.push(['GET', ...(await onEach((path, column) => wire.send('GET', path, undefined, as(column))))]);
  rows.push(['POST', ...(await onEach((path, column) => wire.send('POST', path, title, as(column))))]);
  const whole = async (path: string, column: Column): Promise<Reply> => {
    const { json } = await wire.send('GET', path, undefined, ADMIN);
    const { kind, mixins, attributes } = json as {
      kind: string;
      mixins?: string[];
      attributes: Record<string, unknown>;
    };
    return wire.send('PUT', path, { kind, mixins, attributes }, as(column));
  };
  rows.push(['PUT', ...(await onEach(whole))]);
  rows.push(['GET /events/?subject={id}', ...(await onEach(watched))]);
  for (const [term, action] of sort.actions)
    rows.push([
      `POST ?action=${term}`,
      ...(await onEach((path, column) => wire.send('POST', `${path}?action=${term}`, { action }, as(column)))),
    ]);
  rows.push(['DELETE', ...(await onEach((path, column) => wire.send('DELETE', path, undefined, as(column))))]);
  const create: string[] = [];
  for (const column of COLUMNS) {
    numbers += 1;
    const body = { kind: sort.kind, attributes: sort.sample(numbers) };
    create.push(String((await wire.send('POST', sort.location, body, as(column))).status));
  }
  rows.push(['POST collection', ...create]);
  return rows;
}

/** The answer to a watcher, who goes as soon as it has begun. */
async function watched(path: string, column: Column): Promise<{ readonly status: number }> {
  const token = column === 'nobody' ? undefined : server().tokens[`a-${column}` as never];
  const leave = new AbortController();
  const reply = await fetch(`${server().url}/events/?subject=${path.split('/').at(-1) ?? ''}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${String(token)}` },
    signal: leave.signal,
  });
  leave.abort();
  return { status: reply.status };
}

async function listed(sort: Sort, column: Column, paths?: Record<string, string>): Promise<string> {
  const reply = await wire.send('GET', sort.location, undefined, as(column));
  if (reply.status !== 200) return String(reply.status);
  const seen = OWNERSHIPS.filter((ownership) => reply.text.includes(paths?.[ownership]?.split('/').at(-1) ?? '?'));
  return seen.length === 0 ? 'nothing' : seen.join(' ');
}

async function besideOcci(): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [method, path, body] of BESIDE) {
    const cells: string[] = [];
    for (const column of COLUMNS) {
      const options = body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } };
      cells.push(String((await server().request(method, path, { ...as(column), ...options })).status));
    }
    rows.push([`${method} ${shape(path)}`, ...cells]);
  }
  return rows;
}

function shape(path: string): string {
  return path
    .replace(/\?.*$/, '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, '{id}')
    .replace('/sim/', '/{name}/');
}

/** Puts an entity into other hands, which no request could. */
async function giveAway(path: string, owner: string, group: string): Promise<void> {
  const id = path.split('/').at(-1) ?? '';
  await server().change(`UPDATE entity SET owner = '${owner}', grp = '${group}' WHERE id = '${id}'`);
}

/** What every role may do with an entity of the kind, by ownership. */
function verdicts(kind: string): unknown {
  const owned = { own: ['local:a', 'lab'], group: ['local:b', 'lab'], foreign: ['local:c', 'elsewhere'] } as const;
  return ROLES.map((role: Role) =>
    Object.values(owned).map(([owner, group]) => {
      const principal = {
        id: 'local:a',
        name: 'a',
        tier: 'local' as const,
        roles: new Set([role]),
        groups: ['lab'] as [string],
      };
      return VERBS.filter((verb) => decide(principal, verb, { id: 'e', kind, owner, group, appliance: null }, [], 0));
    }),
  );
}

function tableUnder(page: string, title: string): string[][] {
  const section = page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = [...section.matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) =>
    row.split('|').map((cell) => cell.trim().replaceAll('`', '')),
  );
  return rows.slice(2);
}

function written(page: string, sections: ReadonlyMap<string, string[][]>): string {
  let text = page;
  for (const [title, rows] of sections) {
    const table = [
      `| | ${COLUMNS.join(' | ')} |`,
      `|---|${COLUMNS.map(() => '---').join('|')}|`,
      ...rows.map(([request = '', ...cells]) => `| \`${request}\` | ${cells.join(' | ')} |`),
    ].join('\n');
    const [before = '', rest = ''] = text.split(`\n## ${title}\n`);
    const next = rest.indexOf('\n## ');
    const after = next < 0 ? '\n' : rest.slice(next);
    text = `${before.trimEnd()}\n\n## ${title}\n\n${table}\n${after}`;
  }
  return text;
}
