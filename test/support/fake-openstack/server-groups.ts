/** Server groups of Nova: sets of servers that share a host, or must not. */

import { documentOf, fault, type Answer, type Json, type Request } from './answers.js';
import type { Grant, Thing, World } from './world.js';

export function serveServerGroups(world: World, request: Request, id: string | undefined, { project }: Grant): Answer {
  const { groups, servers } = world;
  const shown = ({ id: group, body }: Thing): Json => ({
    ...body,
    members: [...servers.values()].filter((server) => server.group === group).map((server) => server.id),
  });
  if (request.method === 'POST') {
    const group = world.uuid();
    const { name, policy } = documentOf(request).server_group;
    const body = { id: group, name, policy, rules: {}, members: [], project_id: project.id };
    groups.set(group, { id: group, project: project.id, body });
    return { status: 200, body: { server_group: body } };
  }
  if (id === undefined) {
    const mine = [...groups.values()].filter((each) => each.project === project.id);
    return { status: 200, body: { server_groups: mine.map(shown) } };
  }
  const group = groups.get(id);
  if (!group) throw fault(404, `Instance group ${id} could not be found.`);
  if (request.method !== 'DELETE') return { status: 200, body: { server_group: shown(group) } };
  groups.delete(id);
  return { status: 204 };
}
