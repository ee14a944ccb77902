import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What a server is told. */
export interface Settings {
  readonly adapter: 'express' | 'fastify';
  readonly issuer: string;
  readonly publicKey: unknown;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
  /** Tokens that will be presented again and again. */
  readonly tokens: readonly string[];
  readonly [more: string]: unknown;
}

/** What a process has used so far. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
  /** Not of processes that cannot be asked. */
  readonly heapMb?: number;
  /** What it has asked its database, where it was told to count. */
  readonly statements?: number;
}

/** A server in a process of its own. */
export interface Served {
  readonly port: number;
  /** What it said when it was ready, besides its port. */
  readonly said: Readonly<Record<string, unknown>>;
  /** @param settled after the garbage was collected. */
  usage(settled?: 'settled'): Promise<Usage>;
  /** Starts the profiler; called again it writes a `.cpuprofile`. */
  profile?(file: string): Promise<void>;
  stop(): Promise<void>;
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

async function answerOf<T>(child: ChildProcess): Promise<T> {
  const heard = new AbortController();
  const { signal } = heard;
  const exited = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`A server ended with ${String(code)}`);
  });
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal }), exited]);
    return answer;
  } finally {
    exited.catch(() => undefined);
    heard.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected)
    child.disconnect(); // it ends by itself then, and writes its profile
  else child.kill('SIGKILL');
  await ended;
}

/** Starts a program of `servers/` or `peers/` on Node. */
export async function serveNode(file: string, settings: Settings): Promise<Served> {
  const child = fork(pathOf(file), {
    env: { ...process.env, NODE_ENV: 'production', BENCH_SETTINGS: JSON.stringify(settings) },
  });
  const { port, ...said } = await answerOf<{ port: number }>(child);
  return {
    port,
    said,
    usage: async (settled) => {
      child.send({ settled: settled !== undefined });
      return answerOf<Usage>(child);
    },
    profile: async (written) => {
      child.send({ profile: written });
      await answerOf(child);
    },
    stop: () => end(child),
  };
}

const TICKS_PER_SECOND = 100;

/** `utime` and `stime` of proc(5), for a process that cannot be asked. */
function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: (ticks * 1000) / TICKS_PER_SECOND, rssMb: (Number(fields[21]) * 4096) / 1e6 };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const [event] = await Promise.race([
    once(socket, 'connect').then(() => [true]),
    once(socket, 'error').catch(() => [false]),
  ]).catch(() => [false]);
  socket.destroy();
  return event === true;
}

/** Starts a program on Python. */
export async function servePython(
  python: string,
  file: string,
  { port, ...settings }: Settings & { port: number },
): Promise<Served> {
  const child = spawn(python, [pathOf(file)], {
    env: { ...process.env, BENCH_SETTINGS: JSON.stringify({ ...settings, port }) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${python} does not start`);
  for (let tries = 0; !(await isListening(port)); tries += 1) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`${file} does not listen`);
    await sleep(100);
  }
  return { port, said: {}, usage: async () => usageOf(pid), stop: () => end(child) };
}

/** What the load generator sends to one server. */
export interface Target {
  readonly port: number;
  /** Whole requests, as they go over the wire. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** Whether each request may be sent once only. */
  readonly once?: boolean;
  /** Requests a second over all connections, each independent of the others; as many as possible without it. */
  readonly perSecond?: number;
}

/** What came back from one server. Times in milliseconds, as the load generator saw them. */
export interface Answered {
  readonly answers: number;
  readonly perSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
  /** How those of a rate came: a burst is another thing than independent callers. */
  readonly arrivals?: Arrivals;
}

/** Of requests at a rate: how many a second, the time from one to the next, how many in one millisecond at most, and how much later than they were due. */
export interface Arrivals {
  readonly perSecond: number;
  readonly gapP50: number;
  readonly gapP99: number;
  readonly mostInOneMs: number;
  readonly lateP50: number;
  readonly lateP99: number;
}

/** A process that carries out one order after another. */
export class Worker<Order extends object, Results> {
  readonly #child: ChildProcess;

  /** @param file of a program that sends `{ results }` or `{ error }` for each order that it gets. */
  constructor(file: string) {
    this.#child = fork(pathOf(file));
  }

  async order(order: Order): Promise<Results> {
    this.#child.send(order);
    const { results, error } = await answerOf<{ results?: Results; error?: string }>(this.#child);
    if (results === undefined) throw new Error(error);
    return results;
  }

  stop(): Promise<void> {
    return end(this.#child);
  }
}

/** The process that makes the load. */
export class LoadGenerator {
  readonly #worker = new Worker<
    { targets: readonly Target[]; answers: number },
    readonly Answered[]
  >('load.js');

  /** Loads all of them at once, until each has given so many answers. */
  run(targets: readonly Target[], answers: number): Promise<readonly Answered[]> {
    return this.#worker.order({ targets, answers });
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }
}

/** `GET /me` with a bearer token. */
export function requestWith(headers: Readonly<Record<string, string>>, path = '/me'): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n${lines.join('')}\r\n`;
}
