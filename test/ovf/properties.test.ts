/** Properties (DSP0243 §9.5): effective values, references, scopes, secrets and what is left to the user. */

import fc from 'fast-check';
import { secretKey, type ResolvedProperty } from '../../src/ovf/index.js';
import { collection, envelope, planOf, product, property, readyPlan, system, verdicts } from './plan-support.js';

const USER = 'ovf:userConfigurable="true"';

/** A system of its own with one product section of these properties. */
function single(properties: readonly string[], attributes = ''): string {
  return envelope(system('vm', { sections: product(properties, attributes) }));
}

function valuesOf(properties: readonly ResolvedProperty[] | undefined): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries((properties ?? []).map(({ key, value }) => [key, value]));
}

function values(text: string, inputs = {}, machine = 0): Readonly<Record<string, string | undefined>> {
  return valuesOf(readyPlan(text, inputs).machines[machine]?.environment.properties);
}

const CONFIGURATIONS = `<DeploymentOptionSection><Info/>
  <Configuration ovf:id="small"><Label/><Description/></Configuration>
  <Configuration ovf:id="large" ovf:default="true"><Label/><Description/></Configuration></DeploymentOptionSection>`;

describe('the effective value', () => {
  const text = envelope(
    system('vm', {
      sections: product([
        property('a', `${USER} ovf:value="default"`, '<Value ovf:value="of small" ovf:configuration="small"/>'),
        property('b', 'ovf:value="fixed"'),
        property('c', ''),
      ]),
    }),
    { sections: CONFIGURATIONS },
  );

  it('is the one of ovf:value', () => {
    expect(values(text)).toEqual({ a: 'default', b: 'fixed', c: '' });
  });

  it('is the one of the configuration before that', () => {
    expect(values(text, { configuration: 'small' })).toMatchObject({ a: 'of small' });
  });

  it('is the user’s before all', () => {
    expect(values(text, { configuration: 'small', properties: { a: 'mine' } })).toMatchObject({ a: 'mine' });
    expect(values(text, { properties: { a: '' } })).toMatchObject({ a: '' });
  });

  it('O-062 cannot be set where the author does not let the user, nor where there is no such key', () => {
    const result = planOf(text, { properties: { b: 'x', z: 'x', 'vm:b': 'x' } });
    expect(result.plan).toBeUndefined();
    expect(result.draft).toBeUndefined();
    expect(result.findings.filter(({ code }) => code === 'ovf.O-062')).toMatchObject([
      { message: 'the property "b" is not user-configurable', remedy: expect.stringContaining('"a"') },
      { message: 'the property "z" does not exist', place: { path: '/properties/z' } },
      { message: 'the property "vm:b" is not user-configurable' },
    ]);
  });

  it('O-062 says so when nothing can be set', () => {
    expect(planOf(single([property('a')]), { properties: { a: '1' } }).findings).toContainEqual(
      expect.objectContaining({ remedy: 'leave it out; no property can be set' }),
    );
  });

  it('goes by the composed key, and by content where several have it', () => {
    const two = envelope(
      collection(
        'all',
        ['one', 'two']
          .map((id) =>
            system(id, {
              sections: product([property('k', `${USER} ovf:value="0"`)], 'ovf:class="c" ovf:instance="i"'),
            }),
          )
          .join(''),
      ),
    );
    const inputs = { properties: { 'two:c.k.i': 'second', 'c.k.i': 'both' } };
    expect(values(two, inputs, 0)).toEqual({ 'c.k.i': 'both' });
    expect(values(two, inputs, 1)).toEqual({ 'c.k.i': 'second' });
    expect(planOf(two).unresolved.properties.map(({ key }) => key)).toEqual(['one:c.k.i', 'two:c.k.i']);
  });
});

describe('references', () => {
  const shop = (own: string, tier: string, top: string): string =>
    envelope(collection('shop', collection('tier', system('db', { sections: own }), tier), top));

  it('O-063 go up through the scopes, as in DMTF’s own example', () => {
    const text = shop(
      product([property('ip', 'ovf:value="${vm1}"')]),
      product([property('vm1', 'ovf:value="${dbIp}"')]),
      product([property('dbIp', `${USER} ovf:value="10.0.0.1"`)]),
    );
    expect(values(text)).toEqual({ ip: '10.0.0.1', vm1: '10.0.0.1' });
    expect(values(text, { properties: { dbIp: '10.9.9.9' } })).toEqual({ ip: '10.9.9.9', vm1: '10.9.9.9' });
  });

  it('mean the enclosing scope before the own one, so that a key can hand itself down', () => {
    const text = shop(
      product([property('name', 'ovf:value="db of ${name}"')]),
      '',
      product([property('name', 'ovf:value="shop"')]),
    );
    expect(values(text)).toEqual({ name: 'db of shop' });
  });

  it('may use a bare key where only one section has it', () => {
    expect(
      values(single([property('a', 'ovf:value="1"'), property('b', 'ovf:value="${a}+${x.a}"')], 'ovf:class="x"')),
    ).toMatchObject({
      'x.b': '1+1',
    });
    const two = envelope(
      system('vm', {
        sections:
          product([property('a', 'ovf:value="1"')], 'ovf:class="x"') +
          product([property('a', 'ovf:value="2"'), property('b', 'ovf:value="${a}"')], 'ovf:class="y"'),
      }),
    );
    expect(verdicts(planOf(two))).toEqual(['error O-063']);
  });

  it.each([
    ['itself', ['${a}']],
    ['a circle', ['${b}', '${c}', '${a}']],
  ])('O-063 to %s are refused', (_, declared) => {
    const result = planOf(
      single(declared.map((value, index) => property('abc'[index] ?? '', `ovf:value="${value}"`))),
      {},
      'lenient',
    );
    expect(verdicts(result)).toContain('error O-063');
  });

  it('O-063 to nothing are refused strictly and left as they are leniently', () => {
    const text = single([property('a', 'ovf:value="x${nobody}"')]);
    expect(verdicts(planOf(text))).toEqual(['error O-063']);
    expect(valuesOf(planOf(text, {}, 'lenient').plan?.machines[0]?.environment.properties)).toEqual({
      a: 'x${nobody}',
    });
    expect(planOf(single([property('a', 'ovf:value="${autoIp:lan}"')]), {}, 'lenient').findings).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('VMware'), severity: 'warning' }),
    );
  });

  it('in what the user gives are no references', () => {
    const text = single([property('a', `${USER} ovf:value="1"`), property('b', 'ovf:value="${a}"')]);
    expect(values(text, { properties: { a: '${b}' } })).toEqual({ a: '${b}', b: '${b}' });
  });

  it('O-063 neither nest without end nor grow without bound', () => {
    const chain = Array.from({ length: 60 }, (_, index) => property(`k${index}`, `ovf:value="\${k${index + 1}}"`));
    expect(verdicts(planOf(single([...chain, property('k60', 'ovf:value="end"')])))).toContain('error O-063');
    const doubling = Array.from({ length: 45 }, (_, index) =>
      property(`k${index}`, `ovf:value="\${k${index + 1}}\${k${index + 1}}"`),
    );
    expect(verdicts(planOf(single([...doubling, property('k45', 'ovf:value="0123456789"')])))).toContain('error O-063');
  });

  it('of any sort end in values or in findings', () => {
    const keys = ['a', 'b', 'c', 'd'];
    const value = fc.array(
      fc.oneof(
        fc.constantFrom('x', '$', '{', '}'),
        fc.constantFrom(...keys).map((key) => `\${${key}}`),
      ),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.tuple(value, value, value, value), (declared) => {
        const text = single(keys.map((key, index) => property(key, `ovf:value="${declared[index]?.join('') ?? ''}"`)));
        const { plan, findings } = planOf(text, {}, 'lenient');
        expect(plan !== undefined || findings.some(({ code }) => code === 'ovf.O-063')).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe('scopes', () => {
  it('show own properties and those of the immediate parent, own ones first', () => {
    const text = envelope(
      collection(
        'top',
        collection(
          'tier',
          system('vm', { sections: product([property('a', 'ovf:value="own"')]) }),
          product([property('a', 'ovf:value="tier"'), property('b', 'ovf:value="tier"')]),
        ),
        product([property('c', 'ovf:value="top"')]),
      ),
    );
    expect(readyPlan(text).machines[0]?.environment.properties).toEqual([
      { key: 'a', value: 'own', secret: false, from: 'own' },
      { key: 'b', value: 'tier', secret: false, from: 'parent' },
    ]);
    expect(readyPlan(text).collections).toEqual([
      { id: 'top', title: 'top', properties: [{ key: 'c', value: 'top', secret: false, from: 'own' }] },
      {
        id: 'tier',
        title: 'tier',
        parent: 'top',
        properties: [
          { key: 'a', value: 'tier', secret: false, from: 'own' },
          { key: 'b', value: 'tier', secret: false, from: 'own' },
          { key: 'c', value: 'top', secret: false, from: 'parent' },
        ],
      },
    ]);
  });

  it('O-064 are bounded in their product, as every machine carries its parent’s', () => {
    const many = Array.from({ length: 600 }, (_, index) => property(`k${index}`));
    const systems = Array.from({ length: 400 }, (_, index) => system(`m${index}`));
    expect(verdicts(planOf(envelope(collection('all', systems.join(''), product(many)))))).toEqual(['error O-064']);
  });

  it('O-059 have each class and instance once, O-064 each key once', () => {
    const twice = envelope(
      system('vm', { sections: product([property('a', 'ovf:value="1"')]) + product([property('a', 'ovf:value="2"')]) }),
    );
    expect(verdicts(planOf(twice))).toEqual(['error O-059', 'error O-064']);
    expect(verdicts(planOf(twice, {}, 'lenient'))).toEqual(['warning O-059', 'error O-064']);
    const alike = twice.replace('"2"', '"1"');
    expect(verdicts(planOf(alike, {}, 'lenient'))).toEqual(['warning O-059', 'warning O-064']);
    expect(values2(alike)).toEqual({ a: '1' });
    const composed = envelope(
      system('vm', {
        sections: product([property('b.c')], 'ovf:class="a"') + product([property('c')], 'ovf:class="a.b"'),
      }),
    );
    expect(verdicts(planOf(composed))).toEqual(['warning O-064', 'error O-064']);
  });

  it('O-064 of one for the chosen configuration and one for all of them take the former, whichever comes first', () => {
    const general = property('k', 'ovf:value="all"');
    const specific = property('k', 'ovf:value="big" ovf:configuration="big"');
    const reference = property('r', 'ovf:value="${k}"');
    for (const properties of [
      [general, specific, reference],
      [specific, general, reference],
    ]) {
      const sections =
        '<DeploymentOptionSection><Info/><Configuration ovf:id="big"><Label/><Description/></Configuration></DeploymentOptionSection>';
      const text = envelope(system('vm', { sections: product(properties) }), { sections });
      const { plan } = planOf(text, {}, 'lenient');
      expect(valuesOf(plan?.machines[0]?.environment.properties)).toEqual({ k: 'big', r: 'big' });
    }
  });

  function values2(text: string): Readonly<Record<string, string | undefined>> {
    return valuesOf(planOf(text, {}, 'lenient').plan?.machines[0]?.environment.properties);
  }
});

describe('passwords', () => {
  const text = envelope(
    collection(
      'shop',
      system('web', { sections: product([property('url', 'ovf:value="db://${pw}@db"')]) }),
      product([property('pw', `${USER} ovf:password="true" ovf:qualifiers="MinLen(8)" ovf:value="default-secret"`)]),
    ),
  );

  it('O-066 and what draws on them are in the plan by key only', () => {
    const { plan, secrets, unresolved } = planOf(text, { properties: { pw: 'hunter2-hunter2' } });
    expect(plan?.machines[0]?.environment.properties).toEqual([
      { key: 'url', secret: true, from: 'own', declared: 'db://${pw}@db' },
      { key: 'pw', secret: true, from: 'parent' },
    ]);
    expect(Object.fromEntries(secrets)).toEqual({
      [secretKey('shop', 'pw')]: 'hunter2-hunter2',
      [secretKey('web', 'url')]: 'db://hunter2-hunter2@db',
      [secretKey('web', 'pw')]: 'hunter2-hunter2',
    });
    expect(unresolved.properties).toEqual([]);
  });

  it('O-066 are in no finding and no default', () => {
    const refused = planOf(text, { properties: { pw: 'sh0rt' } });
    expect(verdicts(refused)).toEqual(['error O-061']);
    expect(JSON.stringify(refused.findings)).not.toContain('sh0rt');
    const { unresolved } = planOf(text);
    expect(unresolved.properties).toMatchObject([{ key: 'pw', password: true, blocking: false }]);
    expect(JSON.stringify(unresolved)).not.toContain('default-secret');
  });

  it('O-066 that break their own limits are not told either', () => {
    const broken = single([
      property(
        'pw',
        'ovf:password="true" ovf:qualifiers="MaxLen(3)" ovf:value="topsecret"',
        '<Value ovf:value="topsecret2"/>',
      ),
    ]);
    expect(JSON.stringify(planOf(broken).findings)).not.toContain('topsecret');
  });
});

describe('what is left to the user', () => {
  it('blocks where there is no legal value yet', () => {
    const text = single([
      property('port', `${USER} ovf:type="uint16"`, '<Label>Port</Label><Description>of the service</Description>'),
      property('note', USER),
      property('size', `${USER} ovf:type="uint8" ovf:value="4"`),
      property('twice', 'ovf:value="${port}"'),
    ]);
    const { plan, draft, unresolved } = planOf(text);
    expect(plan).toBeUndefined();
    expect(draft?.machines).toHaveLength(1);
    expect(unresolved.blocked).toBe(true);
    expect(unresolved.properties).toEqual([
      {
        key: 'port',
        content: 'vm',
        label: 'Port',
        description: 'of the service',
        limits: { type: 'uint16' },
        password: false,
        blocking: true,
      },
      { key: 'note', content: 'vm', limits: { type: 'string' }, password: false, blocking: false },
      { key: 'size', content: 'vm', limits: { type: 'uint8' }, password: false, default: '4', blocking: false },
    ]);
    expect(planOf(text, { properties: { port: '80' } }).unresolved.blocked).toBe(false);
  });

  it.each([
    ['a number out of range', 'uint8', '300', '', '30'],
    ['no boolean', 'boolean', 'yes', '', 'true'],
    ['none of its choices', 'string', 'c', `ovf:qualifiers='ValueMap{"a","b"}'`, 'a'],
    [
      'a password that is too short',
      'string',
      'short',
      'ovf:password="true" ovf:qualifiers="MinLen(8)"',
      'longer than 8',
    ],
  ])('O-061 blocks where the default is %s, until there is a legal value', (_, type, value, more, legal) => {
    const of = (attributes: string): string =>
      single([
        property('k', `${attributes} ovf:type="${type}" ovf:value="${value}" ${more}`),
        property('r', 'ovf:value="${k}"'),
      ]);
    const result = planOf(of(USER), {}, 'lenient');
    expect(result.plan).toBeUndefined();
    expect(verdicts(result)).toEqual(['warning O-061']);
    expect(result.unresolved.properties).toMatchObject([{ key: 'k', blocking: true }]);
    expect(result.unresolved.properties[0]).not.toHaveProperty('default');
    expect(planOf(of(USER), { properties: { k: legal } }, 'lenient').unresolved.blocked).toBe(false);
    expect(verdicts(planOf(of(USER)))).toEqual(['error O-061']);
    // Nobody could give another one: the guest is told what its author wrote, as by other readers.
    const fixed = planOf(of(''), {}, 'lenient');
    expect([fixed.plan !== undefined, verdicts(fixed)]).toEqual([true, ['warning O-061']]);
    expect(verdicts(planOf(of('')))).toEqual(['error O-061']);
  });

  it('shows the category', () => {
    const text = envelope(
      system('vm', {
        sections: `<ProductSection><Info/><Category>Net</Category>${property('a', USER)}</ProductSection>`,
      }),
    );
    expect(planOf(text).unresolved.properties).toMatchObject([{ category: 'Net' }]);
  });

  it('O-061 does not include a default that is wrong, in force or not', () => {
    const value = '<Value ovf:value="400" ovf:configuration="small"/>';
    const text = envelope(
      system('vm', { sections: product([property('n', 'ovf:type="uint8" ovf:value="300"', value)]) }),
      { sections: CONFIGURATIONS },
    );
    expect(verdicts(planOf(text)).filter((verdict) => verdict.includes('O-061'))).toEqual([
      'error O-061',
      'error O-061',
    ]);
    expect(verdicts(planOf(text, {}, 'lenient')).filter((verdict) => verdict.includes('O-061'))).toEqual([
      'warning O-061',
      'warning O-061',
    ]);
  });
});
