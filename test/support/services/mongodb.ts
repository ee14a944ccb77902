import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { freePort } from '../free-port.js';
import { type Service, ended, listening, startChild } from './child.js';

const run = promisify(execFile);
const SOURCES = fileURLToPath(new URL('../mongodb/', import.meta.url));
const CACHE = fileURLToPath(
  new URL('../../../node_modules/.cache/mongo-for-tests/', import.meta.url),
);

async function has(command: string): Promise<boolean> {
  return run(command, ['-version']).then(
    () => true,
    () => false,
  );
}

/** Fetches the server's archives once; a folder appears whole or not at all, also when two runs fetch at once. */
async function archives(): Promise<string> {
  const lib = join(CACHE, 'lib');
  if ((await readdir(lib).catch(() => [])).length > 0) return lib;
  const folder = await mkdtemp(join(tmpdir(), 'oidc-maven-'));
  try {
    await cp(join(SOURCES, 'pom.xml'), join(folder, 'pom.xml'));
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], {
      cwd: folder,
    });
    await mkdir(CACHE, { recursive: true });
    await cp(join(folder, 'lib'), `${lib}.${process.pid}`, { recursive: true });
    await rename(`${lib}.${process.pid}`, lib).catch(() => undefined); // another run was faster
    return lib;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A server that speaks MongoDB's protocol, in memory; `undefined` without Java and Maven. */
export async function startMongoDb(): Promise<Service | undefined> {
  if (!(await has('java')) || !(await has('mvn'))) return undefined;
  const lib = await archives();
  const port = await freePort();
  const server = startChild([
    'java',
    [
      '-Xmx256m',
      '-Dio.netty.eventLoopThreads=1', // with more of them it now and then answers half-written documents
      '-cp',
      join(lib, '*'),
      join(SOURCES, 'MongoForTests.java'),
      String(port),
    ],
  ]);
  await listening(port, server);
  return { url: `mongodb://127.0.0.1:${port}/`, stop: () => ended(server.child) };
}
