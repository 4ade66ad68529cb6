/**
 * `/events/audit`: the audit trail, oldest entry first, a page at a time. Administrators and auditors of the provider read all of
 * it, whoever administers a VO what was done in that VO (S-085). Entries hold no secrets; they say who asked for what, and
 * what came of it. `?after=<seq>` goes on where a page ended, `?vo=` and `?entity=` narrow it down.
 */

import { rolesWithin } from '../access/policy.js';
import type { Principal } from '../access/principal.js';
import { problem } from '../base/errors.js';
import { isUuid } from '../base/ids.js';
import { listAudit } from '../store/audit.js';
import type { SqlReader } from '../store/sql.js';
import type { Endpoint } from './express-app.js';
import { onlyParameters, parameter, type Target } from './target.js';

const PATH = '/events/audit';
const PAGE = 1000;

export function auditEndpoint(reader: SqlReader): Endpoint {
  return {
    method: 'get',
    path: PATH,
    handle: async (request, response, principal) => {
      const target = request.vep?.target ?? { path: PATH, query: [] };
      onlyParameters(target, ['after', 'limit', 'vo', 'entity']);
      const groups = groupsToRead(principal, parameter(target, 'vo'));
      const entity = parameter(target, 'entity');
      if (entity !== undefined && !isUuid(entity)) throw unreadable('entity', 'the id of an entity');
      const after = numberAt(target, 'after', 0, Number.MAX_SAFE_INTEGER);
      const limit = numberAt(target, 'limit', PAGE, PAGE);
      const filter = { ...(groups && { groups }), ...(entity !== undefined && { entity }) };
      const entries = await listAudit(reader, { after, limit, ...filter });
      response.setHeader('Cache-Control', 'no-store');
      response.json({
        entries: entries.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
        next: entries.length < limit ? null : (entries.at(-1)?.seq ?? null),
      });
    },
  };
}

/** Nothing: those of all groups. @throws Problem `forbidden`, the same for a VO of others as for one that there is not */
function groupsToRead(principal: Principal | undefined, vo: string | undefined): readonly string[] | undefined {
  const { roles, groups = [], confinedTo, credential } = principal ?? {};
  // A token of capabilities is good for these alone (S-064).
  const reads = principal !== undefined && credential?.verbs?.includes('read') !== false;
  if (reads && confinedTo === undefined && (roles?.has('administrator') === true || roles?.has('auditor') === true))
    return vo === undefined ? undefined : [vo];
  const administered = reads ? groups.filter((group) => rolesWithin(principal, group).has('vo-administrator')) : [];
  const wanted = vo === undefined ? administered : administered.filter((group) => group === vo);
  if (wanted.length > 0) return wanted;
  throw problem('forbidden', 'access.denied', 'the audit trail is for those who administer or audit what it is about', {
    remedy: 'ask an administrator of your VO',
  });
}

function numberAt(target: Target, name: string, absent: number, most: number): number {
  const text = parameter(target, name);
  if (text === undefined) return absent;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value > most || (name === 'limit' && value === 0))
    throw unreadable(name, `a whole number of at most ${most}`);
  return value;
}

function unreadable(field: string, what: string): Error {
  return problem('malformed', `audit.${field}`, `${field} is not ${what}`, {
    place: { field },
    remedy: `write it as in ${PATH}?${field}=…, or leave it out`,
  });
}
