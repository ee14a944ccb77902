import {
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  Logger,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import {
  MemoryBrokerStore,
  OAuthError,
  OidcEvents,
  type BrokerSession,
  type BrokerStoreChoice,
  type FetchFunction,
} from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import { brokerLogin, brokerTokens, refresh, startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { allowServerError } from '../support/server-errors.js';
import { exchange } from '../support/token-exchange.js';

const WORDS = 'duplicate key value violates "users_pkey"';

/** What the log must hold of an exception of the host: which function, name and message, and where it was thrown. */
function expectTold(app: TestApp, who: string, name: string, words = WORDS): void {
  const logs = app.logs();
  const at = logs.findIndex((line) => line.includes(`${who} threw ${name}: ${words}`));

  expect(at, logs.join('\n')).toBeGreaterThanOrEqual(0);
  expect(logs[at]).toContain(' ERROR [OidcAuth] ');
  expect(logs.slice(at + 1, at + 9).join('\n')).toMatch(/\n +at .*host-faults\.e2e-spec\.ts/);
}

function started(app: TestApp): TestApp {
  onTestFinished(() => app.close());
  return app;
}

function throwing(error: Error): () => never {
  return () => {
    throw error;
  };
}

const noAnswer: FetchFunction = async () => JSON.parse('null');

/** Fails at the token endpoint, and shows all that it was given. */
const talkative: FetchFunction = async (url, { method, headers, body, ...init }) => {
  const sent = { ...init, ...(method && { method }), ...(headers && { headers }) };
  if (method !== 'POST') return globalThis.fetch(url, sent);
  const { authorization } = Object.fromEntries(new Headers(headers));
  const form = body instanceof URLSearchParams ? body.toString() : '';
  const cause = new Error(JSON.stringify(headers));
  throw new Error(`no way to ${url}: ${authorization} ${form}`, { cause });
};

describe.each(flowAdapters)('exceptions of the functions of the host on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => provider.resetBehaviour());

  afterAll(() => provider.close());

  it.each<[what: string, name: string, status: number, error: string, fault: () => Error]>([
    ['an error', 'Error', 500, 'server_error', () => new Error(WORDS)],
    ['a TypeError', 'TypeError', 500, 'server_error', () => new TypeError(WORDS)],
    [
      "500 of Nest's",
      'InternalServerErrorException',
      500,
      'server_error',
      () => new InternalServerErrorException(WORDS),
    ],
    [
      "503 of Nest's",
      'ServiceUnavailableException',
      503,
      'temporarily_unavailable',
      () => new ServiceUnavailableException(WORDS),
    ],
  ])(
    'LG-1: onLogin: %s is logged whole, and nothing of it is told to the caller',
    async (...row) => {
      const [, name, status, error, fault] = row;
      allowServerError();
      const onLogin = (): void => {
        throw fault();
      };
      const app = started(await startApp({ adapter, provider, options: { onLogin } }));

      const reply = await postToken(app, handleForm(await openLogin(app)));

      expectRefusal(reply, status, error);
      expect(reply.text()).not.toMatch(/users_pkey|duplicate| at /);
      expectTold(app, '"onLogin"', name);
      expect(app.logs().filter((line) => line.includes('threw'))).toHaveLength(1);
      expect(app.logs().at(-1)).toContain(`POST /auth/v2/token refused (${status} ${error})`);
    },
  );

  it.each<[what: string, fault: unknown, shown: string]>([
    ['a text', WORDS, WORDS],
    ['an object', { status: 401, message: WORDS }, `{ status: 401, message: '${WORDS}' }`],
    ['nothing', undefined, 'undefined'],
  ])('LG-1: onLogin: %s that was thrown is logged too', async (_what, fault, shown) => {
    allowServerError();
    const onLogin = (): void => {
      throw fault;
    };
    const app = started(await startApp({ adapter, provider, options: { onLogin } }));

    expectRefusal(await postToken(app, handleForm(await openLogin(app))), 500, 'server_error');

    expect(app.logs().join('\n')).toContain(`ERROR [OidcAuth] "onLogin" threw ${shown}`);
  });

  it.each<[what: string, refusal: () => HttpException, said: string, text: string]>([
    [
      'Forbidden',
      () => new ForbiddenException('no account for this tenant'),
      'refused by "onLogin": came "ForbiddenException: no account for this tenant"',
      'This login was refused',
    ],
    [
      'Forbidden with a secret of ours',
      () => new ForbiddenException(`no account with ${provider.clientSecret}`),
      'refused by "onLogin": came "ForbiddenException: no account with [hidden]"',
      'This login was refused',
    ],
    [
      'Unauthorized',
      () => new UnauthorizedException('not invited'),
      'refused by "onLogin": came "UnauthorizedException: not invited"',
      'This login was refused',
    ],
    [
      'OAuthError',
      () => new OAuthError('access_denied', 'Not invited', { status: 403, cause: 'list of 2026' }),
      'list of 2026',
      'Not invited',
    ],
  ])('LG-1: onLogin: a login that it refuses by %s says why in the log', async (...row) => {
    const [, refusal, said, text] = row;
    const onLogin = (): Promise<void> => Promise.reject(refusal());
    const app = started(await startApp({ adapter, provider, options: { onLogin } }));

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expectRefusal(reply, 403, 'access_denied');
    expect(reply.json()['error_description']).toBe(text);
    expect(app.logs().at(-1)).toMatch(/WARN \[OidcAuth\] POST \/auth\/v2\/token refused/);
    expect(app.logs().at(-1)).toContain(`(403 access_denied): ${said}`);
    expect(app.logs().join('\n')).not.toContain('threw');
  });

  it.each(['a login', 'an exchange'])('LG-1: mapClaims: logged whole at %s', async (what) => {
    allowServerError();
    const mapClaims = throwing(new RangeError(WORDS));
    const app = started(await startBrokerApp({ adapter, provider, broker: { mapClaims } }));

    const reply =
      what === 'a login'
        ? await postToken(app, handleForm(await openLogin(app)))
        : await exchange(app, provider.accessToken());

    expectRefusal(reply, 500, 'server_error');
    expectTold(app, '"broker.mapClaims"', 'RangeError');
  });

  it('LG-1: mapClaims: logged whole at a refresh, which goes on with the claims of before', async () => {
    let failing = false;
    const mapClaims = (): Record<string, unknown> => {
      if (failing) throw new RangeError(WORDS);
      return { tenant: 'acme' };
    };
    const app = started(await startBrokerApp({ adapter, provider, broker: { mapClaims } }));
    const { refreshToken } = await brokerLogin(app, { offline_access: 'true' });

    failing = true;
    const { claims } = brokerTokens(await refresh(app, refreshToken));

    expect(claims['tenant']).toBe('acme');
    expectTold(app, '"broker.mapClaims"', 'RangeError');
  });

  it('LG-1: trustedIssuers: logged whole', async () => {
    const trustedIssuers = throwing(new TypeError(WORDS));
    const app = started(await startBrokerApp({ adapter, provider, broker: { trustedIssuers } }));

    await brokerParts(app.app).upkeep.pull();

    expectTold(app, '"broker.trustedIssuers"', 'TypeError');
  });

  it.each<[how: string, fetch: FetchFunction, name: string, words: string]>([
    [
      'throws',
      () => {
        throw new TypeError(WORDS);
      },
      'TypeError',
      WORDS,
    ],
    ['rejects', () => Promise.reject(new RangeError(WORDS)), 'RangeError', WORDS],
  ])('LG-1: fetch that %s: logged whole', async (_how, fetch, name, words) => {
    const app = started(await startApp({ adapter, provider, options: { fetch } }));

    const reply = await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost/callback`);

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expectTold(app, '"fetch"', name, words);
  });

  it('LG-1: fetch that gives no answer of its own: says so', async () => {
    const options = { fetch: noAnswer };
    const app = started(await startApp({ adapter, provider, options }));

    const reply = await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost/callback`);

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(app.logs().join('\n')).toContain('"fetch" threw TypeError: "fetch" gave no Response');
  });

  it('LG-1: fetch: what it shows of a request of ours is masked', async () => {
    const options = { fetch: talkative };
    const app = started(await startApp({ adapter, provider, options }));

    await postToken(app, handleForm(await openLogin(app)));
    await postToken(app, { refresh_token: provider.grantRefreshToken() });

    const output = app.logs().join('\n');
    expect(output).toContain('"fetch" threw Error: no way to http://127.0.0.1');
    expect(output).toContain('[hidden]'); // that nothing is there unmasked, the harness looks at
  });

  it('LG-1: a client secret in an exception is masked', async () => {
    allowServerError();
    const { clientSecret } = provider;
    const onLogin = (): never => {
      throw new Error(`cannot log in with ${clientSecret} or ${encodeURIComponent(clientSecret)}`);
    };
    const app = started(await startApp({ adapter, provider, options: { onLogin } }));

    await postToken(app, handleForm(await openLogin(app)));

    expect(app.logs().join('\n')).toContain('cannot log in with [hidden] or [hidden]');
  });

  it.each<[how: string, made: (fail: () => Promise<never>) => BrokerStoreChoice]>([
    ['an instance', (fail) => new (storeThat(fail))()],
    ['a class', (fail) => storeThat(fail)],
  ])("LG-1: a store of the host's own, %s: logged whole", async (_how, made) => {
    for (const fail of [
      () => Promise.reject(new RangeError(WORDS)),
      () => {
        throw new RangeError(WORDS);
      },
    ]) {
      const store = made(fail);
      const app = started(await startBrokerApp({ adapter, provider, broker: { store } }));

      const reply = await postToken(app, handleForm(await openLogin(app)));

      expectRefusal(reply, 503, 'temporarily_unavailable');
      expectTold(app, '"broker.store"', 'RangeError');
    }
  });

  it('LG-1: a store of the host that cannot be closed: logged whole', async () => {
    const store = new MemoryBrokerStore();
    const app = await startBrokerApp({ adapter, provider, broker: { store } });
    class Other extends MemoryBrokerStore {
      override close = throwing(new RangeError(WORDS));
    }
    const failing = await startBrokerApp({ adapter, provider, broker: { store: Other } });

    await Promise.all([app.close(), failing.close()]);

    expect(app.logs().filter((line) => line.includes('"broker.store" threw'))).toHaveLength(1);
    expectTold(failing, '"broker.store"', 'RangeError');
  });

  it('LG-1: a listener of events: logged whole', async () => {
    const app = started(await startApp({ adapter, provider }));
    app.app.get(OidcEvents, { strict: false }).on('login', () => {
      throw new RangeError(WORDS);
    });

    expect((await postToken(app, handleForm(await openLogin(app)))).status).toBe(200);

    expectTold(app, 'A listener of the event "login"', 'RangeError');
  });

  it('LG-3: a logger that throws turns no refusal into a fault', async () => {
    const app = started(await startApp({ adapter, provider, controllers: [GuardedRoutes] }));
    const spies = (['error', 'warn', 'debug', 'log'] as const).map((level) =>
      vi.spyOn(Logger.prototype, level).mockImplementation(() => {
        throw new RangeError('the logger of the host');
      }),
    );
    onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));

    const guarded = await request(`${app.url}/required`, { bearer: 'x' });
    const route = await request(`${app.url}/auth/v2/login`);

    expect([guarded.status, route.status]).toEqual([401, 400]);
  });

  it('LG-3: one that is thrown again and again is logged once a minute', async () => {
    allowServerError();
    const onLogin = throwing(new Error(WORDS));
    const app = started(await startApp({ adapter, provider, options: { onLogin } }));

    for (let at = 0; at < 3; at += 1) {
      allowServerError();
      await postToken(app, handleForm(await openLogin(app)));
    }

    expect(app.logs().filter((line) => line.includes('"onLogin" threw'))).toHaveLength(1);
  });
});

/** A store of the host's own that cannot write sessions. */
function storeThat(fail: () => Promise<never>): new () => MemoryBrokerStore {
  return class HostStore extends MemoryBrokerStore {
    override createSession(_session: BrokerSession): Promise<boolean> {
      return fail();
    }
  };
}
