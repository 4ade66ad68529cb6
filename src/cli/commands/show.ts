/** `vep show`: an appliance as a tree, or any other entity as what it says of itself. */

import { APPLIANCE, type Fetched } from '../../client/index.js';
import { isLinkView } from '../../occi/model.js';
import { reportOn, type ApplianceReport, type MachineReport } from '../appliance-report.js';
import { entityJson, findNamed, seenAt, stateOf } from '../entities.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { stateIn, stateSeen, type Style } from '../ui/style.js';
import { tree, type TreeNode } from '../ui/tree.js';

export async function show(session: Session, [name = '']: readonly string[]): Promise<void> {
  const found = await findNamed(session.client, name);
  if (found.view.kind !== APPLIANCE) {
    session.answer(entityJson(found), () => tree(entityTree(found, session.style)));
    return;
  }
  const report = await reportOn(session.client, found);
  session.answer(report, () => tree(applianceTree(report, session.style)));
}

export function applianceTree(report: ApplianceReport, style: Style): TreeNode {
  const { title, state, seenAt, message, site, deployed } = report;
  const facts = [
    stateSeen(style, state, seenAt),
    ...(deployed ? [] : ['not deployed']),
    ...(site === undefined ? [] : [`on ${displayText(site)}`]),
  ];
  return {
    label: `${style.bold(displayText(title))}  ${facts.join(', ')}  ${style.dim(report.id)}`,
    children: [
      ...(message === undefined ? [] : [{ label: displayText(message) }]),
      ...report.agreements.map((agreement) => ({
        label: `agreement ${displayText(agreement.title || agreement.path)}  ${stateIn(style, agreement.state)}`,
      })),
      ...report.networks.map((network) => ({
        label: line(`network ${displayText(network.title)}`, stateSeen(style, network.state, network.seenAt), [
          network.address,
          network.gateway === undefined ? undefined : `gateway ${network.gateway}`,
        ]),
      })),
      ...report.machines.map((machine) => machineTree(machine, style)),
    ],
  };
}

function machineTree(machine: MachineReport, style: Style): TreeNode {
  const { cores, memoryGiB, hostname, host } = machine;
  const label = line(
    `machine ${style.bold(displayText(machine.title))}`,
    stateSeen(style, machine.state, machine.seenAt),
    [
      cores === undefined ? undefined : `${cores} ${cores === 1 ? 'core' : 'cores'}`,
      memoryGiB === undefined ? undefined : `${rounded(memoryGiB)} GiB`,
      hostname,
      host === undefined ? undefined : `on ${host}`,
    ],
  );
  return {
    label,
    children: [
      ...(machine.message === undefined ? [] : [{ label: displayText(machine.message) }]),
      ...machine.interfaces.map((nic) => ({
        label: line(
          `${displayText(nic.device ?? 'interface')} on ${displayText(nic.network)}`,
          stateIn(style, nic.state),
          [nic.address, nic.mac],
        ),
      })),
      ...machine.disks.map((disk) => ({
        label: line(`disk ${displayText(disk.title)}`, stateSeen(style, disk.state, disk.seenAt), [
          disk.sizeGiB === undefined ? undefined : `${rounded(disk.sizeGiB)} GiB`,
          disk.device,
        ]),
      })),
    ],
  };
}

function entityTree({ path, view }: Fetched, style: Style): TreeNode {
  const attributes = Object.entries(view.attributes).map(([name, value]) => ({
    label: `${style.dim(displayText(name))} = ${displayText(typeof value === 'string' ? value : JSON.stringify(value))}`,
  }));
  const links = isLinkView(view) ? [view.source, view.target] : view.links.map((link) => link.target);
  return {
    label: line(style.bold(displayText(view.title ?? path)), stateSeen(style, stateOf(view), seenAt(view)), [
      view.kind,
      ...view.mixins,
    ]),
    children: [
      ...attributes,
      ...links.map(({ location }) => ({ label: `→ ${displayText(location)}` })),
      ...view.actions.map((action) => ({
        label: style.dim(`can ${displayText(action.slice(action.indexOf('#') + 1))}`),
      })),
    ],
  };
}

function line(head: string, state: string, facts: readonly (string | undefined)[]): string {
  const told = facts.filter((fact) => fact !== undefined && fact !== '').map((fact) => displayText(fact ?? ''));
  return [head, state, told.join(', ')].filter((part) => part !== '').join('  ');
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}
