import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { OidcService } from '../../lib/index.js';
import { TestIssuer } from '../../lib/testing/index.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-request.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { UserAgent } from '../support/user-agent.js';
import { sqliteMissing } from '../store/sqlite-driver.js';
import type { CodeBlock } from './code-blocks.js';
import { blocksOf, pages } from './documents.js';
import { type Example, runExample } from './example-runner.js';

const SECRET = 'client-secret-of-at-least-32-characters';

/** Options of identity providers, and what needs a logger of its own, have tests of their own. */
const elsewhere = /^docs\/(?:providers\/|request-context)/;
const examples = ['README.md', ...pages.filter((page) => !elsewhere.test(page))]
  .flatMap(blocksOf)
  .filter(({ before }) => before === undefined);

/** Why a block is not run here, if it is not. */
function leftOut({ code, document, file }: CodeBlock): string | undefined {
  if (document === 'docs/testing.md' && file !== undefined)
    return 'the package test runs it, in new projects';
  if (code.includes("from 'node:test'")) return 'it declares tests of another runner';
  if (code.includes('MongooseModule')) return 'it needs MongoDB: sample/mongoose is run';
  return code.includes("type: 'postgres'") ? sqliteMissing() : undefined;
}

const runnable = examples.filter((block) => leftOut(block) === undefined);

const only = (document: string, text: string): CodeBlock => {
  const [found, ...more] = blocksOf(document).filter(({ code }) => code.includes(text));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more of ${text}`);
  return found;
};

const ALICE = {
  sub: 'alice',
  roles: ['admins'],
  email: 'alice@example.org',
  preferred_username: 'alice',
};

describe('the examples of the documents, run', () => {
  let issuer: TestIssuer;
  let port: number;
  const apps: INestApplication[] = [];

  beforeAll(async () => {
    issuer = await TestIssuer.start({
      clientId: 'my-client',
      clientSecret: SECRET,
      audience: 'my-aud',
      user: ALICE,
    });
  });

  afterEach(async () => {
    issuer.loginAs(ALICE);
    for (const app of apps.splice(0)) await app.close();
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await issuer.close();
  });

  const run = async (block: CodeBlock): Promise<Example> => {
    port = await freePort();
    for (const [, name = ''] of block.code.matchAll(/process\.env\['(\w+)'\]/g)) {
      if (process.env[name] === undefined) vi.stubEnv(name, SECRET);
    }
    const ran = await runExample(block, blocksOf(block.document), { issuer, port });
    if (ran.app !== undefined) apps.push(ran.app);
    return ran;
  };

  const started = async ({ AppModule, app }: Example): Promise<void> => {
    if (app !== undefined || AppModule === undefined) return;
    const made = await NestFactory.create(AppModule, {
      logger: new RecordingLogger(),
      abortOnError: false,
    });
    apps.push(made);
    await made.listen(port, '127.0.0.1');
  };

  const login = async () => {
    const redirectUri = encodeURIComponent(`http://localhost:${port}/auth/v2/callback`);
    return new UserAgent().get(
      `http://localhost:${port}/auth/v2/login?redirect_uri=${redirectUri}`,
    );
  };

  const userinfo = async (bearer: unknown): Promise<number> =>
    (await request(`http://localhost:${port}/auth/v2/userinfo`, { bearer: String(bearer) })).status;
  const refresh = (token: unknown) =>
    request(`http://localhost:${port}/auth/v2/token`, {
      form: { refresh_token: String(token) },
    });

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(20);
    expect(
      examples.filter((block) => leftOut(block) !== undefined && block.file === undefined),
    ).toHaveLength(sqliteMissing() ? 3 : 2);
  });

  it.each(runnable)(
    'are modules that load, and applications that start: $document, line $line',
    async (block) => {
      const example = await run(block);
      await started(example);

      if (example.AppModule === undefined || block.code.includes('NestFactory')) return;
      const [, prefix = ''] = /prefix: '([^']*)'/.exec(block.code) ?? [];
      const refused = await request(`http://localhost:${port}${prefix}/auth/v2/userinfo`);
      expect(refused.status).toBe(401);
      expect(refused.json()).toMatchObject({ error: 'invalid_token' });
    },
  );

  it('the first application logs in, and lets whoever logged in through to each of its handlers', async () => {
    await run(only('README.md', 'class MeController'));
    const url = `http://localhost:${port}`;
    const bearer = String((await login()).json()['access_token']);

    expect((await request(`${url}/me`)).status).toBe(401);
    expect((await request(`${url}/me`, { bearer })).json()).toEqual({
      sub: 'alice',
      name: 'alice',
    });
    expect((await request(`${url}/admin`, { bearer })).json()).toEqual({
      email: 'alice@example.org',
    });
  });

  it('the application of three files logs in, and tells users with the role from others', async () => {
    const main = only('docs/getting-started.md', 'app.listen(3000)');
    await run(main);
    const url = `http://localhost:${port}`;
    const bearer = String((await login()).json()['access_token']);

    expect((await request(`${url}/orders`)).status).toBe(401);
    expect((await request(`${url}/orders`, { bearer })).json()).toEqual({
      owner: 'alice',
      orders: [],
    });
    expect((await request(`${url}/orders/all`, { bearer })).status).toBe(200);
    issuer.loginAs({ sub: 'bob', roles: [] });
    const bob = String((await login()).json()['access_token']);
    expect((await request(`${url}/orders/all`, { bearer: bob })).status).toBe(403);
  });

  it('the page finishes the login that began in its browser, and no other', async () => {
    const { finishLogin } = await run(only('docs/clients.md', 'finishLogin'));
    await started(await run(only('docs/clients.md', 'allowedRedirectUris: ')));
    if (finishLogin === undefined) throw new Error('The page has no finishLogin()');
    const page = `http://localhost:${port}/`;
    const agent = new UserAgent();
    const back = await agent.get(`${page}auth/v2/login?redirect_uri=${encodeURIComponent(page)}`, {
      follow: ({ href }) => !href.startsWith(page),
    });
    const address = new URL(back.location ?? '');

    await expect(finishLogin(address)).rejects.toThrow('400');
    const cookie = Object.entries(agent.cookies(page))
      .map((pair) => pair.join('='))
      .join('; ');
    const send = globalThis.fetch; // a browser would send them
    vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
      send(url, url.startsWith(page) ? { ...init, headers: { cookie } } : init),
    );
    const tokens = await finishLogin(address).finally(() => vi.unstubAllGlobals());

    expect(tokens).toMatchObject({ token_type: 'Bearer' });
    expect(await userinfo(Object(tokens)['access_token'])).toBe(200);
  });

  it('the OpenAPI document is served', async () => {
    const { app } = await run(only('docs/openapi.md', 'SwaggerModule.setup'));
    await app?.listen(port, '127.0.0.1');

    const document = await request(`http://localhost:${port}/docs-json`);
    expect(Object.keys(Object(document.json()['paths']))).toContain('/auth/v2/login');
  });

  it.skipIf(sqliteMissing() !== undefined)(
    'the application in broker mode mints tokens, in a database of its own',
    async () => {
      await started(await run(only('docs/broker.md', 'store: TypeOrmBrokerStore')));

      const reply = await login();

      expect(reply.status, reply.text()).toBe(200);
      expect(reply.json()).toHaveProperty('refresh_token');
    },
  );

  it.skipIf(sqliteMissing() !== undefined)(
    'the playbook logs everybody out: no access token and no refresh token of before counts, and logins go on',
    async () => {
      const emergency = await run(only('docs/incidents.md', 'class Emergency'));
      await started(await run(only('docs/broker.md', 'store: TypeOrmBrokerStore')));
      const [app] = apps;
      if (app === undefined || emergency.Emergency === undefined) throw new Error('not started');
      const before = (await login()).json();
      expect(await userinfo(before['access_token'])).toBe(200);

      await app.get(DataSource).query('DELETE FROM oidc_session');
      await new emergency.Emergency(app.get(OidcService)).retireAllKeys();

      expect(await userinfo(before['access_token'])).toBe(401);
      const refused = await refresh(before['refresh_token']);
      expect([refused.status, refused.json()['error']]).toEqual([400, 'invalid_grant']);
      expect(await userinfo((await login()).json()['access_token'])).toBe(200);
    },
  );
});
