import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import {
  answerWith,
  closeSocket,
  emptyBody,
  failWith,
  hang,
  html,
  redirectTo,
  type Fault,
} from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { clientPkce, handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const refusal = (error: string, status = 400): Fault => answerWith({ status, body: { error } });

/** No answer: nobody knows that the code was spent. */
const unanswered: [what: string, fault: Fault][] = [
  ['closes the connection', closeSocket('before')],
  ['does not answer in time', hang()],
  ['answers 500', failWith(500)],
  ['answers 503', failWith(503, { retryAfterSec: 1 })],
  ['answers 429', failWith(429)],
  ['answers 502 with a page', html(502)],
  ['says temporarily_unavailable', refusal('temporarily_unavailable')],
];

/** An answer, and a bad one. */
const answered: [what: string, fault: Fault, status: number, error: string][] = [
  ['refuses the grant', refusal('invalid_grant'), 400, 'invalid_grant'],
  ['refuses the request', refusal('invalid_request'), 400, 'invalid_request'],
  ['refuses the client', refusal('invalid_client', 401), 502, 'server_error'],
  ['redirects', redirectTo('http://127.0.0.1:9/'), 502, 'server_error'],
  ['answers a page', html(), 502, 'server_error'],
  ['answers nothing', emptyBody(), 502, 'server_error'],
];

describe.each(flowAdapters)('the single use of a login on %s', (adapter) => {
  let clock: SteppedClock;
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeEach(async () => {
    clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  afterEach(async () => {
    await app.close();
    await provider.close();
  });

  it('TK-3: lets one of 20 parallel redemptions through, with one exchange', async () => {
    const form = handleForm(await openLogin(app));

    const replies = await Promise.all(Array.from({ length: 20 }, () => postToken(app, form)));

    const losers = replies.filter(({ status }) => status !== 200);
    expect(losers).toHaveLength(19);
    for (const reply of losers) expectRefusal(reply, 400, 'invalid_grant');
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('TK-3: lets one through whichever proof the parallel ones bring', async () => {
    const { verifier, query } = await clientPkce();
    const { code, state, handle, redirectUri } = await openLogin(app, { query });
    const form = { code, state, redirect_uri: redirectUri };

    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        postToken(app, { ...form, code_verifier: n % 2 === 0 ? handle : verifier }),
      ),
    );

    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it.each(unanswered)('TK-3: keeps the login when the provider %s', async (_, fault) => {
    const form = handleForm(await openLogin(app));
    provider.behaviour.faults.token = fault;
    const failed = await postToken(app, form);
    provider.resetBehaviour();

    const again = await postToken(app, form);
    const afterwards = await postToken(app, form);

    expectRefusal(failed, 503, 'temporarily_unavailable');
    expect(again.status).toBe(200);
    expectRefusal(afterwards, 400, 'invalid_grant');
    expect(provider.requestsTo('token')).toHaveLength(2);
  });

  it('TK-3: keeps the login while the provider is down, and lets one through afterwards', async () => {
    const first = await openLogin(app);
    const form = handleForm(await openLogin(app));
    await postToken(app, handleForm(first)); // the keys are known now

    await provider.stop();
    const during = await Promise.all([postToken(app, form), postToken(app, form)]);
    const later = await postToken(app, form);
    await provider.start();
    provider.clearRequests();
    clock.advance(31);
    const replies = await Promise.all(Array.from({ length: 20 }, () => postToken(app, form)));

    // Of two at once the second may see the first under way.
    expect(during.map(({ status }) => status)).toContain(503);
    expectRefusal(later, 503, 'temporarily_unavailable');
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('TK-3: does not spend the code while the keys for its ID token cannot be had', async () => {
    provider.behaviour.faults.jwks = failWith(503);
    const form = handleForm(await openLogin(app));

    const failed = await postToken(app, form);
    const callsBefore = provider.requestsTo('token').length;
    provider.resetBehaviour();
    clock.advance(31);
    const again = await postToken(app, form);

    expectRefusal(failed, 503, 'temporarily_unavailable');
    expect(callsBefore).toBe(0);
    expect(again.status).toBe(200);
  });

  it('TK-3: keeps the login on an instance that never reached the provider', async () => {
    const form = handleForm(await openLogin(app));
    await provider.stop();
    const other = await startApp({ adapter, provider, clock });

    const failed = await postToken(other, form);
    await provider.start();
    clock.advance(31);
    const again = await postToken(other, form);

    expectRefusal(failed, 503, 'temporarily_unavailable');
    expect(again.status).toBe(200);
    await other.close();
  });

  it('TK-3: keeps the login while too many calls are under way', async () => {
    const busy = await startApp({
      adapter,
      provider,
      clock,
      options: { maxUpstreamCalls: 2, timeoutMs: 500 },
    });
    await postToken(busy, handleForm(await openLogin(busy)));
    const form = handleForm(await openLogin(busy));
    provider.behaviour.faults.token = async () => undefined; // and no answer
    const hanging = ['one', 'two'].map((token) => postToken(busy, { refresh_token: token }));
    await expect.poll(() => provider.requestsTo('token')).toHaveLength(3);

    const refused = await postToken(busy, form);
    clock.advance(0.5);
    await Promise.all(hanging);
    provider.resetBehaviour();
    const again = await postToken(busy, form);

    expectRefusal(refused, 503, 'temporarily_unavailable');
    expect(again.status).toBe(200);
    await busy.close();
  });

  it.each(answered)(
    'TK-3: uses the login up when the provider %s',
    async (_, fault, status, error) => {
      const form = handleForm(await openLogin(app));
      provider.behaviour.faults.token = fault;
      const failed = await postToken(app, form);
      provider.resetBehaviour();

      const again = await postToken(app, form);

      expectRefusal(failed, status, error);
      expectRefusal(again, 400, 'invalid_grant');
      expect(provider.requestsTo('token')).toHaveLength(1);
    },
  );

  it('TK-3: uses the login up when its ID token does not hold', async () => {
    const form = handleForm(await openLogin(app));
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, nonce: 'of-another-login' });
    const failed = await postToken(app, form);
    provider.resetBehaviour();

    const again = await postToken(app, form);

    expectRefusal(failed, 502, 'server_error');
    expectRefusal(again, 400, 'invalid_grant');
  });

  it('TK-3: cannot be tricked into redeeming the code of another login', async () => {
    const [own, stolen] = [await openLogin(app), await openLogin(app)];

    const injected = await postToken(app, { ...handleForm(own), code: stolen.code });

    expectRefusal(injected, 400, 'invalid_grant'); // by PKCE, at the provider
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('TK-3: relies on the code beyond one instance', async () => {
    const other = await startApp({ adapter, provider, clock });
    const form = handleForm(await openLogin(app));

    const replies = await Promise.all([postToken(app, form), postToken(other, form)]);

    expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
    await other.close();
  });
});
