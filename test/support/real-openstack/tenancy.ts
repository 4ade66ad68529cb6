/** A project of a test's own on a real OpenStack, with an account and quotas; looked through and removed at the end. */

import { newUuid } from '../../../src/base/ids.js';
import { Account, realOpenStack, URLS } from './keystone.js';

export interface Quota {
  readonly instances: number;
  readonly cores: number;
  readonly ram: number;
}

const QUOTA: Quota = { instances: 24, cores: 26, ram: 51_200 };

export class Tenancy {
  readonly name = `vep-test-${newUuid().slice(-8)}`;
  readonly password = `pw-${newUuid()}`;
  readonly admin: Account;
  #account: Account | undefined;
  readonly #foreign: string[] = [];
  #out: { readonly router: string; readonly external: string } | undefined;

  private constructor(admin: Account) {
    this.admin = admin;
  }

  /** `role` is what the account is in its project: `member`, or `admin` for one that chooses hosts. */
  static async open(role: 'member' | 'admin'): Promise<Tenancy> {
    const admin = await Account.signIn('admin', realOpenStack?.password ?? '', 'admin');
    const tenancy = new Tenancy(admin);
    const { name, password } = tenancy;
    const domain_id = 'default';
    const project = (await admin.ask('POST', `${URLS.identity}/projects`, { project: { name, domain_id } })).project.id;
    const user = (await admin.ask('POST', `${URLS.identity}/users`, { user: { name, domain_id, password } })).user.id;
    const roles = (await admin.ask('GET', `${URLS.identity}/roles`)).roles as { id: string; name: string }[];
    const roleId = roles.find((each) => each.name === role)?.id;
    await admin.ask('PUT', `${URLS.identity}/projects/${project}/users/${user}/roles/${roleId}`);
    tenancy.#account = await Account.signIn(name, password, name);
    await tenancy.setQuota(QUOTA);
    await admin.ask('PUT', `${URLS.volume}/${admin.project}/os-quota-sets/${project}`, {
      quota_set: { volumes: 60, snapshots: 60, gigabytes: 500 },
    });
    await admin.ask('PUT', `${URLS.network}/quotas/${project}`, { quota: { network: 60, subnet: 60, port: 200 } });
    return tenancy;
  }

  get account(): Account {
    if (!this.#account) throw new Error('the tenancy has not been opened');
    return this.#account;
  }

  get project(): string {
    return this.account.project;
  }

  /** By force: Nova counts servers that are gone for a while yet, and sets no limit below what it counts. */
  async setQuota(quota: Quota = QUOTA): Promise<void> {
    await this.admin.ask('PUT', `${URLS.compute}/os-quota-sets/${this.project}`, {
      quota_set: { ...quota, force: true },
    });
  }

  /** Lets Nova find no host for anything new, or find them again. */
  async schedule(status: 'enabled' | 'disabled'): Promise<void> {
    const version = { 'openstack-api-version': 'compute 2.79' };
    const { services } = await this.admin.ask(
      'GET',
      `${URLS.compute}/os-services?binary=nova-compute`,
      undefined,
      version,
    );
    for (const { id } of services as { id: string }[])
      await this.admin.ask('PUT', `${URLS.compute}/os-services/${id}`, { status }, version);
  }

  /** A flavor that tests need and the fixture has not. */
  async flavor(vcpus: number, ram: number, disk: number): Promise<void> {
    const name = `vep-test-${vcpus}x${ram}-${disk}`;
    const { flavors } = await this.admin.ask('GET', `${URLS.compute}/flavors`);
    if ((flavors as { name: string }[]).some((each) => each.name === name)) return;
    await this.admin.ask('POST', `${URLS.compute}/flavors`, { flavor: { name, vcpus, ram, disk } });
  }

  /** The name of a volume type whose volumes several servers may have at a time, made if there is none. */
  async sharedType(): Promise<string> {
    const name = 'vep-test-multiattach';
    const url = `${URLS.volume}/${this.admin.project}/types`;
    const { volume_types: types } = await this.admin.ask('GET', url);
    if (!(types as { name: string }[]).some((each) => each.name === name))
      await this.admin.ask('POST', url, { volume_type: { name, extra_specs: { multiattach: '<is> True' } } });
    return name;
  }

  /** A server of the project that VEP did not make; answers its id. */
  async foreignServer(): Promise<string> {
    const { images } = await this.account.ask('GET', `${URLS.image}/images?name=dummy`);
    const server = { name: 'theirs', flavorRef: '1', imageRef: images[0].id, networks: 'none' };
    const version = { 'openstack-api-version': 'compute 2.79' };
    const made = await this.account.ask('POST', `${URLS.compute}/servers`, { server }, version);
    this.#foreign.push(made.server.id);
    return made.server.id as string;
  }

  /** An external network, and a router of the project that leads to it: their ids. */
  async leadOut(): Promise<{ readonly router: string; readonly external: string }> {
    const { network } = await this.admin.ask('POST', `${URLS.network}/networks`, {
      network: { name: `${this.name}-out`, 'router:external': true },
    });
    await this.admin.ask('POST', `${URLS.network}/subnets`, {
      subnet: { network_id: network.id, ip_version: 4, cidr: '203.0.113.0/24', enable_dhcp: false },
    });
    const { router } = await this.account.ask('POST', `${URLS.network}/routers`, {
      router: { name: `${this.name}-router`, external_gateway_info: { network_id: network.id } },
    });
    this.#out = { router: router.id, external: network.id };
    return this.#out;
  }

  /** Everything in the project that its account sees as its own, by kind: names or ids. */
  async contents(): Promise<Readonly<Record<string, readonly string[]>>> {
    const mine = `project_id=${this.project}`;
    const lists: readonly (readonly [string, string])[] = [
      ['servers', `${URLS.compute}/servers`],
      ['server_groups', `${URLS.compute}/os-server-groups`],
      ['volumes', `${URLS.volume}/${this.project}/volumes`],
      ['snapshots', `${URLS.volume}/${this.project}/snapshots`],
      ['ports', `${URLS.network}/ports?${mine}`],
      ['networks', `${URLS.network}/networks?${mine}`],
      ['subnets', `${URLS.network}/subnets?${mine}`],
      ['images', `${URLS.image}/images?owner=${this.project}`],
      ['floatingips', `${URLS.network}/floatingips?${mine}`],
    ];
    const found: Record<string, readonly string[]> = {};
    for (const [kind, url] of lists) {
      const all = (await this.account.ask('GET', url))[kind] as { id: string; name?: string }[];
      const left = all.filter(({ id }) => !this.#foreign.includes(id)).map(({ id, name }) => name ?? id);
      if (left.length > 0) found[kind] = left;
    }
    return found;
  }

  async close(): Promise<void> {
    await this.schedule('enabled');
    for (const id of this.#foreign) await this.account.ask('DELETE', `${URLS.compute}/servers/${id}`);
    if (this.#out) {
      await this.admin.ask('DELETE', `${URLS.network}/routers/${this.#out.router}`);
      await this.admin.ask('DELETE', `${URLS.network}/networks/${this.#out.external}`);
    }
    const groups = (await this.account.ask('GET', `${URLS.network}/security-groups?project_id=${this.project}`))
      .security_groups as { id: string }[];
    await this.admin.ask('DELETE', `${URLS.identity}/users/${this.account.user}`);
    for (const { id } of groups) await this.admin.ask('DELETE', `${URLS.network}/security-groups/${id}`);
    await this.admin.ask('DELETE', `${URLS.identity}/projects/${this.project}`);
  }
}
