/** The deployment plan (DSP0243 §8, §9): what a descriptor means in a configuration, with the inputs filled in. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { buildPlan, NO_INPUTS, parsePlanInputs, readEnvelope } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedMachine } from '../../src/ovf/plan.js';
import {
  collection,
  cpu,
  envelope,
  item,
  machine,
  memory,
  planOf,
  product,
  property,
  readyPlan,
  schemas,
  system,
  verdicts,
} from './plan-support.js';

const MIB = 2 ** 20;

describe('configurations', () => {
  const options = `<DeploymentOptionSection><Info/>
    <Configuration ovf:id="small"><Label>S</Label><Description>less</Description></Configuration>
    <Configuration ovf:id="large"><Label>L</Label><Description>more</Description></Configuration></DeploymentOptionSection>`;
  const text = envelope(
    system('vm', {
      bare: true,
      items:
        cpu(1) +
        cpu(4, { attributes: 'ovf:configuration="large"' }) +
        memory(512) +
        memory(1024, { attributes: 'ovf:configuration="small large"' }) +
        memory(4096, { attributes: 'ovf:configuration="large"' }),
    }),
    { sections: options },
  );

  it('replace the general items, the most particular one winning', () => {
    expect(readyPlan(text).machines[0]).toMatchObject({ cores: { normal: 1 }, memoryBytes: { normal: 1024 * MIB } });
    const large = planOf(text, { configuration: 'large' });
    expect(large.plan?.machines[0]).toMatchObject({ cores: { normal: 4 }, memoryBytes: { normal: 4096 * MIB } });
    expect(verdicts(large)).toEqual(['warning O-047']);
  });

  it('are the first one unless there is a default, and are offered', () => {
    const { plan, unresolved } = planOf(text);
    expect(plan?.configuration).toBe('small');
    expect(unresolved.configurations).toEqual([
      { id: 'small', label: 'S', description: 'less', chosen: true },
      { id: 'large', label: 'L', description: 'more', chosen: false },
    ]);
  });

  it('O-057 have to be chosen where several are the default', () => {
    const two = text.replaceAll('<Configuration ', '<Configuration ovf:default="true" ');
    expect(verdicts(planOf(two, {}, 'lenient'))).toEqual(['warning O-057', 'error O-057']);
    expect(planOf(two, { configuration: 'large' }, 'lenient').plan?.configuration).toBe('large');
  });

  it('O-058 have to exist', () => {
    expect(planOf(text, { configuration: 'huge' }).findings).toContainEqual(
      expect.objectContaining({ code: 'ovf.O-058', remedy: 'choose one of "small", "large"' }),
    );
    const none = planOf(envelope(system('vm')), { configuration: 'huge' });
    expect(none.plan).toBeUndefined();
    expect(none.findings[0]?.remedy).toMatch(/no choice/);
  });
});

describe('machines', () => {
  it('have host names that are labels, each once', () => {
    const ids = ['Web Server!', 'web-server', 'web.server', '---', 'x'.repeat(80), `${'x'.repeat(80)}y`];
    const plan = readyPlan(envelope(collection('all', ids.map((id) => system(id)).join(''))));
    expect(plan.machines.map(({ hostname }) => hostname)).toEqual([
      'web-server',
      'web-server-2',
      'web-server-3',
      'machine',
      'x'.repeat(63),
      `${'x'.repeat(61)}-2`,
    ]);
  });

  it('know their operating system and architecture', () => {
    const os = (id: number, more = ''): PlannedMachine =>
      machine(
        envelope(
          system('vm', {
            sections: `<OperatingSystemSection ovf:id="${id}" ${more}><Info/><Description>it</Description></OperatingSystemSection>`,
          }),
        ),
      );
    expect(os(94, 'ovf:version="22.04"')).toMatchObject({
      architecture: 'x64',
      operatingSystem: { id: 94, description: 'it', version: '22.04' },
    });
    expect(os(106).architecture).toBe('x86');
    expect(os(36).architecture).toBeUndefined();
    expect(os(1, 'vmw:osType="ubuntu64Guest"').architecture).toBe('x64');
  });

  it('take the first hardware of a supported type', () => {
    const section = (type: string, cores: number): string =>
      `<VirtualHardwareSection><Info/><System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>${type}</vssd:VirtualSystemType></System>${cpu(cores)}${memory(1)}</VirtualHardwareSection>`;
    const vm = (sections: string): string => envelope(`<VirtualSystem ovf:id="vm"><Info/>${sections}</VirtualSystem>`);
    expect(machine(vm(section('zvm', 1) + section('foo vmx-07 xen-3', 2)))).toMatchObject({
      cores: { normal: 2 },
      virtualSystemType: 'vmx-07',
    });
    expect(machine(vm(section('zvm', 1)), 'lenient').virtualSystemType).toBe('zvm');
  });

  it('are installed at their first start', () => {
    const text = envelope(
      system('vm', { sections: '<InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>' }),
    );
    expect(machine(text).install).toEqual({ bootStopDelay: 300 });
  });

  it('O-084 say which devices are left to the site', () => {
    const { findings } = planOf(envelope(system('vm', { items: item({ id: '9', type: 24 }) })));
    expect(findings).toMatchObject([{ code: 'ovf.O-084', severity: 'info', value: 'ResourceType 24' }]);
  });

  it.each([
    ['a tape', 18, undefined, ['error', 'warning'], ['error', 'error']],
    ['a device known by its name alone', 1, 'FPGA', ['info', 'info'], ['error', 'error']],
    ['a sound card', 35, undefined, ['info', 'info'], ['error', 'error']],
    ['a device of a vendor', 32_770, undefined, ['info', 'info'], ['error', 'error']],
    ['a serial port', 21, undefined, ['info', 'info'], ['info', 'info']],
    ['a graphics card', 24, undefined, ['info', 'info'], ['info', 'info']],
  ])('O-055 %s can be had, unless it is said to be required', (_, type, other, byDefault, inWriting) => {
    const found = (attributes: string): readonly (string | undefined)[] =>
      (['strict', 'lenient'] as const).map((mode) => {
        const device = item({ id: '9', type, attributes }).replace(
          '<rasd:ResourceType>',
          other === undefined ? '$&' : `<rasd:OtherResourceType>${other}</rasd:OtherResourceType>$&`,
        );
        const { findings, draft } = planOf(envelope(system('vm', { items: device })), {}, mode);
        expect(findings).toHaveLength(1);
        expect(draft === undefined).toBe(findings[0]?.severity === 'error');
        return findings[0]?.severity;
      });
    expect(found('')).toEqual(byDefault);
    expect(found('ovf:required="false"')).toEqual(['info', 'info']);
    expect(found('ovf:required="true"')).toEqual(inWriting);
  });

  it('O-065 need a transport for their properties', () => {
    const vm = (transport: string): string => envelope(system('vm', { transport, sections: product([property('a')]) }));
    expect(verdicts(planOf(vm('com.vmware.guestInfo iso')))).toEqual([]);
    expect(verdicts(planOf(vm('')))).toEqual(['warning O-065']);
    expect(verdicts(planOf(vm('http://example.org/pigeon')))).toEqual(['error O-065']);
    expect(verdicts(planOf(vm('http://example.org/pigeon'), {}, 'lenient'))).toEqual(['warning O-065']);
  });

  it('may be several instances (OVF 2)', () => {
    const scale = (counts: string): string =>
      envelope(
        system('vm', {
          sections: `<ovf2:ScaleOutSection ovf2:id="vm" ovf:required="false"><Info/>${counts}</ovf2:ScaleOutSection>`,
        }),
      );
    const count = '<ovf2:InstanceCount ovf2:default="2" ovf2:minimum="1" ovf2:maximum="5"/>';
    expect(machine(scale(count), 'lenient').instances).toEqual({ normal: 2, min: 1, max: 5 });
  });
});

describe('placement groups (OVF 2)', () => {
  it('become constraints', () => {
    const member = '<ovf2:PlacementSection ovf2:group="g" ovf:required="false"><Info/></ovf2:PlacementSection>';
    const text = envelope(collection('all', collection('tier', system('a') + system('b'), member) + system('c')), {
      sections:
        '<ovf2:PlacementGroupSection ovf2:id="g" ovf2:policy="availability odd" ovf:required="false"><Info/></ovf2:PlacementGroupSection>',
    });
    const result = planOf(text, {}, 'lenient');
    expect(result.plan?.constraints).toEqual([
      { rule: 'differentHost', hard: true, machines: ['a', 'b'], origin: 'PlacementGroupSection g' },
    ]);
    expect(verdicts(result)).toContain('warning O-084');
  });
});

describe('start-up', () => {
  const order = (items: string): string => `<StartupSection><Info/>${items}</StartupSection>`;
  const entry = (id: string, at: number, more = ''): string => `<Item ovf:id="${id}" ovf:order="${at}" ${more}/>`;
  const steps = ({ startup }: DeploymentPlan): readonly (readonly string[])[] =>
    startup.map(({ machines }) => machines.map(({ id }) => id));

  it('O-071 goes by order; what is not listed comes first', () => {
    const sections = order(entry('a', 2) + entry('b', 1) + entry('c', 2));
    const plan = readyPlan(
      envelope(collection('all', ['a', 'b', 'c', 'd'].map((id) => system(id)).join(''), sections)),
    );
    expect(steps(plan)).toEqual([['d'], ['b'], ['a', 'c']]);
    expect(plan.startup.map((step) => step.order)).toEqual([0, 1, 2]);
  });

  it('O-071 ends a collection’s own sequence before what follows it', () => {
    const inner = collection(
      'in',
      system('x') + system('y'),
      order(entry('x', 1, 'ovf:startDelay="3"') + entry('y', 2, 'ovf:startDelay="4" ovf:stopDelay="1"')),
    );
    const sections = order(
      entry('a', 1) +
        entry('in', 1, 'ovf:startDelay="10" ovf:stopDelay="20" ovf:waitingForGuest="true"') +
        entry('z', 2),
    );
    const plan = readyPlan(envelope(collection('all', system('a') + inner + system('z'), sections)));
    expect(steps(plan)).toEqual([['a', 'x'], ['y'], ['z']]);
    expect(plan.startup[0]?.machines[1]).toMatchObject({ startDelay: 3, stopDelay: 20, waitingForGuest: false });
    expect(plan.startup[1]?.machines[0]).toMatchObject({ startDelay: 14, stopDelay: 1, waitingForGuest: true });
  });

  it('leaves a collection alone that shall not start', () => {
    const inner = collection('in', system('x'));
    const sections = order(entry('in', 1, 'ovf:startAction="none" ovf:stopAction="none"'));
    const plan = readyPlan(envelope(collection('all', inner, sections)));
    expect(plan.startup[0]?.machines[0]).toMatchObject({ startAction: 'none', stopAction: 'none' });
  });

  it('of any nesting starts every machine once, in the order its collection says', () => {
    interface Tree {
      readonly order: number;
      readonly children: readonly Tree[];
    }
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.record({
        order: fc.nat(3),
        children: fc.oneof(
          { maxDepth: 3, depthSize: 'small' },
          fc.constant([]),
          fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
        ),
      }),
    }));
    const write = ({ children }: Tree, id: string): string =>
      children.length === 0
        ? system(id)
        : collection(
            id,
            children.map((child, index) => write(child, `${id}-${index}`)).join(''),
            order(children.map((child, index) => entry(`${id}-${index}`, child.order)).join('')),
          );
    fc.assert(
      fc.property(tree, (root) => {
        const plan = readyPlan(envelope(write(root, 'm')));
        const at = new Map(plan.startup.flatMap((step) => step.machines.map(({ id }) => [id, step.order] as const)));
        expect([...at.keys()].sort()).toEqual(plan.machines.map(({ id }) => id).sort());
        const inside = (id: string): readonly number[] =>
          [...at].filter(([name]) => name === id || name.startsWith(`${id}-`)).map(([, step]) => step);
        const check = ({ children }: Tree, id: string): void =>
          children.forEach((child, index) => {
            for (const [other, sibling] of children.entries()) {
              if (sibling.order <= child.order) continue;
              expect(Math.min(...inside(`${id}-${other}`))).toBeGreaterThan(Math.max(...inside(`${id}-${index}`)));
            }
            check(child, `${id}-${index}`);
          });
        check(root, 'm');
      }),
      { numRuns: 40 },
    );
  });
});

describe('licences', () => {
  const eula = (text: string): string => `<EulaSection><Info/><License>${text}</License></EulaSection>`;
  const text = envelope(
    collection('all', system('vm', { sections: eula('Be good.') }), eula('Pay.') + eula('Pay again.')),
  );
  const digest = `sha256:${createHash('sha256').update('Be good.').digest('hex')}`;

  it('O-072 block until each one is accepted', () => {
    const { plan, draft, unresolved } = planOf(text);
    expect(plan).toBeUndefined();
    expect(draft).toBeDefined();
    expect(unresolved.blocked).toBe(true);
    expect(unresolved.eulas).toMatchObject([
      { id: 'all#1', content: 'all', text: 'Pay.' },
      { id: 'all#2', text: 'Pay again.' },
      { id: 'vm#1', content: 'vm', text: 'Be good.', digest },
    ]);
  });

  it('O-072 are accepted by id, by digest, or all at once', () => {
    expect(planOf(text, { eulas: ['all#1', digest] }).unresolved.eulas.map(({ id }) => id)).toEqual(['all#2']);
    expect(planOf(text, { eulas: ['all#1', 'all#2', digest] }).plan).toBeDefined();
    expect(planOf(text, { eulas: 'all' }).plan).toBeDefined();
  });
});

describe('the whole', () => {
  it('has title and annotation', () => {
    const sections =
      '<Name>My shop</Name><AnnotationSection><Info/><Annotation>Sells things</Annotation></AnnotationSection>';
    expect(readyPlan(envelope(collection('shop', system('vm'), sections)))).toMatchObject({
      version: 1,
      id: 'shop',
      title: 'My shop',
      annotation: 'Sells things',
      conformanceLevel: 1,
    });
  });

  it('tells what reader and planner both found only once', () => {
    const text = envelope(system('vm', { bare: true, items: cpu(1) + item({ id: '2', type: 4, quantity: 512 }) }));
    expect(verdicts(planOf(text, {}, 'lenient')).filter((verdict) => verdict.endsWith('O-035'))).toHaveLength(1);
  });

  it('takes 1,000 machines', () => {
    const own = product([property('k', 'ovf:value="${shared}"')]);
    const systems = Array.from({ length: 1000 }, (_, index) => system(`m${index}`, { sections: own }));
    const text = envelope(collection('all', systems.join(''), product([property('shared', 'ovf:value="1"')])));
    const { envelope: read } = readEnvelope(Buffer.from(text), { mode: 'strict', schemas });
    expect(buildPlan(read, NO_INPUTS).plan?.machines).toHaveLength(1000);
  });

  it('bounds the number of findings', () => {
    const inputs = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, '']));
    const { findings, plan } = planOf(envelope(system('vm')), { properties: inputs });
    expect(findings).toHaveLength(1000);
    expect(plan).toBeUndefined();
  });
});

describe('the JSON of the inputs (K04)', () => {
  it('is read member by member, numbers and booleans as their text', () => {
    expect(
      parsePlanInputs({
        configuration: 'large',
        properties: { a: 'x', b: 5, c: true, d: 0.5 },
        networks: { lan: 'public' },
        eulas: ['vm#1'],
        sites: { vm: 'garching,leiden' },
        credentials: { 'repo.example.org': 'token' },
      }),
    ).toEqual({
      configuration: 'large',
      properties: { a: 'x', b: '5', c: 'true', d: '0.5' },
      networks: { lan: 'public' },
      eulas: ['vm#1'],
      sites: { vm: 'garching,leiden' },
      credentials: { 'repo.example.org': 'token' },
    });
    expect(parsePlanInputs({})).toEqual({ properties: {}, networks: {}, eulas: [], sites: {}, credentials: {} });
    expect(parsePlanInputs({ eulas: 'all' }).eulas).toBe('all');
  });

  it('keeps a member called __proto__ an ordinary one', () => {
    const inputs = parsePlanInputs(JSON.parse('{"properties":{"__proto__":"x"}}') as Record<string, never>);
    expect(Object.keys(inputs.properties)).toEqual(['__proto__']);
  });

  it('gives all faults at once, at their pointers, without the values', () => {
    const parse = (): unknown =>
      parsePlanInputs({
        configuration: 7,
        properties: { 'a/b': ['hunter2'], n: 2 ** 60, z: null },
        networks: 'lan',
        eulas: [1],
        credentials: { x: 'y'.repeat(70_000) },
        sekret: 'hunter2',
      });
    expect(parse).toThrow(Problem);
    try {
      parse();
    } catch (error) {
      const { faults } = error as Problem;
      expect(faults.map(({ place }) => place?.path)).toEqual([
        '/sekret',
        '/configuration',
        '/properties/a~1b',
        '/properties/n',
        '/properties/z',
        '/networks',
        '/eulas/0',
        '/credentials/x',
      ]);
      expect(JSON.stringify(faults)).not.toContain('hunter2');
    }
  });

  it.each([
    [[]],
    ['text'],
    [null],
    [{ eulas: 'some' }],
    [{ properties: Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [i, ''])) }],
  ])('refuses %j', (json) => {
    expect(() => parsePlanInputs(json)).toThrow(Problem);
  });
});

describe('InstallSection', () => {
  it('§9.8 is part of the plan, with the time the first boot may take', () => {
    const sections = '<InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>';
    const { plan } = planOf(envelope(system('vm', { sections })));
    expect(plan?.machines[0]?.install).toEqual({ bootStopDelay: 300 });
  });
});
