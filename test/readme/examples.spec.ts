import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { TestIssuer } from '../../lib/testing/index.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { UserAgent } from '../support/user-agent.js';
import { sqliteMissing } from '../store/sqlite-driver.js';
import { codeBlocks } from './code-blocks.js';
import { runBlock, withEntries } from './run-block.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const blocks = codeBlocks('README.md', readFileSync(join(root, 'README.md'), 'utf8'));
const SECRET = 'client-secret-of-at-least-32-characters';

/** What a block declares, as far as somebody else would use it. */
interface Example {
  readonly AppModule?: Type;
  readonly app?: INestApplication;
}

/** The words of the README that name somebody else's servers, and what stands for them here. */
function here(code: string, issuer: TestIssuer, port: number): string {
  return withEntries(code)
    .replace(/'https:\/\/idp\.example\.org\/[^']*'/g, `'${issuer.options.discoveryUrl}'`)
    .replaceAll("'https://app.example.org'", `'http://localhost:${port}'`)
    .replace(
      /type: 'postgres',\s*url: [^\n]*\n/,
      "type: 'better-sqlite3', database: ':memory:', synchronize: true,\n",
    )
    .replace("audience: 'myapp-api',", "audience: 'myapp-api', signingAlgorithm: 'ES256',") // an RSA key takes a second to make
    .replace('app.listen(3000)', `app.listen(${port}, '127.0.0.1')`)
    .replace('NestFactory.create(AppModule)', 'NestFactory.create(AppModule, { logger: false })');
}

/** Runs a block, and gives what it declares. */
async function run(code: string): Promise<Example> {
  const names = ['AppModule', 'app'].filter((name) =>
    new RegExp(`\\b(class|const) ${name}\\b`).test(code),
  );
  const exported = names.filter((name) => !code.includes(`export class ${name}`));
  return runBlock<Example>(`${code}\nexport { ${exported.join(', ')} };\n`);
}

const blockWith = (text: string): string => {
  const found = blocks.filter(({ code }) => code.includes(text));
  expect(found, text).toHaveLength(1);
  return found[0]?.code ?? '';
};

describe('the examples of the README, run', () => {
  let issuer: TestIssuer;
  let port: number;
  const apps: INestApplication[] = [];

  beforeAll(async () => {
    vi.stubEnv('OIDC_CLIENT_SECRET', SECRET);
    vi.stubEnv('OIDC_ENCRYPTION_KEY', 'dGhlIGVuY3J5cHRpb24ga2V5IG9mIHRoZSBleGFtcGxlcw==');
    issuer = await TestIssuer.start({
      clientId: 'my-client',
      clientSecret: SECRET,
      audience: 'my-aud',
      user: {
        sub: 'alice',
        roles: ['admins'],
        email: 'alice@example.org',
        preferred_username: 'alice',
      },
    });
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await issuer.close();
  });

  const example = async (text: string): Promise<Example> => {
    port = await freePort();
    const ran = await run(here(blockWith(text), issuer, port));
    if (ran.app !== undefined) apps.push(ran.app);
    return ran;
  };

  const started = async ({ AppModule }: Example): Promise<INestApplication> => {
    if (AppModule === undefined) throw new Error('The example has no AppModule');
    const app = await NestFactory.create(AppModule, { logger: new RecordingLogger() });
    apps.push(app);
    await app.listen(port, '127.0.0.1');
    return app;
  };

  it('the first application logs in, and lets whoever logged in through to each of its handlers', async () => {
    await example('class MeController');
    const url = `http://localhost:${port}`;

    const redirectUri = encodeURIComponent(`${url}/auth/v2/callback`);
    const login = await new UserAgent().get(`${url}/auth/v2/login?redirect_uri=${redirectUri}`);
    const bearer = String(login.json()['access_token']);

    expect((await request(`${url}/me`)).status).toBe(401);
    expect((await request(`${url}/me`, { bearer })).json()).toEqual({
      sub: 'alice',
      name: 'alice',
    });
    expect((await request(`${url}/admin`, { bearer })).json()).toEqual({
      email: 'alice@example.org',
    });
  });

  it('the example of tests is one that passes', async () => {
    await expect(example('TestIssuer.start()')).resolves.toBeDefined();
  });

  it('the OpenAPI document is served', async () => {
    const { app } = await example('SwaggerModule.setup');
    await app?.listen(port, '127.0.0.1');

    const document = await request(`http://localhost:${port}/docs-json`);
    expect(Object.keys(Object(document.json()['paths']))).toContain('/auth/v2/login');
  });

  it.skipIf(sqliteMissing() !== undefined)(
    'the application in broker mode mints tokens, in a database of its own',
    async () => {
      await started(await example('store: TypeOrmBrokerStore'));
      const url = `http://localhost:${port}`;

      const redirectUri = encodeURIComponent(`${url}/auth/v2/callback`);
      const login = await new UserAgent().get(`${url}/auth/v2/login?redirect_uri=${redirectUri}`);

      expect(login.status, login.text()).toBe(200);
      expect(login.json()).toHaveProperty('refresh_token');
    },
  );

  it('every other block is a fragment, which another application uses', () => {
    const whole = [
      'class MeController',
      'TestIssuer.start()',
      'SwaggerModule.setup',
      'TypeOrmBrokerStore',
    ];
    const rest = blocks.filter(({ code }) => !whole.some((text) => code.includes(text)));

    expect(rest.map(({ code }) => /class (\w+)|interface (\w+)/.exec(code)?.[0])).toEqual([
      'class Orders',
      'interface IdTokenClaims',
      'class Settings',
    ]);
  });

  it('the application with a factory starts, and its services are there', async () => {
    const code = blockWith('class Settings');
    expect(code).toContain('forRootAsync');
    const { AppModule } = await example('class Settings');
    if (AppModule !== undefined) await started({ AppModule });
  });
});
