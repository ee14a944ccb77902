import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether there is a Go of `1.<minor>` or later; what distributions have is often too old for the counterparts. */
export async function hasGo(minor: number): Promise<boolean> {
  const said = await run('go', ['env', 'GOVERSION'], { env: local() }).catch(() => undefined);
  const [, found] = /^go1\.(\d+)/.exec(said?.stdout ?? '') ?? [];
  return Number(found ?? -1) >= minor;
}

/** Runs Go in a folder, behind everything else that wants the processor: a build takes all of it for minutes. */
export async function go(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  await run('nice', ['go', ...args], { cwd: folder, env: { ...local(), ...env } });
}

/** Never another version than the one that is installed. */
function local(): NodeJS.ProcessEnv {
  return { ...process.env, GOTOOLCHAIN: 'local' };
}
