/**
 * All domains of libvirt at once, VEP's and others: which there are, in what state, what VEP remembers of them, and which
 * plugs are in the running ones.
 */

import { DOMParser, type Element } from '@xmldom/xmldom';
import { IaasError, type CallOptions } from '../../adapter.js';
import { VEP_NAMESPACE } from '../../translation/libvirt-domain.js';
import { readModel, type MachineModel } from './marks.js';
import { meaningOf, SHUT_OFF, type Meaning } from './states.js';
import type { Virsh } from './virsh.js';

export interface Domain {
  readonly uuid: string;
  readonly name: string;
  /** What VEP wrote into it; nothing for a domain of somebody else. */
  readonly model: MachineModel | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly active: boolean;
  /** Its memory is kept on disk until it is started again. */
  readonly saved: boolean;
  readonly meaning: Meaning;
  /** Names of the plugs that the running machine has, as `aliasOf` gives them. */
  readonly plugged: ReadonlySet<string>;
}

export type OwnDomain = Domain & { readonly model: MachineModel };

/** Domains whose documents are asked for in one child. */
const BATCH = 200;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  KiB: 2 ** 10,
  k: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

export class Domains {
  readonly #virsh: Virsh;
  readonly #realm: string;

  constructor(virsh: Virsh, realm: string) {
    this.#virsh = virsh;
    this.#realm = realm;
  }

  /** Everything that is defined, by UUID. */
  async all(options: CallOptions = {}): Promise<ReadonlyMap<string, Domain>> {
    return this.#look((await this.#lists(options)).all, options);
  }

  async some(uuids: readonly string[], options: CallOptions): Promise<ReadonlyMap<string, Domain>> {
    const { all } = await this.#lists(options);
    const wanted = new Set(uuids);
    return this.#look(
      all.filter((uuid) => wanted.has(uuid)),
      options,
    );
  }

  async look(uuid: string, options: CallOptions): Promise<Domain | undefined> {
    return UUID.test(uuid) ? (await this.#look([uuid], options)).get(uuid) : undefined;
  }

  /** @throws IaasError `not-found`, or `denied` for what VEP did not make */
  async own(uuid: string, options: CallOptions): Promise<OwnDomain> {
    const domain = await this.look(uuid, options);
    if (!domain) throw new IaasError('not-found', 'libvirt has no such machine');
    if (!isOwn(domain)) throw new IaasError('denied', 'this machine was not made by VEP, which leaves it alone');
    return domain;
  }

  async #lists(options: CallOptions): Promise<{ readonly all: readonly string[] }> {
    const said = await this.#virsh.readSome(['list --all --uuid'], options);
    return { all: said.split('\n').filter((line) => UUID.test(line)) };
  }

  async #look(uuids: readonly string[], options: CallOptions): Promise<ReadonlyMap<string, Domain>> {
    const found = new Map<string, Domain>();
    for (let at = 0; at < uuids.length; at += BATCH) {
      const some = uuids.slice(at, at + BATCH);
      const commands = some.flatMap((uuid) => [
        `echo @state ${uuid}`,
        `domstats --state ${uuid}`,
        'echo @saved',
        `dominfo ${uuid}`,
        'echo @document',
        `dumpxml --inactive ${uuid}`,
        'echo @running',
        `dumpxml ${uuid}`,
      ]);
      const said = await this.#virsh.readSome(commands, options);
      for (const part of said.split(/^@state /m).slice(1)) {
        const domain = this.#read(part);
        if (domain) found.set(domain.uuid, domain);
      }
    }
    return found;
  }

  /** Nothing for one that went away between the commands. */
  #read(part: string): Domain | undefined {
    const uuid = part.slice(0, 36);
    const [state = '', saved = '', document = '', running = ''] = part.split(/^@(?:saved|document|running)$/m);
    const now = Number(/state\.state=(\d+)/.exec(state)?.[1] ?? Number.NaN);
    const reason = Number(/state\.reason=(\d+)/.exec(state)?.[1] ?? 0);
    const root = documentOf(document);
    if (Number.isNaN(now) || !root) return undefined;
    const memory = childOf(root, 'memory');
    const unit = UNITS[memory?.getAttribute('unit') ?? 'KiB'] ?? 1024;
    const isSaved = /^Managed save: +yes/m.test(saved);
    const meaning = meaningOf(now, reason);
    return {
      uuid,
      name: childOf(root, 'name')?.textContent ?? '',
      model: this.#modelIn(root),
      cores: Number(childOf(root, 'vcpu')?.textContent ?? 1),
      memoryBytes: Number(memory?.textContent ?? 0) * unit,
      active: now !== SHUT_OFF && now !== 0,
      saved: isSaved,
      meaning: now === SHUT_OFF && isSaved ? { state: 'suspended' } : meaning,
      plugged: new Set(
        now === SHUT_OFF ? [] : [...running.matchAll(/<alias name='(ua-[^']+)'/g)].map((match) => match[1] ?? ''),
      ),
    };
  }

  #modelIn(root: Element): MachineModel | undefined {
    const metadata = childOf(root, 'metadata');
    const [mine] = metadata ? [...metadata.getElementsByTagNameNS(VEP_NAMESPACE, 'machine')] : [];
    return mine ? readModel(mine.textContent ?? '', this.#realm) : undefined;
  }
}

export function isOwn(domain: Domain): domain is OwnDomain {
  return domain.model !== undefined;
}

export function isRunning({ meaning, active }: Domain): boolean {
  return active && meaning.state === 'active' && meaning.busy !== true;
}

function documentOf(text: string): Element | undefined {
  const document = /<domain[\s>][^]*<\/domain>/.exec(text)?.[0];
  if (document === undefined) return undefined;
  try {
    return new DOMParser().parseFromString(document, 'text/xml').documentElement ?? undefined;
  } catch {
    return undefined;
  }
}

function childOf(element: Element, name: string): Element | undefined {
  return [...element.childNodes].find((node): node is Element => node.nodeName === name);
}
