/** Image v2: registered first, filled by one upload, told by its digest; refusals are pages. */

import { createHash } from 'node:crypto';
import { documentOf, glancePage, type Answer, type Json, type Request } from './answers.js';
import type { Grant, Project, Thing, World } from './world.js';

const FORMATS = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];

export class Glance {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  serve(request: Request, grant: Grant, admin: boolean): Answer {
    const { method } = request;
    const [, id, what] = /^\/v2\/images(?:\/([^/]+))?(?:\/(file|members))?$/.exec(request.path) ?? [];
    if (id === undefined) {
      if (method === 'POST') return this.#register(documentOf(request), grant);
      return { status: 200, body: this.#list(request, grant, admin) };
    }
    const image = this.#world.images.get(id);
    if (!image || !(admin || isSeenBy(image, grant.project))) throw glancePage(404, `No image found with ID ${id}`);
    if (method === 'PATCH') return this.#patch(image, request);
    if (what === 'members') {
      const { member } = documentOf(request);
      if (image.body.visibility !== 'shared') throw glancePage(403, `Not allowed to create members for image ${id}.`);
      if (image.body.members?.includes(member))
        throw glancePage(409, `Duplicate member &#x27;${member}&#x27; for image ${id}`);
      image.body.members = [...(image.body.members ?? []), member];
      return { status: 200, body: { member_id: member, image_id: id, status: 'pending' } };
    }
    if (what === 'file' && method === 'GET') return handedOut(image);
    if (what === 'file') return this.fill(image, request.body);
    if (method === 'DELETE') {
      this.#world.images.delete(id);
      return { status: 204 };
    }
    return { status: 200, body: this.#shown(image) };
  }

  #patch(image: Thing, request: Request): Answer {
    if (request.headers['content-type'] !== 'application/openstack-images-v2.1-json-patch')
      throw glancePage(415, 'Unsupported Content-Type');
    for (const { path, value } of documentOf(request)) image.body[path.slice(1)] = value;
    return { status: 200, body: this.#shown(image) };
  }

  #register(wanted: Json, { project }: Grant): Answer {
    if (!FORMATS.includes(wanted.disk_format))
      throw glancePage(
        400,
        `Provided object does not match schema &#x27;image&#x27;: &#x27;${wanted.disk_format}&#x27; is not one of [None, &#x27;ami&#x27;]`,
      );
    const made = this.add(project.id, wanted);
    const headers = {
      location: `http://controller.internal/v2/images/${made.id}`,
      'openstack-image-import-methods': 'glance-direct,web-download,copy-image',
    };
    return { status: 201, headers, body: this.#shown(made) };
  }

  add(project: string, more: Json): Thing {
    const id = this.#world.uuid();
    const now = this.#world.now();
    const body = {
      visibility: 'shared',
      size: null,
      virtual_size: null,
      status: 'queued',
      checksum: null,
      protected: false,
      min_ram: 0,
      min_disk: 0,
      os_hidden: false,
      os_hash_algo: null,
      os_hash_value: null,
      ...more,
      owner: project,
      id,
      created_at: now,
      updated_at: now,
      tags: [],
      self: `/v2/images/${id}`,
      file: `/v2/images/${id}/file`,
      schema: '/v2/schemas/image',
    };
    const made = { id, project, body };
    this.#world.images.set(id, made);
    return made;
  }

  /** A server's upload has begun; false where another is at it. */
  begins(id: string): Answer | undefined {
    const image = this.#world.images.get(id);
    if (!image) return undefined;
    if (image.body.status === 'queued') {
      image.body.status = 'saving';
      return undefined;
    }
    return glancePage(409, `Image status transition from ${image.body.status} to saving is not allowed`).answer;
  }

  /** An upload that broke off leaves the image as it was registered. */
  broke(id: string): void {
    const image = this.#world.images.get(id);
    if (image?.body.status === 'saving') image.body.status = 'queued';
  }

  fill({ body }: Thing, bytes: Buffer): Answer {
    const sum = (name: string): string => createHash(name).update(bytes).digest('hex');
    Object.assign(body, {
      status: 'active',
      size: bytes.byteLength,
      // Sizes of disks stand in the header of qcow2.
      virtual_size: bytes.toString('latin1', 0, 3) === 'QFI' ? Number(bytes.readBigUInt64BE(24)) : bytes.byteLength,
      checksum: sum('md5'),
      os_hash_algo: 'sha512',
      os_hash_value: sum('sha512'),
      stores: 'local',
      bytes,
    });
    return { status: 204, headers: { 'content-type': 'text/html; charset=UTF-8' } };
  }

  #list({ query, most }: Request, { project }: Grant, admin: boolean): Json {
    const [name, owner, marker] = [query.get('name'), query.get('owner'), query.get('marker')];
    const limit = Math.min(Number(query.get('limit') ?? 25), most);
    const all = [...this.#world.images.values()].filter(
      (each) =>
        (admin || each.project === project.id || each.body.visibility === 'public') &&
        (name === null || each.body.name === name) &&
        (owner === null || each.project === owner),
    );
    const at = marker === null ? 0 : all.findIndex(({ id }) => id === marker) + 1;
    if (marker !== null && at === 0) throw glancePage(400, `No image found with ID ${marker}`);
    const page = all.slice(at, at + limit);
    const last = page.at(-1);
    const next = page.length === limit && last ? { next: `/v2/images?marker=${last.id}` } : {};
    return {
      images: page.map((each) => this.#shown(each)),
      first: '/v2/images',
      schema: '/v2/schemas/images',
      ...next,
    };
  }

  #shown({ body }: Thing): Json {
    const { members: _members, bytes: _bytes, ...shown } = body;
    return shown;
  }
}

/** Whether a project may use an image, of which it need not be told in lists. */
export const isSeenBy = ({ project: owner, body }: Thing, { id }: Project): boolean =>
  owner === id || body.visibility === 'public' || body.members?.includes(id) === true;

/** An image without bytes is an answer without any. */
function handedOut({ body: { bytes, checksum } }: Thing): Answer {
  if (bytes === undefined) return { status: 204 };
  const headers = { 'content-type': 'application/octet-stream', 'content-md5': checksum };
  return { status: 200, headers: { ...headers, 'content-length': String(bytes.byteLength) }, bytes };
}
