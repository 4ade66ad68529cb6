/** The JSON rendering of OCCI (GFD.226): requests in, entities, collections and categories out. */

export { parseJson } from './parse.js';
export { parseEntityView, renderCollectionJson, renderEntityJson } from './render.js';
