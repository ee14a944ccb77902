import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { keptFolder } from './counterpart-cache.js';

const run = promisify(execFile);
const VERSION = '26.7.3';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack';

async function has(command: string): Promise<boolean> {
  return run(command, ['-version']).then(
    () => true,
    () => false,
  );
}

/** Keycloak's folder, built for a database in memory; `undefined` without Java and Maven. */
export async function keycloakHome(): Promise<string | undefined> {
  if (!(await has('java')) || !(await has('mvn'))) return undefined;
  const name = `keycloak-${VERSION}`;
  const folder = await keptFolder(name, async (made) => {
    const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
    await run('mvn', ['-q', '-B', UNPACK, artifact, `-DoutputDirectory=${made}`], { cwd: made });
    const build = ['build', '--db=dev-mem', '--cache=local', '--health-enabled=true'];
    await run(join(made, name, 'bin', 'kc.sh'), build, { cwd: made });
  });
  return join(folder, name);
}
