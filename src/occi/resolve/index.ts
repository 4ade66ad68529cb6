/**
 * From what a client sent to precise values: requests held against the categories of the registry. Every function
 * collects all faults of its input before it refuses it.
 */

export { resolveAction, type ResolvedAction } from './action.js';
export { resolveCategories } from './categories.js';
export { resolveCreate, type CreateOptions, type ResolvedCreate } from './create.js';
export { resolveFilter, type EntityFilter } from './filter.js';
export type { ResolvedLink } from './links.js';
export { sameEntity, sameReference } from './reference.js';
export { resolveUpdate, type LinkReferences, type ResolvedUpdate, type UpdatedLinks } from './update.js';
export { resolveUserMixin } from './user-mixin.js';
