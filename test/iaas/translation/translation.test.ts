/** Plans in the words of an IaaS: the right ones for one appliance, and for one that is out of the ordinary. */

import { parse } from 'yaml';
import { translate, TRANSLATION_FORMATS, type TranslationFormat } from '../../../src/iaas/translation/index.js';
import { parseTextPlain } from '../../../src/occi/text/index.js';
import { SEEDED_ENVIRONMENT } from '../../../src/ovf/index.js';
import { planOf } from '../../ovf-deployment/plan.js';
import { ODD, PLAN } from './plans.js';

const document = (format: TranslationFormat, title: string): string =>
  translate(PLAN, format).documents.find((each) => each.title === title)?.text ?? '';

describe('what is out of the ordinary', () => {
  const machine = (format: TranslationFormat): string =>
    translate(ODD, format).documents.find(({ title }) => /^(machine|stack|compute) /.test(title))?.text ?? '';
  const notes = (format: TranslationFormat): string =>
    translate(ODD, format)
      .notes.map(({ message }) => message)
      .join('\n');

  it('libvirt: EFI, one bus for each drive, a shared disk, models of QEMU', () => {
    const text = machine('libvirt');
    expect(text).toContain('<os firmware="efi">');
    expect(text).toContain('<title>Größe &lt;&amp;&gt; "店" 💾</title>');
    expect(text.match(/<model type="(\w+)"\/>/g)).toEqual(
      ['pcnet', 'vmxnet3', 'virtio', 'virtio', 'virtio', 'vga'].map((model) => `<model type="${model}"/>`),
    );
    const targets = [...text.matchAll(/<target dev="(\w+)" bus="(\w+)"\/>/g)].map(([, dev, bus]) => `${dev} ${bus}`);
    // A fifth drive of IDE goes to SCSI, and no CD is on virtio.
    expect(targets).toEqual([
      'vda virtio',
      'hda ide',
      'hdb ide',
      'hdc ide',
      'hdd ide',
      'sda scsi',
      'sdb scsi',
      'sdc sata',
      'sdd usb',
      'sde sata',
      'fda fdc',
    ]);
    expect(text).toMatch(
      /type="raw"\/>\s*<source pool="default" volume="quorum_\.raw"\/>\s*<target dev="vda" bus="virtio"\/>\s*<shareable\/>\s*<readonly\/>/,
    );
    expect(text).toContain('<controller type="scsi" index="0" model="virtio-scsi"/>');
  });

  it('opennebula: models of QEMU, or the site’s own; no CD on virtio', () => {
    const text = machine('opennebula');
    expect(text).toContain('FIRMWARE = "UEFI"');
    expect([...text.matchAll(/MODEL = "(\w+)"/g)].map(([, model]) => model)).toEqual(['pcnet', 'vmxnet3', 'virtio']);
    const cd = /DISK = \[\s*IMAGE = "[^"]*cd"[^\]]*\]/.exec(text)?.[0];
    expect(cd).toBeDefined();
    expect(cd).not.toContain('DEV_PREFIX');
    expect(text.match(/READONLY = "YES"/g)).toHaveLength(1);
  });

  it('heat and occi say what they have no word for', () => {
    for (const format of ['heat', 'occi'] as const) {
      expect(notes(format)).toContain('EFI');
      expect(notes(format)).toContain('models of adapters');
      expect(notes(format)).toContain('that a disk is for reading only');
    }
    const { resources } = parse(machine('heat'));
    const servers = Object.values<{
      type: string;
      properties: { block_device_mapping_v2: { device_type: string; disk_bus?: string }[] };
    }>(resources).filter(({ type }) => type === 'OS::Nova::Server');
    expect(servers[0]?.properties.block_device_mapping_v2.filter(({ device_type: kind }) => kind === 'cdrom')).toEqual([
      expect.not.objectContaining({ disk_bus: expect.anything() }),
    ]);
    const volumes = Object.keys(resources).filter((name) => name.startsWith('volume_quorum'));
    expect(volumes).toHaveLength(1);
  });
});

describe('in every format', () => {
  it.each(TRANSLATION_FORMATS)('%s: no secret is shown, and what cannot be said is', (format) => {
    const { documents, notes } = translate(PLAN, format);
    const text = documents.map((each) => each.text).join('\n');
    expect(text).not.toContain('undefined');
    expect(text).not.toContain('NaN');
    expect(notes.map(({ code }) => code)).toContain('translation.unsaid');
    expect(notes.map(({ message }) => message)).toContain('the pauses of the start-up order are not in it');
    expect(translate(PLAN, format)).toEqual({ ...translate(PLAN, format), documents });
  });
});

describe('opennebula', () => {
  it('writes images, networks, groups and one template for each instance', () => {
    expect(translate(PLAN, 'opennebula').documents.map(({ title }) => title)).toEqual([
      'image base',
      'image tools',
      'network front net',
      'VM group shop',
      'machine web/1',
      'machine web/1-2',
      'machine db',
      'service Shop',
    ]);
    expect(document('opennebula', 'image tools')).toContain('TYPE = "CDROM"');
    expect(document('opennebula', 'image base')).toMatch(/TYPE = "OS"\nPATH = "images\/base.vmdk"\nFORMAT = "qcow2"/);
    expect(translate(PLAN, 'opennebula').notes.map(({ message }) => message)).toContain(
      'images in other formats than qcow2, raw have to be converted to qcow2 first',
    );
  });

  it('rounds sizes up and maps drives, adapters and environment', () => {
    const text = document('opennebula', 'machine web/1');
    expect(text).toMatch(/CPU = "2"\nVCPU = "2"\nMEMORY = "1537"\n/);
    expect(text).toContain('FIRMWARE = "UEFI"');
    expect(text).toContain('IMAGE = "shop base",\n  SIZE = "10241",\n  DEV_PREFIX = "sd"');
    expect(text).toContain('TYPE = "fs",\n  SIZE = "1024",\n  FORMAT = "qcow2",\n  DEV_PREFIX = "hd"');
    expect(text).toContain('NETWORK = "front net",\n  MAC = "52:54:00:00:00:01",\n  MODEL = "e1000"');
    expect(text.match(/NIC = \[/g)).toHaveLength(1);
    expect(text).toContain('REPORT_READY = "YES"');
    expect(document('opennebula', 'machine web/1-2')).not.toContain('52:54:00');
    expect(document('opennebula', 'machine db')).toContain('NETWORK = "site-lan"');
    const environment = /OVF_ENV_BASE64 = "([^"]*)"/.exec(text)?.[1] ?? '';
    expect(Buffer.from(environment, 'base64').toString()).toContain('oe:key="title" oe:value="Corner $shop"');
  });

  it('puts several machines into a service of OneFlow, in their order and with their bounds', () => {
    expect(JSON.parse(document('opennebula', 'service Shop'))).toEqual({
      name: 'Shop',
      deployment: 'straight',
      ready_status_gate: true,
      roles: [
        {
          ...{ name: 'web_1', cardinality: 2, vm_template: expect.stringContaining('id of template') },
          ...{ parents: ['db'], min_vms: 1, max_vms: 5, shutdown_action: 'terminate' },
        },
        { name: 'db', cardinality: 1, vm_template: expect.anything(), shutdown_action: 'terminate' },
      ],
    });
    const { documents, notes } = translate(planOf([{ id: 'alone' }]), 'opennebula');
    expect(documents.map(({ title }) => title)).toEqual(['network net', 'machine alone']);
    expect(notes.map(({ message }) => message).join()).not.toContain('vm_template');
  });

  it('takes XML where its language has no way to say it, and refuses what neither has', () => {
    const [machine] = translate(planOf([{ id: 'ends in \\' }]), 'opennebula').documents.slice(-1);
    expect(machine?.text).toContain('<VEP_OVF_ID>ends in \\</VEP_OVF_ID>');
    expect(() => translate(planOf([{ id: 'a]]>b' }]), 'opennebula')).toThrow(/OpenNebula cannot hold this value/);
  });
});

describe('the environment of a guest', () => {
  /** The one file that user data write, by the part of the MIME archive that is VEP's. */
  const environmentIn = (userData: string): string => {
    const config = JSON.parse(userData.replace(/^#cloud-config\n/, '')) as {
      write_files: [{ path: string; content: string }];
    };
    expect(config.write_files.map(({ path }) => path)).toEqual([SEEDED_ENVIRONMENT]);
    return config.write_files[0].content;
  };
  const isWhole = (environment: string): void => {
    expect(environment).toContain('oe:key="title" oe:value="Corner $shop"');
    expect(environment).toContain('oe:key="password" oe:value="********"');
  };

  it('heat: is in the user data, as on a site without another way', () => {
    const { resources } = parse(document('heat', 'stack Shop'));
    isWhole(environmentIn(resources['server_web_1'].properties.user_data));
    // Which has no properties, but a sibling that has some.
    expect(environmentIn(resources['server_db'].properties.user_data)).toContain('<Entity oe:id="web/1">');
  });

  it('occi: is in the user data', () => {
    const text = document('occi', 'compute Web "front"');
    const encoded = /occi\.compute\.userdata="([^"]*)"/.exec(text)?.[1] ?? '';
    isWhole(environmentIn(Buffer.from(encoded, 'base64').toString()));
  });

  it('libvirt: is on a CD, of which each file is shown, and a note tells how to make it', () => {
    const medium = 'web-1-ovf-env.iso';
    isWhole(document('libvirt', `ovf-env.xml on ${medium}`));
    expect(JSON.parse(document('libvirt', `meta-data on ${medium}`))).toMatchObject({ 'local-hostname': 'web-1' });
    expect(document('libvirt', `user-data on ${medium}`)).toMatch(/^#cloud-config\n/);
    expect(translate(PLAN, 'libvirt').notes).toContainEqual(
      expect.objectContaining({ value: 'web-1-ovf-env.iso, web-1-2-ovf-env.iso, db-ovf-env.iso' }),
    );
  });

  it('has VEP’s part beside the appliance’s own user data, in every format', () => {
    const given = { secret: false, from: 'own' } as const;
    const properties = [
      { key: 'user-data', value: Buffer.from('#!/bin/sh\n').toString('base64'), ...given },
      { key: 'public-keys', value: 'ssh-ed25519 AAAA', ...given },
    ];
    const plan = planOf([{ id: 'vm', environment: { transports: ['iso'], properties } }]);
    const encoded = (text: string): string => Buffer.from(text).toString('base64').slice(0, 40);
    for (const format of TRANSLATION_FORMATS) {
      const text = translate(plan, format)
        .documents.map((each) => each.text)
        .join('\n');
      const context = /USER_DATA = "([^"]*)"|occi\.compute\.userdata="([^"]*)"/.exec(text);
      const userData = context ? Buffer.from(context[1] ?? context[2] ?? '', 'base64').toString() : text;
      expect(userData).toContain('Content-Type: multipart/mixed');
      expect(userData).toContain(encoded('#!/bin/sh\n'));
      expect(userData).toContain(encoded('#cloud-config\n{\n  "ssh_authorized_keys": [\n').slice(0, 30));
    }
  });

  it('is left out where there are no properties', () => {
    for (const format of TRANSLATION_FORMATS) {
      const { documents } = translate(planOf([{ id: 'vm' }]), format);
      expect(documents.map(({ text }) => text).join('\n')).not.toMatch(/user_?data|ovf-env/i);
    }
  });
});

describe('heat', () => {
  const { parameters, resources } = parse(document('heat', 'stack Shop')) as {
    parameters: Record<string, unknown>;
    resources: Record<string, { type: string; depends_on?: string[]; properties: Record<string, unknown> }>;
  };

  it('makes servers on ports and volumes of their own, in order', () => {
    expect(Object.keys(parameters).sort()).toEqual(['flavor_db', 'flavor_web_1', 'image_base', 'image_tools']);
    expect(resources['server_web_1']).toMatchObject({
      type: 'OS::Nova::Server',
      depends_on: ['server_db'],
      properties: {
        name: 'web-1',
        scheduler_hints: { group: { get_resource: 'group_apart' } },
        block_device_mapping_v2: [
          { volume_id: { get_resource: 'volume_web_1_0' }, boot_index: 0, device_type: 'disk', disk_bus: 'scsi' },
          { boot_index: -1, disk_bus: 'ide' },
          { device_type: 'cdrom' },
        ],
        networks: [{ port: { get_resource: 'port_web_1_eth0' } }],
        config_drive: true,
      },
    });
    expect(resources['volume_web_1_0']?.properties).toMatchObject({ size: 11, image: { get_param: 'image_base' } });
    expect(resources['port_db_eth0']?.properties).toEqual({ network: 'site-lan' });
  });
});

it('heat says whom it cannot put into a second group, and makes none without members', () => {
  const rule = (origin: string, machines: readonly string[], which = 'differentHost' as const) =>
    ({ rule: which, machines, hard: true, origin }) as const;
  const constraints = [rule('apart', ['a', 'b']), rule('again', ['b', 'c']), rule('thrice', ['b', 'c'])];
  const plan = planOf([{ id: 'a' }, { id: 'b' }, { id: 'c' }], { constraints });
  const { documents, notes } = translate(plan, 'heat');
  const { resources } = parse(documents[0]?.text ?? '') as {
    resources: Record<string, { type: string; properties: { scheduler_hints?: unknown } }>;
  };
  const groups = Object.entries(resources).filter(([, { type }]) => type === 'OS::Nova::ServerGroup');
  expect(groups.map(([name]) => name)).toEqual(['group_apart', 'group_again']);
  const hints = ['a', 'b', 'c'].map((id) => resources[`server_${id}`]?.properties.scheduler_hints);
  expect(hints).toEqual(['apart', 'apart', 'again'].map((name) => ({ group: { get_resource: `group_${name}` } })));
  expect(notes).toContainEqual(
    expect.objectContaining({
      message: expect.stringContaining('one group'),
      value: 'again of b, thrice of b, thrice of c',
    }),
  );
});

describe('libvirt', () => {
  it('writes a domain for each instance with drives, adapters and the environment CD', () => {
    const text = document('libvirt', 'machine web/1');
    expect(text).toContain('<name>web-1</name>');
    expect(text).toContain('<memory unit="b">1610612737</memory>');
    expect(text).toContain('<vcpu current="2">4</vcpu>');
    expect(text).toContain('<source pool="default" volume="web-1-root.qcow2"/>');
    expect(text).toContain('<target dev="sda" bus="scsi"/>');
    expect(text).toContain('<target dev="hda" bus="ide"/>');
    expect(text).toContain('volume="web-1-ovf-env.iso"');
    expect(text).toContain('<model type="e1000"/>');
    expect(text).toContain('<link state="down"/>');
    expect(document('libvirt', 'machine db')).toContain('<source network="site-lan"/>');
  });
});

describe('occi', () => {
  it('is read by the parser of requests, and links find their targets', () => {
    const { documents } = translate(PLAN, 'occi');
    const ids = new Set<string>();
    for (const { text } of documents) {
      for (const [, id = ''] of text.matchAll(/occi\.core\.id="urn:uuid:([^"]*)"/g)) ids.add(id);
      expect(() => parseTextPlain(text)).not.toThrow();
    }
    const targets = documents.flatMap(({ text }) =>
      [...text.matchAll(/^Link: <\/\w+\/([^>]*)>/gm)].map(([, id]) => id ?? ''),
    );
    expect(targets.length).toBe(9);
    // Only the network of the site is known elsewhere.
    expect(targets.filter((id) => !ids.has(id))).toHaveLength(1);
    expect(document('occi', 'compute Web "front"')).toContain('occi.compute.cores=2\n');
  });
});
