import { execFile, spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Federation, startFederation } from '../../sample/federation/src/start-federation.js';
import { script, welcome } from '../../sample/federation/src/welcome.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';
import { UserAgent } from '../support/user-agent.js';

const hasCurl = ['bash', 'curl'].every((name) => spawnSync(name, ['--version']).status === 0);
if (!hasCurl) console.warn('Skipped: the lines for the terminal need bash and curl');

/** Logs in as a browser does, and gives the access token. */
async function logIn(instance: string): Promise<string> {
  const callback = `${instance}/api/auth/v2/callback`;
  const reply = await new UserAgent().get(
    `${instance}/api/auth/v2/login?redirect_uri=${encodeURIComponent(callback)}`,
  );
  expect(reply.status).toBe(200);
  return String(reply.json()['access_token']);
}

describe('the federation sample', () => {
  let federation: Federation;

  beforeAll(async () => {
    const [portA, portB, idpPort] = [await freePort(), await freePort(), await freePort()];
    federation = await startFederation({ portA, portB, idpPort, quiet: true });
  });

  afterAll(() => federation.close());

  it('logs in at one instance and is known at both, by the name of the issuer', async () => {
    const { a, b } = federation;
    const bearer = await logIn(a);

    const [atA, atB] = [
      await request(`${a}/api/me`, { bearer }),
      await request(`${b}/api/me`, { bearer }),
    ];

    expect(atA.json()).toMatchObject({ issuer: a, username: 'alice', roles: ['admins', 'users'] });
    expect(atB.json()).toMatchObject({ issuer: a, username: 'alice', roles: ['users'] });
  });

  it('lets nobody become an administrator of B by a token of A', async () => {
    const { a, b } = federation;
    const [ofA, ofB] = [await logIn(a), await logIn(b)];

    const statuses = await Promise.all(
      [
        { at: a, bearer: ofA },
        { at: b, bearer: ofA },
        { at: b, bearer: ofB },
        { at: a, bearer: ofB },
      ].map(async ({ at, bearer }) => (await request(`${at}/api/admin`, { bearer })).status),
    );

    expect(statuses).toEqual([200, 403, 200, 200]);
  });

  it.skipIf(!hasCurl)('prints lines for the terminal that do what they say', async () => {
    const lines = script(federation);
    const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
    const { stdout } = await promisify(execFile)('bash', ['-c', lines], {
      env: { ...process.env, PATH: path },
    });

    const statuses = [...stdout.matchAll(/ (\d{3})$/gm)].map(([, status]) => Number(status));

    expect(welcome(federation)).toContain(lines);
    expect(statuses).toEqual([200, 200, 200, 200, 403, 200, 200, 400, 400, 200, 401, 200]);
  });

  it('frees its ports when it cannot start as a whole', async () => {
    const [portA, idpPort] = [await freePort(), await freePort()];
    const taken = Number(new URL(federation.b).port);

    await expect(startFederation({ portA, portB: taken, idpPort, quiet: true })).rejects.toThrow(
      'EADDRINUSE',
    );

    const again = await startFederation({ portA, portB: await freePort(), idpPort, quiet: true });
    await again.close();
  });
});
