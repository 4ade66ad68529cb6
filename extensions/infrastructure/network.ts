/**
 * Network (GFD.224 §3.2): a site takes its range, gateway and VLAN in when it makes it. Others are carried there by having
 * the site make it anew, as long as nothing is plugged in; the label is a name for people and no site knows it.
 */

import { problem } from '../../src/base/errors.js';
import type { Write } from '../../src/extension/kind-handler.js';
import { NETWORK, type Attributes } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { InfrastructureHandler, type HandlerServices } from './handler.js';
import { ACT } from './operations.js';

const MADE_FROM = ['address', 'gateway', 'vlan', 'allocation'].map((name) => `occi.network.${name}`);

export class NetworkHandler extends InfrastructureHandler {
  constructor(services: HandlerServices) {
    super(NETWORK, services);
  }

  protected override madeFrom(wanted: Attributes): string {
    return JSON.stringify(MADE_FROM.map((name) => wanted[name]));
  }

  protected override async makeAnew(write: Write, entity: EntityRecord): Promise<EntityRecord> {
    const used = await write.tx.get('SELECT 1 FROM entity WHERE target = ? AND site IS NOT NULL LIMIT 1', [entity.id]);
    if (used) {
      throw problem('conflict', 'infrastructure.network-used', 'interfaces are plugged into this network', {
        place: { field: 'occi.network' },
        remedy: 'delete the networkinterfaces first, or make another network',
      });
    }
    const atRest = (await this.services.engine.unfinished(write.tx, entity.id)).length === 0;
    const down = atRest && this.stateOf(entity) === 'inactive';
    const anew = await super.makeAnew(write, entity);
    // A site brings up what it makes.
    if (down) await this.file(write, entity, { type: ACT, site: entity.site, input: { term: 'down', to: 'inactive' } });
    return anew;
  }
}
