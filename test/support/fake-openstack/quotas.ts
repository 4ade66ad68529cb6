/** Quotas of projects, as Nova, Cinder and Neutron show and take them: each a part of them, by its own names. */

import { documentOf, type Answer, type Json, type Refusal, type Request } from './answers.js';
import { USUAL, type Quota, type World } from './world.js';

export interface QuotaService {
  /** Object of requests and answers. */
  readonly object: 'quota_set' | 'quota';
  readonly names: readonly (keyof Quota)[];
  /** What is shown beside them. */
  readonly others: Json;
  /** What a project uses; a service that has it refuses a smaller quota, unless it is told `force`. */
  readonly used?: (project: string) => Partial<Quota>;
  readonly mayNot: (what: 'show' | 'update') => Refusal;
  readonly refuse: (message: string) => Refusal;
}

export function serveQuotas(
  world: World,
  request: Request,
  target: {
    readonly project: string;
    readonly what: string | undefined;
    readonly own: boolean;
    readonly admin: boolean;
  },
  { object, names, others, used, mayNot, refuse }: QuotaService,
): Answer {
  const { project: id, what, own, admin } = target;
  const project = world.projects.get(id);
  const shown = (quota: Quota): Json => ({
    ...others,
    ...Object.fromEntries(names.map((name) => [name, quota[name]])),
  });
  if (request.method === 'GET') {
    if (!admin && !own) throw mayNot('show');
    return {
      status: 200,
      body: { [object]: { id, ...shown(what === undefined ? (project?.quota ?? USUAL) : USUAL) } },
    };
  }
  if (!admin) throw mayNot('update');
  const { force, ...wanted } = documentOf(request)[object];
  for (const [name, value] of Object.entries<number>(wanted)) {
    if (!names.includes(name as keyof Quota))
      throw refuse(`Additional properties are not allowed ('${name}' was unexpected)`);
    const taken = used?.(id)[name as keyof Quota] ?? 0;
    if (force !== true && value >= 0 && value < taken)
      throw refuse(
        `Quota limit ${value} for ${name} must be greater than or equal to already used and reserved ${taken}.`,
      );
  }
  if (project) project.quota = { ...project.quota, ...wanted };
  return { status: 200, body: { [object]: shown(project?.quota ?? USUAL) } };
}
