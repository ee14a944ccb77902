import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

interface CommandOptions {
  readonly cwd: string;
  /** In place of this process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended badly; the message holds what it printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a command to its end, without a shell. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env = process.env }: CommandOptions,
): Promise<CommandOutput> {
  try {
    return await execute(command, args, { cwd, env, timeout: 240_000, maxBuffer: 2 ** 24 });
  } catch (error) {
    const title = `${command} ${args.join(' ')} failed in ${cwd}`;
    throw new CommandError([title, printed(error, 'stdout'), printed(error, 'stderr')].join('\n'), {
      cause: error,
    });
  }
}

function printed(error: unknown, stream: 'stdout' | 'stderr'): string {
  const text: unknown = error instanceof Error ? Reflect.get(error, stream) : undefined;
  return typeof text === 'string' ? text : '';
}
