import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { startProvider } from '../support/provider.js';
import { testKey } from '../support/signing-keys.js';
import { forgedTokens, tally } from '../support/verifier.js';

async function statusOf(app: TestApp, bearer: string): Promise<number> {
  return (await request(`${app.url}/required`, { bearer })).status;
}

describe.each(flowAdapters)('the key set of the provider, behind a guard on %s', (adapter) => {
  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  const start = async (provider: { discoveryUrl: string }, clock: FakeClock): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
    onTestFinished(() => app.close());
    return app;
  };

  it('JW-1: is fetched three times at most for 300 forged tokens, while valid ones pass', async () => {
    const clock = new FakeClock();
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    const app = await start(provider, clock);
    const valid = provider.accessToken();

    const forged = forgedTokens(provider, 300).map((token) => statusOf(app, token));
    const genuine = Array.from({ length: 20 }, () => statusOf(app, valid));
    const statuses = await Promise.all([...forged, ...genuine]);

    expect(tally(statuses.map(String))).toEqual({ 200: 20, 401: 300 });
    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3);
  });

  it('JW-3: ends tokens of a withdrawn key, remembered ones too, and goes on with the new key', async () => {
    const clock = new FakeClock();
    const provider = await startMisbehavingProvider({ behaviour: { now: () => clock.now() } });
    onTestFinished(() => provider.close());
    const app = await start(provider, clock);
    const exp = Math.floor(clock.now().getTime() / 1000) + 3600;
    const old = provider.accessToken({ exp });
    expect(await statusOf(app, old)).toBe(200);

    const { kid } = provider.signingKey;
    await provider.rotateKeys();
    expect(await statusOf(app, provider.accessToken())).toBe(200);
    expect(await statusOf(app, old)).toBe(200); // still published
    provider.withdrawKey(kid);
    clock.advance(305);
    await statusOf(app, old); // starts the renewal in the background
    await expect.poll(() => statusOf(app, old)).toBe(401);
    GuardedRoutes.reached.length = 0;
    expectGuardRefusal(await request(`${app.url}/required`, { bearer: old }), 401, 'invalid_token');
    expect(await statusOf(app, provider.accessToken())).toBe(200);
  });

  it('JW-3: follows the rotation of a real provider', async () => {
    const clock = new FakeClock();
    const [first, second] = [await testKey('RS256', 'first'), await testKey('RS256', 'second')];
    const provider = await startProvider({ keys: [first] });
    onTestFinished(() => provider.close());
    const app = await start(provider, clock);
    const token = (): Promise<string> =>
      provider.sign({ sub: 'sub-0001-alice', aud: 'my-aud', client_id: 'my-client' });
    const old = await token();
    expect(await statusOf(app, old)).toBe(200);

    await provider.restart({ keys: [second, first] });
    expect(await statusOf(app, await token())).toBe(200);
    expect(await statusOf(app, old)).toBe(200);
    await provider.restart({ keys: [second] });
    clock.advance(120); // old is within its 300 s
    expect(await statusOf(app, await provider.sign({}, { kid: 'unknown' }))).toBe(401);
    expect(await statusOf(app, old)).toBe(401);
  });
});
