import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { TestApp } from '../support/app.js';
import {
  brokerLogin,
  guarded,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { accepted, refused, tokenVectors, type TokenVector } from '../support/token-vectors.js';
import { alice } from '../support/users.js';

const rows = ['JV-1', 'JV-2', 'JV-3', 'JV-4', 'JV-5', 'JV-6', 'JV-7', 'JV-8', 'JV-9'] as const;

describe('the subject token of an exchange', () => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  const made = new Map<number, TokenVector[]>();

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const started = await startBrokerApp({
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => started.close());
    return started;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({
      provider,
      clock,
      broker: { signingAlgorithm: 'ES256' },
    });
  });

  /** Made once, until a test moves the clock: they hold for minutes. */
  const allVectors = async (): Promise<TokenVector[]> => {
    const now = clock.now().getTime();
    const all = made.get(now) ?? (await tokenVectors(provider.vectorSource));
    made.set(now, all);
    return all;
  };

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(rows)(
    'TX-1: refuses every subject token that the guard would refuse (%s)',
    async (row) => {
      await exchange(app, provider.accessToken()); // keys are known
      provider.clearRequests();
      const vectors = refused(await allVectors(), row).filter(({ token }) => token !== '');

      for (const { name, token } of vectors) {
        const reply = await exchange(app, token);
        expect([name, reply.status, reply.json()['error']]).toEqual([name, 400, 'invalid_request']);
      }

      expect(vectors.length).toBeGreaterThan(3);
      expect(provider.requestsTo('userinfo')).toEqual([]);
    },
  );

  it('TX-1: takes what looks odd and is right', async () => {
    const vectors = accepted(await allVectors());

    for (const { name, token } of vectors) {
      const { status } = await exchange(app, token);
      expect([name, status]).toEqual([name, 200]);
    }
  });

  it('TX-1: refuses an ID token, refresh tokens, our own token and that of nobody we know', async () => {
    const own = await brokerLogin(app);
    const { iss, aud } = own.claims;
    const forged = provider.accessToken({ iss, aud }, { typ: 'at+jwt' });
    provider.clearRequests();

    for (const token of [
      provider.idToken(),
      provider.idToken({ nonce: 'n' }),
      provider.accessToken({ nonce: 'n', typ: undefined, aud: 'my-aud' }),
      provider.accessToken({ typ: 'ID' }),
      provider.accessToken({ typ: 'Refresh' }),
      own.refreshToken,
      own.accessToken,
      forged,
      mintedToken(await exchange(app, provider.accessToken())),
      provider.accessToken({ iss: 'https://peer.example.org' }),
      'opaque',
    ]) {
      expectRefusal(await exchange(app, token), 400, 'invalid_request');
    }
    expect(provider.requests).toEqual([]);
  });

  it('FD-3: refuses the token of a trusted instance, which the guard takes', async () => {
    const peer = await startMisbehavingProvider({ clock, audience: 'myapp-api' });
    onTestFinished(() => peer.close());
    const trusting = await start({ broker: { trustedIssuers: [peer.issuer] } });
    const token = peer.accessToken();
    expect(await guarded(trusting, token)).toBe('200');

    expectRefusal(await exchange(trusting, token), 400, 'invalid_request');
  });

  it('TX-1: refuses tokens that were issued to another client, unless it is listed', async () => {
    const listing = await start({ broker: { exchangeClients: ['other-client'] } });
    const ofOther = provider.accessToken({ azp: 'other-client' });

    expectRefusal(await exchange(app, ofOther), 400, 'invalid_request');
    expectRefusal(
      await exchange(app, provider.accessToken({ azp: undefined })),
      400,
      'invalid_request',
    );
    expect(decodeJwt(mintedToken(await exchange(listing, ofOther)))).toMatchObject({
      sub: alice.sub,
      roles: ['staff', 'admins', 'team-a', 'editor'],
    });
    expectRefusal(await exchange(listing, provider.accessToken()), 400, 'invalid_request');
  });

  it('TX-1: takes tokens of each of several clients that are listed', async () => {
    const listing = await start({ broker: { exchangeClients: ['other-client', 'third-client'] } });

    for (const azp of ['other-client', 'third-client']) {
      mintedToken(await exchange(listing, provider.accessToken({ azp })));
    }
    expectRefusal(await exchange(listing, provider.accessToken()), 400, 'invalid_request');
  });

  it('TX-1: is 503 while the keys of the provider cannot be had, and heals', async () => {
    const late = await start();
    provider.behaviour.faults.jwks = failWith(503);
    const subject = provider.accessToken();
    expectRefusal(await exchange(late, subject), 503, 'temporarily_unavailable');

    provider.resetBehaviour();
    clock.advance(31);

    mintedToken(await exchange(late, subject));
  });

  it('TX-1: is 503 while the store cannot be asked and the keys were never read', async () => {
    const down = countingStore();
    down.down = true;
    const late = await start({ store: down.store });
    provider.clearRequests();

    const reply = await exchange(late, provider.accessToken());

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(provider.requests).toEqual([]);
  });

  it('DS-1: refuses a subject token of 12 KiB and more before it is decoded', async () => {
    const long = `${provider.accessToken()}${'A'.repeat(12_288)}`;

    expectRefusal(await exchange(app, long), 400, 'invalid_request');
    expectRefusal(await exchange(app, 'A'.repeat(20_000)), 400, 'invalid_request');
    expect((await exchange(app, 'A'.repeat(1_000_000))).status).toBe(413);
  });
});
