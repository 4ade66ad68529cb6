/** Instances in the words of an IaaS: those that are deployed, by the names that they are deployed under. */

import { parse } from 'yaml';
import { translate, TRANSLATION_FORMATS, type TranslationFormat } from '../../../src/iaas/translation/index.js';
import { buildEnvironment, PLATFORM } from '../../../src/ovf/index.js';
import { withInstances } from '../../../src/ovf/instances.js';
import { planOf, startupStep } from '../../ovf-deployment/plan.js';

/** A machine of the descriptor that is called as an instance of another would be, and names that are too long for two. */
const CROWDED = planOf(
  ['web', 'web-2', `${'w'.repeat(62)}a`, `${'w'.repeat(62)}b`].map((id, index) => ({
    id,
    collection: 'all',
    drives: [
      { kind: 'disk', disk: index === 0 ? '2-data' : 'data', boot: true },
      { kind: 'disk', disk: `${id}_0`, boot: false },
    ],
    instances: { normal: index === 1 ? 1 : 2 },
    environment: { transports: ['iso'], properties: [{ key: 'k', value: 'v', secret: false, from: 'own' }] },
  })),
  {
    disks: [
      ...['2-data', 'data'].map((id) => ({ id, capacityBytes: 1, shared: false })),
      { id: 'web_0', capacityBytes: 1, shared: true },
    ],
    startup: [startupStep(0, ['web']), startupStep(1, ['web-2'])],
    collections: [{ id: 'all', title: 'All', properties: [] }],
  },
);

describe('instances', () => {
  const deployed = withInstances(CROWDED);
  const hosts = deployed.machines.map(({ hostname }) => hostname);

  it('are as many as are deployed, and called the same', () => {
    const textOf = (format: TranslationFormat): string =>
      translate(CROWDED, format)
        .documents.filter(({ title }) => /^(machine|stack|compute) /.test(title))
        .map(({ text }) => text)
        .join('\n');
    const found = (text: string, pattern: RegExp): (string | undefined)[] =>
      [...text.matchAll(pattern)].map(([, name]) => name);
    expect(found(textOf('libvirt'), /^ {2}<name>(.*)<\/name>/gm)).toEqual(hosts);
    expect(found(textOf('opennebula'), /^NAME = "(.*)"/gm)).toEqual(hosts);
    expect(found(textOf('occi'), /occi\.compute\.hostname="(.*?)"/g)).toEqual(hosts);
    const servers = Object.values<{ type: string; properties: { name: string } }>(
      parse(textOf('heat')).resources,
    ).filter(({ type }) => type === 'OS::Nova::Server');
    expect(servers.map(({ properties }) => properties.name)).toEqual(hosts);
  });

  it('have disks of their own, and those that start later wait for all of them', () => {
    const volumes = translate(CROWDED, 'libvirt').documents.flatMap(({ text }) =>
      [...text.matchAll(/volume="(.*?)"/g)].map(([, volume]) => volume),
    );
    // Two for each, of which the shared one is the first role's, and the environment.
    expect(new Set(volumes).size).toBe(hosts.length * 2 + 1);
    const { resources } = parse(translate(CROWDED, 'heat').documents[0]?.text ?? '');
    expect(Object.keys(resources).filter((name) => name.startsWith('volume_'))).toHaveLength(hosts.length + 1);
    expect(resources['server_web_2'].depends_on).toEqual(['server_web', 'server_web_3']);
  });

  it('are told what a deployed one is: who they are, and of all their siblings', () => {
    const environment = (title: string): string =>
      translate(CROWDED, 'libvirt').documents.find((each) => each.title === title)?.text ?? '';
    const { machines, ...rest } = deployed;
    const guest = { instanceId: 'web-3', hostname: 'web-3' };
    expect(environment('ovf-env.xml on web-3-ovf-env.iso')).toBe(
      buildEnvironment({ machines, ...rest }, 'web-3', new Map(), PLATFORM, guest),
    );
  });

  it('are the same where the plan has them as machines', () => {
    for (const format of TRANSLATION_FORMATS) expect(translate(deployed, format)).toEqual(translate(CROWDED, format));
  });
});
