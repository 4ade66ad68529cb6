/** Rules of Neutron's security groups: those that every new group has, those that are added, and those that are there already. */

import { documentOf, neutronError, type Answer, type Json, type Request } from './answers.js';
import type { Grant, Thing, World } from './world.js';

/** What a rule is told apart by. */
const TELLING = ['direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix'] as const;

export class SecurityGroupRules {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  serve(request: Request, id: string | undefined, { project }: Grant): Answer {
    const mine = [...this.#world.securityGroups.values()].filter((group) => group.project === project.id);
    if (request.method === 'POST') return this.#add(documentOf(request).security_group_rule, mine);
    const group = mine.find(({ body }) => body.security_group_rules?.some((rule: Json) => rule.id === id));
    if (!group || request.method !== 'DELETE')
      throw neutronError(404, 'SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`);
    group.body.security_group_rules = group.body.security_group_rules.filter((rule: Json) => rule.id !== id);
    return { status: 204 };
  }

  #add(wanted: Json, groups: readonly Thing[]): Answer {
    const group = groups.find(({ id }) => id === wanted.security_group_id);
    if (!group) {
      const message = `Security group ${wanted.security_group_id} does not exist`;
      throw neutronError(404, 'SecurityGroupNotFound', message);
    }
    if (wanted.port_range_min !== undefined && wanted.protocol === undefined) {
      const message = 'Must also specify protocol if port range is given.';
      throw neutronError(400, 'SecurityGroupProtocolRequiredWithPorts', message);
    }
    const rule = ruleOf(this.#world, group.id, wanted);
    const same = group.body.security_group_rules.find((each: Json) =>
      TELLING.every((member) => each[member] === rule[member]),
    );
    if (same) {
      const message = `Security group rule already exists. Rule id is ${same.id}.`;
      throw neutronError(409, 'SecurityGroupRuleExists', message);
    }
    group.body.security_group_rules.push(rule);
    return { status: 201, body: { security_group_rule: rule } };
  }
}

/** Everything may go out. */
export function firstRules(world: World, group: string): Json[] {
  return ['IPv4', 'IPv6'].map((ethertype) => ruleOf(world, group, { direction: 'egress', ethertype }));
}

function ruleOf(world: World, group: string, wanted: Json): Json {
  const nothing = Object.fromEntries(TELLING.map((member) => [member, null]));
  return {
    remote_group_id: null,
    remote_address_group_id: null,
    ...nothing,
    ...wanted,
    id: world.uuid(),
    security_group_id: group,
  };
}
