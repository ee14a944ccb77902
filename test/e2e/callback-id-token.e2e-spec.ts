import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import type { TokenPatch } from '../support/behaviour.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import type { Reply } from '../support/http-request.js';
import { idTokenMutations } from '../support/id-token-mutations.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey } from '../support/signing-keys.js';
import { UserAgent } from '../support/user-agent.js';

/** Test titles are needed before there is a provider. */
const mutationNames = [
  ...(
    await idTokenMutations({
      issuer: '',
      clientId: '',
      clientSecret: '-',
      audience: '',
      keys: await Promise.all([testKey('RS256'), testKey('ES256')]),
      staleNonce: '',
    })
  ).keys(),
];

const answersWithout: Record<string, (body: JsonMembers) => JsonMembers> = {
  'no ID token': ({ id_token: _idToken, ...body }) => body,
  'an empty ID token': (body) => ({ ...body, id_token: '' }),
  'null for the ID token': (body) => ({ ...body, id_token: null }),
  'an ID token that is no JWT': (body) => ({ ...body, id_token: 'an-opaque-string' }),
  'an ID token of three empty parts': (body) => ({ ...body, id_token: '..' }),
  'an encrypted ID token': (body) => ({ ...body, id_token: 'e30.e30.e30.e30.e30' }),
  'a list of ID tokens': (body) => ({ ...body, id_token: [body['id_token']] }),
  'an ID token with a line break at its end': (body) => ({
    ...body,
    id_token: `${String(body['id_token'])}\n`,
  }),
  'the access token for an ID token': (body) => ({ ...body, id_token: body['access_token'] }),
};

describe.each(flowAdapters)('the ID token of a login on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let mutations: ReadonlyMap<string, TokenPatch>;
  let admitted = 0;

  async function finish(at = app): Promise<Reply> {
    const agent = new UserAgent();
    return agent.get(wayBack(await openOwnLogin(at, agent), provider));
  }

  function expectNoLogin(reply: Reply): void {
    expectRefusal(reply, 502, 'server_error');
    expect(reply.text()).not.toMatch(/token"|eyJ/);
    expect(admitted).toBe(0);
  }

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = { onLogin: () => void (admitted += 1) };
    app = await startApp({ adapter, provider, options });
    await openLogin(app);
    const staleNonce = provider.requestsTo('authorization')[0]?.query['nonce'] ?? '';
    const { issuer, clientId, clientSecret, audience, keys } = provider;
    const source = { issuer, clientId, clientSecret, audience, keys, staleNonce };
    mutations = await idTokenMutations(source);
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    admitted = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CB-5: is enough for a login, also beside an opaque access token', async () => {
    provider.behaviour.opaqueAccessTokens = true;

    const reply = await finish();

    expect(reply.status).toBe(200);
    expect(admitted).toBe(1);
  });

  it('CB-5: may name us by azp, alone or among several audiences, and be 3 seconds ahead', async () => {
    const patches: JsonMembers[] = [
      { azp: provider.clientId },
      { aud: [provider.clientId] },
      { aud: [provider.clientId, 'other-client'], azp: provider.clientId },
      { iat: Math.floor(Date.now() / 1000) + 3 },
    ];

    for (const changes of patches) {
      provider.behaviour.idToken = { claims: (claims) => ({ ...claims, ...changes }) };
      expect((await finish()).status, JSON.stringify(changes)).toBe(200);
    }
  });

  it.each(mutationNames)('CB-5: ends no login with %s', async (name) => {
    provider.behaviour.idToken = mutations.get(name) ?? {};

    expectNoLogin(await finish());
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it.each(Object.entries(answersWithout))('CB-5: ends no login with %s', async (_name, patch) => {
    provider.behaviour.tokenResponse = patch;

    expectNoLogin(await finish());
  });

  it('CB-5: ends no login with the ID token of an earlier one', async () => {
    let earlier: unknown;
    provider.behaviour.tokenResponse = (body) => {
      earlier ??= body['id_token'];
      return { ...body, id_token: earlier };
    };
    expect((await finish()).status).toBe(200);
    admitted = 0;

    expectNoLogin(await finish());
  });

  it('CB-5: ends no login on the token route with any of these either', async () => {
    for (const patch of mutations.values()) {
      provider.behaviour.idToken = patch;
      expectNoLogin(await postToken(app, handleForm(await openLogin(app))));
    }

    provider.behaviour.idToken = {};
    for (const patch of Object.values(answersWithout)) {
      provider.behaviour.tokenResponse = patch;
      expectNoLogin(await postToken(app, handleForm(await openLogin(app))));
    }
  });

  it('CB-5: uses up a login that ended so', async () => {
    provider.behaviour.idToken = mutations.get('another nonce') ?? {};
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    expectNoLogin(await agent.get(wayBack(open, provider)));
    provider.resetBehaviour();
    provider.clearRequests();

    const again = await agent.get(wayBack(open, provider));

    expectRefusal(again, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('CB-5: is verified with a key that was published after the last look', async () => {
    const own = await startApp({ adapter, provider });
    expect((await finish(own)).status).toBe(200);

    await provider.rotateKeys();

    expect((await finish(own)).status).toBe(200);
    expect(provider.requestsTo('jwks')).toHaveLength(2);
    await own.close();
  });

  it('CB-5: costs no code while its keys cannot be had, and the same login works later', async () => {
    const clock = new FakeClock();
    const own = await startApp({ adapter, provider, clock });
    const agent = new UserAgent();
    const open = await openOwnLogin(own, agent);
    provider.behaviour.faults.jwks = failWith(503);

    const reply = await agent.get(wayBack(open, provider));

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(provider.requestsTo('token')).toEqual([]);

    provider.resetBehaviour();
    clock.advance(30);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
    await own.close();
  });
});
