/** Everything that is wrong with a descriptor at once, whichever part of VEP finds it, and each fault once. */

import { inspectEnvelope, NO_INPUTS, planConfigurations } from '../../src/ovf/index.js';
import type { Fault } from '../../src/base/errors.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import { cpu, envelope, item, memory, planOf, product, property, schemas, system } from './plan-support.js';

const codes = (findings: readonly Fault[]): readonly string[] =>
  findings.map(({ severity, code }) => `${severity} ${code.replace('ovf.', '')}`);
const errors = (findings: readonly Fault[]): readonly string[] =>
  codes(findings).filter((code) => code.startsWith('error'));

const dangling = item({ id: 'd', type: 17, resource: 'ovf:/disk/none' });
const wrongProperties = product([
  property('k', 'ovf:type="uint8" ovf:value="999"'),
  property('l', 'ovf:value="${nope}"'),
]);

describe('what the reader refuses', () => {
  const text = envelope(system('vm', { items: dangling, sections: wrongProperties }));

  it.each<[Mode, readonly string[]]>([
    ['strict', ['error O-033', 'error O-061', 'error O-063']],
    ['lenient', ['error O-033', 'warning O-061', 'warning O-063']],
  ])('is planned for what the planner finds, and has no plan (%s)', (mode, expected) => {
    const result = planOf(text, {}, mode);
    expect(codes(result.findings)).toEqual(expected);
    expect(result).not.toHaveProperty('draft');
    expect(result).not.toHaveProperty('plan');
    expect(result.secrets.size).toBe(0);
  });

  it('is told with what is wrong with the inputs', () => {
    const { findings } = planOf(text, { properties: { nobody: 'x' }, configuration: 'huge' }, 'lenient');
    expect(errors(findings)).toEqual(['error O-033', 'error O-058', 'error O-062']);
  });

  it('is not planned beyond a bound that the planner relies on', () => {
    const long = system('v'.repeat(5_000), { sections: wrongProperties });
    expect(errors(planOf(envelope(long)).findings)).toEqual(['error O-078']);
  });
});

describe('a configuration that is not chosen', () => {
  const options = (...ids: readonly string[]): string =>
    `<DeploymentOptionSection><Info/>${ids.map((id) => `<Configuration ovf:id="${id}"><Label/><Description/></Configuration>`).join('')}</DeploymentOptionSection>`;
  const judged = (text: string): readonly Fault[] => {
    const { envelope: read, findings } = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas });
    if (!read) throw new Error(JSON.stringify(findings));
    return planConfigurations({ envelope: read, findings }, NO_INPUTS, 'strict').findings;
  };
  const only = (id: string): { attributes: string } => ({ attributes: `ovf:configuration="${id}"` });

  it('is judged too, by whoever asks for it, and what is told of the chosen one is not told again', () => {
    const items = cpu(1) + cpu(70_000, only('m')) + memory(512, only('l')) + memory(512, only('m'));
    const sections = product([property('k', 'ovf:type="uint8" ovf:value="999"')]);
    const text = envelope(system('vm', { bare: true, items, sections }), { sections: options('l', 'm', 'n') });
    expect(codes(planOf(text).findings)).toEqual(['error O-061']);
    const findings = judged(text);
    expect(codes(findings)).toEqual(['error O-061', 'error O-051', 'warning O-050']);
    expect(findings.map(({ message }) => message).slice(1)).toEqual([
      expect.stringContaining('(in the configuration "m")'),
      expect.stringContaining('(in the configuration "n")'),
    ]);
  });

  it('is one of 32 at most', () => {
    const ids = Array.from({ length: 35 }, (_, index) => `c${index}`);
    const [note, ...others] = judged(envelope(system('vm'), { sections: options(...ids) }));
    expect(others).toEqual([]);
    expect(note).toMatchObject({ code: 'ovf.O-058', severity: 'info', message: expect.stringMatching(/^3 more/) });
  });
});
