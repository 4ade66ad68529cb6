/** Plans written as OVF 1.1 and read again: strictly valid, and the same plan. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import { inspectEnvelope, NO_INPUTS, planEnvelope, type DeploymentPlan, type Envelope } from '../../src/ovf/index.js';
import { Findings } from '../../src/ovf/planning/findings.js';
import { withReplicas } from '../../src/ovf/planning/replicate.js';
import type { Content } from '../../src/ovf/envelope/model.js';
import { bootOrder, collection, envelope, item, system } from './plan-support.js';
import { essence, planOfText, reread, secretsOf, type Planned } from './export-support.js';
import { schemas, sharedFolder } from './schema-support.js';

const corpus = sharedFolder('ovf-corpus');

function planOfFile(path: string): Planned | undefined {
  return planOfText(readFileSync(path));
}

/** All that a descriptor says to people, in document order: message keys with it, and its bundles. */
function sayings({ content, strings }: Envelope): object {
  const said = (message?: { readonly text: string; readonly msgid?: string }): unknown =>
    message && [message.text, message.msgid ?? null];
  const of = (each: Content): object => ({
    id: each.id,
    name: said(each.name),
    annotation: each.annotations.map(({ annotation }) => annotation.text).join('\n'),
    eulas: each.eulas.map(({ license }) => said(license)),
    products: each.products.map((section) => ({
      ...{
        class: section.class,
        instance: section.instance,
        version: section.version,
        fullVersion: section.fullVersion,
      },
      ...{ product: said(section.product), vendor: said(section.vendor), appUrl: section.appUrl },
    })),
    children: each.kind === 'VirtualSystem' ? [] : each.children.map(of),
  });
  const bundles = strings.filter(({ messages }) => messages.size > 0);
  return { content: of(content), strings: bundles.map(({ lang, messages }) => [lang, [...messages]]) };
}

describe('an exported plan', () => {
  it.each(['single-vm', 'web-shop', 'options'])('of the example %s reads as the same plan', (name) => {
    const { plan, envelope } = planOfFile(join(packageRoot, 'examples', name, `${name}.ovf`)) as Planned;
    for (const text of [exportEnvelope(plan), exportEnvelope(plan, envelope)])
      expect(essence(reread(text, { properties: secretsOf(plan) }))).toEqual(essence(plan));
  });

  (corpus === undefined ? it.skip : it)(
    'of every real descriptor that can be planned reads as the same plan, and says the same to people',
    () => {
      const folder = join(corpus ?? '', 'files');
      let exported = 0;
      for (const name of readdirSync(folder)) {
        const { plan, envelope } = planOfFile(join(folder, name)) ?? {};
        if (!plan || !envelope) continue;
        for (const text of [exportEnvelope(plan), exportEnvelope(plan, envelope)]) {
          let again: DeploymentPlan;
          try {
            again = reread(text, { properties: secretsOf(plan) });
          } catch (error) {
            throw new Error(`${name}: ${String(error)}`);
          }
          expect([name, essence(again)]).toEqual([name, essence(plan)]);
        }
        const told = inspectEnvelope(Buffer.from(exportEnvelope(plan, envelope)), { mode: 'lenient', schemas });
        const content = withReplicas(envelope.content, plan.configuration, new Findings('lenient'));
        expect([name, told.envelope && sayings(told.envelope)]).toEqual([name, sayings({ ...envelope, content })]);
        exported += 1;
      }
      console.log(`exported and read again: ${exported} real descriptors`);
      expect(exported).toBeGreaterThan(100);
    },
  );

  it('keeps the order in which drives are tried at boot', () => {
    const items = [
      item({ id: '1', type: 6, address: '0' }),
      item({ id: '3', type: 17, resource: 'ovf:/disk/root', parent: '1', slot: 0 }),
      item({ id: '4', type: 17, resource: 'ovf:/disk/rescue', parent: '1', slot: 1 }),
      item({ id: '5', type: 15, resource: 'ovf:/file/cd' }),
    ].join('');
    const disk = (id: string): string =>
      `<Disk ovf:diskId="${id}" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="${id}" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>`;
    const references = ['root', 'rescue', 'cd'].map((id) => `<File ovf:id="${id}" ovf:href="${id}.img"/>`).join('');
    const text = envelope(system('vm', { items, sections: bootOrder('4', '5') }), {
      references,
      disks: disk('root') + disk('rescue'),
    });
    const { plan, envelope: original } = planOfText(Buffer.from(text)) as Planned;
    expect(plan.machines[0]?.drives).toMatchObject([
      { disk: 'rescue', boot: true, turn: 1 },
      { image: 'cd', boot: false, turn: 2 },
      { disk: 'root', boot: false },
    ]);
    for (const out of [exportEnvelope(plan), exportEnvelope(plan, original)])
      expect(essence(reread(out))).toEqual(essence(plan));
  });

  it('keeps what vendors added, where it stood and marked as optional, but no secrets and nothing that would mislead', () => {
    const vmw = 'xmlns:vmw="http://www.vmware.com/schema/ovf"';
    const hardware = (key: string, more = ''): string =>
      `<vmw:ExtraConfig ${vmw} ovf:required="false" vmw:key="${key}" vmw:value="&lt;&amp;&quot;" ${more}/>`;
    const section = (name: string, inside: string): string =>
      `<v:${name} xmlns:v="http://vendor.example/ovf" ovf:required="false" v:size="2"><Info>For people</Info>${inside}</v:${name}>`;
    const text = envelope(
      collection(
        'app',
        system('m1', {
          items: hardware('nvram') + hardware('guestinfo.any') + hardware('firmware') + hardware('admin.password'),
          sections:
            section('Kept', '<v:Deep xml:lang="de">Text &amp; so on</v:Deep>') +
            section('Told', '<v:AdminPasswordEnabled>false</v:AdminPasswordEnabled>') +
            section('Ordered', '<v:Disk v:instanceId="4"/>') +
            section('Typed', '<v:Disk xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="v:Fast"/>') +
            `<vbox:Machine xmlns:vbox="http://www.virtualbox.org/ovf/machine" ovf:required="false"><Hardware/></vbox:Machine>` +
            `<vmw:IpAssignmentSection ${vmw} vmw:schemes="dhcp"><Info/></vmw:IpAssignmentSection>`,
        }),
        section('OfCollection', ''),
      ),
      { sections: section('OfEnvelope', '') + section('Large', `<v:Text>${'x'.repeat(300_000)}</v:Text>`) },
    );
    const { plan, envelope: original } = planOfText(Buffer.from(text)) as Planned;
    const out = exportEnvelope(plan, original);
    const { ignored } = inspectEnvelope(Buffer.from(out), { mode: 'lenient', schemas }).envelope as Envelope;
    const kept = ignored.map(({ name, namespace, required, parent, element }) => {
      const inside = element.children.map((child) => [child.name, child.attributes, child.text]);
      return { name, namespace, required, in: parent.path.split('/').at(-1), inside };
    });
    const of = (name: string, where: string, more: readonly unknown[] = []): object => ({
      ...{ name, namespace: 'http://vendor.example/ovf', required: false, in: where },
      inside: [['Info', [], 'For people'], ...more],
    });
    const vmware = { namespace: 'http://www.vmware.com/schema/ovf', required: false };
    const german = { namespace: 'http://www.w3.org/XML/1998/namespace', name: 'lang', value: 'de' };
    expect(kept).toEqual([
      of('OfEnvelope', 'Envelope'),
      of('OfCollection', 'VirtualSystemCollection'),
      of('Kept', 'VirtualSystem', [['Deep', [german], 'Text & so on']]),
      { name: 'IpAssignmentSection', ...vmware, in: 'VirtualSystem', inside: [['Info', [], '']] },
      { name: 'ExtraConfig', ...vmware, in: 'VirtualHardwareSection', inside: [] },
    ]);
    expect(out).toContain('vmw:key="nvram" vmw:value="&lt;&amp;&quot;"');
    expect(essence(reread(out))).toEqual(essence(plan));
  });

  it('keeps labels, types, limits, licences, files for guests and what translates them; secrets are asked for again', () => {
    const sections = `<AnnotationSection><Info/><Annotation ovf:msgid="note">Mind</Annotation></AnnotationSection>
      <ProductSection ovf:class="org.shop" ovf:instance="1"><Info>About</Info><Product ovf:msgid="shop">Shop</Product><Vendor>V</Vendor><Version>1</Version>
        <Category>Net</Category>
        <Property ovf:key="port" ovf:type="uint16" ovf:userConfigurable="true" ovf:value="80"><Label ovf:msgid="port">Port</Label></Property>
        <Property ovf:key="mode" ovf:type="string" ovf:qualifiers='ValueMap{"a","b"}' ovf:value="a"/>
        <Category>Who</Category>
        <Property ovf:key="secret" ovf:type="string" ovf:password="true" ovf:qualifiers="MinLen(8)" ovf:value="hunter2hunter2"/>
      </ProductSection>
      <EulaSection><Info/><License ovf:msgid="licence">Pay</License></EulaSection>
      <EnvironmentFilesSection xmlns="http://schemas.dmtf.org/ovf/envelope/2" xmlns:o="http://schemas.dmtf.org/ovf/envelope/2" o:required="false"><Info/><File o:fileRef="cfg" o:path="setup/cfg.xml"/></EnvironmentFilesSection>`;
    const bundle =
      '<Strings xml:lang="de"><Msg ovf:msgid="licence">Zahlen</Msg><Msg ovf:msgid="port">Anschluss</Msg></Strings>';
    const text = envelope(system('shop', { sections }), {
      references: '<File ovf:id="cfg" ovf:href="cfg.xml" ovf:size="7"/>',
    }).replace('</Envelope>', `${bundle}</Envelope>`);
    const { plan, envelope: original } = planOfText(Buffer.from(text)) as Planned;
    expect(plan.files).toMatchObject([{ id: 'cfg', href: 'cfg.xml', sizeBytes: 7 }]);
    expect(plan.machines[0]?.environment.files).toEqual([{ path: 'setup/cfg.xml', file: 'cfg' }]);
    const out = exportEnvelope(plan, original);
    expect(out).not.toContain('hunter2');
    const again = inspectEnvelope(Buffer.from(out), { mode: 'lenient', schemas }).envelope as Envelope;
    expect(sayings(again)).toEqual(sayings(original));
    const { unresolved } = planEnvelope({ envelope: again, findings: [] }, { ...NO_INPUTS, language: 'de' }, 'lenient');
    expect(unresolved).toMatchObject({
      eulas: [{ text: 'Zahlen' }],
      properties: [
        { key: 'org.shop.port.1', label: 'Anschluss', category: 'Net', limits: { type: 'uint16' }, default: '80' },
        { key: 'org.shop.secret.1', category: 'Who', limits: { minLength: 8 }, password: true, blocking: true },
      ],
    });
    expect(essence(reread(out, { properties: secretsOf(plan) }))).toEqual(essence(plan));
  });

  it.each([
    ['G2', 'G1'],
    ['G1', 'G2'],
  ])('keeps every placement group, in whatever order the descriptor has them (%s, %s)', (...order) => {
    const policies: Readonly<Record<string, string>> = { G1: 'availability', G2: 'affinity' };
    const group = (id: string): string =>
      `<ovf2:PlacementGroupSection ovf:required="false" ovf2:id="${id}" ovf2:policy="${policies[id]}"><Info/></ovf2:PlacementGroupSection>`;
    const placed = (id: string): string =>
      `<ovf2:PlacementSection ovf:required="false" ovf2:group="${id}"><Info/></ovf2:PlacementSection>`;
    const inner = collection('inner', placed('G2') + system('a', { sections: placed('G1') }) + system('b'));
    const rest = system('y', { sections: placed('G2') }) + system('z', { sections: placed('G1') });
    const text = envelope(collection('c', inner + rest), { sections: order.map(group).join('') });
    const { plan, envelope: original } = planOfText(Buffer.from(text)) as Planned;
    const rules = plan.constraints.map(({ rule, machines }) => [rule, machines]);
    expect(new Map(rules as [string, string[]][])).toEqual(
      new Map([
        ['sameHost', ['a', 'b', 'y']],
        ['differentHost', ['a', 'z']],
      ]),
    );
    for (const out of [exportEnvelope(plan), exportEnvelope(plan, original)])
      expect(essence(reread(out))).toEqual(essence(plan));
    const third = { rule: 'sameHost', machines: ['a', 'y'], hard: false, origin: 'PlacementGroupSection G3' } as const;
    expect(() => exportEnvelope({ ...plan, constraints: [...plan.constraints, third] })).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ code: 'ovf.export-placement' })] }),
    );
  });

  it('asks again for what the user gave and a descriptor would read otherwise; what draws on it draws on it again', () => {
    const own = (key: string, more: string): string => `<Property ovf:key="${key}" ovf:type="string" ${more}/>`;
    const settable = 'ovf:userConfigurable="true"';
    const sections = `<ProductSection><Info/>${[
      own('greeting', settable),
      own('short', `${settable} ovf:qualifiers="MaxLen(9)"`),
      own('whole', 'ovf:value="so ${greeting}"'),
      own('other', 'ovf:value="OTHER"'),
      own('secret', `${settable} ovf:password="true"`),
    ].join('')}</ProductSection>`;
    const properties = { greeting: '${other}-${secret}', short: '${nix}', secret: '${other}' };
    const { plan, envelope: original } = planOfText(Buffer.from(envelope(system('vm', { sections }))), {
      properties,
    }) as Planned;
    for (const text of [exportEnvelope(plan), exportEnvelope(plan, original)]) {
      expect(text).not.toMatch(/value="[^"]*\$\{(other|nix)/);
      expect(text).toContain('value="so ${greeting}"');
      expect(essence(reread(text, { properties: { ...properties, secret: 'x' } }))).toEqual(essence(plan));
      const { envelope: again } = inspectEnvelope(Buffer.from(text), { mode: 'strict', schemas });
      const { unresolved, findings } = planEnvelope({ envelope: again as Envelope, findings: [] }, NO_INPUTS, 'strict');
      expect(unresolved.properties.filter(({ blocking }) => blocking).map(({ key }) => key)).toEqual([
        'greeting',
        'short',
        'secret',
      ]);
      expect(findings).toEqual([]);
    }
  });
});
