/** Commands that need no server: validation, completion, tokens. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import { archiveOf } from '../../src/cli/archive.js';
import { createProgram } from '../../src/cli/program.js';
import { vep, type Ran } from './fake-terminal.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vep-local-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const run = (line: string): Promise<Ran> =>
  vep(line.split(' '), { directory: folder, environment: { VEP_DATA_DIR: join(folder, 'data') } });
const descriptor = readFileSync(join(packageRoot, 'examples/single-vm/single-vm.ovf'), 'utf8');

const planSchema = new Ajv2020({ strict: false, allErrors: true }).compile(
  JSON.parse(readFileSync(join(packageRoot, 'docs/plan.schema.json'), 'utf8')) as object,
);

describe('vep plan, without a server', () => {
  const web = join(packageRoot, 'examples/web-shop/web-shop.ovf');

  it('plans here, says so, and answers the document of the dry run', async () => {
    const { code, out, err } = await run(`plan ${web} --json`);
    expect(code).toBe(0);
    expect(err).toContain('no server is known: planned here');
    const document = JSON.parse(out);
    planSchema(document);
    expect(planSchema.errors ?? []).toEqual([]);
    expect(document).toMatchObject({ site: null, sites: [], deployable: true });
    const shown = (await run(`plan ${web} --offline`)).out;
    expect(shown).toContain('machines: ');
    expect(shown).toContain('complete: no server was asked');
  });

  it('takes inputs, refuses wrong ones, and leaves agreements and URLs to a server', async () => {
    const options = join(packageRoot, 'examples/options/options.ovf');
    const chosen = JSON.parse((await run(`plan ${options} --configuration large --json`)).out);
    expect(chosen.plan.configuration).toBe('large');
    expect(await run(`plan ${options} --configuration huge`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('ovf.O-058'),
    });
    writeFileSync(join(folder, 'sla.json'), '{}');
    expect((await run(`plan ${options} --offline --sla sla.json`)).err).toContain('is judged by a server');
    expect((await run('plan http://example.org/a.ovf --offline')).err).toContain('is fetched by a server');
  });

  it('tells types and limits of what is needed, and licences', async () => {
    const text = descriptor.replace(
      /<(ovf:)?VirtualHardwareSection/,
      `<ProductSection><Info/><Property ovf:key="port" ovf:type="uint16(1..9)" ovf:userConfigurable="true"/></ProductSection>
       <EulaSection><Info/><License>Be kind</License></EulaSection>$&`,
    );
    writeFileSync(join(folder, 'asks.ovf'), text);
    const { code, out } = await run('plan asks.ovf');
    expect(code).toBe(1);
    expect(out).toMatch(/--property +port +uint16, 1 to 9 +needed/);
    expect(out).toMatch(/--accept-eulas .*Be kind/);
    expect(out).toContain('not deployable: fill in what is needed');
    expect((await run('plan asks.ovf --property port=5 --accept-eulas')).code).toBe(0);
  });

  it('speaks the language that is asked for, from bundles beside the descriptor or in the archive', async () => {
    const bundle =
      '<Strings xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xml:lang="de"><Msg ovf:msgid="licence">Sei freundlich</Msg></Strings>';
    const text = descriptor
      .replace('</VirtualSystem>', '<EulaSection><Info/><License ovf:msgid="licence">Be kind</License></EulaSection>$&')
      .replace('</References>', '<File ovf:id="de" ovf:href="de.xml"/>$&')
      .replace('</Envelope>', '<Strings xml:lang="de" ovf:fileRef="de"/>$&');
    writeFileSync(join(folder, 'kind.ovf'), text);
    expect((await run('plan kind.ovf --language de')).out).toContain('Be kind');
    writeFileSync(join(folder, 'de.xml'), bundle);
    expect((await run('plan kind.ovf --language de-AT')).out).toContain('Sei freundlich');
    expect((await run('plan kind.ovf --offline')).out).toContain('Be kind');
    const source = archiveOf('a.ova', [
      { name: 'kind.ovf', bytes: Buffer.from(text) },
      { name: 'de.xml', bytes: Buffer.from(bundle) },
      { name: 'images/base.qcow2', bytes: Buffer.from('x') },
    ]);
    writeFileSync(join(folder, 'a.ova'), await source.read(0, source.sizeBytes));
    expect((await run('plan a.ova --language de')).out).toContain('Sei freundlich');
    const validated = JSON.parse((await run('validate a.ova --language de --json')).out);
    expect(validated.unresolved.eulas[0].text).toBe('Sei freundlich');
    writeFileSync(join(folder, 'de.xml'), 'nonsense');
    expect((await run('validate kind.ovf')).out).toContain('the bundle is left out');
    expect((await run('validate kind.ovf --language de_AT')).err).toContain('language tag');
  });

  it('reads a package', async () => {
    const source = archiveOf('a.ova', [
      { name: 'a.ovf', bytes: Buffer.from(descriptor) },
      { name: 'images/base.qcow2', bytes: Buffer.from('x') },
    ]);
    writeFileSync(join(folder, 'a.ova'), await source.read(0, source.sizeBytes));
    expect((await run('plan a.ova')).out).toContain('machine ');
  });

  it.each([
    ['opennebula', 'MEMORY = "'],
    ['heat', 'heat_template_version: 2018-08-31'],
    ['libvirt', '<domain type="qemu">'],
    ['occi', 'Category: compute; scheme="http://schemas.ogf.org/occi/infrastructure#"'],
  ])('--format %s prints the translation, and beside it what it does not say', async (format, expected) => {
    const { code, out, err } = await run(`plan ${web} --format ${format}`);
    expect(code).toBe(0);
    expect(out).toContain(expected);
    expect(err).toContain('[translation.unsaid, O-084]');
    const json = JSON.parse((await run(`plan ${web} --format ${format} --json`)).out);
    expect(json).toMatchObject({ format, documents: expect.any(Array), notes: expect.any(Array) });
    expect(json.documents.some(({ text }: { text: string }) => text.includes(expected))).toBe(true);
  });

  it('knows no other format', async () => {
    expect(await run(`plan ${web} --format terraform`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('opennebula, heat, libvirt, occi'),
    });
  });
});

describe('vep validate', () => {
  it('believes signatures of those whom --signer names, and says so; others are told apart', async () => {
    const pki = (name: string): string => join(packageRoot, 'test/support/pki-fixtures', name);
    const manifest = `SHA256(a.ovf)= ${createHash('sha256').update(descriptor).digest('hex')}\n`;
    const lay = (signer: string, over = manifest): void => {
      const signature = sign('sha256', Buffer.from(over), createPrivateKey(readFileSync(pki(`eec/${signer}.key`))));
      const certificate = readFileSync(pki(`eec/${signer}.pem`), 'utf8');
      writeFileSync(join(folder, 'a.cert'), `SHA256(a.mf)= ${signature.toString('hex')}\n${certificate}`);
    };
    const told = async (options = ''): Promise<readonly [number, string]> => {
      const { code, out } = await run(`validate a.ovf --json ${options}`.trim());
      const { findings } = JSON.parse(out) as { findings: { code: string; severity: string; message: string }[] };
      const [found] = findings.filter((finding) => finding.code === 'ovf.O-030');
      return [code, `${found?.severity} ${found?.message}`];
    };
    writeFileSync(join(folder, 'a.ovf'), descriptor);
    writeFileSync(join(folder, 'a.mf'), manifest);
    lay('alice');
    const [unknown] = [await told()];
    expect(unknown).toEqual([0, expect.stringMatching(/^warning /)]);
    expect(await told(`--signer ${pki('ca/root.pem')}`)).toEqual([0, expect.stringMatching(/^info .*trusts/)]);
    expect(await told(`--signer ${pki('eec/alice.pem')}`)).toEqual([0, expect.stringMatching(/^info .*trusts/)]);
    lay('mallory-samedn');
    expect(await told(`--signer ${pki('ca/root.pem')}`)).toEqual([0, expect.stringMatching(/^warning /)]);
    lay('expired');
    expect(await told(`--signer ${pki('ca/root.pem')}`)).toEqual([0, expect.stringMatching(/^warning .*expired/)]);
    lay('alice', 'another manifest');
    expect(await told(`--signer ${pki('ca/root.pem')}`)).toEqual([1, expect.stringMatching(/^error /)]);
    expect((await run('validate a.ovf --signer nowhere.pem')).err).toContain('nowhere.pem cannot be read');
    writeFileSync(join(folder, 'none.pem'), 'no certificate');
    const none = await run('validate a.ovf --signer none.pem');
    expect([none.code === 0, none.err]).toEqual([false, expect.stringContaining('holds no certificate')]);
  });

  it('finds nothing wrong with the examples, even by the letter', async () => {
    for (const name of ['single-vm', 'web-shop', 'options']) {
      const { code, out } = await run(`validate ${join(packageRoot, `examples/${name}/${name}.ovf`)} --strict`);
      expect(code).toBe(0);
      expect(out).toContain('valid (strict; 0 errors, 0 warnings, 0 notes)');
    }
  });

  it('answers the document of the dry run, by its published schema', async () => {
    const file = join(packageRoot, 'examples/options/options.ovf');
    const document = JSON.parse((await run(`validate ${file} --json`)).out);
    planSchema(document);
    expect(planSchema.errors ?? []).toEqual([]);
    expect(document).toMatchObject({ valid: true, deployable: true, site: null, plan: { machines: [{}] } });
    expect(document.unresolved.configurations).toHaveLength(3);
    writeFileSync(join(folder, 'noise'), 'not even XML');
    const nothing = JSON.parse((await run('validate noise --json')).out);
    planSchema(nothing);
    expect(planSchema.errors ?? []).toEqual([]);
    expect(nothing).toMatchObject({ valid: false, plan: null, findings: [{ severity: 'error' }] });
  });

  it('tells every finding with line, rule and remedy', async () => {
    writeFileSync(
      join(folder, 'bad.ovf'),
      descriptor.replace('ovf:/disk/', 'ovf:/disk/x').replace(/<rasd:Connection>[^<]*/, '<rasd:Connection>nowhere'),
    );
    const { code, out } = await run('validate bad.ovf --strict');
    expect(code).toBe(1);
    expect(out).toMatch(/error: line \d+.*\[ovf\.O-033, O-033, DSP0243 §8\.3\]\n {2}remedy: /);
    expect(out).toContain('ovf.O-043');
    const json = JSON.parse((await run('validate bad.ovf --json')).out);
    expect(json).toMatchObject({ file: 'bad.ovf', mode: 'lenient', valid: false, deployable: false, plan: null });
    expect(json.errors + json.warnings + json.notes).toBe(json.findings.length);
    expect((await run('validate bad.ovf')).out).toContain('warning: ');
  });

  it('asks only the schema of one edition, and grammars that an operator put in the place of ours', async () => {
    const generation = descriptor.replace('<rasd:InstanceID>', '<rasd:Generation>1</rasd:Generation><rasd:InstanceID>');
    writeFileSync(join(folder, 'generation.ovf'), generation);
    expect((await run('validate generation.ovf --schema 1.0')).code).toBe(0);
    const { code, out } = await run('validate generation.ovf --schema 1.1');
    expect([code, out]).toEqual([1, expect.stringContaining('Generation')]);
    expect((await run('validate generation.ovf --schema 3')).code).toBe(2);

    const name = 'CIM_ResourceAllocationSettingData.xsd';
    mkdirSync(join(folder, 'xsd'));
    writeFileSync(join(folder, 'xsd', name), readFileSync(join(packageRoot, 'ovf-schema/1.0', name)));
    const replaced = (schemas: string): Promise<Ran> =>
      vep(['validate', 'generation.ovf', '--schema', '1.1'], {
        directory: folder,
        environment: { VEP_OVF_SCHEMA_DIR: join(folder, schemas) },
      });
    expect((await replaced('xsd')).code).toBe(0);
    expect(await replaced('nowhere')).toMatchObject({ code: 2, err: expect.stringContaining('has none of the files') });
  });

  it('reads a package: members, completeness and descriptor', async () => {
    const write = async (name: string, members: Parameters<typeof archiveOf>[1]): Promise<void> => {
      const source = archiveOf(name, members);
      writeFileSync(join(folder, name), await source.read(0, source.sizeBytes));
    };
    const ovf = { name: 'a.ovf', bytes: Buffer.from(descriptor) };
    await write('incomplete.ova', [ovf]);
    const incomplete = await run('validate incomplete.ova');
    expect(incomplete.code).toBe(1);
    expect(incomplete.out).toContain('the file is not in the package');
    await write('last.ova', [{ name: 'b.txt', bytes: Buffer.from('x') }, ovf]);
    expect((await run('validate last.ova')).out).toContain('O-021');
  });

  it('reads a folder: everything must be there and agree with the manifest', async () => {
    const image = Buffer.from('image');
    const digest = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const manifest = `SHA256(a.ovf)= ${digest(descriptor)}\nSHA256(images/base.qcow2)= ${digest(image)}\n`;
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'a.ovf'), descriptor);
    expect((await run('validate a.ovf')).code).toBe(0);
    expect((await run('validate .')).out).toContain('the file is not in the package');
    writeFileSync(join(folder, 'a.mf'), manifest);
    expect((await run('validate a.ovf')).code).toBe(0);
    writeFileSync(join(folder, 'images', 'base.qcow2'), image);
    expect((await run('validate .')).out).not.toContain('not in the package');
    writeFileSync(join(folder, 'images', 'base.qcow2'), 'altered');
    for (const name of ['.', 'a.ovf']) expect((await run(`validate ${name}`)).out).toContain('O-026');
    renameSync(join(folder, 'a.mf'), join(folder, 'manifest.mf'));
    for (const name of ['.', 'a.ovf']) expect((await run(`validate ${name}`)).out).toContain('O-026');
    writeFileSync(join(folder, 'another.mf'), manifest);
    expect((await run('validate .')).out).toContain('more than one manifest');
    rmSync(join(folder, 'another.mf'));
    renameSync(join(folder, 'manifest.mf'), join(folder, 'b.mf'));
    writeFileSync(join(folder, 'b.ovf'), descriptor);
    expect((await run('validate a.ovf')).out).not.toContain('O-026');
    expect(await run('validate .')).toMatchObject({ code: 2, err: expect.stringContaining('more than one') });
  });

  it('finds a file that is named as the href writes it', async () => {
    writeFileSync(join(folder, 'a.ovf'), descriptor.replace('"images/base.qcow2"', '"my%20image"'));
    expect((await run('validate .')).code).toBe(1);
    writeFileSync(join(folder, 'my%20image'), 'image');
    expect((await run('validate .')).code).toBe(0);
  });

  it('O-019 reads a folder with a file in pieces, and misses one between others', async () => {
    const pieced = descriptor
      .replace('ovf:href="images/base.qcow2"', '$& ovf:chunkSize="2"')
      .replace(/ovf:size="\d+"/, '');
    expect(pieced).toContain('chunkSize');
    mkdirSync(join(folder, 'images'));
    writeFileSync(join(folder, 'a.ovf'), pieced);
    const piece = (number: number): string => join(folder, `images/base.qcow2.00000000${number}`);
    for (const number of [0, 2]) writeFileSync(piece(number), 'ab');
    const { code, out } = await run('validate .');
    expect([code, out]).toEqual([1, expect.stringContaining('images/base.qcow2.000000001')]);
    writeFileSync(piece(1), 'ab');
    expect((await run('validate .')).code).toBe(0);
  });

  it('survives what is neither', async () => {
    writeFileSync(join(folder, 'noise'), Buffer.from(Array.from({ length: 3000 }, (_, index) => (index * 7919) % 256)));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'text.ovf'), '<a');
    for (const name of ['noise', 'empty', 'text.ovf']) expect((await run(`validate ${name}`)).code).toBe(1);
    expect((await run('validate missing')).code).toBe(2);
    expect((await run('validate .')).code).toBe(1);
    rmSync(join(folder, 'text.ovf'));
    expect((await run('validate .')).code).toBe(2);
  });
});

describe('vep completion', () => {
  const names = createProgram({} as never, () => undefined).commands.map((command) => command.name());

  it.each(['bash', 'zsh', 'fish'])('for %s names every command and the options', async (shell) => {
    const { code, out } = await run(`completion ${shell}`);
    expect(code).toBe(0);
    for (const name of [...names, 'reset', 'revoke']) expect(out).toMatch(new RegExp(`\\b${name}\\b`));
    for (const option of ['keep-on-failure', 'data-dir']) expect(out).toContain(option);
  });

  it('works in bash', async () => {
    const { out } = await run('completion bash');
    const complete = (...words: string[]): string[] => {
      const script = `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _vep; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
    };
    expect(complete('vep', 'un')).toEqual(['undeploy']);
    expect(complete('vep', '--json', 'token', 're')).toEqual(['revoke']);
    expect(complete('vep', 'deploy', 'x.ovf', '--keep')).toEqual(['--keep-on-failure']);
  });

  it('knows no other shell', async () => {
    expect((await run('completion tcsh')).code).toBe(2);
  });
});

describe('vep sites with a configuration', () => {
  const configuration = (sites: object): void => writeFileSync(join(folder, 'vep.yaml'), JSON.stringify({ sites }));

  it('asks the sites themselves', async () => {
    configuration([{ name: 'sim', type: 'simulator' }]);
    expect(await run('sites check --config vep.yaml')).toMatchObject({ code: 0, out: expect.stringContaining('ok: ') });
    const { out } = await run('sites inventory sim --config vep.yaml');
    expect(out).toContain('site sim (simulator), 20479.7 GiB of disk free');
    expect(out).toMatch(/^host01 +up +DE \/ de-1 \/ rack1 +16\/16 +64\/64$/m);
    const json = JSON.parse((await run('sites inventory --config vep.yaml --json')).out);
    expect(json).toMatchObject([{ site: 'sim', images: [{ name: 'debian-12', format: 'qcow2' }] }]);
    expect((await run('sites check elsewhere --config vep.yaml')).code).toBe(6);
  });

  it('names every fault of the options with its key, as vep config check does', async () => {
    configuration([
      { name: 'one', type: 'simulator', options: { seed: -1, color: 'red' } },
      { name: 'two', type: 'holodeck' },
    ]);
    for (const line of ['sites check --config vep.yaml', 'config check vep.yaml']) {
      const { code, err } = await run(line);
      expect(code).toBe(1);
      for (const key of ['sites.one.options.seed', 'sites.one.options.color', 'sites.two.type'])
        expect(err).toContain(key);
      expect(err).toContain('this release knows: simulator, opennebula');
    }
  });
});

describe('vep config check', () => {
  it('warns of sites that reach each other and cut networks from the same range', async () => {
    const site = (name: string): object => ({ name, type: 'simulator', connects: ['backend'] });
    writeFileSync(join(folder, 'vep.yaml'), JSON.stringify({ sites: [site('east'), site('west')] }));
    const { code, out } = await run('config check vep.yaml');
    expect(code).toBe(0);
    expect(out).toMatch(/^warning: sites\.west\.options\.networkPool\.cidr: .*\[site\.network-pools\]$/m);
    const { warnings } = JSON.parse((await run('config check vep.yaml --json')).out);
    expect(warnings).toMatchObject([{ code: 'site.network-pools' }]);
    const example = join(packageRoot, 'examples/two-sites/vep.yaml');
    expect(JSON.parse((await run(`config check ${example} --json`)).out)).toMatchObject({ valid: true, warnings: [] });
  });
});

describe('vep sites add', () => {
  const file = (): string => readFileSync(join(folder, 'vep.yaml'), 'utf8');

  it('writes a site behind those that are there, and leaves the rest of the file as it is', async () => {
    writeFileSync(join(folder, 'vep.yaml'), '# ours\nsites:\n  - name: one # the first\n    type: simulator\n');
    const { code, out } = await run('sites add two --type simulator --set seed=7 --set networkPool.prefix=26');
    expect([code, out]).toEqual([0, expect.stringContaining('nothing is missing')]);
    expect(file()).toBe(
      '# ours\nsites:\n  - name: one # the first\n    type: simulator\n' +
        '  - name: two\n    type: simulator\n    options:\n      seed: 7\n      networkPool:\n        prefix: 26\n',
    );
    const json = JSON.parse((await run('sites check --config vep.yaml --json')).out);
    expect(json).toMatchObject([{ site: 'one' }, { site: 'two', findings: [] }]);
    // The first command of this file that opens sites loads the server.
  });

  it('makes the file, and keeps the simulator that was there without being named', async () => {
    expect((await run('sites add two --type simulator')).out).toContain('The simulator sim');
    expect(file()).toContain('name: sim');
    expect((await run('sites add two --type simulator')).err).toContain('two sites are named');
  });

  it('names every fault of the options and writes nothing', async () => {
    const { code, err } = await run('sites add two --type simulator --set seed=-1 --set color=red');
    expect(code).toBe(1);
    for (const key of ['sites.two.options.seed', 'sites.two.options.color']) expect(err).toContain(key);
    expect(() => file()).toThrow('ENOENT');
  });

  it('says what is missing and writes it only when it is told to', async () => {
    const capacity = '{cores: 1, memoryGiB: 1, storageGiB: 1, country: DE}';
    writeFileSync(join(folder, 'options.yaml'), `endpoint: http://127.0.0.1:9/\ncapacity: ${capacity}\n`);
    const line = 'sites add far --type occi --options options.yaml --json';
    const refused = await run(line);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ written: false, findings: [{ code: 'occi.endpoint' }] });
    expect(() => file()).toThrow('ENOENT');
    expect(JSON.parse((await run(`${line} --force`)).out)).toMatchObject({ written: true });
    expect(file()).toContain('http://127.0.0.1:9/');
  });
});

describe('vep token and vep admin', () => {
  it('make, list and revoke tokens in the data directory, for administrators', async () => {
    expect((await run('token list')).code).toBe(4);
    expect(await run('admin reset user --admin')).toMatchObject({ code: 0, err: '' });
    const file = join(folder, 'data/user.token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const made = await run('token create --admin --name mine --expires 2 --json');
    expect(JSON.parse(made.out)).toMatchObject({
      account: 'user',
      name: 'mine',
      token: expect.stringMatching(/^vep_/),
    });
    const list = (): Promise<{ id: string; name: string }[]> =>
      run('token list --admin --json').then(({ out }) => JSON.parse(out));
    const found = await list();
    expect(found.map(({ name }) => name).sort()).toEqual(['mine', 'user.token']);
    expect((await run('token list --admin')).out).toContain('never');
    const id = found.find(({ name }) => name === 'mine')?.id;
    expect((await run(`token revoke ${id} --admin`)).code).toBe(0);
    expect(await list()).toHaveLength(1);
    expect((await run(`token revoke ${id} --admin`)).code).toBe(6);
    expect((await run('token revoke nonsense --admin')).code).toBe(2);
    expect((await run('token create --admin --account nobody')).code).toBe(6);
    expect((await run('admin reset root --admin')).code).toBe(2);
  });

  it('a reset puts a new token into the file', async () => {
    await run('admin reset --admin');
    const before = readFileSync(join(folder, 'data/admin.token'), 'utf8');
    const { out } = await run('admin reset --admin');
    const after = readFileSync(join(folder, 'data/admin.token'), 'utf8');
    expect(after).not.toBe(before);
    expect(out).not.toContain(after.trim());
  });
});
