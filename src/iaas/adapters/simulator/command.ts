/**
 * What can be asked of a simulated site: the entries of its log (K33). A command holds the whole of what was asked and
 * when, so that folding the log again gives the same site; what comes of it is decided by the fold, not recorded.
 */

import type {
  AttachmentSpec,
  ComputeAction,
  ComputeSpec,
  ImageSpec,
  NetworkAction,
  NetworkSpec,
  NicSpec,
  ResourceClass,
  SiteRef,
  StorageAction,
  StorageSpec,
} from '../../adapter.js';
import type { SecurityGroupSpec, SecurityRule } from '../../security-groups.js';
import type { GuestDocuments } from './cloud.js';
import type { SimulatorConfig } from './config.js';
import type { FaultRule } from './faults.js';
import type { LoadRule } from './load.js';

export type Command = { /** Milliseconds since the epoch. */ readonly at: number } & Call;

/** An image whose bytes have been read and found good. */
export type ReadImage = Pick<ImageSpec, 'id' | 'name' | 'format' | 'sizeBytes'> & { readonly virtualSizeBytes: number };

/** A machine, and of the files for its guest, which nothing boots to read, what tells them apart: their bytes would never leave memory. */
export type AskedMachine = Omit<ComputeSpec, 'environmentFiles'> & Pick<GuestDocuments, 'environmentFiles'>;

export type Call =
  | { readonly do: 'createCompute'; readonly token: string; readonly spec: AskedMachine }
  | { readonly do: 'createNetwork'; readonly token: string; readonly spec: NetworkSpec }
  | { readonly do: 'createStorage'; readonly token: string; readonly spec: StorageSpec }
  | { readonly do: 'attachNic'; readonly token: string; readonly spec: NicSpec }
  | { readonly do: 'attachStorage'; readonly token: string; readonly spec: AttachmentSpec }
  | { readonly do: 'importImage'; readonly token: string; readonly spec: ReadImage }
  | { readonly do: 'delete'; readonly class: ResourceClass; readonly ref: SiteRef }
  | {
      readonly do: 'actCompute';
      readonly ref: SiteRef;
      readonly action: Exclude<ComputeAction, 'save' | 'resize'>;
      readonly method?: string;
    }
  | { readonly do: 'resizeCompute'; readonly ref: SiteRef; readonly cores: number; readonly memoryBytes: number }
  | {
      readonly do: 'saveCompute';
      readonly ref: SiteRef;
      readonly name: string;
      readonly method?: string;
      readonly token: string;
    }
  | { readonly do: 'actNetwork'; readonly ref: SiteRef; readonly action: NetworkAction }
  | { readonly do: 'actStorage'; readonly ref: SiteRef; readonly action: Exclude<StorageAction, 'resize'> }
  | { readonly do: 'resizeStorage'; readonly ref: SiteRef; readonly sizeBytes: number }
  | { readonly do: 'createSecurityGroup'; readonly token: string; readonly spec: SecurityGroupSpec }
  | { readonly do: 'updateSecurityGroup'; readonly ref: SiteRef; readonly rules: readonly SecurityRule[] }
  | { readonly do: 'guardCompute'; readonly ref: SiteRef; readonly groups: readonly SiteRef[] }
  /** A call that changes nothing, noted because a fault rule counts it. */
  | { readonly do: 'read'; readonly operation: string; readonly detail?: string }
  | Control;

/** What has a name at the site. */
export type Named = 'compute' | 'network' | 'storage';

/** What VEP's adapter cannot ask, but whoever runs the simulation can. */
export type Control =
  | { readonly do: 'configure'; readonly config: SimulatorConfig }
  | { readonly do: 'injectFault'; readonly rule: FaultRule }
  | { readonly do: 'clearFaults' }
  | { readonly do: 'setLoad'; readonly rules: readonly LoadRule[] }
  | { readonly do: 'setHost'; readonly host: string; readonly up: boolean }
  /** Somebody gives a thing another name. */
  | { readonly do: 'rename'; readonly class: Named; readonly ref: SiteRef; readonly name: string }
  /** A machine that somebody else runs on the same site. */
  | { readonly do: 'createForeign'; readonly name: string; readonly cores: number; readonly memoryBytes: number };

/** Under which name fault rules know a call. */
export function operationOf(call: Call): { readonly operation: string; readonly detail?: string } | undefined {
  switch (call.do) {
    case 'delete':
      return { operation: 'delete', detail: call.class };
    case 'actCompute':
    case 'actNetwork':
    case 'actStorage':
      return { operation: call.do, detail: call.action };
    case 'read':
      return { operation: call.operation, ...(call.detail === undefined ? {} : { detail: call.detail }) };
    case 'configure':
    case 'injectFault':
    case 'clearFaults':
    case 'setLoad':
    case 'setHost':
    case 'rename':
    case 'createForeign':
      return undefined;
    default:
      return { operation: call.do };
  }
}
