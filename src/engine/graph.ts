/**
 * Filing work: one operation, or the graph of an appliance (K31), inside the transaction that commits the wish itself.
 * Children get their turns in a topological order of their `after` edges, so that waiting for edges and waiting for
 * earlier operations of the same entity can never block each other.
 */

import { Problem, problem, type Fault } from '../base/errors.js';
import { newUuid, type Uuid } from '../base/ids.js';
import type { Tx } from '../store/sql.js';
import type { NewChild, NewGraph, NewOperation, OperationTypes } from './operation.js';
import { insertOperation, lockSubject, type StoredOperation } from './records.js';

export interface FiledGraph {
  readonly parent: Uuid;
  /** Operation ids by the keys of the children. */
  readonly children: ReadonlyMap<string, Uuid>;
}

/**
 * Writes one operation at its first step. It waits to be released, unless it is the first there ever was of an entity that
 * stands alone, as in every creation: then it has nothing to wait for.
 */
export async function insertSingle(
  tx: Tx,
  operation: NewOperation,
  types: OperationTypes,
  now: number,
): Promise<StoredOperation> {
  const step = firstStep(types, operation.type);
  const subject = operation.appliance ?? operation.entity;
  const turn = (await lockSubject(tx, subject, 1)) + 1;
  const filed = fresh(operation, { subject, step, turn, now });
  const free = turn === 1 && subject === operation.entity && step !== null;
  const stored: StoredOperation = free ? { ...filed, state: 'due', dueAt: now } : filed;
  await insertOperation(tx, stored);
  return stored;
}

/**
 * Writes the waiting operations of a graph and its edges: `after` between the children, and parent after every child.
 *
 * @throws Problem `invalid` with every fault of the graph: double and unknown keys, circles.
 */
export async function insertGraph(
  tx: Tx,
  graph: NewGraph,
  types: OperationTypes,
  now: number,
): Promise<{ readonly filed: FiledGraph; readonly parent: StoredOperation }> {
  const order = topologicalOrder(graph.children);
  const subject = graph.parent.entity;
  const base = await lockSubject(tx, subject, order.length + 1);
  const keep = graph.keepOnFailure ?? false;
  const ids = new Map(order.map((child) => [child.key, newUuid(now)]));
  const byKey = new Map(order.map((child) => [child.key, child]));
  const principal = graph.parent.principal;
  const parent = fresh(
    { ...graph.parent, appliance: subject },
    { subject, step: firstStep(types, graph.parent.type), turn: base + order.length + 1, now, keepOnFailure: keep },
  );
  const children = order.map((child, position) =>
    fresh(
      { ...child, appliance: subject, principal },
      {
        id: ids.get(child.key),
        subject,
        step: firstStep(types, child.type),
        turn: base + position + 1,
        now,
        parent: parent.id,
        keepOnFailure: keep,
      },
    ),
  );
  for (const operation of [...children, parent]) await insertOperation(tx, operation);
  for (const child of order) {
    const id = ids.get(child.key) ?? '';
    for (const key of edgesOf(child, byKey, types)) await insertEdge(tx, id, ids.get(key) ?? '');
    await insertEdge(tx, parent.id, id);
  }
  return { filed: { parent: parent.id, children: ids }, parent };
}

function firstStep(types: OperationTypes, name: string): string | null {
  const type = types.get(name);
  if (!type) throw problem('internal', 'engine.unknown-type', `no extension knows operations of type ${name}`);
  return type.steps[0]?.name ?? null;
}

/**
 * What a child comes after. One that can be taken back also comes after what lies behind predecessors that cannot: those
 * have no undo that theirs could wait for, and a disk must not be deleted ahead of its attachment because between the
 * two it was only switched on.
 */
function edgesOf(child: NewChild, byKey: ReadonlyMap<string, NewChild>, types: OperationTypes): ReadonlySet<string> {
  const edges = new Set(child.after);
  if (!canBeUndone(types, child.type)) return edges;
  for (const key of edges) {
    const before = byKey.get(key);
    if (before && !canBeUndone(types, before.type)) for (const earlier of before.after) edges.add(earlier);
  }
  return edges;
}

function canBeUndone(types: OperationTypes, name: string): boolean {
  return types.get(name)?.steps.some((step) => step.undo !== undefined) ?? false;
}

async function insertEdge(tx: Tx, operation: Uuid, after: Uuid): Promise<void> {
  await tx.run('INSERT INTO operation_edge (operation_id, after_id) VALUES (?, ?)', [operation, after]);
}

function fresh(
  operation: NewOperation,
  place: {
    readonly id?: Uuid | undefined;
    readonly subject: Uuid;
    readonly step: string | null;
    readonly turn: number;
    readonly now: number;
    readonly parent?: Uuid;
    readonly keepOnFailure?: boolean;
  },
): StoredOperation {
  return {
    id: place.id ?? newUuid(place.now),
    type: operation.type,
    entity: operation.entity,
    appliance: operation.appliance,
    subject: place.subject,
    parent: place.parent ?? null,
    site: operation.site,
    state: 'waiting',
    direction: 'forward',
    step: place.step,
    begun: false,
    turn: place.turn,
    input: operation.input,
    memory: {},
    attempts: 0,
    dueAt: null,
    owner: null,
    leaseUntil: null,
    fence: 0,
    progress: { percent: 0, message: '' },
    findings: [],
    endsAs: null,
    keepOnFailure: place.keepOnFailure ?? false,
    principal: operation.principal,
    createdAt: place.now,
    finishedAt: null,
  };
}

/** Kahn's algorithm; children that are free at the same time keep the order in which they were given. */
function topologicalOrder(children: readonly NewChild[]): readonly NewChild[] {
  const byKey = new Map(children.map((child) => [child.key, child]));
  const faults: Fault[] = [];
  if (byKey.size < children.length) {
    faults.push({ code: 'engine.double-key', message: 'two operations of the graph have the same key' });
  }
  const open = new Map<string, number>();
  const followers = new Map<string, NewChild[]>();
  for (const child of byKey.values()) {
    const after = new Set(child.after);
    open.set(child.key, after.size);
    for (const key of after) {
      if (!byKey.has(key)) {
        faults.push({
          code: 'engine.unknown-key',
          message: `operation ${child.key} comes after ${key}, which there is not`,
        });
      }
      const list = followers.get(key);
      if (list) list.push(child);
      else followers.set(key, [child]);
    }
  }
  if (faults.length > 0) throw new Problem('invalid', faults);
  const order = [...byKey.values()].filter((child) => open.get(child.key) === 0);
  for (let position = 0; position < order.length; position++) {
    for (const follower of followers.get(order[position]?.key ?? '') ?? []) {
      const left = (open.get(follower.key) ?? 0) - 1;
      open.set(follower.key, left);
      if (left === 0) order.push(follower);
    }
  }
  if (order.length < byKey.size) {
    const stuck = [...byKey.keys()].filter((key) => (open.get(key) ?? 0) > 0);
    throw new Problem('invalid', {
      code: 'engine.circle',
      message: `operations wait for each other: ${stuck.join(', ')}`,
    });
  }
  return order;
}
