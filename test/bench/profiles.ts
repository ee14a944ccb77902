import { readFileSync, writeFileSync } from 'node:fs';

import type { BenchIssuer } from './issuer.js';
import { dearest, flameGraph } from './profile.js';
import { type Adapter, bearer, settingsFor } from './rows/remembered.js';
import { LoadGenerator, type Target, serveNode } from './served.js';

const USERS = 100;
const NEW_TOKENS = 6000;
const ANSWERS = 8000;
const SHOWN = 40;

interface Scene {
  readonly name: string;
  readonly adapter: Adapter;
  readonly server: string;
  /** Whether every token comes once. */
  readonly once: boolean;
}

const scenes: readonly Scene[] = [
  { name: 'remembered-express', adapter: 'express', server: 'oidc-auth', once: false },
  { name: 'remembered-fastify', adapter: 'fastify', server: 'oidc-auth', once: false },
  { name: 'least-express', adapter: 'express', server: 'least-guard', once: false },
  { name: 'least-fastify', adapter: 'fastify', server: 'least-guard', once: false },
  { name: 'new-fastify', adapter: 'fastify', server: 'oidc-auth', once: true },
  { name: 'new-bare-fastify', adapter: 'fastify', server: 'jose-handler', once: true },
];

/** A flame graph of each scene, warmed up, and what was dearest in it. */
export async function writeProfiles(
  issuer: BenchIssuer,
  folder: string,
  print: (text: string) => void,
): Promise<void> {
  const chosen = process.env['BENCH_SCENES']?.split(',');
  for (const { name, adapter, server, once } of scenes) {
    if (chosen !== undefined && !chosen.includes(name)) continue;
    const tokens = await issuer.tokens(once ? 2 * NEW_TOKENS : USERS);
    const settings = settingsFor(issuer, adapter, once ? [] : tokens);
    const served = await serveNode(`servers/${server}.js`, settings);
    const load = new LoadGenerator();
    const run = (sent: readonly string[]): Promise<unknown> => {
      const target: Target = {
        port: served.port,
        requests: sent.map(bearer),
        connections: 8,
        once,
      };
      return load.run([target], ANSWERS);
    };
    const file = `${folder}${name}.cpuprofile`;
    await run(once ? tokens.slice(NEW_TOKENS) : tokens);
    await served.profile?.(file);
    await run(once ? tokens.slice(0, NEW_TOKENS) : tokens);
    await served.profile?.(file);
    await Promise.all([served.stop(), load.stop()]);
    const profile = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(`${folder}${name}.svg`, flameGraph(profile, name));
    print(`\n${name}\n${dearest(profile, SHOWN).join('\n')}`);
  }
}
