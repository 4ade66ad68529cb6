/** A dry run for people (K07): what would be made, what is still to be filled in, and which sites could take it. */

import type { DryRunPlan } from '../../client/index.js';
import type { UnresolvedInputs } from '../../ovf/inputs.js';
import type { DeploymentPlan } from '../../ovf/plan.js';
import type { PropertyLimits } from '../../ovf/properties/limits.js';
import { demandsOf } from '../../scheduling/offer.js';
import { displayText } from './display-text.js';
import { faultLines } from './faults.js';
import type { Style } from './style.js';
import { table } from './table.js';
import { tree, type TreeNode } from './tree.js';

const GIB = 2 ** 30;

export function planText(dryRun: DryRunPlan, style: Style): string {
  const { plan, findings, unresolved, sites, unmet, price } = dryRun;
  const sections = [
    plan ? tree(planTree(plan, style)) : '',
    faultLines(findings, style),
    unresolvedText(unresolved, style),
    sitesText(sites, style),
    unmet.length === 0 ? '' : `this cannot be promised:\n${faultLines(unmet, style)}`,
    priceText(price),
    verdictText(dryRun, style),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function verdictText({ deployable, unresolved, site, placement, because }: DryRunPlan, style: Style): string {
  if (deployable && site === null)
    return `${style.green('complete')}: no server was asked, so nothing is known of sites\n`;
  if (deployable && placement.length > 1) return splitText(placement, because, style);
  if (deployable) return `${style.green('deployable')} on site ${displayText(site ?? '')}\n`;
  return `${style.red('not deployable')}${unresolved.blocked ? ': fill in what is needed' : ''}\n`;
}

function splitText(placement: DryRunPlan['placement'], because: DryRunPlan['because'], style: Style): string {
  const parts = placement.map(({ site, machines }) => `${displayText(site)} (${displayText(machines.join(', '))})`);
  const why = because.map(({ message }) => `  ${displayText(message)}\n`);
  return `${style.green('deployable')} over the sites ${parts.join(' and ')}, as no one takes all of it:\n${why.join('')}`;
}

function planTree(plan: DeploymentPlan, style: Style): TreeNode {
  const configuration = plan.configuration === undefined ? '' : `  configuration ${displayText(plan.configuration)}`;
  const order = plan.startup
    .map(({ machines }) => machines.map(({ id }) => displayText(id)).join(' and '))
    .join(', then ');
  return {
    label: `${style.bold(displayText(plan.title))}${configuration}  ${totalsText(plan)}`,
    children: [
      ...plan.networks.map(({ name, mappedTo }) => ({
        label: `network ${displayText(name)}${mappedTo === undefined ? '' : ` → ${displayText(mappedTo)}`}`,
      })),
      ...plan.machines.map((machine) => ({
        label: `machine ${style.bold(displayText(machine.id))}  ${sizeText(machine)}`,
        children: [
          ...machine.interfaces.map(({ name, network }) => ({
            label: `${displayText(name)}${network === undefined ? '' : ` on ${displayText(network)}`}`,
          })),
          ...machine.drives.map((drive) => ({ label: driveText(plan, drive) })),
          ...(machine.environment.files ?? []).map(({ path }) => ({
            label: `file ${displayText(path)} for the guest`,
          })),
        ],
      })),
      ...(order === '' ? [] : [{ label: `starts ${order}` }]),
    ],
  };
}

function sizeText({ cores, memoryBytes, instances }: DeploymentPlan['machines'][number]): string {
  const number = instances.normal === 1 ? '' : `, ${instances.normal} instances`;
  return `${cores.normal} cores, ${gib(memoryBytes.normal)}${number}`;
}

/** What all machines take together, each as often as it is to run. */
function totalsText(plan: DeploymentPlan): string {
  const demands = demandsOf(plan);
  const sum = (quantity: 'cores' | 'memoryBytes' | 'diskBytes'): number =>
    demands.reduce((total, demand) => total + demand[quantity], 0);
  const machines = `${demands.length} ${demands.length === 1 ? 'machine' : 'machines'}`;
  return `${machines}: ${sum('cores')} cores, ${gib(sum('memoryBytes'))} of memory, ${gib(sum('diskBytes'))} of disk`;
}

function driveText(
  plan: DeploymentPlan,
  { kind, disk: id, image }: DeploymentPlan['machines'][number]['drives'][number],
): string {
  const disk = plan.disks.find((candidate) => candidate.id === id);
  const from = plan.images.find((candidate) => candidate.id === (disk?.image ?? image));
  const size = disk ? `  ${gib(disk.capacityBytes)}` : '';
  return `${kind}${disk ? ` ${displayText(disk.id)}` : ''}${size}${from ? ` from ${displayText(from.href)}` : ''}`;
}

function unresolvedText(unresolved: UnresolvedInputs, style: Style): string {
  const { properties, eulas, networks, configurations, assumedSizes } = unresolved;
  const rows = [
    ...configurations.map(({ id, label, chosen }) => [
      '--configuration',
      displayText(id),
      displayText(label),
      chosen ? 'chosen' : '',
    ]),
    ...networks.map(({ name, description }) => [
      '--network',
      displayText(name),
      displayText(description ?? ''),
      'made for it',
    ]),
    ...properties.map(({ key, label, limits, blocking, password, default: value }) => [
      '--property',
      displayText(key),
      displayText([label ?? '', limitsText(limits)].filter(Boolean).join(': ')),
      blocking ? style.red('needed') : password ? 'password' : displayText(value ?? ''),
    ]),
    ...eulas.map(({ id, text }) => [
      '--accept-eulas',
      displayText(id),
      displayText(text.slice(0, 60)),
      style.red('needed'),
    ]),
    ...assumedSizes.map((size) => [
      '',
      displayText('disk' in size ? size.disk : size.machine),
      'the descriptor gives no size',
      size.quantity === 'cores' ? `${size.value} cores` : gib(size.value),
    ]),
  ];
  return rows.length === 0 ? '' : table(['OPTION', 'NAME', 'WHAT', 'IF LEFT ALONE'], rows, style);
}

/** `uint16, 1 to 10`, `one of a, b`; a text without limits needs no words. */
function limitsText(limits: PropertyLimits | undefined): string {
  const { type = 'string', values, minValue, maxValue, minLength, maxLength, format } = limits ?? {};
  if (values) return `one of ${values.slice(0, 8).join(', ')}${values.length > 8 ? ', …' : ''}`;
  const range = (low: string | number | undefined, high: string | number | undefined, unit: string): string => {
    if (low === undefined && high === undefined) return '';
    if (high === undefined) return `at least ${low}${unit}`;
    return low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`;
  };
  const parts = [format ?? type, range(minValue, maxValue, ''), range(minLength, maxLength, ' characters')];
  const told = parts.filter((part) => part !== '').join(', ');
  return told === 'string' ? '' : told;
}

function sitesText(sites: DryRunPlan['sites'], style: Style): string {
  return sites
    .map(({ name, fits, reasons, warnings = [] }) => {
      const isSure = warnings.length === 0;
      const verdict = fits
        ? isSure
          ? style.green('has room')
          : style.yellow('had room')
        : style.red('cannot take it');
      const why = [...reasons, ...warnings.map(({ message }) => message)].join('; ');
      return `site ${displayText(name)}: ${verdict}${why === '' ? '' : ` (${displayText(why)})`}\n`;
    })
    .join('');
}

function priceText(price: DryRunPlan['price']): string {
  if (price.length === 0) return '';
  const told = price.map(({ component, amount, currency, per }) =>
    displayText(`${component} ${amount} ${currency}${per === 'once' ? ' once' : ` per ${per}`}`),
  );
  return `price: ${told.join(', ')}\n`;
}

function gib(bytes: number): string {
  return `${Math.round((bytes / GIB) * 100) / 100} GiB`;
}
