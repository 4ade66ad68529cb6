/** What a server shows of an entity, as adapters report it. A state nobody knows is an error with the server's own word. */

import { isJsonObject } from '../../../base/json.js';
import { isLinkView, type AttributeValue, type EntityView } from '../../../occi/model.js';
import type { Observed, SiteRef } from '../../adapter.js';
import { normalRules, readRule, type NormalRule } from '../../security-groups.js';
import { rangeOfAddress } from '../../ranges.js';
import { RESERVED_ADDRESS, type ThingClass } from './kinds.js';

const GIB = 2 ** 30;

type State<C extends ThingClass> = Extract<Observed, { readonly class: C }>['state'];

/** States as servers of the field write them, some in words of drafts. */
const COMPUTE: Readonly<Record<string, State<'compute'>>> = {
  active: 'active',
  inactive: 'inactive',
  suspended: 'suspended',
  error: 'error',
  // rOCCI-server, while its cloud boots a machine.
  waiting: 'inactive',
};
const PLAIN: Readonly<Record<string, 'active' | 'inactive' | 'error'>> = {
  active: 'active',
  inactive: 'inactive',
  error: 'error',
};
const STORAGE: Readonly<Record<string, State<'storage'>>> = {
  online: 'online',
  offline: 'offline',
  backup: 'backup',
  snapshot: 'snapshot',
  resize: 'resize',
  degraded: 'degraded',
  error: 'error',
};

export interface Circumstances {
  readonly ref: SiteRef;
  /** The id in VEP's mark. */
  readonly id: string | undefined;
  readonly busy: boolean;
  /** Bytes of the server's unit of memory. */
  readonly memoryUnit: number;
}

export function observe(what: ThingClass, view: EntityView, { ref, id, busy, memoryUnit }: Circumstances): Observed {
  const { attributes } = view;
  const reserved = attributes[RESERVED_ADDRESS];
  const prefix = `occi.${ATTRIBUTES[what]}`;
  const text = (name: string): string | undefined => {
    const value = attributes[`${prefix}.${name}`];
    return typeof value === 'string' ? value : value === undefined ? undefined : JSON.stringify(value);
  };
  const amount = (name: string): number => Number(attributes[`${prefix}.${name}`] ?? 0);
  const said = text('state') ?? 'inactive';
  const message = text('state.message');
  const base = { ref, ...(id === undefined ? {} : { id }), ...named(what, view), busy: busy || said === 'waiting' };
  const stated = <S extends string>(words: Readonly<Record<string, S>>): { state: S | 'error'; message?: string } => {
    const state = words[said.toLowerCase()];
    if (state === undefined) return { state: 'error', message: message ?? `the server says ${said.slice(0, 80)}` };
    if (message !== undefined) return { state, message };
    return state === 'error' ? { state, message: 'the server reports an error' } : { state };
  };
  switch (what) {
    case 'compute':
      return {
        ...base,
        class: what,
        ...stated(COMPUTE),
        cores: amount('cores') || 1,
        memoryBytes: Math.round(amount('memory') * memoryUnit),
      };
    case 'network':
      return {
        ...base,
        class: what,
        ...stated(PLAIN),
        ...given('cidr', text('address') ?? (typeof reserved === 'string' ? rangeOfAddress(reserved) : undefined)),
        ...given('gateway', text('gateway')),
        ...(attributes['occi.network.vlan'] === undefined ? {} : { vlan: amount('vlan') }),
      };
    case 'storage':
      return { ...base, class: what, ...stated(STORAGE), sizeBytes: Math.round(amount('size') * GIB) };
    case 'nic':
      return {
        ...base,
        class: what,
        ...stated(PLAIN),
        interface: text('interface') ?? '',
        mac: text('mac') ?? '',
        ...given('address', text('address')),
        ...given('gateway', text('gateway')),
      };
    case 'attachment':
      return { ...base, class: what, ...stated(PLAIN), device: text('deviceid') ?? '' };
    case 'securitygroup':
      return { ...base, class: what, ...stated(PLAIN), rules: rulesIn(attributes[`${prefix}.rules`]) };
  }
}

const ATTRIBUTES: Readonly<Record<ThingClass, string>> = {
  compute: 'compute',
  network: 'network',
  storage: 'storage',
  nic: 'networkinterface',
  attachment: 'storagelink',
  securitygroup: 'securitygroup',
};

/** Rules in JSON, which renderings as text have in a string; none in what cannot be read. */
function rulesIn(value: AttributeValue | undefined): readonly NormalRule[] {
  try {
    const rules = typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
    return normalRules((Array.isArray(rules) ? (rules as unknown[]) : []).filter(isJsonObject).map(readRule));
  } catch {
    return [];
  }
}

/** The title of a link is nobody's name for it. */
const named = (what: ThingClass, { title }: EntityView): { readonly name?: string } =>
  ['compute', 'network', 'storage'].includes(what) ? { name: title ?? '' } : {};

function given<K extends string>(name: K, value: string | undefined): { [key in K]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: string };
}

/** Paths of the two ends of a link. */
export function endsOf(view: EntityView): readonly string[] {
  if (!isLinkView(view)) return [];
  return [view.source, view.target].map(({ location }) => new URL(location, 'http://endpoint').pathname);
}
