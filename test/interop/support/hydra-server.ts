import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { request } from '../../support/http-request.js';
import { ended, listening, startChild } from '../../support/services/child.js';
import { keptFolder, LASTING_CACHE } from './counterpart-cache.js';
import type { HydraCounterpart } from './counterparts.js';
import { go, hasGo } from './go.js';
import { Hydra } from './hydra.js';
import { quietPort } from './quiet-port.js';

const VERSION = 'v2.3.0';
/** The Go that it was seen to build with. */
const GO = 26;

const MODULE = `module counterpart
go 1.${GO}
replace github.com/gobuffalo/pop/v6 => github.com/ory/pop/v6 v6.2.1-0.20241121111754-e5dfc0f3344b
`;

/** Ory Hydra, built, which takes minutes, once; `undefined` without a Go that can. */
export async function hydraProgram(): Promise<string | undefined> {
  if (!(await hasGo(GO))) return undefined;
  const build = async (made: string): Promise<void> => {
    await writeFile(join(made, 'go.mod'), MODULE);
    await go(['get', '-tool', `github.com/ory/hydra/v2@${VERSION}`], made);
    await go(['build', '-mod=mod', '-tags=sqlite', '-o=hydra', 'github.com/ory/hydra/v2'], made);
  };
  return join(await keptFolder(`ory-hydra-${VERSION}`, build, LASTING_CACHE), 'hydra');
}

/** Hydra makes its keys when they are first asked for, which takes longer than an application waits. */
async function keysMade(issuer: string): Promise<void> {
  const reply = await request(`${issuer}.well-known/jwks.json`, { timeoutMs: 90_000 });
  if (reply.status !== 200) throw new Error(`Hydra has no keys: ${reply.status} ${reply.text()}`);
}

/** Where Hydra would send a browser for its pages: nobody goes there. */
const PAGES = 'http://127.0.0.1:9';

/** Ory Hydra with everything in memory. It has no pages: who tests answers its questions by its administration ({@link Hydra}). */
export class HydraServer {
  private constructor(
    readonly hydra: Hydra,
    private readonly process: ReturnType<typeof startChild> | undefined,
  ) {}

  /**
   * Each suite has one of its own: its database in memory refuses what comes at the same time.
   *
   * @param counterpart one that runs already, or the program.
   */
  static async start({ at, url, adminUrl }: HydraCounterpart): Promise<HydraServer> {
    if (url !== '') return new HydraServer(new Hydra(url, adminUrl), undefined);
    const [port, adminPort] = [await quietPort(), await quietPort()];
    const issuer = `http://127.0.0.1:${port}/`;
    const started = startChild([at, ['serve', 'all', '--dev']], {
      env: {
        ...process.env,
        DSN: 'memory',
        SECRETS_SYSTEM: randomBytes(24).toString('base64'),
        URLS_SELF_ISSUER: issuer,
        URLS_LOGIN: `${PAGES}/login`,
        URLS_CONSENT: `${PAGES}/consent`,
        URLS_LOGOUT: `${PAGES}/logout`,
        URLS_POST_LOGOUT_REDIRECT: `${PAGES}/goodbye`,
        URLS_ERROR: `${PAGES}/error`,
        SERVE_PUBLIC_HOST: '127.0.0.1',
        SERVE_PUBLIC_PORT: String(port),
        SERVE_ADMIN_HOST: '127.0.0.1',
        SERVE_ADMIN_PORT: String(adminPort),
        SQA_OPT_OUT: 'true',
      },
    });
    const server = new HydraServer(new Hydra(issuer, `http://127.0.0.1:${adminPort}`), started);
    try {
      await listening(port, started);
      await listening(adminPort, started);
      await keysMade(issuer);
    } catch (error) {
      await server.stop(); // nobody else could
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    if (this.process !== undefined) await ended(this.process.child);
  }
}
