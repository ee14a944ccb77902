import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ended, listening, startChild } from '../../support/services/child.js';
import { keptFolder } from './counterpart-cache.js';
import { go, hasGo } from './go.js';
import { quietPort } from './quiet-port.js';

const VERSION = 'v3.52.0';
const GO = 24;
const EXAMPLE = `github.com/zitadel/oidc/v3/example/server@${VERSION}`;

/** The example server of Zitadel's OpenID provider library, built; `undefined` without a Go that can. */
export async function zitadelProgram(): Promise<string | undefined> {
  if (!(await hasGo(GO))) return undefined;
  const folder = await keptFolder(`zitadel-oidc-${VERSION}`, async (made) => {
    await writeFile(join(made, 'go.mod'), `module counterpart\ngo 1.${GO}\n`);
    await go(['install', EXAMPLE], made, { GOBIN: made });
  });
  return join(folder, 'server');
}

/**
 * That server, running. Its client `native` is public and takes any loopback port, its access tokens are opaque, it rotates refresh tokens
 * and advertises no `iss`; its user is `test-user@localhost`, password `verysecure`.
 */
export class ZitadelServer {
  readonly clientId = 'native';
  readonly issuer: string;

  private constructor(
    port: number,
    private readonly process: ReturnType<typeof startChild>,
  ) {
    this.issuer = `http://localhost:${port}/`;
  }

  /** @param redirectPath of an application on loopback. */
  static async start(program: string, redirectPath: string): Promise<ZitadelServer> {
    const port = await quietPort();
    const redirect = `http://localhost${redirectPath}`;
    const env = { ...process.env, PORT: String(port), REDIRECT_URI: redirect };
    const started = startChild([program, []], { env });
    await listening(port, started);
    return new ZitadelServer(port, started);
  }

  async stop(): Promise<void> {
    await ended(this.process.child);
  }
}
