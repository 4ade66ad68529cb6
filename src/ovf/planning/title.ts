/** What a system or collection is called: its Name, or its id where it has none, or an empty one. */

import type { Content } from '../envelope/model.js';

export function titleOf({ name, ovfId }: Pick<Content, 'name' | 'ovfId'>): string {
  const text = name?.text ?? '';
  return text === '' ? ovfId.trim() : text;
}
