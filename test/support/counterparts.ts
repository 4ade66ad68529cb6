/** Programs of others that tests meet. Where one is missing, its tests skip and say so. */

import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian keeps servers where users' paths do not lead. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export function programAt(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `describe`, or a skipped one with the reason, by whether all programs are there. */
export function describeWith(...names: readonly string[]): typeof describe {
  const missing = names.filter((name) => programAt(name) === undefined);
  if (missing.length === 0) return describe;
  console.info(`skipped: ${missing.join(', ')} not installed`);
  return describe.skip;
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
}

/** Runs a program and answers what it wrote, however it ended. */
export async function runProgram(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  try {
    const env = { ...process.env, ...environment };
    const { stdout } = await run(programAt(name) ?? name, args, { env, timeout: 180_000 });
    return { code: 0, out: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 1, out: `${stdout ?? ''}${stderr ?? ''}` };
  }
}
