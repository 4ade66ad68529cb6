/** Waits for something that other promises bring about, without a clock: the event loop turns until it is so. */

export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let turn = 0; turn < 5000; turn++) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('did not come about');
}
