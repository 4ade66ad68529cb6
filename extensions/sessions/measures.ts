/**
 * What is done to an application when the session of who deployed it is over before its time: nothing, or it is suspended,
 * stopped or undeployed as the configuration says. Work under way is cancelled; a deployment that is not finished is
 * undone whatever the measure. It is an ordinary action on the appliance, filed in the transaction of the revocation.
 */

import type { Principal } from '../../src/access/principal.js';
import type { SessionMeasure } from '../../src/base/config.js';
import { APPLIANCE_ACTIONS } from '../../src/client/index.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Entities } from '../../src/extension/entities.js';
import type { Handlers } from '../../src/extension/handlers.js';
import type { Write } from '../../src/extension/kind-handler.js';
import { findEntity } from '../../src/store/entities.js';

export interface MeasureServices {
  readonly engine: Engine;
  readonly handlers: Handlers;
  readonly entities: Entities;
}

/** Who acts when sessions are judged by the server itself; stands in the audit trail. */
export const SESSION_KEEPER: Principal = {
  id: 'vep:sessions',
  name: 'sessions',
  tier: 'local',
  roles: new Set(['administrator']),
  groups: ['admin'],
};

const DEPLOY = 'appliance.deploy';

export async function takeMeasure(
  services: MeasureServices,
  write: Write,
  application: string,
  measure: SessionMeasure,
): Promise<void> {
  if (measure === 'keep') return;
  const { engine, handlers, entities } = services;
  const unfinished = await engine.unfinished(write.tx, application);
  const deploying = unfinished.some(({ type }) => type === DEPLOY);
  const term = deploying ? 'undeploy' : measure;
  const entity = await findEntity(write.tx, application);
  if (entity?.phase !== 'live') return;
  const action = APPLIANCE_ACTIONS + term;
  if (!handlers.of(entity.kind).applicable(entity).includes(action)) return;
  if (unfinished.length > 0) await engine.supersede(write.tx, application);
  const keeper = { ...write, context: { ...write.context, principal: SESSION_KEEPER } };
  await entities.act(keeper, application, { action, term, parameters: {} });
}
