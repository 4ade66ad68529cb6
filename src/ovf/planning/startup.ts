/**
 * The start-up sequence (DSP0243 §9.7 StartupSection): nested collections flattened into steps. A child collection is
 * started when its own sequence has ended; children of equal order start in parallel, so their sequences are laid side
 * by side. Children that no item names have order 0. Delays are seconds.
 */

import type { Content, StartupItem } from '../envelope/model.js';
import type { StartupStep } from '../plan.js';

export function planStartup(root: Content): readonly StartupStep[] {
  return sequence(root, undefined).map((machines, order) => ({ order, machines }));
}

type StartedMachine = StartupStep['machines'][number];
/** Groups of machines, in order. */
type Sequence = readonly (readonly StartedMachine[])[];

function sequence(content: Content, item: StartupItem | undefined): Sequence {
  if (content.kind === 'VirtualSystem') return [[startedMachine(content.id, item)]];
  const items = new Map(content.startup?.items.map((entry) => [entry.id, entry]));
  const orders = new Map<number, Sequence[]>();
  for (const child of content.children) {
    const entry = items.get(child.id);
    const order = entry?.order ?? 0;
    const parallel = orders.get(order) ?? [];
    parallel.push(sequence(child, entry));
    orders.set(order, parallel);
  }
  const steps = [...orders].sort(([a], [b]) => a - b).flatMap(([, parallel]) => sideBySide(parallel));
  return item ? asOne(steps, item) : steps;
}

function startedMachine(id: string, item: StartupItem | undefined): StartedMachine {
  return {
    id,
    startDelay: item?.startDelay ?? 0,
    stopDelay: item?.stopDelay ?? 0,
    waitingForGuest: item?.waitingForGuest ?? false,
    startAction: item?.startAction ?? 'powerOn',
    stopAction: item?.stopAction ?? 'powerOff',
  };
}

function sideBySide(parallel: readonly Sequence[]): Sequence {
  const length = parallel.reduce((longest, steps) => Math.max(longest, steps.length), 0);
  return Array.from({ length }, (_, index) => parallel.flatMap((steps) => steps[index] ?? []));
}

/** What an item says of a collection: its delays come after its last start and its last stop, `none` leaves all alone. */
function asOne(steps: Sequence, item: StartupItem): Sequence {
  return steps.map((machines, index) =>
    machines.map((machine) => ({
      ...machine,
      ...(index === steps.length - 1 && {
        startDelay: machine.startDelay + item.startDelay,
        waitingForGuest: machine.waitingForGuest || item.waitingForGuest,
      }),
      ...(index === 0 && { stopDelay: machine.stopDelay + item.stopDelay }),
      ...(item.startAction === 'none' && { startAction: item.startAction }),
      ...(item.stopAction === 'none' && { stopAction: item.stopAction }),
    })),
  );
}
