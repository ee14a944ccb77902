import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { Controller, Get, Injectable, Logger, type Type } from '@nestjs/common';
import { ClsService } from 'nestjs-cls';
import { Logger as PinoLogger } from 'nestjs-pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { Auth } from '../../lib/index.js';
import { TestIssuer } from '../../lib/testing/index.js';
import { adapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import { request } from '../support/http-request.js';
import { UserAgent } from '../support/user-agent.js';
import { codeBlocks } from './code-blocks.js';
import { runBlock, withEntries } from './run-block.js';

const page = 'docs/request-context.md';
const text = readFileSync(fileURLToPath(new URL(`../../${page}`, import.meta.url)), 'utf8');

function blockOf(file: string): string {
  const found = codeBlocks(page, text).find((block) => block.file === file);
  if (found === undefined) throw new Error(`${page} has no block ${file}`);
  return withEntries(found.code);
}

/** Where a service of a host finds its user: far from any request. */
@Injectable()
class Orders {
  readonly #logger = new Logger('Orders');

  constructor(private readonly cls: ClsService) {}

  async mine(): Promise<object> {
    await Promise.resolve();
    const user: unknown = this.cls.get('user');
    return { user: Object(user)['sub'] ?? null, request: this.cls.getId() };
  }

  log(): void {
    this.#logger.log('looked at orders');
  }
}

@Controller()
class Api {
  constructor(private readonly orders: Orders) {}

  @Get('mine')
  @Auth()
  mine(): Promise<object> {
    return this.orders.mine();
  }

  @Get('feed')
  @Auth({ optional: true })
  feed(): Promise<object> {
    return this.orders.mine();
  }

  @Get('logged')
  @Auth()
  logged(): string {
    this.orders.log();
    return 'logged';
  }
}

// nestjs-pino keeps one logger for a process, with the stream that it was given first.
const lines: string[] = [];
const stream = new Writable({
  write(chunk, _, done) {
    lines.push(String(chunk));
    done();
  },
});

const lineOf = (message: string): unknown =>
  lines.map((line): unknown => JSON.parse(line)).find((line) => Object(line)['msg'] === message);

describe.each(adapters)('the recipes for request contexts on %s', (adapter) => {
  let issuer: TestIssuer;
  let context: Type;
  let log: Type;
  let app: TestApp;

  beforeAll(async () => {
    vi.stubEnv('LOG_HASH_KEY', 'key-of-the-log');
    issuer = await TestIssuer.start();
    vi.stubGlobal('streamOfTheLog', stream);
    ({ RequestContextModule: context } = await runBlock<{ RequestContextModule: Type }>(
      blockOf('src/request-context.module.ts'),
    ));
    ({ LogModule: log } = await runBlock<{ LogModule: Type }>(
      blockOf('src/log.module.ts').replace(
        'pinoHttp: {',
        "pinoHttp: { stream: Reflect.get(globalThis, 'streamOfTheLog'),",
      ),
    ));
  });

  afterEach(async () => {
    await app.close();
    lines.length = 0;
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
    await issuer.close();
  });

  const start = async (options: Partial<AppOptions> = {}): Promise<string> => {
    app = await startApp({
      adapter,
      controllers: [Api],
      providers: [Orders],
      imports: [context, log],
      configure: (application) => application.useLogger(application.get(PinoLogger)),
      ...options,
      options: { ...issuer.options, scopes: undefined, ...options.options },
    });
    return app.url;
  };

  it('the context holds the user of each request, and nobody for anonymous ones', async () => {
    const url = await start();
    const [alice, bob] = [await issuer.token({ sub: 'alice' }), await issuer.token({ sub: 'bob' })];

    const [first, second, third] = await Promise.all([
      request(`${url}/mine`, { bearer: alice }),
      request(`${url}/mine`, { bearer: bob }),
      request(`${url}/feed`),
    ]);

    expect(first.json()).toEqual({ user: 'alice', request: expect.any(String) });
    expect(second.json()).toEqual({ user: 'bob', request: expect.any(String) });
    expect(third.json()).toEqual({ user: null, request: expect.any(String) });
    const ids = [first, second, third].map((reply) => reply.json()['request']);
    expect(new Set(ids).size).toBe(3);
  });

  it('lines of the log carry the request’s id and a hash of its user, and the line of a refusal has the id', async () => {
    const url = await start();

    await request(`${url}/logged`, { bearer: await issuer.token({ sub: 'alice' }) });
    const line = lineOf('looked at orders');
    expect(line).toMatchObject({
      context: 'Orders',
      user: expect.stringMatching(/^[\w-]{16}$/),
      req: {
        id: expect.stringMatching(adapter === 'fastify' ? /^req-\w+$/ : /^[\w-]{36}$/),
        method: 'GET',
        path: '/logged',
      },
    });
    expect(lineOf('request completed')).toMatchObject({
      user: Object(line)['user'],
      res: { statusCode: 200 },
    });

    lines.length = 0;
    await request(`${url}/logged`, { bearer: await issuer.token({ sub: 'bob' }) });
    expect(lineOf('looked at orders')).toMatchObject({ user: expect.any(String) });
    expect(lineOf('looked at orders')).not.toMatchObject({ user: Object(line)['user'] });

    lines.length = 0;
    await request(`${url}/logged`, { bearer: await issuer.token({ expiresIn: -60 }) });
    expect(lineOf('request completed')).toMatchObject({ res: { statusCode: 401 } });
    expect(lineOf('request completed')).not.toHaveProperty('user');
  });

  it('no line holds a token, a code, a cookie or the subject', async () => {
    issuer.loginAs({ sub: 'subject-of-alice', roles: [] });
    const url = await start({
      options: { broker: { audience: 'api', store: 'memory://', signingAlgorithm: 'ES256' } },
    });
    const callback = `${url}/auth/v2/callback`;
    const agent = new UserAgent();
    const query = `redirect_uri=${encodeURIComponent(callback)}&offline_access=true`;
    const begun = await agent.get(`${url}/auth/v2/login?${query}`, { follow: false });
    const [cookie] = Object.values(agent.cookies(callback));
    const back = await agent.get(begun.location ?? '', { follow: false });
    const parameters = new URL(back.location ?? '').searchParams;
    const tokens = (await agent.get(back.location ?? '')).json();
    const bearer = String(tokens['access_token']);
    expect((await request(`${url}/logged`, { bearer })).status).toBe(200);

    const all = lines.join('');
    expect(all).toContain('/auth/v2/callback');
    const secrets = [bearer, tokens['refresh_token'], parameters.get('code'), cookie];
    const state = parameters.get('state')?.split('|').at(-1);
    for (const secret of [...secrets, state, 'subject-of-alice']) {
      expect(String(secret).length).toBeGreaterThan(8);
      expect(all).not.toContain(secret);
    }
  });
});
