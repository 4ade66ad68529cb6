/** The OCCI text renderings (GFD.185 §3.5–3.6, GFD.229): requests read, answers written. */

export { longestHeaderLine, type TextAnswer, type TextForm } from './fields.js';
export { fromHeader, toHeader } from './header-text.js';
export { parseTextOcci, parseTextPlain, parseUriList, TEXT_LIMITS, type TextLimits } from './parse.js';
export { renderCategories, type RenderedCategory } from './render-category.js';
export {
  LOCATION_LINE,
  renderEntity,
  renderFields,
  renderLocations,
  renderOk,
  renderUriList,
  type LocationOf,
} from './render.js';
