import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule, Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import {
  Args,
  GraphQLModule,
  Mutation,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { OidcGraphqlModule } from '../../lib/graphql/index.js';
import { LiveCalls } from '../../lib/guard/live-calls.js';
import {
  Auth,
  AuthGuard,
  CurrentUser,
  IdToken,
  type IdTokenClaims,
  Public,
} from '../../lib/index.js';
import { Mode } from '../../lib/service/mode.js';
import { type AppOptions, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { Browser, SESSION_COOKIE, ownPage, startBrowserApp } from '../support/browser-sessions.js';
import { ProvingClient } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import { type RequestHeaders, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice } from '../support/users.js';

const SCHEMA = `
  type Person { name: String email: String salary: Int }
  type Query { me: String person: Person admin: String gold: String maybe: String open: String forgotten: String roles: [String] who: String }
  type Mutation { rename(name: String): String }
  type Subscription { ticks: Int openTicks: Int editorTicks: Int }
`;

/** Subscriptions that were ended by their reader or by us. */
let returned = 0;

/** One event, and then none until somebody ends it, as a queue of events does. */
function ticks(name: string): AsyncIterableIterator<object> {
  const events = [{ done: false, value: { [name]: 1 } }];
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => events.shift() ?? new Promise<never>(() => undefined),
    return: async () => {
      returned += 1;
      return { done: true, value: undefined };
    },
  };
}

@Resolver('Person')
class PersonResolver {
  constructor(private readonly user: CurrentUser) {}

  @Query()
  @Auth()
  me(@IdToken() token: IdTokenClaims): string {
    return token.sub;
  }

  @Query()
  @Auth()
  who(): string | undefined {
    return this.user.sub;
  }

  @Query()
  @Auth()
  roles(@IdToken('roles') roles: readonly string[]): readonly string[] {
    return roles;
  }

  @Query()
  @Auth()
  person(): object {
    return { name: 'Alice', email: 'alice@example.org', salary: 1 };
  }

  @Query()
  @Auth({ roles: 'owners' })
  admin(): string {
    return 'secret';
  }

  @Query()
  @Auth({ acr: 'gold', maxAgeSec: 60 })
  gold(): string {
    return 'secret';
  }

  @Query()
  @Auth({ optional: true, roles: 'owners' })
  maybe(@IdToken('sub') sub?: string): string {
    return sub ?? 'nobody';
  }

  @Query()
  @Public()
  open(@IdToken('sub') sub?: string): string {
    return sub ?? 'nobody';
  }

  @Query()
  forgotten(): string {
    return 'secret';
  }

  @ResolveField()
  @Auth({ roles: 'owners' })
  salary(@Parent() { salary }: { salary: number }): number {
    return salary;
  }

  @Mutation()
  @Auth({ scopes: 'write' })
  rename(@Args('name') name: string): string {
    return name;
  }

  @Subscription()
  @Auth()
  ticks(): AsyncIterableIterator<object> {
    return ticks('ticks');
  }

  @Subscription()
  @Auth({ when: ({ roles }) => Array.isArray(roles) && roles.includes('editor') })
  editorTicks(): AsyncIterableIterator<object> {
    return ticks('editorTicks');
  }

  @Subscription()
  @Public()
  openTicks(): AsyncIterableIterator<object> {
    return ticks('openTicks');
  }
}

interface Driver {
  readonly title: string;
  readonly adapter: 'express' | 'fastify';
  readonly module: (options?: object) => DynamicModule;
}

const apollo = (options: object = {}): DynamicModule =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    typeDefs: SCHEMA,
    graphiql: false,
    allowBatchedHttpRequests: true,
    subscriptions: { 'graphql-ws': true },
    fieldResolverEnhancers: ['guards'],
    ...options,
  });

const mercurius = (options: object = {}): DynamicModule =>
  GraphQLModule.forRoot<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    typeDefs: SCHEMA,
    graphiql: false,
    allowBatchedQueries: true,
    subscription: true,
    fieldResolverEnhancers: ['guards'],
    ...options,
  });

const drivers: readonly Driver[] = [
  { title: 'Apollo on express', adapter: 'express', module: apollo },
  { title: 'Apollo on fastify', adapter: 'fastify', module: apollo },
  { title: 'Mercurius', adapter: 'fastify', module: mercurius },
];

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { message: string; extensions?: Record<string, unknown> }[];
}

async function post(
  app: TestApp,
  body: unknown,
  bearer?: string,
): Promise<{ status: number; answer: Answer; text: string }> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, answer: JSON.parse(text), text };
}

const query = (app: TestApp, text: string, bearer?: string) => post(app, { query: text }, bearer);

const aliases = (field: string): string =>
  Array.from({ length: 50 }, (_, index) => `a${index}: ${field}`).join(' ');

const read = async (reply: Response): Promise<Answer> => JSON.parse(await reply.text());

/** What a subscription is answered first; drivers differ in how they say no. */
const outcome = async (socket: Client): Promise<string> =>
  socket
    .iterate({ query: 'subscription { ticks }' })
    .next()
    .then(
      ({ value }) => JSON.stringify(value),
      (error: unknown) => JSON.stringify(error),
    );

describe.each(drivers)('GraphQL by $title', ({ title, adapter, module }) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  const clock = new FakeClock();

  const host = (more: Partial<AppOptions> = {}): AppOptions => ({
    adapter,
    provider,
    clock,
    imports: [module(), OidcGraphqlModule],
    providers: [PersonResolver, { provide: APP_GUARD, useExisting: AuthGuard }],
    ...more,
  });

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    provider.behaviour.now = () => clock.now();
    app = await startApp(host());
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('hands out claims in queries, one by path, and in services', async () => {
    const { status, answer } = await query(
      app,
      '{ me who roles maybe open }',
      provider.accessToken(),
    );

    expect(status).toBe(200);
    expect(answer.data).toMatchObject({
      me: 'sub-0001-alice',
      who: 'sub-0001-alice',
      open: 'nobody',
    });
    expect(answer.data?.['roles']).toContain('admins');
  });

  it.each([
    ['me', undefined, 'UNAUTHENTICATED', 401, 'invalid_token'],
    ['me', 'not-a-token', 'UNAUTHENTICATED', 401, 'invalid_token'],
    ['admin', 'alice', 'FORBIDDEN', 403, 'insufficient_scope'],
    ['forgotten', undefined, 'UNAUTHENTICATED', 401, 'invalid_token'],
    ['gold', 'alice', 'UNAUTHENTICATED', 401, 'insufficient_user_authentication'],
  ])(
    'GW-1, GW-5: refuses %s for %s with 200, %s and the error body alone',
    async (field, who, code, statusCode, error) => {
      const bearer = who === 'alice' ? provider.accessToken() : who;
      const { status, answer, text } = await query(app, `{ ${field} }`, bearer);

      expect(status).toBe(200);
      const [refusal] = answer.errors ?? [];
      expect(refusal?.extensions).toMatchObject({ code, oauth: { statusCode, error } });
      expect(Object.keys(Object(refusal?.extensions?.['oauth'])).toSorted()).toEqual(
        ['statusCode', 'error', 'error_description', 'detail'].toSorted(),
      );
      expect(text).not.toMatch(/ at |node_modules|\/lib\/|secret/);
    },
  );

  it('refuses a mutation whose scope is missing', async () => {
    const mutation = 'mutation { rename(name: "x") }';
    expect(
      (await query(app, mutation, provider.accessToken())).answer.errors?.[0]?.extensions,
    ).toMatchObject({ code: 'FORBIDDEN' });
    const writer = provider.accessToken({ scope: 'write' });
    expect((await query(app, mutation, writer)).answer.data).toEqual({ rename: 'x' });
  });

  it('guards a field by its own rule, whatever its parent’s is', async () => {
    const { answer } = await query(app, '{ person { name salary } }', provider.accessToken());

    expect(answer.data?.['person']).toMatchObject({ name: 'Alice', salary: null });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('GW-4: lets one proof do for all resolvers of a request, and hands out nonces', async () => {
    // Apollo shows resolvers no answer of Fastify by itself.
    const shown = { context: (_request: unknown, reply: unknown) => ({ reply }) };
    const imports = [module(title === 'Apollo on fastify' ? shown : {}), OidcGraphqlModule];
    const at = await startApp(host({ options: { dpopNonce: true }, imports }));
    const client = await ProvingClient.create();
    const url = `${at.url}/graphql`;
    const token = provider.accessToken({ cnf: { jkt: client.jkt } });
    const ask = async (nonce?: string | null, by = 'DPoP'): Promise<Response> => {
      const iat = Math.floor(clock.now().getTime() / 1000);
      const dpop = await client.proof({ method: 'POST', url, token, claims: { nonce, iat } });
      const headers = { 'content-type': 'application/json', authorization: `${by} ${token}`, dpop };
      const body = JSON.stringify({ query: `{ ${aliases('me')} who roles }` });
      return fetch(url, { method: 'POST', headers, body });
    };

    const without = await ask();
    const nonce = without.headers.get('dpop-nonce');
    const answer = await read(await ask(nonce));
    const asBearer = await read(await ask(nonce, 'Bearer'));
    await at.close();

    expect(await read(without)).toMatchObject({
      errors: expect.arrayContaining([
        expect.objectContaining({
          extensions: {
            code: 'UNAUTHENTICATED',
            oauth: expect.objectContaining({ error: 'use_dpop_nonce' }),
          },
        }),
      ]),
    });
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({ a0: 'sub-0001-alice', a49: 'sub-0001-alice' });
    expect(JSON.stringify(asBearer.errors)).toContain('bound to a key');
  });

  it('GW-4: judges each resolver of an aliased query by itself, in any order of its fields', async () => {
    const token = provider.accessToken();
    for (const text of [
      '{ a: maybe b: me c: maybe d: admin }',
      '{ d: admin c: maybe b: me a: maybe }',
    ]) {
      const { answer } = await query(app, text, token);
      expect(answer.data).toMatchObject({ a: 'nobody', b: 'sub-0001-alice', c: 'nobody', d: null });
    }
  });

  /** How often a token was verified while something ran. */
  const verifications = async (run: () => Promise<unknown>): Promise<number> => {
    const named = vi.spyOn(app.app.get(Mode, { strict: false }).issuers, 'named');
    await run();
    const { length } = named.mock.calls;
    named.mockRestore();
    return length;
  };

  const batch = (bearer: string, ...texts: string[]) =>
    post(
      app,
      texts.map((text) => ({ query: text })),
      bearer,
    );

  it('GW-4: judges each operation of a batch, and verifies their token once', async () => {
    const token = provider.accessToken({ jti: 'batch' });
    let answers: Answer[] = [];
    const times = await verifications(async () => {
      const { answer } = await batch(token, '{ me }', '{ admin }', '{ a: me b: me }');
      answers = Array.isArray(answer) ? answer : [];
    });

    expect(answers[0]?.data).toEqual({ me: 'sub-0001-alice' });
    expect(answers[1]?.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect(answers[2]?.data).toEqual({ a: 'sub-0001-alice', b: 'sub-0001-alice' });
    expect(times).toBe(1);
  });

  it.each([
    ['fields that are resolved at once', `{ ${aliases('me')} }`],
    ['fields that are resolved one after another', `mutation { ${aliases('rename(name: "x")')} }`],
  ])('GW-4: verifies a token once for %s, a bad one too', async (_, text) => {
    const good = provider.accessToken({ jti: text.slice(0, 8), scope: 'write' });
    const bad = `${good.slice(0, -4)}AAAA`;

    expect(await verifications(() => query(app, text, good))).toBe(1);
    expect(
      await verifications(async () => {
        const { answer } = await query(app, text, bad);
        expect(answer.errors).toHaveLength(50);
      }),
    ).toBe(1);
    expect(await verifications(() => batch(bad, text, text))).toBe(1);
    expect((await query(app, text, good)).answer.errors).toBeUndefined();
  });

  it('LG-3: a refusal is one line in the log, and no error of the application', async () => {
    clock.advance(61); // one line a minute
    const linesBefore = app.logs().length;
    await query(app, '{ a: admin b: admin }', provider.accessToken());

    expect(app.logs().slice(linesBefore)).toEqual([
      expect.stringMatching(/PersonResolver\.admin refused \(403 insufficient_scope\): roles/),
    ]);
  });

  it('stops start-up for @Auth() on a field where Nest runs no guards, and names the mend', async () => {
    const starting = startApp(
      host({ imports: [module({ fieldResolverEnhancers: [] }), OidcGraphqlModule] }),
    );

    await expect(starting).rejects.toThrow(
      /PersonResolver\.salary.*fieldResolverEnhancers: \['guards'\]/s,
    );
  });

  const startWith = (resolver: Type, enhancers: readonly string[] | undefined) =>
    startApp(
      host({
        imports: [module({ fieldResolverEnhancers: enhancers }), OidcGraphqlModule],
        providers: [resolver],
      }),
    );

  it('stops start-up for a field under a class with @Auth() too, and not for public ones', async () => {
    @Resolver('Person')
    @Auth()
    class OfClass {
      @Query()
      me(): string {
        return 'me';
      }

      @ResolveField()
      email(): string {
        return 'secret';
      }
    }
    @Resolver('Person')
    class Derived extends OfClass {}
    @Resolver('Person')
    @Auth()
    class Opened {
      @ResolveField()
      @Public()
      email(): string {
        return 'for everybody';
      }
    }
    for (const [resolver, enhancers] of [
      [OfClass, undefined],
      [Derived, ['interceptors']],
    ] as const) {
      await expect(startWith(resolver, enhancers)).rejects.toThrow(
        new RegExp(`${resolver.name}\\.email.*fieldResolverEnhancers: \\['guards'\\]`, 's'),
      );
    }
    for (const [resolver, enhancers] of [
      [OfClass, ['interceptors', 'guards']],
      [Opened, undefined],
    ] as const) {
      await (await startWith(resolver, enhancers)).close();
    }
  });

  it('GW-1: stays closed without its entry, and the refusal names the entry to import', async () => {
    const bare = await startApp(host({ imports: [module()] }));
    try {
      const { answer } = await query(bare, '{ open }', provider.accessToken());
      expect(answer.errors?.[0]?.message).toContain('nestjs-oidc-auth/graphql');
    } finally {
      await bare.close();
    }
  });

  const client = (
    connectionParams: Record<string, unknown>,
    headers: Record<string, string> = {},
    target = app,
  ) => {
    class Handshake extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers });
      }
    }
    return createClient({
      url: `${target.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Handshake,
      connectionParams,
      retryAttempts: 0,
      lazyCloseTimeout: 10_000, // one connection for several subscriptions
    });
  };

  it.each([
    ['connectionParams', (token: string) => client({ authorization: `Bearer ${token}` })],
    [
      'connectionParams in another case',
      (token: string) => client({ Authorization: `Bearer ${token}` }),
    ],
    ['the handshake', (token: string) => client({}, { authorization: `Bearer ${token}` })],
  ])('takes the token of a subscription from %s', async (_, open) => {
    const socket = open(provider.accessToken());
    const events = socket.iterate({ query: 'subscription { ticks }' });

    expect((await events.next()).value).toEqual({ data: { ticks: 1 } });
    await events.return?.();
    await socket.dispose();
  });

  it('refuses a subscription without a token', async () => {
    const socket = client({});

    expect(await outcome(socket)).toContain('UNAUTHENTICATED');
    await socket.dispose();
  });

  it('DP-1: takes no token that is bound to a key in subscriptions, with a proof and without', async () => {
    const prover = await ProvingClient.create();
    const token = provider.accessToken({ cnf: { jkt: prover.jkt } });
    const url = `${app.url}/graphql`;
    const claims = { iat: clock.now().getTime() / 1000 };
    const proved = await prover.headers({ method: 'GET', url, token, claims });

    for (const socket of [
      client({ authorization: `Bearer ${token}` }),
      client(proved),
      client({}, { authorization: `Bearer ${token}` }),
      client({}, proved),
    ]) {
      const refusal = await outcome(socket);
      expect(refusal).toContain('UNAUTHENTICATED');
      expect(refusal).toContain('bound to a key (DPoP), and is taken in HTTP requests');
      await socket.dispose();
    }
  });

  it('looks again at the token of a connection that was refused before', async () => {
    const socket = client({}, { authorization: `Bearer ${provider.accessToken({ jti: title })}` });
    const named = vi.spyOn(app.app.get(Mode, { strict: false }).issuers, 'named');
    named.mockResolvedValueOnce(undefined);

    expect(await outcome(socket)).toContain('UNAUTHENTICATED');
    expect(await outcome(socket)).toContain('"ticks":1');
    named.mockRestore();
    await socket.dispose();
  });

  it('GW-2: ends a subscription with its token', async () => {
    const socket = client({ authorization: `Bearer ${provider.accessToken()}` });
    const events = socket.iterate({ query: 'subscription { ticks }' });
    await events.next();
    const before = returned;

    clock.advance(3600);
    await app.app.get(LiveCalls, { strict: false }).sweep();

    expect((await events.next()).done).toBe(true);
    expect(returned).toBe(before + 1);
    await socket.dispose();
  });

  it('GW-2: ends a subscription with its session', async () => {
    const broker = await startBrokerApp(host());
    const { accessToken, claims } = await brokerLogin(broker);
    const socket = client({ authorization: `Bearer ${accessToken}` }, {}, broker);
    const events = socket.iterate({ query: 'subscription { ticks }' });
    expect((await events.next()).value).toEqual({ data: { ticks: 1 } });

    await broker.service.revokeSession(String(claims['sid']));
    await broker.app.get(LiveCalls, { strict: false }).sweep();

    expect((await events.next()).done).toBe(true);
    expect(await outcome(socket)).toContain('UNAUTHENTICATED');
    await socket.dispose();
    await broker.close();
  });

  describe('with a session cookie', () => {
    let pages: TestApp;
    let browser: Browser;

    beforeAll(async () => {
      pages = await startBrowserApp(host());
      browser = new Browser(pages, () => clock.now().getTime());
    });

    beforeEach(async () => {
      provider.resetBehaviour();
      provider.behaviour.now = () => clock.now();
      await browser.logIn();
    });

    afterAll(() => pages.close());

    const cookie = () => ({ cookie: `${SESSION_COOKIE}=${browser.reference}` });
    const ours = () => client({}, { ...cookie(), origin: pages.url }, pages);
    const sweep = () => pages.app.get(LiveCalls, { strict: false }).sweep();

    const ask = async (headers: RequestHeaders): Promise<Answer> => {
      const body = JSON.stringify({ query: '{ me }' });
      const sent = { ...cookie(), 'content-type': 'application/json', ...headers };
      const reply = await request(`${pages.url}/graphql`, {
        method: 'POST',
        headers: sent,
        body,
      });
      return reply.json();
    };

    it('BS-1: answers our own pages alone', async () => {
      expect((await ask(ownPage)).data).toEqual({ me: alice.sub });
      for (const headers of [{}, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }]) {
        const [refusal] = (await ask(headers)).errors ?? [];
        expect(refusal?.extensions).toMatchObject({
          code: 'FORBIDDEN',
          oauth: { error: 'access_denied' },
        });
      }
    });

    it('GW-3: opens subscriptions of our own pages alone', async () => {
      for (const headers of [
        {},
        { origin: 'https://evil.example' },
        { origin: 'null', 'sec-fetch-site': 'same-origin' },
      ]) {
        const other = client({}, { ...cookie(), ...headers }, pages);
        expect(await outcome(other)).toContain('access_denied');
        await other.dispose();
      }
      const own = ours();
      expect(await outcome(own)).toContain('"ticks":1');
      await own.dispose();
    });

    it('BS-7: goes by a token in connectionParams alone', async () => {
      const both = { authorization: 'Bearer bad' };
      const socket = client(both, { ...cookie(), origin: pages.url }, pages);

      expect(await outcome(socket)).toContain('invalid_token');
      await socket.dispose();
    });

    it.each([
      ['was logged out', () => browser.send('/auth/v2/logout', 'POST')],
      ['was replaced by another login', () => browser.logIn()],
      ['was idle for too long', async () => clock.advance(43_200)],
    ])('GW-2: ends a subscription whose session %s', async (_, end) => {
      const socket = ours();
      const events = socket.iterate({ query: 'subscription { ticks }' });
      expect((await events.next()).value).toEqual({ data: { ticks: 1 } });
      const before = returned;

      await end();
      await sweep();

      expect((await events.next()).done).toBe(true);
      expect(returned).toBe(before + 1);
      await socket.dispose();
    });

    it('GW-2: goes on while the session is renewed, until its claims break the rule', async () => {
      const socket = ours();
      const events = socket.iterate({ query: 'subscription { editorTicks }' });
      expect((await events.next()).value).toEqual({ data: { editorTicks: 1 } });
      const [before, next] = [returned, events.next()];
      clock.advance(3600);
      await sweep();
      expect(returned).toBe(before);

      provider.behaviour.accessToken.claims = (claims) => ({ ...claims, resource_access: {} });
      clock.advance(3600);
      await sweep();

      expect((await next).done).toBe(true);
      expect(returned).toBe(before + 1);
      await socket.dispose();
    });
  });
});
