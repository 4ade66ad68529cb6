/**
 * The security groups of a simulated site, and which interfaces they guard. No packet passes in a simulation: what counts
 * is that the site holds the rules, and who stands behind them.
 */

import type { SiteRef } from '../../adapter.js';
import { normalRules, type SecurityGroupSpec, type SecurityRule } from '../../security-groups.js';
import { GONE, put, type SecurityGroup } from './cloud.js';
import {
  changed,
  checkText,
  find,
  findOwn,
  madeBefore,
  mustRest,
  nextRef,
  refuse,
  underway,
  type Step,
} from './step.js';

/** Rules that one group can hold. */
const MOST_RULES = 1024;

export function createSecurityGroup(step: Step, spec: SecurityGroupSpec, token: string): SiteRef {
  const earlier = madeBefore(step, 'securitygroup', token);
  if (earlier !== undefined) return earlier;
  checkText('id', spec.id);
  checkText('name', spec.name);
  const group: SecurityGroup = {
    ...nextRef(step, 'sg'),
    id: spec.id,
    token,
    state: 'inactive',
    name: spec.name,
    rules: rulesOf(spec.rules),
    change: underway(step, 'inactive', 'network', 'active'),
  };
  put(step.cloud, 'securitygroup', group, step.touched, step.at);
  return group.ref;
}

export function updateSecurityGroup(step: Step, ref: SiteRef, rules: readonly SecurityRule[]): void {
  const group = findOwn(step, 'securitygroup', ref);
  mustRest(group);
  put(step.cloud, 'securitygroup', { ...group, rules: rulesOf(rules) }, step.touched, step.at);
}

export function guardMachine(step: Step, compute: SiteRef, groups: readonly SiteRef[]): void {
  const machine = findOwn(step, 'compute', compute);
  const securityGroups = guardsOf(step, groups);
  for (const nic of step.cloud.things.nic.values()) {
    if (nic.compute === machine.ref && nic.change?.to !== GONE)
      put(step.cloud, 'nic', { ...nic, securityGroups }, step.touched, step.at);
  }
}

/** The groups that shall guard an interface: all of them there, and to stay. */
export function guardsOf(step: Step, groups: readonly SiteRef[]): readonly SiteRef[] {
  for (const ref of groups) {
    if (find(step, 'securitygroup', ref).change?.to === GONE) refuse('conflict', `${ref} is being deleted`);
  }
  return [...new Set(groups)].sort();
}

export function deleteSecurityGroup(step: Step, group: SecurityGroup): void {
  const guarded = [...step.cloud.things.nic.values()].filter(
    (nic) => nic.change?.to !== GONE && nic.securityGroups?.includes(group.ref) === true,
  );
  if (guarded.length > 0) refuse('conflict', `security group ${group.ref} guards ${guarded.length} NICs`);
  const change = underway(step, group.state, 'network', GONE);
  put(step.cloud, 'securitygroup', changed(group, change), step.touched, step.at);
}

function rulesOf(rules: readonly SecurityRule[]): SecurityGroup['rules'] {
  if (rules.length > MOST_RULES) refuse('quota', `a security group holds ${MOST_RULES} rules`);
  return normalRules(rules);
}
