/** What is set aside for machines and collections (DSP0243 §8.3, §9.4), in plan, translation, export and scaling. */

import { scaled } from '../../extensions/ovf-deployment/instances.js';
import { withInstances } from '../../src/ovf/instances.js';
import { translate } from '../../src/iaas/translation/index.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import type { DeploymentPlan } from '../../src/ovf/index.js';
import { collection, envelope, planOf, product, property, readyPlan, system, verdicts } from './plan-support.js';

const MIB = 2 ** 20;

const set = (id: string, type: number, units: string, amounts: string): string =>
  `<Item><rasd:AllocationUnits>${units}</rasd:AllocationUnits><rasd:ElementName>${id}</rasd:ElementName><rasd:InstanceID>${id}</rasd:InstanceID>${amounts}</Item>`
    .replace('</rasd:InstanceID>', `</rasd:InstanceID>%`)
    .replace(/%(.*?)<\/Item>/, (_, rest: string) => {
      const of = (name: string): string => new RegExp(`<rasd:${name}>.*?</rasd:${name}>`).exec(rest)?.[0] ?? '';
      return `${of('Limit')}${of('Reservation')}<rasd:ResourceType>${type}</rasd:ResourceType>${of('VirtualQuantity')}${of('Weight')}</Item>`;
    });
const amount = (name: string, value: number): string => `<rasd:${name}>${value}</rasd:${name}>`;

const reserved = system('web', {
  bare: true,
  items:
    set(
      'cpu',
      3,
      'hertz * 10^6',
      amount('VirtualQuantity', 2) + amount('Reservation', 500) + amount('Limit', 4000) + amount('Weight', 3000),
    ) + set('mem', 4, 'byte * 2^20', amount('VirtualQuantity', 1024) + amount('Reservation', 512)),
});

/** A collection of machines of 1 GiB each. */
const pool = (items: string, systems = ['a', 'b']): string =>
  envelope(
    collection(
      'pool',
      systems.map((id) => system(id)).join(''),
      `<ResourceAllocationSection><Info/>${items}</ResourceAllocationSection>`,
    ),
  );

describe('reservation, limit and weight', () => {
  it('§8.3 of a machine are in the plan, in hertz and bytes', () => {
    expect(readyPlan(envelope(reserved)).machines[0]?.allocation).toEqual({
      processors: { reservation: 500_000_000, limit: 4_000_000_000, weight: 3000 },
      memory: { reservation: 512 * MIB },
    });
    expect(readyPlan(envelope(system('vm'))).machines[0]).not.toHaveProperty('allocation');
  });

  it('§8.3 in units that say nothing are told, not guessed', () => {
    const items =
      set('cpu', 3, 'count', amount('VirtualQuantity', 1) + amount('Limit', 7)) +
      set('mem', 4, 'byte', amount('VirtualQuantity', 1024));
    const result = planOf(envelope(system('vm', { bare: true, items })));
    expect(result.plan?.machines[0]).not.toHaveProperty('allocation');
    expect(result.findings).toContainEqual(
      expect.objectContaining({ severity: 'info', code: 'ovf.O-084', value: 'count' }),
    );
  });

  it('O-055 of anything but processors and memory is told of a collection', () => {
    const storage = (attributes: string): string =>
      set('disk', 31, 'byte', amount('Reservation', 100)).replace('<Item>', `<Item ${attributes}>`);
    const told = (attributes: string, mode: 'strict' | 'lenient'): unknown[] =>
      planOf(pool(storage(attributes)), {}, mode).findings.map(({ code, severity, value }) => [code, severity, value]);
    const type = 'ResourceType 31';
    expect(told('', 'strict')).toEqual([['ovf.O-055', 'error', type]]);
    expect(told('', 'lenient')).toEqual([['ovf.O-055', 'warning', type]]);
    expect(told('ovf:required="true"', 'lenient')).toEqual([['ovf.O-055', 'error', type]]);
    expect(told('ovf:required="false"', 'strict')).toEqual([['ovf.O-084', 'info', type]]);
  });

  it.each([
    ['a unit that is none', ['cpu', 3, 'furlong', 'Limit']],
    ['a unit of something else', ['cpu', 3, 'byte', 'Reservation']],
    ['memory in a unit that is none', ['mem', 4, 'furlong', 'Limit']],
    ['less than a whole byte', ['mem', 4, 'bit', 'Limit']],
  ] as const)('O-035 is refused in both modes in %s', (_, [id, type, units, name]) => {
    const items = set(id, type, units, amount('VirtualQuantity', 8) + amount(name, 7));
    for (const mode of ['strict', 'lenient'] as const) {
      for (const text of [pool(items), envelope(system('vm', { bare: true, items }))]) {
        expect(verdicts(planOf(text, {}, mode)).filter((code) => code.startsWith('error'))).toEqual(['error O-035']);
      }
    }
  });

  it('O-035 tells a unit of a machine once', () => {
    const items = set(
      'mem',
      4,
      'furlong',
      amount('VirtualQuantity', 7) + amount('Limit', 7) + amount('Reservation', 7),
    );
    const found = verdicts(planOf(envelope(system('vm', { bare: true, items }))));
    expect(found.filter((code) => code === 'error O-035')).toHaveLength(1);
  });

  it('O-035 of processors, in processors (XenServer) or in nothing, is left out leniently', () => {
    for (const units of ['Processor Cores', '']) {
      const text = pool(set('cpu', 3, units, amount('Limit', 100_000)));
      expect([verdicts(planOf(text)), verdicts(planOf(text, {}, 'lenient'))]).toEqual([
        ['error O-035'],
        ['warning O-035'],
      ]);
    }
  });

  it('O-052 is warned of where a reservation is above its limit', () => {
    const text = pool(set('cpu', 3, 'hertz * 10^6', amount('Limit', 7) + amount('Reservation', 8)));
    expect(verdicts(planOf(text))).toEqual(['warning O-052']);
    const bounded = set('cpu', 3, 'hertz', amount('Limit', 9));
    const max = bounded.replace('<Item>', '<Item ovf:bound="max">');
    expect(planOf(pool(bounded + max)).findings).toContainEqual(
      expect.objectContaining({ severity: 'info', code: 'ovf.O-084', message: expect.stringContaining('the max of') }),
    );
  });

  it('are translated where a format has a word for them, and told where it has none', () => {
    const plan = readyPlan(envelope(reserved));
    const libvirt = translate(plan, 'libvirt');
    expect(libvirt.documents.at(-1)?.text).toContain('<shares>3000</shares>');
    for (const format of ['libvirt', 'opennebula', 'heat', 'occi'] as const) {
      const notes = translate(plan, format).notes.map(({ message }) => message);
      expect([format, notes]).toEqual([format, expect.arrayContaining([expect.stringContaining('reservations')])]);
    }
  });

  it('§9.4 of a collection are in the plan, and come back from an export', () => {
    const plan = readyPlan(pool(set('m', 4, 'byte * 2^20', amount('Limit', 4096) + amount('Reservation', 1024))));
    expect(plan.collections[0]?.allocation).toEqual({ memory: { limit: 4096 * MIB, reservation: 1024 * MIB } });
    const again = readyPlan(exportEnvelope(plan));
    expect(again.collections[0]?.allocation).toEqual(plan.collections[0]?.allocation);
    const machine = readyPlan(envelope(reserved));
    expect(readyPlan(exportEnvelope(machine)).machines[0]?.allocation).toEqual(machine.machines[0]?.allocation);
  });

  it('§9.4 warns of a limit that the machines exceed, and of a reservation that they do not use', () => {
    const verdictsOf = (amounts: string): readonly string[] =>
      verdicts(planOf(pool(set('m', 4, 'byte * 2^20', amounts))));
    expect(verdictsOf(amount('Limit', 2048))).not.toContain('warning O-084');
    expect(verdictsOf(amount('Limit', 2047))).toContain('warning O-084');
    expect(verdictsOf(amount('Reservation', 2049))).toContain('warning O-084');
  });

  it('§9.4 no collection is scaled beyond its limit', () => {
    const plan = readyPlan(pool(set('m', 4, 'byte * 2^20', amount('Limit', 3072))));
    expect(scaled(plan, 'a', 2).machines).toHaveLength(3);
    expect(() => scaled(plan, 'a', 3)).toThrow(expect.objectContaining({ kind: 'invalid' }));
    const full = readyPlan(pool(set('m', 4, 'byte * 2^20', amount('Limit', 1024))));
    expect(withInstances(full).machines).toHaveLength(2);
  });
});

describe('collections that stand several times', () => {
  const scaled = (count: number, more = ''): string =>
    envelope(
      collection(
        'shop',
        `${collection('tier', system('db') + system('cache'), '<StartupSection><Info/><Item ovf:id="db" ovf:order="2"/><Item ovf:id="cache" ovf:order="1"/></StartupSection>')}${system('web')}`,
        `<StartupSection><Info/><Item ovf:id="tier" ovf:order="1"/><Item ovf:id="web" ovf:order="2"/></StartupSection>
        <ovf2:ScaleOutSection ovf:required="false" ovf2:id="tier"><Info/><ovf2:InstanceCount ovf2:default="${count}"/>${more}</ovf2:ScaleOutSection>`,
      ),
    );

  it('keep their number, which is told where they have bounds', () => {
    const told = (bounds: string): readonly string[] =>
      planOf(scaled(2).replace('ovf2:default="2"', `ovf2:default="2" ${bounds}`), {}, 'lenient').findings.flatMap(
        ({ code, severity, value }) => (value === 'tier' ? [`${severity} ${code}`] : []),
      );
    expect(told('')).toEqual([]);
    for (const bounds of ['ovf2:maximum="4"', 'ovf2:minimum="2"']) expect(told(bounds)).toEqual(['info ovf.O-084']);
  });

  it('have machines of their own, under ids and names of their own, in the place of the first', () => {
    const { machines, collections, startup } = readyPlan(scaled(3), {}, 'lenient');
    expect(machines.map(({ id }) => id)).toEqual([
      ...['db', 'cache', 'tier-2/db', 'tier-2/cache', 'tier-3/db', 'tier-3/cache', 'web'],
    ]);
    expect(new Set(machines.map(({ hostname }) => hostname)).size).toBe(7);
    expect(collections.map(({ id, title, parent }) => [id, title, parent])).toEqual([
      ['shop', 'shop', undefined],
      ['tier', 'tier', 'shop'],
      ['tier-2', 'tier 2', 'shop'],
      ['tier-3', 'tier 3', 'shop'],
    ]);
    const order = startup.map((step) => step.machines.map(({ id }) => id).sort());
    expect(order).toEqual([['cache', 'tier-2/cache', 'tier-3/cache'], ['db', 'tier-2/db', 'tier-3/db'], ['web']]);
  });

  it('may be the appliance as a whole: its instances stand side by side, in a collection round them', () => {
    const whole = (count: number): string =>
      envelope(
        collection(
          'shop',
          system('db') + system('web', { sections: product([property('peer', 'ovf:value="${all}"')]) }),
          `${product([property('all', 'ovf:value="x"')])}<EulaSection><Info/><License>Pay</License></EulaSection>
          <StartupSection><Info/><Item ovf:id="db" ovf:order="1"/><Item ovf:id="web" ovf:order="2"/></StartupSection>
          <ovf2:ScaleOutSection ovf:required="false" ovf2:id="shop"><Info/><ovf2:InstanceCount ovf2:default="${count}"/></ovf2:ScaleOutSection>`,
        ),
      );
    const two = planOf(whole(2), { eulas: ['shop#1'] }, 'lenient').plan;
    expect(two).toMatchObject({ id: 'shop-all', title: 'shop' });
    expect(two?.machines.map(({ id, collection: of }) => [id, of])).toEqual([
      ['db', 'shop'],
      ['web', 'shop'],
      ['shop-2/db', 'shop-2'],
      ['shop-2/web', 'shop-2'],
    ]);
    expect(two?.collections.map(({ id, parent }) => [id, parent])).toEqual([
      ['shop-all', undefined],
      ['shop', 'shop-all'],
      ['shop-2', 'shop-all'],
    ]);
    expect(two?.machines[3]?.environment.properties).toMatchObject([
      { key: 'peer', value: 'x' },
      { key: 'all', value: 'x' },
    ]);
    expect(two?.startup.map(({ machines }) => machines.map(({ id }) => id))).toEqual([
      ['db', 'shop-2/db'],
      ['web', 'shop-2/web'],
    ]);
    expect(planOf(whole(1), { eulas: 'all' }, 'lenient').plan).toMatchObject({ id: 'shop', machines: [{}, {}] });
    const again = planOf(exportEnvelope(two as DeploymentPlan), {}, 'lenient').plan;
    expect(again?.machines.map(({ id }) => id)).toEqual(two?.machines.map(({ id }) => id));
  });

  it('O-051 and O-078 refuse numbers that nobody can deploy, at once', () => {
    for (const count of [4_294_967_295, 9000]) {
      const { plan, findings } = planOf(scaled(count), {}, 'lenient');
      expect(plan).toBeUndefined();
      expect(findings.map(({ code }) => code)).toContain(count > 10_000 ? 'ovf.O-051' : 'ovf.O-078');
    }
    const scaleOut = (id: string): string =>
      `<ovf2:ScaleOutSection ovf:required="false" ovf2:id="${id}"><Info/><ovf2:InstanceCount ovf2:default="6000"/></ovf2:ScaleOutSection>`;
    const many = planOf(
      envelope(collection('c', ['a', 'b'].map((id) => system(id, { sections: scaleOut(id) })).join(''))),
      {},
      'lenient',
    );
    expect([many.plan, many.findings.map(({ code }) => code)]).toEqual([
      undefined,
      expect.arrayContaining(['ovf.O-078']),
    ]);
  });
});
