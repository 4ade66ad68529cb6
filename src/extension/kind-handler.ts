/**
 * The behaviour of one kind: what its entities do when they are created, changed, acted on and removed. A handler runs
 * inside the one transaction of a request (DESIGN, "The way of a request"): it may complete or refuse what is asked and
 * file operations for the work at the site, but it never talks to a site, a clock or the network itself.
 */

import type { Verb } from '../access/policy.js';
import type { Attributes, AttributeValue, Kind, Mixin, TypeId } from '../occi/model.js';
import type { CategoryRegistry } from '../occi/registry.js';
import type { ResolvedLink } from '../occi/resolve/index.js';
import type { EntityRecord } from '../store/entity-record.js';
import type { Tx } from '../store/sql.js';
import type { NewEntity } from './entity-draft.js';
import type { Attachment, RequestContext } from './extension.js';

/** What every hook gets: the transaction, who asks, and the categories as the caller sees them. */
export interface Write {
  readonly tx: Tx;
  readonly context: RequestContext;
  readonly registry: CategoryRegistry;
  /** Milliseconds since the epoch, the same throughout the transaction. */
  readonly now: number;
}

/** An entity about to be stored. A handler completes it in place; what it leaves is what is committed. */
export interface EntityDraft extends LinkEnds {
  readonly id: string;
  readonly kind: Kind;
  mixins: TypeId[];
  title?: string;
  summary?: string;
  /** Mutable attributes as the client wants them. */
  readonly wanted: Record<string, AttributeValue>;
  /** Immutable attributes as far as they are known before any site has reported. */
  readonly observed: Record<string, AttributeValue>;
  /** The state to which the operations filed with it lead, when that is not the observed one (K10). */
  heading?: string;
  owner: string;
  group: string;
  appliance?: string;
  site?: string;
  /** Inline links, created right after the entity itself. */
  readonly links: readonly ResolvedLink[];
  readonly attachments: readonly Attachment[];
  /** What {@link KindHandler.makeReady} answered. */
  readonly prepared: unknown;
}

/** A change that passed all checks of the categories: definitions, types, mutability. */
export interface EntityChange {
  /** Attributes with a new value; `undefined` takes one away. */
  readonly attributes: ReadonlyMap<string, AttributeValue | undefined>;
  readonly title?: string | undefined;
  readonly summary?: string | undefined;
  readonly addedMixins: readonly Mixin[];
  readonly removedMixins: readonly Mixin[];
  /** Links: what they join from now on, where that changes; loaded and permitted. */
  readonly moved?: LinkEnds;
}

/** What a link joins. The target is {@link targetUri} where it is no entity of this server. */
export interface LinkEnds {
  readonly source?: EntityRecord;
  readonly target?: EntityRecord;
  readonly targetUri?: string;
}

export interface Invocation {
  readonly action: TypeId;
  readonly term: string;
  readonly parameters: Readonly<Record<string, AttributeValue>>;
}

/** An operation to be filed by the caller of the hook, so that it can be ordered after others. */
export interface OperationDraft {
  readonly type: string;
  readonly site: string | null;
  readonly input: Readonly<Record<string, AttributeValue>>;
}

export interface DryRun {
  readonly mediaType: string;
  readonly body: string;
}

export interface KindHandler {
  readonly kind: TypeId;
  /** The attribute that shows the entity's state; absent for kinds without states. */
  readonly stateAttribute?: string;
  /** The federation may choose the id of a new entity (K09). */
  readonly federationChoosesId?: true;
  /** The group of a new entity, where the client's attributes name it; absent: that of the caller. Permission is asked there. */
  groupFor?(attributes: Attributes): string | undefined;
  /** Actions that are legal in the state to which pending operations lead (K10); rendered on the entity. */
  applicable(entity: Pick<EntityRecord, 'observed' | 'heading' | 'mixins' | 'appliance'>): readonly TypeId[];
  /**
   * Runs before the transaction of a creation: the place to fetch what the request names (K06) and to judge documents.
   * What it answers reaches {@link prepare} as {@link EntityDraft.prepared}.
   */
  makeReady?(context: RequestContext, registry: CategoryRegistry, entity: NewEntity): Promise<unknown>;
  /** Answers `?dry-run` with what a creation would do; absent: the kind knows no dry run (K07). */
  dryRun?(context: RequestContext, registry: CategoryRegistry, entity: NewEntity): Promise<DryRun>;
  /** Completes or refuses a new entity. */
  prepare(write: Write, draft: EntityDraft): Promise<void>;
  /** Files the work of a new entity, which is stored by now together with its inline links. */
  created(write: Write, entity: EntityRecord, draft: EntityDraft): Promise<void>;
  /**
   * Completes or refuses a change and files its work. Answers the record as it shall be stored; mixins that the change
   * displaces (a template replaced by another) are taken out here.
   */
  change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord>;
  /** Refuses ends that a link cannot be moved to (GFD.221 §5.4.3). Absent: links of this kind keep their ends. */
  judgeMove?(write: Write, entity: EntityRecord, moved: LinkEnds): Promise<void>;
  /** Verbs of which the caller needs one for the action of that term; absent: `act`. */
  verbsFor?(term: string): readonly Verb[];
  /** Carries out or files an action. Answers the entity as it shall be stored and the template that `save` minted. */
  act(
    write: Write,
    entity: EntityRecord,
    invocation: Invocation,
  ): Promise<{ readonly entity: EntityRecord; readonly minted?: Mixin }>;
  /** Removes the entity with what depends on it, or refuses. Absent: it goes with its links, each released by itself. */
  remove?(write: Write, entity: EntityRecord): Promise<void>;
  /** The work that takes the entity off its site; nothing if no site knows it. */
  release(write: Write, entity: EntityRecord): Promise<OperationDraft | undefined>;
}
