/**
 * URLs of an appliance that open what they name, as presigned ones of S3 do (K26). What the store has in clear, sites
 * see and exports tell is without query; the work opens the whole from a secret of its own, which goes with the appliance.
 */

import { isTelling, shownUrl } from '../../src/base/shown-url.js';
import { isUrl } from '../../src/ovf/envelope/href.js';
import type { DeploymentPlan, PlannedImage } from '../../src/ovf/plan.js';
import { openSecret, sealSecret } from '../../src/store/secrets.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { imageOrigins, type FileOrigin, type ImageOrigins } from './package.js';
import type { ApplianceRow } from './tables.js';

/** What an appliance says of its files. */
export type Told = Pick<ApplianceRow, 'descriptor' | 'plan' | 'images'>;

export interface HiddenUrls {
  readonly descriptor: string;
  /** Where the package is, if that is to be hidden. */
  readonly packageUrl?: string;
  readonly files: readonly HiddenFile[];
}

interface HiddenFile {
  readonly id: string;
  /** As the descriptor has it. */
  readonly href?: string;
  readonly url?: string;
  readonly path?: string;
}

/** @param references all hrefs of the descriptor */
export function hideUrls(
  told: Told,
  packageUrl: string | undefined,
  references: readonly string[],
): Told & { readonly hidden?: HiddenUrls } {
  const files = hiddenFiles(told);
  const isPackageHidden = packageUrl !== undefined && isTelling(packageUrl);
  const tells = references.some((href) => isUrl(href) && isTelling(href));
  if (files.length === 0 && !isPackageHidden && !tells) return told;
  const shown = new Map(files.map(({ id, href }) => [id, { id, ...(href !== undefined && { href: shownUrl(href) }) }]));
  return {
    descriptor: '',
    plan: withHrefs(told.plan, shown),
    images: shownOrigins(told.images),
    hidden: { descriptor: told.descriptor, files, ...(isPackageHidden && { packageUrl }) },
  };
}

/** The plan as a user may be shown it. */
export function shownPlan(plan: DeploymentPlan, images: ImageOrigins): DeploymentPlan {
  return hideUrls({ descriptor: '', plan, images }, undefined, []).plan;
}

function hiddenFiles({ plan, images }: Told): readonly HiddenFile[] {
  const hrefs = new Map([...plan.images, ...(plan.files ?? [])].map(({ id, href }) => [id, href]));
  return [...new Set([...hrefs.keys(), ...Object.keys(images)])].flatMap((id): HiddenFile[] => {
    const origin = images[id];
    if (origin && 'template' in origin) return [];
    const href = hrefs.get(id);
    const named = href !== undefined && isUrl(href) && isTelling(href);
    const at = origin && 'url' in origin ? origin : undefined;
    if (!named && !(at && isTelling(at.url))) return [];
    const { url, path } = at ?? {};
    return [
      {
        id,
        ...(href !== undefined && { href }),
        ...(url !== undefined && { url }),
        ...(path !== undefined && { path }),
      },
    ];
  });
}

/** The origins without what their URLs may not tell. */
export function shownOrigins(origins: ImageOrigins): ImageOrigins {
  return mapped(origins, (_id, origin) => {
    if (!('url' in origin)) return origin;
    return {
      ...origin,
      url: shownUrl(origin.url),
      ...(origin.path !== undefined && { path: shownUrl(origin.path) }),
    };
  });
}

/** What {@link hideUrls} hid, in its place again. */
export function revealUrls<T extends Told>(told: T, { descriptor, files }: HiddenUrls): T {
  const hidden = new Map(files.map((file) => [file.id, file]));
  const images = mapped(told.images, (id, origin) => {
    const { url, path } = hidden.get(id) ?? {};
    if (url === undefined || !('url' in origin)) return origin;
    return { ...origin, url, ...(origin.path !== undefined && path !== undefined && { path }) };
  });
  return { ...told, descriptor, images, plan: withHrefs(told.plan, hidden) };
}

function withHrefs(plan: DeploymentPlan, files: ReadonlyMap<string, HiddenFile>): DeploymentPlan {
  const named = (file: PlannedImage): PlannedImage => {
    const href = files.get(file.id)?.href;
    return href === undefined ? file : { ...file, href };
  };
  return { ...plan, images: plan.images.map(named), ...(plan.files && { files: plan.files.map(named) }) };
}

function mapped(origins: ImageOrigins, change: (id: string, origin: FileOrigin) => FileOrigin): ImageOrigins {
  const changed = imageOrigins() as Record<string, FileOrigin>;
  for (const [id, origin] of Object.entries(origins)) changed[id] = change(id, origin);
  return changed;
}

/** Answers the id of the secret. */
export function sealUrls(
  tx: Tx,
  secretKey: Uint8Array,
  { appliance, now, hidden }: { readonly appliance: string; readonly now: number; readonly hidden: HiddenUrls },
): Promise<string> {
  const plaintext = JSON.stringify(hidden);
  return sealSecret(tx, secretKey, { purpose: 'ovf.urls', ownerRef: appliance, plaintext, createdAt: now });
}

/** Nothing where nothing was hidden. */
export async function openUrls(
  reader: SqlReader,
  secretKey: Uint8Array,
  id: string | undefined,
): Promise<HiddenUrls | undefined> {
  const text = id === undefined ? undefined : await openSecret(reader, secretKey, id);
  return text === undefined ? undefined : (JSON.parse(text) as HiddenUrls);
}
