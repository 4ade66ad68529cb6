/** The work on an appliance as one graph: its parent stands for the appliance, its children for the steps. */

import type { Engine } from '../../src/engine/engine.js';
import type { NewChild } from '../../src/engine/operation.js';
import type { Write } from '../../src/extension/kind-handler.js';
import type { AttributeValue } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';

export interface WorkOnAppliance {
  readonly type: string;
  readonly input?: Record<string, AttributeValue>;
  readonly children: readonly NewChild[];
  /** What has been done stays when a part fails; else it is undone. */
  readonly keepOnFailure: boolean;
}

/** Files the work in the transaction of the request. */
export async function fileWork(
  engine: Engine,
  write: Write,
  entity: EntityRecord,
  { type, input = {}, children, keepOnFailure }: WorkOnAppliance,
): Promise<void> {
  const parent = { type, entity: entity.id, site: null, input, principal: write.context.principal.id };
  await engine.fileGraph(write.tx, { parent, children, keepOnFailure });
}
