/** The JSON rendering of OCCI (GFD.226): requests in; entities, collections and categories out. */

export { categoryFragments, renderCategoriesJson, type CategoryFragments } from './categories.js';
export { categoryJson11, entityFragment11, renderEntityJson11, type UrlOf } from './draft.js';
export { parseJson } from './parse.js';
export { parseEntityView, renderCollectionJson, renderEntityJson } from './render.js';
