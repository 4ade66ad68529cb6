/** Waits for something that other promises bring about: the event loop turns until it is so. Nothing sleeps. */

/** Real milliseconds after which a test has failed; generous, for databases on busy machines. */
const PATIENCE_MS = 180_000;

export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('did not come about');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
