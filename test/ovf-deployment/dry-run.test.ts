import { Ajv2020 } from 'ajv/dist/2020.js';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverFor } from '../support/server.js';

const server = serverFor();
const schema = JSON.parse(readFileSync('docs/plan.schema.json', 'utf8')) as object;
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
const descriptor = { 'content-type': 'application/ovf+xml' };

const rehearse = (file: string): ReturnType<ReturnType<typeof server>['request']> =>
  server().request('POST', '/appliance/?dry-run', { headers: descriptor, body: readFileSync(file) });

describe('K07 the dry run', () => {
  it.each(['examples/single-vm/single-vm.ovf', 'examples/web-shop/web-shop.ovf', 'examples/options/options.ovf'])(
    'answers %s as the published schema says, and makes nothing',
    async (file) => {
      const reply = await rehearse(file);
      expect(reply.status).toBe(200);
      expect(reply.headers['content-type']).toBe('application/vnd.vep.plan+json');
      expect(reply.headers['cache-control']).toBe('no-store');
      expect(reply.headers.location).toBeUndefined();
      validate(reply.json);
      expect(validate.errors ?? []).toEqual([]);
      expect(reply.json.deployable).toBe(true);
      expect(reply.json.sites).toEqual([{ name: 'sim', fits: true, reasons: [], refusals: [], warnings: [] }]);
      expect((await server().request('GET', '/appliance/')).text).toBe('');
    },
  );

  it('gives every finding a severity, those of what is asked beside the descriptor too', async () => {
    const inputs = JSON.stringify(JSON.stringify({ networks: { frontend: 'nowhere' } }));
    const { json } = await server().request('POST', '/appliance/?dry-run', {
      headers: { ...descriptor, 'x-occi-attribute': `eu.contrail-project.ovf.inputs=${inputs}` },
      body: readFileSync('examples/web-shop/web-shop.ovf'),
    });
    expect(json.findings).toContainEqual(expect.objectContaining({ code: 'ovf.network-unknown', severity: 'error' }));
    validate(json);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('offers the configurations to choose from', async () => {
    const { unresolved } = (await rehearse('examples/options/options.ovf')).json;
    expect(unresolved.configurations.map(({ id }: { id: string }) => id)).toEqual(['small', 'medium', 'large']);
  });
});

describe('K04 the configuration', () => {
  const chosen = (attribute: string | undefined, input: string | undefined): ReturnType<typeof rehearse> => {
    const inputs = JSON.stringify(JSON.stringify(input === undefined ? {} : { configuration: input }));
    const attributes = [
      `eu.contrail-project.ovf.inputs=${inputs}`,
      ...(attribute === undefined ? [] : [`eu.contrail-project.ovf.configuration="${attribute}"`]),
    ];
    return server().request('POST', '/appliance/?dry-run', {
      headers: { ...descriptor, 'x-occi-attribute': attributes.join(', ') },
      body: readFileSync('examples/options/options.ovf'),
    });
  };

  it.each([
    ['large', undefined],
    [undefined, 'large'],
    ['large', 'large'],
  ])('is chosen by the attribute (%s), or among the inputs (%s)', async (attribute, input) => {
    expect((await chosen(attribute, input)).json.plan.configuration).toBe('large');
  });

  it('is not chosen twice, and differently', async () => {
    const { status, text } = await chosen('large', 'small');
    expect([status, text]).toEqual([400, expect.stringContaining('ovf.configuration-twice')]);
  });
});

describe('a descriptor that cannot be deployed', () => {
  const broken = readFileSync('examples/single-vm/single-vm.ovf', 'utf8').replace(
    /<rasd:VirtualQuantity>\d+/g,
    '<rasd:VirtualQuantity>many',
  );

  it.each([
    ['with errors', broken, 'ovf.O-051'],
    ['with a document type', `<!DOCTYPE x [<!ENTITY e "e">]>${broken.replace(/<\?xml.*?\?>/, '')}`, 'xml.doctype'],
    ['that is no XML', '<Envelope', 'xml.not-well-formed'],
  ])('%s is answered as any other, with its faults among the findings', async (_, body, code) => {
    const dry = await server().request('POST', '/appliance/?dry-run', { headers: descriptor, body });
    expect([dry.status, dry.headers['content-type']]).toEqual([200, 'application/vnd.vep.plan+json']);
    validate(dry.json);
    expect(validate.errors ?? []).toEqual([]);
    expect(dry.json).toMatchObject({ deployable: false, plan: null, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const remedy = expect.any(String);
    expect(dry.json.findings).toContainEqual(expect.objectContaining({ code, severity: 'error', remedy }));
    // To deploy it is a fault of the request all the same.
    expect((await server().request('POST', '/appliance/', { headers: descriptor, body })).status).toBe(400);
  });

  it('is told everything at once, whoever finds it, whether it is tried or deployed', async () => {
    const body = broken.replace(
      '</VirtualSystem>',
      `<ProductSection><Info/><Property ovf:key="loop" ovf:type="string" ovf:value="\${loop}"/></ProductSection>$&`,
    );
    const dry = await server().request('POST', '/appliance/?dry-run', { headers: descriptor, body });
    const refused = await server().request('POST', '/appliance/', { headers: descriptor, body });
    expect(refused.status).toBe(400);
    for (const code of ['ovf.O-051', 'ovf.O-063']) {
      expect(dry.json.findings).toContainEqual(expect.objectContaining({ code, severity: 'error' }));
      expect(refused.text).toContain(code);
    }
  });
});

describe('a provider that takes signed packages only', () => {
  const strict = serverFor({ config: { ovf: { signatures: 'signed' } } });

  it('refuses a descriptor by itself, which nobody can have signed', async () => {
    const body = readFileSync('examples/single-vm/single-vm.ovf');
    const dry = await strict().request('POST', '/appliance/?dry-run', { headers: descriptor, body });
    expect(dry.json).toMatchObject({ deployable: false });
    expect(dry.json.findings).toContainEqual(expect.objectContaining({ code: 'ovf.signature-required' }));
    const sent = await strict().request('POST', '/appliance/', { headers: descriptor, body });
    expect([sent.status, sent.text]).toEqual([400, expect.stringContaining('ovf.signature-required')]);
  });
});

describe('a site that cannot take it', () => {
  const small = serverFor({
    site: {
      lacks: ['network.create', 'storage.create'],
      hosts: [{ name: 'tiny', rack: 'r', zone: 'z', country: 'DE', cores: 1, memoryBytes: 2 ** 30 }],
    },
  });

  it('says everything that stands against it', async () => {
    const { status, json } = await small().request('POST', '/appliance/?dry-run', {
      headers: descriptor,
      body: readFileSync('examples/web-shop/web-shop.ovf'),
    });
    expect(status).toBe(200);
    validate(json);
    expect(validate.errors ?? []).toEqual([]);
    const [{ fits, reasons, refusals }] = json.sites;
    expect(fits).toBe(false);
    expect(reasons).toEqual(refusals.map(({ message }: { message: string }) => message));
    expect(refusals.map(({ code }: { code: string }) => code)).toEqual(
      expect.arrayContaining(['site.no-networks', 'site.no-storage', 'placement.capacity']),
    );
    for (const refusal of refusals) expect(refusal.remedy).toEqual(expect.any(String));
    expect(json.deployable).toBe(false);
  });
});

describe('a disk whose capacity only its image tells', () => {
  const text = readFileSync('examples/single-vm/single-vm.ovf', 'utf8').replace(/ ovf:capacity="[^"]*"/, '');
  const href = /ovf:href="([^"]*)"/.exec(text)?.[1] ?? '';

  it('is shown with an assumed size while nobody has sent the image', async () => {
    const { plan, unresolved } = (
      await server().request('POST', '/appliance/?dry-run', { headers: descriptor, body: text })
    ).json;
    expect(plan.disks[0]).toMatchObject({ capacityBytes: 2 ** 30, assumed: true });
    expect(unresolved.assumedSizes).toEqual([
      { disk: plan.disks[0].id, quantity: 'capacityBytes', value: plan.disks[0].capacityBytes },
    ]);
  });

  it('has the size of the image that came along', async () => {
    const body = new FormData();
    body.append('ovf', new Blob([text], { type: 'application/ovf+xml' }), 'a.ovf');
    body.append('file', new Blob([new Uint8Array(65_536)]), href);
    const { headers, body: bytes } = await encoded(body);
    const { plan, unresolved } = (await server().request('POST', '/appliance/?dry-run', { headers, body: bytes })).json;
    expect(plan.disks[0]).toMatchObject({ capacityBytes: 65_536 });
    expect(plan.disks[0].assumed).toBeUndefined();
    expect(unresolved.assumedSizes).toEqual([]);
  });

  it('O-039 is as large as its image where the descriptor says less', async () => {
    const body = new FormData();
    const small = text
      .replace('<Disk ', '<Disk ovf:capacity="512" ')
      .replace(/ ovf:capacityAllocationUnits="[^"]*"/, '');
    body.append('ovf', new Blob([small], { type: 'application/ovf+xml' }), 'a.ovf');
    body.append('file', new Blob([new Uint8Array(65_536)]), href);
    const { headers, body: bytes } = await encoded(body);
    const { plan, findings } = (await server().request('POST', '/appliance/?dry-run', { headers, body: bytes })).json;
    expect(plan.disks[0]).toMatchObject({ capacityBytes: 65_536 });
    expect(findings).toContainEqual(expect.objectContaining({ code: 'ovf.O-039', severity: 'warning' }));
  });
});

describe('a disk that is the delta of another', () => {
  const real = serverFor({ site: { lacks: ['imageless'] } });
  const base = '<Disk ovf:diskId="base" ovf:capacity="1" ovf:fileRef="base-image" ovf:format="raw"/>';
  const text = readFileSync('examples/single-vm/single-vm.ovf', 'utf8').replace(
    /<Disk ([^]*?)\/>/,
    `${base}<Disk $1 ovf:parentRef="base"/>`,
  );
  const answer = (from: ReturnType<typeof serverFor>): ReturnType<ReturnType<typeof server>['request']> =>
    from().request('POST', '/appliance/?dry-run', { headers: descriptor, body: text });

  it('O-037 is refused by sites that look at images, and told by the others', async () => {
    const told = expect.objectContaining({ code: 'ovf.delta-disk', severity: 'warning', value: 'root' }) as unknown;
    expect((await answer(server)).json.findings).toContainEqual(told);
    const refused = (await answer(real)).json;
    expect(refused).toMatchObject({ deployable: false, plan: null });
    expect(refused.findings).toContainEqual(expect.objectContaining({ code: 'ovf.delta-disk', severity: 'error' }));
  });
});

describe('a machine that asks for EFI', () => {
  const bios = serverFor({ site: { lacks: ['imageless', 'firmware.efi'] } });
  const efi = serverFor({ site: { lacks: ['imageless'] } });
  const text = readFileSync('examples/single-vm/single-vm.ovf', 'utf8')
    .replace('<Envelope ', '<Envelope xmlns:vmw="http://www.vmware.com/schema/ovf" ')
    .replace(
      '</VirtualHardwareSection>',
      '<vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/></VirtualHardwareSection>',
    );
  const told = async (from: ReturnType<typeof serverFor>): Promise<readonly { code: string; message: string }[]> => {
    const { findings } = (await from().request('POST', '/appliance/?dry-run', { headers: descriptor, body: text }))
      .json;
    return findings.filter(({ code }: { code: string }) => code === 'site.no-efi');
  };

  it('O-055 is told where the site would start it with a BIOS', async () => {
    expect(await told(bios)).toMatchObject([{ severity: 'warning', rule: 'O-055' }]);
    expect(await told(efi)).toEqual([]);
    expect(await told(server)).toEqual([]);
  });
});

async function encoded(form: FormData): Promise<{ headers: Record<string, string>; body: Buffer }> {
  const response = new Response(form);
  const type = response.headers.get('content-type') ?? '';
  return { headers: { 'content-type': type }, body: Buffer.from(await response.arrayBuffer()) };
}

const shared = process.env['VEP_TEST_SHARED'];
const corpus = shared === undefined ? undefined : join(shared, 'data/ovf-corpus/files');
const files =
  corpus !== undefined && existsSync(corpus) ? readdirSync(corpus).filter((file) => file.endsWith('.ovf')) : [];
const overCorpus = files.length > 0 ? it : it.skip;
if (files.length === 0)
  console.log('real descriptors are not tried: VEP_TEST_SHARED names no folder with data/ovf-corpus');

describe('real descriptors over the wire', () => {
  overCorpus('each gets a plan, or the faults that stand against one; never a failure of the server', async () => {
    const counts: Record<string, number> = {};
    for (const file of files) {
      const reply = await server().request('POST', '/appliance/?dry-run', {
        headers: { ...descriptor, accept: 'application/occi+json' },
        body: readFileSync(join(corpus ?? '', file)),
      });
      expect([file, reply.status]).toEqual([file, 200]);
      validate(reply.json);
      expect(validate.errors ?? []).toEqual([]);
      const { deployable, plan, findings } = reply.json;
      const outcome = deployable ? 'deployable' : plan === null ? 'refused' : 'needs input';
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      const faults = findings.filter(({ severity = 'error' }: { severity?: string }) => severity === 'error');
      if (plan === null) expect([file, faults.length]).not.toEqual([file, 0]);
    }
    console.log(`corpus of ${files.length}: ${JSON.stringify(counts)}`);
  });
});
