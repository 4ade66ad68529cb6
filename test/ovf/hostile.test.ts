/**
 * Small descriptors that ask for large plans (O-078, O-064): whatever is repeated for instances, for machines of a collection
 * or for references is bounded before it is made. Without the bounds each of these takes minutes, or all memory there is.
 */

import { Problem, type Fault } from '../../src/base/errors.js';
import { collection, envelope, planOf, product, property, system } from './plan-support.js';

const times = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => of(index)).join('');
const scaleOut = (id: string, count: number): string =>
  `<ovf2:ScaleOutSection ovf:required="false" ovf2:id="${id}"><Info/><ovf2:InstanceCount ovf2:default="${count}"/></ovf2:ScaleOutSection>`;
const files = (count: number): string =>
  `<ovf2:EnvironmentFilesSection ovf:required="false"><Info/>${times(count, (index) => `<ovf2:File ovf2:fileRef="f" ovf2:path="p${index}"/>`)}</ovf2:EnvironmentFilesSection>`;
const manyProperties = product(Array.from({ length: 4000 }, (_, index) => property(`k${index}`, 'ovf:value="v"')));
const systems = (count: number): string => times(count, (index) => system(`s${index}`));

/** Rules of the errors, whether the reader finds them or the planner. */
function refusals(text: string): readonly string[] {
  let findings: readonly Fault[];
  try {
    const result = planOf(text, { eulas: 'all' }, 'lenient');
    expect(result.draft).toBeUndefined();
    ({ findings } = result);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    findings = error.faults;
  }
  const errors = findings.filter(({ severity = 'error' }) => severity === 'error');
  return [...new Set(errors.map(({ rule = '' }) => rule.slice(0, 5)))];
}

describe('a descriptor that asks for', () => {
  it.each<[string, string, () => string]>([
    [
      'rich collections thousands of times',
      'O-078',
      () => collection('c', system('a'), scaleOut('c', 3000) + manyProperties),
    ],
    [
      'a rich machine thousands of times',
      'O-078',
      () => system('a', { sections: scaleOut('a', 9999) + manyProperties }),
    ],
    [
      'a long name thousands of times',
      'O-078',
      () =>
        collection(
          'c',
          system('a').replace('<Info/>', `<Info/><Name>${'n'.repeat(1_000_000)}</Name>`),
          scaleOut('c', 3000),
        ),
    ],
    ['a long id at every machine', 'O-078', () => collection('c'.repeat(1_000_000), systems(500))],
    [
      'a long value at every machine',
      'O-064',
      () => collection('c', systems(1000), product([property('k', `ovf:value="${'v'.repeat(1_000_000)}"`)])),
    ],
    ['thousands of files at every machine', 'O-078', () => collection('c', systems(500), files(4000))],
    ['files at thousands of machines', 'O-078', () => collection('c', systems(500), files(200))],
    [
      'a million configurations at its items',
      'O-078',
      () => {
        const ids = times(300, (index) => `c${index} `);
        const items = times(
          4000,
          (index) =>
            `<Item ovf:configuration="${ids}"><rasd:ElementName/><rasd:InstanceID>${index}</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType></Item>`,
        );
        return system('a', { items });
      },
    ],
    [
      'collections in collections, each many times',
      'O-078',
      () => {
        const inner = times(
          6,
          (index) => `<VirtualSystemCollection ovf:id="c${index}"><Info/>${scaleOut(`c${index}`, 10)}`,
        );
        return `${inner}${system('a')}${'</VirtualSystemCollection>'.repeat(6)}`;
      },
    ],
  ])('%s is refused (%s)', (_what, rule, content) => {
    expect(refusals(envelope(content(), { references: '<File ovf:id="f" ovf:href="x"/>' }))).toContain(rule);
  });
});
