import { AsyncLocalStorage } from 'node:async_hooks';

import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcEvents, type OidcAuthOptions, type OidcEventMap, hashedId } from '../../lib/index.js';
import { flowAdapters, type AdapterName, type TestApp } from '../support/app.js';
import { brokerLogin, refresh, startBrokerApp } from '../support/broker-app.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

const storage = new AsyncLocalStorage<string>();

let provider: MisbehavingProvider;

beforeEach(async () => {
  provider = await startMisbehavingProvider();
});

afterEach(() => provider.close());

async function started(
  options: Partial<Pick<OidcAuthOptions, 'logSuccesses' | 'requestId'>>,
  adapter: AdapterName = 'express',
): Promise<TestApp> {
  let served = 0;
  const app = await startBrokerApp({
    adapter,
    provider,
    options,
    configure: (host) => {
      host.use((_request: unknown, _response: unknown, next: () => void) => {
        served += 1;
        storage.run(`request-${served}`, next);
      });
    },
  });
  onTestFinished(() => app.close());
  return app;
}

/** A login, a refresh and a logout. */
async function session(app: TestApp): Promise<void> {
  const { refreshToken } = await brokerLogin(app);
  await refresh(app, refreshToken);
  await request(`${app.url}/auth/v2/logout`);
}

const successes = (app: TestApp): readonly string[] =>
  app.logs().filter((line) => / LOG \[OidcAuth\] (?:login|refresh|logout) /.test(line));

describe.each(flowAdapters)('logins that succeed, on %s', (adapter) => {
  it('are a line each, with hashed ids and the id of the request, where the options ask for it', async () => {
    const app = await started({ logSuccesses: true, requestId: () => storage.getStore() }, adapter);
    const logins: OidcEventMap['login'][] = [];
    app.app.get(OidcEvents, { strict: false }).on('login', (event) => logins.push(event));

    await session(app);
    await session(app);

    const lines = successes(app).map((line) => line.replace(/.*\[OidcAuth\] /, ''));
    const names = lines.map((line) => line.split(' ')[0]);
    expect(names).toEqual(['login', 'refresh', 'logout', 'login', 'refresh', 'logout']);
    for (const line of lines) expect(line).toMatch(/"requestId":"request-\d+"/);
    const { sub } = provider.behaviour.user;
    expect(logins[0]).toMatchObject({
      subject: hashedId(sub),
      requestId: expect.stringMatching(/^request-/),
    });
    expect(lines[0]).toContain(`"subject":"${hashedId(sub)}"`);
    expect(lines.join('\n')).not.toContain(sub);
  });
});

describe('logins that succeed', () => {
  it('leave no line without the option', async () => {
    const app = await started({ requestId: () => storage.getStore() });

    await session(app);

    expect(successes(app)).toEqual([]);
  });

  it('are told without an id where there is none, or the function throws', async () => {
    let isBroken = false;
    const requestId = (): string | undefined => {
      if (isBroken) throw new Error('no context here');
      return undefined;
    };
    const app = await started({ logSuccesses: true, requestId });

    await brokerLogin(app);
    isBroken = true;
    await brokerLogin(app);

    const lines = successes(app);
    expect(lines).toHaveLength(2);
    expect(lines.join('\n')).not.toContain('requestId');
    expect(app.logs().join('\n')).toContain('no context here');
  });

  it('cannot be forged by the id of a request', async () => {
    const app = await started({ logSuccesses: true, requestId: () => 'one\nlogin {"forged":1}' });

    await brokerLogin(app);

    expect(successes(app)).toHaveLength(1);
  });
});
