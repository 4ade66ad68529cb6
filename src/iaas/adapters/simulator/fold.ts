/**
 * The fold (K33): a simulated site is what its commands make of it, one after the other, and the time. {@link apply} is
 * total: every command, however senseless, leaves a sound site and an outcome. It is incremental: folding a log in one
 * go or in pieces gives the same site. Whether a command is granted is decided here and nowhere else, so all processes
 * that fold the same log agree.
 */

import { IaasError, type IaasErrorClass, type SiteRef } from '../../adapter.js';
import { advance, GONE, newCloud, put, type Cloud, type Touch } from './cloud.js';
import { operationOf, type Command, type Named } from './command.js';
import { strike, type FaultKind, type FaultRule } from './faults.js';
import { configure, setHost } from './hosts.js';
import { actOnMachine, createForeign, createMachine, deleteMachine, resizeMachine, saveMachine } from './machines.js';
import { actOnNetwork, createNetwork, deleteNetwork, plugNic, unplugNic } from './networks.js';
import { createSecurityGroup, deleteSecurityGroup, guardMachine, updateSecurityGroup } from './security-groups.js';
import { refuse, type Step } from './step.js';
import {
  actOnVolume,
  attachVolume,
  createVolume,
  deleteImage,
  deleteVolume,
  detachVolume,
  registerImage,
  resizeVolume,
} from './volumes.js';

/** What came of a command. */
export interface Outcome {
  /** Of the thing that was made, or found by its token. */
  readonly ref?: SiteRef;
  readonly refusal?: { readonly class: IaasErrorClass; readonly message: string };
  /** The failure that struck: what the caller gets to see of it is the adapter's business. */
  readonly fault?: FaultRule;
  /** Everything that changed up to and including this command, in order. */
  readonly touched: readonly Touch[];
}

/** The site after all these commands. */
export function fold(commands: Iterable<Command>): Cloud {
  const cloud = newCloud();
  for (const command of commands) apply(cloud, command);
  return cloud;
}

/** Folds one command into the site. */
export function apply(cloud: Cloud, command: Command): Outcome {
  const touched: Touch[] = [];
  const at = Number.isFinite(command.at) ? Math.max(cloud.time, command.at) : cloud.time;
  advance(cloud, at, touched);
  cloud.applied += 1;
  const fault = strikeBy(cloud, command);
  const seen = fault ? { touched, fault } : { touched };
  if (fault && WITHOUT_WORK.has(fault.kind)) return seen;
  try {
    const config = command.do === 'configure' ? command.config : cloud.config;
    if (!config) refuse('fatal', 'this site has no configuration yet');
    const step: Step = { cloud, config, at, fault, touched };
    const ref = perform(step, command);
    if (fault?.kind === 'host-death') killHost(step, command, ref);
    return ref === undefined ? seen : { ...seen, ref };
  } catch (error) {
    if (!(error instanceof IaasError)) throw error;
    return { ...seen, refusal: { class: error.class, message: error.message } };
  }
}

const WITHOUT_WORK: ReadonlySet<FaultKind> = new Set<FaultKind>(['refuse', 'transient', 'time-out']);

function perform(step: Step, command: Command): SiteRef | undefined {
  switch (command.do) {
    case 'createCompute':
      return createMachine(step, command.spec, command.token);
    case 'createNetwork':
      return createNetwork(step, command.spec, command.token);
    case 'createStorage':
      return createVolume(step, command.spec, command.token);
    case 'attachNic':
      return plugNic(step, command.spec, command.token);
    case 'attachStorage':
      return attachVolume(step, command.spec, command.token);
    case 'importImage':
      return registerImage(step, command.spec, command.token);
    case 'createSecurityGroup':
      return createSecurityGroup(step, command.spec, command.token);
    case 'updateSecurityGroup':
      return void updateSecurityGroup(step, command.ref, command.rules);
    case 'guardCompute':
      return void guardMachine(step, command.ref, command.groups);
    case 'saveCompute':
      return saveMachine(step, command);
    case 'createForeign':
      return createForeign(step, command);
    case 'delete':
      return void remove(step, command);
    case 'actCompute':
      return void actOnMachine(step, command.ref, command.action, command.method);
    case 'resizeCompute':
      return void resizeMachine(step, command.ref, command);
    case 'actNetwork':
      return void actOnNetwork(step, command.ref, command.action);
    case 'actStorage':
      return void actOnVolume(step, command.ref, command.action);
    case 'resizeStorage':
      return void resizeVolume(step, command.ref, command.sizeBytes);
    case 'configure':
      return void configure(step);
    case 'setHost':
      return void setHost(step, command.host, command.up);
    case 'rename':
      return void rename(step, command.class, command.ref, command.name);
    case 'injectFault':
      return void (step.cloud.faults = [...step.cloud.faults, { rule: command.rule, seen: 0, struck: 0 }]);
    case 'clearFaults':
      return void (step.cloud.faults = []);
    case 'setLoad':
      return void (step.cloud.load = { since: step.at, rules: command.rules });
    case 'read':
      return undefined;
  }
}

function rename<C extends Named>({ cloud, touched, at }: Step, what: C, ref: SiteRef, name: string): void {
  const thing = cloud.things[what].get(ref);
  if (!thing) return refuse('not-found', `there is no ${what} ${ref}`);
  put(cloud, what, { ...thing, name }, touched, at);
}

/** Deleting what is not there, or what is being deleted already, succeeds. */
function remove(step: Step, command: Extract<Command, { do: 'delete' }>): void {
  const { things } = step.cloud;
  const thing = things[command.class].get(command.ref);
  if (!thing || thing.change?.to === GONE) return;
  if (thing.id === undefined) refuse('denied', `${command.ref} was not made by this account`);
  const pick = <T>(map: ReadonlyMap<SiteRef, T>, then: (step: Step, thing: T) => void): void => {
    const found = map.get(command.ref);
    if (found !== undefined) then(step, found);
  };
  switch (command.class) {
    case 'compute':
      return pick(things.compute, deleteMachine);
    case 'network':
      return pick(things.network, deleteNetwork);
    case 'storage':
      return pick(things.storage, deleteVolume);
    case 'nic':
      return pick(things.nic, unplugNic);
    case 'attachment':
      return pick(things.attachment, detachVolume);
    case 'image':
      return pick(things.image, deleteImage);
    case 'securitygroup':
      return pick(things.securitygroup, deleteSecurityGroup);
  }
}

function strikeBy(cloud: Cloud, command: Command): FaultRule | undefined {
  const operation = operationOf(command);
  if (!operation || cloud.faults.length === 0) return undefined;
  const { armed, struck } = strike(cloud.faults, cloud.config?.seed ?? 0, operation.operation, operation.detail);
  cloud.faults = armed;
  return struck;
}

/** The host that the rule names, else that of the machine which the call was about; no machine: no death. */
function killHost(step: Step, command: Command, made: SiteRef | undefined): void {
  const about =
    'spec' in command && 'compute' in command.spec ? command.spec.compute : 'ref' in command ? command.ref : made;
  const host = step.fault?.host ?? step.cloud.things.compute.get(about ?? '')?.host;
  if (host !== undefined && step.cloud.hosts.has(host)) setHost(step, host, false);
}
