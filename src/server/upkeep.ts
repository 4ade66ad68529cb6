/** What a process does on a timer, whoever asks for nothing. */

import { BackgroundTask } from '../engine/background-task.js';
import { pruneReplays } from '../store/replay.js';
import { UPLOAD_LIFETIME_MS } from '../transfer/transfer.js';
import type { Joined } from './extensions.js';
import type { Face } from './face.js';
import type { Ground } from './ground.js';
import type { SignIn } from './sign-in.js';
import type { Trails } from './trails.js';

/** How long a client can repeat a creation and get the first answer (K12). */
const REPLAY_LIFETIME_MS = 7 * 24 * 3600 * 1000;
const TOKEN_USE_FLUSH_MS = 60_000;
const REFUSAL_FLUSH_MS = 1000;
/** How often issuers are looked at whose keys are due, or wanted. */
const ISSUERS_MS = 1000;

/** Starts all of it; it ends with the process. */
export function startUpkeep(
  { config, clock, log, store, keeping, closers }: Ground,
  { signIn, joined, face, trails }: { signIn: SignIn; joined: Joined; face: Face; trails: Trails },
): void {
  const { authenticator, bearers, keystone, trust } = signIn;
  const tasks = [
    keeping,
    ...joined.extensions.flatMap((extension) => extension.tasks),
    { name: 'token-use', everyMs: TOKEN_USE_FLUSH_MS, run: () => authenticator.flushTokenUse() },
    {
      name: 'replay-keys',
      everyMs: REPLAY_LIFETIME_MS / 24,
      run: async () => void (await store.write((tx) => pruneReplays(tx, clock.now() - REPLAY_LIFETIME_MS))),
    },
    ...(bearers
      ? [{ name: 'issuers', everyMs: ISSUERS_MS, run: (signal: AbortSignal) => bearers.refresh(signal) }]
      : []),
    { name: 'open-requests', everyMs: config.access.sessions.checkMs, run: () => face.vigil.look(store) },
    ...(keystone ? [{ name: 'keystone-tokens', everyMs: TOKEN_USE_FLUSH_MS, run: () => keystone.prune() }] : []),
    { name: 'refusals', everyMs: REFUSAL_FLUSH_MS, run: () => trails.flush() },
    ...(trust ? [{ name: 'trust', everyMs: trust.everyMs, run: trust.refresh }] : []),
    { name: 'upload-expiry', everyMs: UPLOAD_LIFETIME_MS / 24, run: () => joined.uploads.expire() },
  ].map((task) => new BackgroundTask(task, clock, log));
  for (const task of tasks) task.start();
  closers.add(async () => void (await Promise.all(tasks.map((task) => task.stop()))));
}
