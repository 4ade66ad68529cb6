/** A token stands for one thing: however often, at once, or after a lost answer it is used, there is one. Ids are data, whatever they hold. */

import type { ResourceClass, SiteAdapter, SiteRef } from '../../../src/iaas/adapter.js';
import type { SecurityRule } from '../../../src/iaas/security-groups.js';
import type { Bench } from './bench.js';

type Create = (adapter: SiteAdapter, token: string) => Promise<SiteRef>;

/** Every create of the interface: the method's name, what it makes, and a call of it with everything it needs in place. */
const CREATES: readonly {
  readonly operation: string;
  readonly makes: ResourceClass;
  readonly prepare: (bench: Bench) => Promise<Create | undefined>;
}[] = [
  {
    operation: 'createCompute',
    makes: 'compute',
    prepare: (bench) => Promise.resolve((adapter, id) => adapter.createCompute(bench.spec({ id }), id)),
  },
  {
    operation: 'createNetwork',
    makes: 'network',
    prepare: (bench) =>
      Promise.resolve(
        bench.can.network.has('create')
          ? (adapter, id) => adapter.createNetwork({ id, name: 'net', cidr: '192.168.72.0/24' }, id)
          : undefined,
      ),
  },
  {
    operation: 'createStorage',
    makes: 'storage',
    prepare: (bench) =>
      Promise.resolve(
        bench.can.storage.has('create')
          ? (adapter, id) => adapter.createStorage({ id, name: 'vol', sizeBytes: 2 ** 30 }, id)
          : undefined,
      ),
  },
  {
    operation: 'attachNic',
    makes: 'nic',
    prepare: async (bench) => {
      if (!bench.can.network.has('create')) return undefined;
      const [compute, network] = [await bench.stopped(), await bench.network()];
      return (adapter, id) => adapter.attachNic({ id, compute, network }, id);
    },
  },
  {
    operation: 'attachStorage',
    makes: 'attachment',
    prepare: async (bench) => {
      if (!bench.can.storage.has('create')) return undefined;
      const [compute, storage] = [await bench.stopped(), await bench.volume()];
      return (adapter, id) => adapter.attachStorage({ id, compute, storage }, id);
    },
  },
  {
    operation: 'importImage',
    makes: 'image',
    prepare: (bench) =>
      Promise.resolve(
        bench.takesImages ? (adapter, id) => adapter.importImage(bench.imageSpec({ id }), id) : undefined,
      ),
  },
  {
    operation: 'createSecurityGroup',
    makes: 'securitygroup',
    prepare: (bench) => {
      if (bench.can.securityGroups !== true) return Promise.resolve(undefined);
      const rules: readonly SecurityRule[] = [{ direction: 'outbound', protocol: 'tcp', version: 'ipv4' }];
      const missing = new Error('no security groups');
      return Promise.resolve(
        (adapter, id) => adapter.securityGroups?.create({ id, name: 'sg', rules }, id) ?? Promise.reject(missing),
      );
    },
  },
  {
    operation: 'saveCompute',
    makes: 'image',
    prepare: async (bench) => {
      if (!bench.can.compute.has('save') || bench.harness.savesNothing !== undefined) return undefined;
      const compute = await bench.running(await bench.imaged());
      return (adapter, token) => adapter.saveCompute(compute, 'saved', undefined, token);
    },
  },
];

/** Ids and names that break out of quotes, templates, markup, shells, header lines and terminals where they can. */
const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ['quotes', `a"b'c\`d`],
  ['template text', '${HOME} $NAME $(id) <% 1 %> {{x}} %s'],
  ['markup', `"]]>\n<NIC/> ]\nNIC=[NETWORK="x"] <!-- & -->`],
  ['line breaks', 'a\r\nb\tc\nd'],
  ['SQL', "x'); DROP TABLE command; --"],
  ['right-to-left and invisible characters', '\u202eabc\u202c\u200b\ufeff'],
  ['characters beyond the basic plane and a half of one', '\u{1f4a9} \ud800 é\u0301'],
  ['a null character', 'a\u0000b'],
  ['a path', '../../../etc/passwd'],
  ['a kilobyte', 'x'.repeat(1024)],
  ['a trailing backslash', 'back\\'],
];

export function describeTokens(bench: Bench): void {
  describe('makes one thing for one token', () => {
    it.each(CREATES)('when $operation is called five times at once', async ({ makes, prepare }) => {
      if (bench.isBroken('one-of-a-token')) return;
      const create = await prepare(bench);
      if (!create) return bench.skip('not offered');
      const token = bench.id();
      const before = (await bench.listed(makes)).length;
      const second = (await bench.harness.second?.()) ?? bench.adapter;
      const refs = await Promise.all(
        [bench.adapter, second, bench.adapter, second, bench.adapter].map((adapter) =>
          bench.inTheEnd(() => create(adapter, token)),
        ),
      );
      for (const ref of refs) bench.own(makes, ref);
      if (second !== bench.adapter) await second.close();
      expect(new Set(refs).size).toBe(1);
      expect((await bench.listed(makes)).length).toBe(before + 1);
      expect(await create(bench.adapter, token)).toBe(refs[0]);
      expect(await create(bench.adapter, `${token}-other`).then((ref) => bench.own(makes, ref), String)).not.toBe(
        refs[0],
      );
    });

    it.each(CREATES)('when the answer to $operation is lost', async ({ operation, makes, prepare }) => {
      const faults = bench.faults();
      if (!faults || bench.isSilent(operation)) return;
      const create = await prepare(bench);
      if (!create) return;
      const token = bench.id();
      const before = (await bench.listed(makes)).length;
      await faults.loseAnswer(operation);
      await bench.refused(create(bench.adapter, token), 'transient');
      const ref = bench.own(makes, await create(bench.adapter, token));
      expect((await bench.listed(makes)).length).toBe(before + 1);
      await bench.reaches(makes, ref);
    });

    it('and takes the token as it is written', async () => {
      const token = bench.id();
      const like = [
        token,
        token.toUpperCase(),
        `${token} `,
        `${token}%`,
        token.slice(0, -1),
        `${token.slice(0, -1)}_`,
        '*',
      ];
      const refs: string[] = [];
      for (const each of like) refs.push(bench.own('compute', await bench.adapter.createCompute(bench.spec(), each)));
      expect(new Set(refs).size).toBe(like.length);
    });

    it('and not the same thing for two classes', async () => {
      if (!bench.can.network.has('create')) return bench.skip('no networks');
      const token = bench.id();
      const machine = bench.own('compute', await bench.adapter.createCompute(bench.spec(), token));
      const network = bench.own(
        'network',
        await bench.adapter.createNetwork({ id: token, name: 'n', cidr: '192.168.73.0/24' }, token),
      );
      expect(await bench.look('compute', machine)).toBeDefined();
      expect(await bench.look('network', network)).toBeDefined();
    });
  });

  describe('takes hostile text as text', () => {
    it.each(HOSTILE)('%s', async (_what, text) => {
      const before = (await bench.listed('compute')).length;
      const spec = bench.spec({
        id: `${text}${bench.id()}`,
        name: text,
        hostname: text,
        userData: text,
        application: text,
      });
      const made = await bench.adapter.createCompute(spec, spec.id).then(
        (ref) => bench.own('compute', ref),
        (error: unknown) => void bench.isRefusal(error, 'invalid'),
      );
      expect((await bench.listed('compute')).length).toBe(before + (made === undefined ? 0 : 1));
      if (made === undefined) return;
      expect((await bench.reaches('compute', made)).id).toBe(spec.id);
      expect(await bench.adapter.createCompute(spec, spec.id)).toBe(made);
    });

    it('as references too', async () => {
      for (const [, text] of HOSTILE) {
        expect((await bench.adapter.describe('compute', [text])).size).toBe(0);
        await bench.adapter.delete('network', text);
        await bench.refused(bench.adapter.actCompute(text, 'start', undefined), 'not-found', 'invalid');
      }
    });
  });
}
