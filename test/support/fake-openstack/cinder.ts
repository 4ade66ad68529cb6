/** Block storage v3: volumes through their states, their metadata, snapshots and limits. */

import { documentOf, fault, noMarker, paged, type Answer, type Json, type Request } from './answers.js';
import { serveQuotas } from './quotas.js';
import { isSeenBy } from './glance.js';
import { isOver, type Grant, type Thing, type World } from './world.js';

export class Cinder {
  readonly #world: World;
  readonly #stepMs: number;

  constructor(world: World, stepMs: number) {
    this.#world = world;
    this.#stepMs = stepMs;
  }

  serve(request: Request, grant: Grant, admin: boolean): Answer {
    const { method } = request;
    const version = { 'openstack-api-version': request.headers['openstack-api-version'] ?? 'volume 3.0' };
    if (/^\/v3\/?$/.test(request.path))
      return {
        status: 200,
        headers: version,
        body: { versions: [{ id: 'v3.0', status: 'CURRENT', version: '3.70', min_version: '3.0' }] },
      };
    const [, kind = '', id, action, part] =
      new RegExp(`^/v3/${grant.project.id}/([a-z_-]+)(?:/([^/]+))?(?:/([a-z]+))?(?:/([^/]+))?$`).exec(request.path) ??
      [];
    const answer = ((): Answer => {
      if (kind === 'limits') return { status: 200, body: this.#limits(grant) };
      if (kind === 'os-quota-sets')
        return serveQuotas(
          this.#world,
          request,
          { project: id ?? '', what: action, own: id === grant.project.id, admin },
          {
            object: 'quota_set',
            names: ['volumes', 'gigabytes'],
            others: { snapshots: 10, backups: 10, backup_gigabytes: 1000, per_volume_gigabytes: -1, groups: 10 },
            mayNot: (verb) => fault(403, `Policy doesn't allow volume_extension:quotas:${verb} to be performed.`),
            refuse: (message) => fault(400, message),
          },
        );
      if (kind === 'snapshots') return this.#snapshots(request, id, grant);
      if (kind === 'types') return { status: 200, body: this.#types(admin) };
      if (kind === 'attachments' && method === 'DELETE') return this.#giveBack(id ?? '');
      if (kind === 'attachments') return { status: 200, body: this.#attachments(request, grant) };
      if (kind !== 'volumes') throw fault(404, 'The resource could not be found.');
      if (method === 'POST' && id === undefined) return this.#create(documentOf(request).volume, grant);
      if (id === undefined || id === 'detail') return { status: 200, body: this.#list(request, grant) };
      const volume = this.#world.volumes.get(id);
      if (volume?.project !== grant.project.id) throw fault(404, `Volume ${id} could not be found.`);
      if (method === 'POST' && action === 'action') return this.#act(volume, documentOf(request));
      if (method === 'POST' && action === 'metadata') {
        Object.assign(volume.body.metadata, documentOf(request).metadata);
        return { status: 200, body: { metadata: volume.body.metadata } };
      }
      if (method === 'DELETE' && action === 'metadata') return forget(volume, part ?? '');
      if (method === 'DELETE') return this.#delete(volume, request.query.has('cascade'));
      return { status: 200, body: { volume: volume.body } };
    })();
    return { ...answer, headers: { ...version, ...answer.headers } };
  }

  #list(request: Request, { project }: Grant): Json {
    const name = request.query.get('name');
    const mine = [...this.#world.volumes.values()].filter(
      (each) => each.project === project.id && (name === null || each.body.name === name),
    );
    return paged(request, 'volumes', mine, ({ body }) => body, noMarker);
  }

  /** Everybody sees which types share (`USER_VISIBLE_EXTRA_SPECS`), administrators see all. */
  #types(admin: boolean): Json {
    const shown = (specs: Readonly<Record<string, string>>): Json =>
      Object.fromEntries(Object.entries(specs).filter(([name]) => admin || name === 'multiattach'));
    const all = [...this.#world.volumeTypes].map(([name, specs]) => ({ id: name, name, extra_specs: shown(specs) }));
    return { volume_types: all };
  }

  /** What volumes are attached to, and what they are reserved for, which they do not show themselves. */
  #attachments(request: Request, { project }: Grant): Json {
    const { volumes, reservations } = this.#world;
    const wanted = request.query.get('volume_id');
    const mine = [...volumes.values()].filter(({ id, project: of }) => of === project.id && id === (wanted ?? id));
    const all = mine.flatMap(({ id, body }) => {
      const attached = body.attachments.map((each: Json) => [each.attachment_id, each.server_id, 'attached']);
      const waiting = reservations.get(id);
      const reserved = waiting ? [[waiting.id, waiting.server, 'reserved']] : [];
      return [...attached, ...reserved].map(([key, instance, status]) => ({
        id: key,
        instance,
        status,
        volume_id: id,
      }));
    });
    return paged(request, 'attachments', all, (each) => each, noMarker);
  }

  /** A user may give back what no server has yet. */
  #giveBack(id: string): Answer {
    const { reservations, volumes } = this.#world;
    const [volume] = [...reservations].find(([, reserved]) => reserved.id === id) ?? [];
    const body = volumes.get(volume ?? '')?.body;
    if (volume === undefined || !body)
      throw fault(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`);
    reservations.delete(volume);
    body.status = body.attachments.length > 0 ? 'in-use' : 'available';
    return { status: 200, body: { attachments: [] } };
  }

  #create(wanted: Json, { project, user }: Grant): Answer {
    const type: string = wanted.volume_type ?? '__DEFAULT__';
    const specs = this.#world.volumeTypes.get(type);
    if (!specs) throw fault(404, `Volume type with name ${type} could not be found.`);
    const mine = [...this.#world.volumes.values()].filter((each) => each.project === project.id);
    const { volumes, gigabytes } = project.quota;
    const taken = mine.reduce((sum, each) => sum + Number(each.body.size), 0);
    if (isOver(mine.length + 1, volumes))
      throw fault(
        413,
        `VolumeLimitExceeded: Maximum number of volumes allowed (${volumes}) exceeded for quota 'volumes'.`,
      );
    if (isOver(taken + Number(wanted.size), gigabytes))
      throw fault(
        413,
        `VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested ${wanted.size}G, quota is ${gigabytes}G and ${taken}G has been consumed.`,
      );
    if (!Number.isInteger(wanted.size) || wanted.size < 1)
      throw fault(400, `Invalid input for field/attribute size. Value: ${wanted.size}.`);
    const image = wanted.imageRef === undefined ? undefined : this.#world.images.get(wanted.imageRef);
    if (wanted.imageRef !== undefined && !(image?.body.status === 'active' && isSeenBy(image, project)))
      throw fault(400, 'Invalid image identifier or unable to access requested image.');
    if (wanted.size < image?.body.min_disk)
      throw fault(
        400,
        `Invalid input received: Volume size ${wanted.size}GB cannot be smaller than the image minDisk size ${image?.body.min_disk}GB.`,
      );
    const id = this.#world.uuid();
    const body = {
      id,
      status: 'creating',
      size: wanted.size,
      availability_zone: 'nova',
      created_at: `${this.#world.now().slice(0, -1)}.000000`,
      updated_at: null,
      name: wanted.name ?? '',
      description: wanted.description ?? null,
      volume_type: type,
      snapshot_id: null,
      source_volid: null,
      metadata: { ...wanted.metadata },
      user_id: user.id,
      bootable: image ? 'true' : 'false',
      encrypted: false,
      multiattach: specs['multiattach'] === '<is> True',
      attachments: [],
      ...(image ? { volume_image_metadata: { min_ram: String(image.body.min_ram) } } : {}),
    };
    this.#world.volumes.set(id, { id, project: project.id, body });
    this.#world.after(this.#stepMs, () => (body.status = 'available'));
    return { status: 202, body: { volume: { ...body } } };
  }

  #act({ id, body }: Thing, wanted: Json): Answer {
    if (wanted['os-set_bootable']) {
      body.bootable = String(wanted['os-set_bootable'].bootable);
      return { status: 200 };
    }
    const size = wanted['os-extend']?.new_size;
    if (size === undefined) throw fault(400, 'There is no such action');
    if (!(size > body.size))
      throw fault(
        400,
        `Invalid input received: New size for extend must be greater than current size. (current: ${body.size}, extended: ${size}).`,
      );
    if (!['available', 'in-use'].includes(body.status))
      throw fault(
        400,
        `Invalid volume: Volume ${id} status must be '('available', 'in-use')' to extend, but current status is: ${body.status}.`,
      );
    const before = body.status;
    body.status = 'extending';
    this.#world.after(this.#stepMs, () => Object.assign(body, { status: before, size }));
    return { status: 202 };
  }

  #delete({ id, body }: Thing, cascade: boolean): Answer {
    const held = [...this.#world.snapshots.values()].filter((each) => each.body.volume_id === id);
    if (!(body.status === 'available' || body.status.startsWith('error')) || (held.length > 0 && !cascade))
      throw fault(
        400,
        'Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.',
      );
    body.status = 'deleting';
    this.#world.after(this.#stepMs, () => {
      this.#world.volumes.delete(id);
      for (const snapshot of held) this.#world.snapshots.delete(snapshot.id);
    });
    return { status: 202 };
  }

  #snapshots(request: Request, id: string | undefined, { project }: Grant): Answer {
    const { snapshots } = this.#world;
    if (request.method === 'POST') {
      const wanted = documentOf(request).snapshot;
      const made = this.snapshot(wanted.volume_id, wanted.name, project.id);
      return { status: 202, body: { snapshot: made.body } };
    }
    if (request.method === 'DELETE') {
      if (!snapshots.delete(id ?? '')) throw fault(404, `Snapshot ${id} could not be found.`);
      return { status: 202 };
    }
    const volume = request.query.get('volume_id');
    const mine = [...snapshots.values()].filter(
      (each) => each.project === project.id && (volume === null || each.body.volume_id === volume),
    );
    const body = paged(request, 'snapshots', mine, (each) => each.body, noMarker);
    return { status: 200, body };
  }

  snapshot(volume: string, name: string, project: string): Thing {
    const id = this.#world.uuid();
    const created = `${this.#world.now().slice(0, -1)}.000000`;
    const size = this.#world.volumes.get(volume)?.body.size;
    const body = {
      id,
      created_at: created,
      name,
      description: null,
      volume_id: volume,
      status: 'available',
      size,
      metadata: {},
    };
    const made = { id, project, body };
    this.#world.snapshots.set(id, made);
    return made;
  }

  #limits({ project }: Grant): Json {
    const mine = [...this.#world.volumes.values()].filter((each) => each.project === project.id);
    const absolute = {
      maxTotalVolumes: project.quota.volumes,
      maxTotalSnapshots: 10,
      maxTotalVolumeGigabytes: project.quota.gigabytes,
      totalVolumesUsed: mine.length,
      totalGigabytesUsed: mine.reduce((sum, each) => sum + Number(each.body.size), 0),
      totalSnapshotsUsed: 0,
    };
    return { limits: { rate: [], absolute } };
  }
}

function forget({ id, body }: Thing, name: string): Answer {
  if (body.metadata[name] === undefined) throw fault(404, `Volume ${id} has no metadata with key ${name}.`);
  delete body.metadata[name];
  return { status: 200 };
}
