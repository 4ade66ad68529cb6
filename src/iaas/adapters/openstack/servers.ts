/** Servers as Nova lists them: those of a token, those that VEP made, or one by its id. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Cloud } from './cloud.js';
import { elder, isDigest, readRef, realmTag, tokenTag, type Ref } from './marks.js';
import { isGone, readServer, type Server } from './server.js';
import { missing } from './service.js';
import type { Tenants } from './tenants.js';

/** How many references are asked for one by one before a list of everything is cheaper. */
const FEW = 4;

export class Servers {
  readonly #tenants: Tenants;
  readonly #realm: string;

  constructor(tenants: Tenants, realm: string) {
    this.#tenants = tenants;
    this.#realm = realm;
  }

  /** All that VEP made in a project. */
  async *all(cloud: Cloud, options: CallOptions): AsyncIterable<Server> {
    const query = { tags: realmTag(this.#realm) };
    for await (const body of cloud.compute.all('/servers/detail', 'servers', { ...options, query })) {
      const server = readServer(body, this.#realm);
      if (server.marks && !isGone(server)) yield server;
    }
  }

  /** Those of one token; more than one where two processes made it at the same time. */
  async ofKey(cloud: Cloud, key: string, options: CallOptions): Promise<readonly Server[]> {
    const query = { tags: tokenTag(key) };
    const found = await cloud.compute.list('/servers/detail', 'servers', { ...options, query });
    return found
      .map((body) => readServer(body, this.#realm))
      .filter((server) => server.marks?.key === key && !isGone(server));
  }

  /** The server that a reference means, with its project; nothing where there is none. */
  async look(
    ref: string,
    options: CallOptions,
  ): Promise<{ readonly cloud: Cloud; readonly server: Server } | undefined> {
    const read = readRef(ref);
    const cloud = read && (await this.#tenants.cloud(read.project, options));
    if (!read || !cloud) return undefined;
    const server = await this.#lookIn(cloud, read, options);
    return server && { cloud, server };
  }

  /**
   * A server of VEP's own.
   *
   * @throws IaasError `not-found`, or `denied` for one of somebody else
   */
  async own(ref: string, options: CallOptions): Promise<{ readonly cloud: Cloud; readonly server: Server }> {
    const found = await this.look(ref, options);
    if (!found) throw new IaasError('not-found', 'OpenStack has no such server');
    if (!found.server.marks) throw new IaasError('denied', 'this server was not made by VEP, which leaves it alone');
    return found;
  }

  /**
   * The servers that references mean, by reference.
   *
   * @throws PartUnasked where one lies in a project that cannot be asked
   */
  async some(
    refs: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, { readonly cloud: Cloud; readonly server: Server }>> {
    const found = new Map<string, { readonly cloud: Cloud; readonly server: Server }>();
    const wanted = new Map<string, Ref>();
    for (const text of refs) {
      const ref = readRef(text);
      if (ref) wanted.set(text, ref);
    }
    await this.#tenants.inEach(refs, options, async (cloud, project) => {
      const mine = [...wanted].filter(([, ref]) => ref.project === project);
      const listed = mine.length > FEW ? await this.byKey(cloud, options) : undefined;
      for (const [text, ref] of mine) {
        const server = listed && isDigest(ref.key) ? listed.get(ref.key) : await this.#lookIn(cloud, ref, options);
        if (server) found.set(text, { cloud, server });
      }
    });
    return found;
  }

  /** All that VEP made in a project, by the digest of their tokens: the one of each that counts. */
  async byKey(cloud: Cloud, options: CallOptions): Promise<ReadonlyMap<string, Server>> {
    const found = new Map<string, Server>();
    for await (const server of this.all(cloud, options)) {
      const key = server.marks?.key ?? '';
      const other = found.get(key);
      found.set(key, other ? (elder([other, server])[0] ?? server) : server);
    }
    return found;
  }

  async #lookIn(cloud: Cloud, { key }: Ref, options: CallOptions): Promise<Server | undefined> {
    if (isDigest(key)) return elder(await this.ofKey(cloud, key, options))[0];
    const body = await cloud.compute.one('GET', `/servers/${key}`, 'server', options).catch(missing);
    const server = body && readServer(body, this.#realm);
    return server && !isGone(server) ? server : undefined;
  }
}
