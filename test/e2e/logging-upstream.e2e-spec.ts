import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { registerSecret, secretsIn } from '../support/canary-secrets.js';
import { logEveryException } from '../support/chatty-filter.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith, html, truncatedJson, type Fault } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

const CANARY = 'canary-of-an-upstream-body';

const bodies: Record<string, unknown> = {
  'an error with a description': {
    error: 'invalid_grant',
    error_description: CANARY,
    hint: CANARY,
  },
  'an error whose code is a secret': { error: CANARY },
  'a refusal of our credentials': { error: 'invalid_client', error_description: CANARY },
  'an access token of a wrong type': {
    access_token: [CANARY],
    refresh_token: CANARY,
    id_token: CANARY,
  },
  'another token type': { access_token: CANARY, token_type: CANARY, refresh_token: CANARY },
  'an ID token that is none': { access_token: CANARY, token_type: 'Bearer', id_token: CANARY },
  'an ID token without signature': {
    access_token: CANARY,
    token_type: 'Bearer',
    id_token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(`{"x":"${CANARY}"}`).toString('base64url')}.`,
  },
  'a number for an expiry': { access_token: CANARY, token_type: 'Bearer', expires_in: { CANARY } },
  'a list': [CANARY],
  'a text': CANARY,
};

const faults: [what: string, fault: Fault][] = [
  ...Object.entries(bodies).flatMap(([what, body]): [string, Fault][] => [
    [`${what} and 200`, answerWith({ status: 200, body })],
    [`${what} and 400`, answerWith({ status: 400, body })],
    [`${what} and 500`, answerWith({ status: 500, body })],
  ]),
  [
    'a challenge',
    answerWith({
      status: 401,
      headers: { 'www-authenticate': `Basic realm="${CANARY}"` },
      body: {},
    }),
  ],
  ['a redirect', answerWith({ status: 307, headers: { location: `https://${CANARY}.example/` } })],
  ['a page', html()],
  ['half an answer', truncatedJson()],
];

describe.each(flowAdapters)('the log of answers of the provider on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  /** Logs every exception in full. */
  let chatty: TestApp;

  beforeAll(async () => {
    registerSecret(CANARY, 'upstream body');
    provider = await startMisbehavingProvider();
    const common = { adapter, provider, clock, controllers: [GuardedRoutes] };
    app = await startApp(common);
    chatty = await startApp({ ...common, configure: logEveryException });
  });

  afterEach(() => {
    provider.resetBehaviour();
    clock.advance(61); // one line a minute
  });

  afterAll(async () => {
    await Promise.all([app.close(), chatty.close()]);
    await provider.close();
  });

  /** Meets a fault at every endpoint that speaks to an application. */
  const meet = async (target: TestApp, fault: Fault): Promise<void> => {
    const { refresh_token } = (await postToken(target, handleForm(await openLogin(target)))).json();
    const device = (await request(`${target.url}/auth/v2/device`, { form: {} })).json();
    const login = await openLogin(target);
    provider.behaviour.faults = { token: fault, device: fault, userinfo: fault, revocation: fault };
    const anonymous = provider.accessToken({ preferred_username: undefined });

    await postToken(target, handleForm(login));
    await postToken(target, { refresh_token: String(refresh_token) });
    await postToken(target, { device_code: String(device['device_code']) });
    await request(`${target.url}/auth/v2/device`, { form: {} });
    await request(`${target.url}/auth/v2/userinfo`, { bearer: anonymous });
    await request(`${target.url}/auth/v2/revoke`, { form: { token: String(refresh_token) } });
  };

  it.each(faults)('LG-1: holds nothing of %s', async (_what, fault) => {
    const linesBefore = app.logs().length;

    await meet(app, fault);

    const output = app.logs().slice(linesBefore);
    expect(output.flatMap(secretsIn)).toEqual([]);
    expect(output.join('\n')).not.toContain('upstream-text');
  });

  it.each(faults)(
    'LG-1: holds nothing of %s when a host logs every exception',
    async (_, fault) => {
      const linesBefore = chatty.logs().length;

      await meet(chatty, fault);

      const output = chatty.logs().slice(linesBefore);
      expect(output.flatMap(secretsIn)).toEqual([]);
      expect(output.join('\n')).not.toContain('upstream-text');
    },
  );

  it.each([
    ['nonce', { nonce: CANARY }],
    ['audience', { aud: 'other-client', email: CANARY }],
    ['issuer', { iss: 'https://other.example', name: CANARY }],
    ['party', { azp: 'other-client', preferred_username: CANARY }],
    ['expiry', { exp: 1, email: CANARY }],
  ])('LG-1: holds nothing of a person that an ID token with a wrong %s names', async (...row) => {
    const [, claims] = row;
    provider.behaviour.idToken.claims = (usual) => ({ ...usual, ...claims });
    const linesBefore = [app, chatty].map((one) => one.logs().length);

    for (const target of [app, chatty]) {
      const reply = await postToken(target, handleForm(await openLogin(target)));
      expect(reply.status).toBe(502);
    }

    const output = [app, chatty].flatMap((one, at) => one.logs().slice(linesBefore[at]));
    expect(output.length).toBeGreaterThan(0);
    expect(output.flatMap(secretsIn)).toEqual([]);
    expect(output.join('\n')).not.toContain('sub-0001-alice');
  });
});
