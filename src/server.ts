/**
 * The composition root: with the files of `server/`, one for each part of a process, the only place that names concrete
 * classes. It opens what a VEP process stands on, joins the extensions, listens, and takes everything down again in the
 * opposite order.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkTemplateImages } from '../extensions/infrastructure/template-images.js';
import { bootstrap } from './access/index.js';
import { systemClock, type Clock } from './base/clock.js';
import { Closers } from './base/closers.js';
import type { Config } from './base/config.js';
import { createLog, type Log } from './base/log.js';
import { createTelemetry } from './base/telemetry.js';
import { listen } from './http/listen.js';
import { joinExtensions } from './server/extensions.js';
import { createFace } from './server/face.js';
import { openGround, type Ground } from './server/ground.js';
import { openSignIn } from './server/sign-in.js';
import { openTrails } from './server/trails.js';
import { startUpkeep } from './server/upkeep.js';

export interface StartOptions {
  readonly config: Config;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface RunningServer {
  readonly url: string;
  /** Names of accounts whose token was written by this, the first, start (K25). */
  readonly bootstrapped: readonly string[];
  /** Lets open requests and steps at work end for up to `graceMs`, then stops. Calling it again changes nothing. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts a VEP and resolves when it listens.
 *
 * @throws Problem with every fault of the configuration or the surroundings that keep it from starting
 */
export async function start(options: StartOptions): Promise<RunningServer> {
  const { config, clock = systemClock } = options;
  const log = options.log ?? createLog({ level: config.log.level });
  const closers = new Closers();
  try {
    return await assemble(config, clock, log, closers);
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function assemble(config: Config, clock: Clock, log: Log, closers: Closers): Promise<RunningServer> {
  checkTemplateImages(config);
  const ground = await openGround(config, clock, log, closers);
  const { store, engine, sites } = ground;
  const telemetry = createTelemetry(config.telemetry.enabled);
  const signIn = await openSignIn(ground);
  const joined = await joinExtensions(ground, signIn, telemetry);
  const bootstrapped = await bootstrap(store, config.data.directory, clock.now());
  const trails = openTrails(ground);
  const stopping = new AbortController();
  const face = createFace(ground, { signIn, joined, trails, telemetry, stopping: stopping.signal });

  startUpkeep(ground, { signIn, joined, face, trails });
  engine.start();
  closers.add((graceMs) => engine.stop(graceMs));
  const listening = await listen(config.server, signIn.certificates, face.front.listen);
  closers.add((graceMs) => listening.close(graceMs));
  announce(ground, listening.url);
  closers.add(() => Promise.resolve(stopping.abort()));
  log.info({ url: listening.url, sites: sites.names }, 'VEP is ready');
  return { url: listening.url, bootstrapped, close: (graceMs = 10_000) => closers.close(graceMs) };
}

/** Lets the command line on this machine find the server (`docs/cli.md`). */
function announce({ config, closers }: Ground, url: string): void {
  const file = join(config.data.directory, 'endpoint.json');
  writeFileSync(file, `${JSON.stringify({ url, pid: process.pid })}\n`, { mode: 0o600 });
  closers.add(() => Promise.resolve(rmSync(file, { force: true })));
}
