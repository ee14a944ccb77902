import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** A server that a test run has started. */
export interface Service {
  readonly url: string;
  /** Ends it, and waits until it has ended. */
  stop(): Promise<void>;
}

/** The environment of a server: its temporary files are in its own folder, because others may not be open to its account. */
export function inFolder(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: folder };
}

const READY_LIMIT_MS = 90_000;

/** Whom a server runs as. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Servers refuse to run as root; the distribution's packages have made users for them. */
export async function accountOf(user: string): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, user])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** A folder for a server's data that it may write to. */
export async function serviceFolder({ uid, gid }: Account = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-service-'));
  await chmod(folder, 0o755);
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  return folder;
}

/** Starts a server in the foreground of its own process; what it prints is kept for when it fails. */
export function startChild(
  [program, args]: [string, readonly string[]],
  options: Account & { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): { child: ChildProcess; output: () => string } {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const keep = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-4000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => keep(Buffer.from(error.message)));
  return { child, output: () => text };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Waits until a server listens. @throws Error with what it printed, when it ends or takes too long. */
export async function listening(
  port: number,
  { child, output }: ReturnType<typeof startChild>,
): Promise<void> {
  const end = Date.now() + READY_LIMIT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error(`The server at port ${port} did not start:\n${output()}`);
    }
    await sleep(100);
  }
}

/** Asks a process to end, and makes it after a while. */
export async function ended(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const hard = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(hard);
}
