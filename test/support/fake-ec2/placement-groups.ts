/** Placement groups, as the fake EC2 has them. */

import { Refusal, type Answer, type Parameters } from './query.js';
import { checkTags, passes, tagSet, tagsFor, type Instance, type PlacementGroup, type World } from './world.js';

/** Instances that a spread group may have running in one zone. */
const MOST_APART = 7;

/** Types that share their processors are in no cluster. */
export const strategiesOf = (type: string): string[] =>
  type.startsWith('t') ? ['partition', 'spread'] : ['cluster', 'partition', 'spread'];

/** The group that an instance is to be launched into, by name; empty: none. */
export function placedIn(world: World, asked: Parameters, type: string, zone: string): string {
  const name = asked.text('Placement', 'GroupName') ?? '';
  if (world.unsupported.has(`${zone} ${type}`))
    throw new Refusal('Unsupported', `Your requested instance type (${type}) is not supported in ${zone}.`);
  const there = world.live.filter((each) => each.zone === zone).length;
  if (world.full.has(zone) || world.full.has(name) || there >= (world.room.get(zone) ?? Infinity))
    throw new Refusal(
      'InsufficientInstanceCapacity',
      `We currently do not have sufficient ${type} capacity in the Availability Zone you requested (${zone}).`,
      500,
    );
  if (name === '') return name;
  const group = groupOf(world, name);
  if (!strategiesOf(type).includes(group.strategy))
    throw new Refusal(
      'InvalidParameterCombination',
      `The instance type '${type}' may not be used in a ${group.strategy} placement group`,
    );
  const members = membersOf(world, name);
  if (group.strategy === 'cluster' && members.some((each) => each.zone !== zone))
    throw new Refusal(
      'InvalidPlacementGroup.InUse',
      `The placement group '${name}' is in use in another availability zone`,
    );
  const running = members.filter((each) => each.zone === zone && world.state(each) !== 'stopped');
  if (group.strategy === 'spread' && running.length >= MOST_APART)
    throw new Refusal('InsufficientInstanceCapacity', `The placement group '${name}' is full in ${zone}`, 500);
  return name;
}

function groupOf(world: World, name: string): PlacementGroup {
  const group = world.placementGroups.get(name);
  if (!group) throw new Refusal('InvalidPlacementGroup.Unknown', `The Placement Group '${name}' is unknown.`);
  return group;
}

/** Those that end count until they are gone. */
function membersOf(world: World, name: string): Instance[] {
  return [...world.instances.values()].filter((each) => each.group === name && world.state(each) !== 'terminated');
}

export function createPlacementGroup(world: World, asked: Parameters): Answer {
  const [name, strategy] = [asked.text('GroupName') ?? '', asked.text('Strategy') ?? 'cluster'];
  if (!['cluster', 'partition', 'spread'].includes(strategy))
    throw new Refusal('InvalidParameterValue', `Value (${strategy}) for parameter strategy is invalid.`);
  if (world.placementGroups.has(name))
    throw new Refusal('InvalidPlacementGroup.Duplicate', `The placement group '${name}' already exists.`);
  const tags = tagsFor(asked, 'placement-group');
  checkTags(tags);
  const group = { id: world.id('pg'), name, strategy, tags };
  world.placementGroups.set(name, group);
  return { placementGroup: itemOf(group) };
}

function itemOf({ id, name, strategy, tags }: PlacementGroup): Answer {
  return {
    groupName: name,
    groupId: id,
    strategy,
    state: 'available',
    ...(strategy === 'spread' ? { spreadLevel: 'rack' } : {}),
    tagSet: tagSet(tags),
  };
}

export function describePlacementGroups(world: World, asked: Parameters): Answer {
  const names = asked.texts('GroupName');
  for (const name of names) groupOf(world, name);
  return {
    placementGroupSet: [...world.placementGroups.values()]
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .filter(({ tags, name, strategy }) => passes(asked, tags, { 'group-name': name, strategy, state: 'available' }))
      .map(itemOf),
  };
}

export function deletePlacementGroup(world: World, asked: Parameters): Answer {
  const { name } = groupOf(world, asked.text('GroupName') ?? '');
  if (membersOf(world, name).length > 0)
    throw new Refusal('InvalidPlacementGroup.InUse', `The placement group '${name}' is in use and may not be deleted.`);
  world.placementGroups.delete(name);
  return { return: true };
}
