/**
 * What is plugged into machines: interfaces and volumes. What a machine is to have stands in its definition first; a
 * running one is then given it. A volume is taken away before it may go elsewhere. An interface is cut off at once, and its
 * device goes when the guest lets go of it, at the latest when the machine stops.
 */

import { IaasError, type AttachmentSpec, type CallOptions, type NicSpec, type Observed } from '../../adapter.js';
import type { Clock } from '../../../base/clock.js';
import { aliasOf, nicDocument, volumeDocument } from './domain-document.js';
import { isRunning, type Domain, type Domains, type OwnDomain } from './domains.js';
import type { Home } from './home.js';
import type { Machines } from './machines.js';
import { digestOf, type DiskModel, type MachineModel, type NicModel } from './marks.js';
import { nicsOf, type Networks } from './networks.js';
import { newDisk, newNic } from './plug-models.js';
import type { Turns } from './turns.js';
import type { Virsh } from './virsh.js';

type Kind = 'nic' | 'attachment';

export interface PlugServices {
  readonly home: Home;
  readonly domains: Domains;
  readonly machines: Machines;
  readonly networks: Networks;
  readonly virsh: Virsh;
  readonly turns: Turns;
  readonly clock: Clock;
}

/** How often, and how long apart in milliseconds, is looked whether a volume has gone from a running machine. */
const LOOKS = 20;
const LOOK_MS = 100;

export class Plugs {
  readonly #services: PlugServices;

  constructor(services: PlugServices) {
    this.#services = services;
  }

  attachNic(spec: NicSpec, token: string, options: CallOptions): Promise<string> {
    const { networks, domains } = this.#services;
    return this.#attach('nic', spec.compute, token, options, async ({ model }) => {
      const network = await networks.get(spec.network);
      if (!network) throw new IaasError('not-found', 'this site has no such network');
      const all = (await domains.all(options)).values();
      const nic = newNic(spec, token, networks.lease(spec.network, network, spec.address, nicsOf(all)));
      return { ...model, nics: [...model.nics, nic] };
    });
  }

  attachStorage(spec: AttachmentSpec, token: string, options: CallOptions): Promise<string> {
    const { machines } = this.#services;
    return this.#attach('attachment', spec.compute, token, options, async ({ model }) => {
      const { image, disks } = model;
      if (disks.some(({ volume }) => volume === spec.storage))
        throw new IaasError('conflict', 'the machine has the volume already');
      const volume = await machines.mustBeFree(spec.storage, options);
      return { ...model, disks: [...disks, newDisk(spec, token, volume, { image, disks })] };
    });
  }

  /** `plug` adds it to what the machine is to have; called in the turn of the site. */
  #attach(
    kind: Kind,
    uuid: string,
    token: string,
    options: CallOptions,
    plug: (domain: OwnDomain) => Promise<MachineModel>,
  ): Promise<string> {
    const { domains, machines, turns } = this.#services;
    const digest = digestOf(token);
    return turns.machine(uuid, options, async () => {
      const domain = await domains.own(uuid, options);
      let { model } = domain;
      if (!find(model, kind, digest)) {
        mustTake(domain);
        await turns.site(options, async () => {
          model = await plug(domain);
          await machines.define(uuid, model, options);
        });
      }
      await this.#enliven(domain, model, kind, digest, options).catch(async (error: unknown) => {
        // Refused for good: then it is not to have it either.
        if (error instanceof IaasError && error.class !== 'transient')
          await machines.define(uuid, domain.model, options);
        throw error;
      });
      return `${uuid}:${digest}`;
    });
  }

  /** Gives a running machine what it is to have, if it has not got it yet. */
  async #enliven(
    domain: OwnDomain,
    model: MachineModel,
    kind: Kind,
    digest: string,
    options: CallOptions,
  ): Promise<void> {
    const { home, machines, virsh } = this.#services;
    const plug = find(model, kind, digest);
    if (!domain.active || !plug || domain.plugged.has(aliasOf(plug))) return;
    const choices = await machines.choices(model, options);
    const text = isNic(plug) ? nicDocument(plug, choices) : volumeDocument(plug, home);
    const path = await home.write(domain.uuid, 'plug.xml', text);
    await virsh.do('attach-device', [domain.uuid, path, '--live'], options);
  }

  async remove(kind: Kind, ref: string, options: CallOptions): Promise<void> {
    const { domains, machines, turns } = this.#services;
    const [uuid = '', digest = ''] = ref.split(':');
    const seen = await domains.look(uuid, options);
    if (!seen?.model || !find(seen.model, kind, digest)) return;
    await turns.machine(uuid, options, async () => {
      const domain = await domains.own(uuid, options);
      const plug = find(domain.model, kind, digest);
      if (!plug) return;
      if (domain.saved) throw new IaasError('conflict', 'the machine sleeps on disk: start or stop it first');
      if (domain.active && domain.plugged.has(aliasOf(plug)))
        await (isNic(plug) ? this.#cutOff(domain, plug, options) : this.#takeAway(domain, plug, options));
      const { nics, disks } = domain.model;
      const left = { nics: nics.filter((each) => each !== plug), disks: disks.filter((each) => each !== plug) };
      await turns.site(options, () => machines.define(uuid, { ...domain.model, ...left }, options));
    });
  }

  async #cutOff({ uuid }: OwnDomain, nic: NicModel, options: CallOptions): Promise<void> {
    const { virsh } = this.#services;
    await virsh.do('domif-setlink', [uuid, nic.mac, 'down'], options);
    await virsh.do('detach-device-alias', [uuid, aliasOf(nic), '--live'], options).catch(unlessLeaving);
  }

  async #takeAway({ uuid }: OwnDomain, disk: DiskModel, options: CallOptions): Promise<void> {
    const { virsh, domains, clock } = this.#services;
    await virsh.do('detach-device-alias', [uuid, aliasOf(disk), '--live'], options).catch(unlessLeaving);
    for (let look = 0; look < LOOKS; look++) {
      const now = await domains.look(uuid, options);
      if (now?.plugged.has(aliasOf(disk)) !== true) return;
      await clock.sleep(LOOK_MS, options.signal);
    }
    throw new IaasError('transient', 'the guest has not let go of the volume yet', 'still attached');
  }
}

function find(model: MachineModel, kind: Kind, digest: string): NicModel | DiskModel | undefined {
  const plugs: readonly (NicModel | DiskModel)[] = kind === 'nic' ? model.nics : model.disks;
  return plugs.find(({ token }) => token === digest);
}

function isNic(plug: NicModel | DiskModel): plug is NicModel {
  return 'mac' in plug;
}

function mustTake({ saved, meaning }: Domain): void {
  if (saved) throw new IaasError('conflict', 'the machine sleeps on disk: start or stop it first');
  if (meaning.busy === true) throw new IaasError('transient', 'the machine is on its way', 'busy');
}

/** Asked for before, or gone already. */
function unlessLeaving(error: unknown): void {
  const leaving =
    error instanceof IaasError && /already in the process of unplug|no device found|not found/i.test(error.said ?? '');
  if (!leaving) throw error;
}

/** The plugs of a machine in OCCI's words. */
export function observePlugs(
  domain: Domain,
  kind: Kind,
  gatewayOf: (network: string) => string | undefined,
): readonly Observed[] {
  const { model, uuid } = domain;
  if (!model) return [];
  const base = (
    plug: NicModel | DiskModel,
  ): Pick<Observed, 'ref' | 'id' | 'busy'> & { state: 'active' | 'inactive' } => ({
    ref: `${uuid}:${plug.token}`,
    id: plug.id,
    busy: false,
    state: isRunning(domain) && domain.plugged.has(aliasOf(plug)) ? 'active' : 'inactive',
  });
  if (kind === 'attachment')
    return model.disks.map((disk): Observed => ({ class: 'attachment', ...base(disk), device: `/dev/${disk.device}` }));
  return model.nics.map((nic, index): Observed => {
    const gateway = gatewayOf(nic.network);
    return {
      class: 'nic',
      ...base(nic),
      interface: `eth${index + (model.access ? 1 : 0)}`,
      mac: nic.mac,
      address: nic.address,
      ...(gateway === undefined ? {} : { gateway }),
    };
  });
}
