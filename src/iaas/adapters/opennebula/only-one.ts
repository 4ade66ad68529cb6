/** What oned lets have a name once: of several that make it at the same instant all have the same one in the end. */

import { OneError } from './one-error.js';

/**
 * Makes it. Where oned refuses because the name is taken, or without a word, as it does when two were at it at the same
 * instant, whoever was faster has made it.
 *
 * @param find what has the name by then
 * @throws OneError the refusal, when nothing has it
 */
export async function onlyOne(make: () => Promise<number>, find: () => Promise<number | undefined>): Promise<number> {
  try {
    return await make();
  } catch (error) {
    const made = error instanceof OneError && error.isNameTaken ? await find() : undefined;
    if (made === undefined) throw error;
    return made;
  }
}
