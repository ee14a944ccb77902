import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import {
  answerWith,
  drip,
  endlessBody,
  failWith,
  hang,
  html,
  redirectTo,
} from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

/** A token that does not name its user, so that the provider has to be asked. */
const nameless = { preferred_username: undefined, email: undefined };

describe.each(adapters)('the userinfo route on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    const clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  afterEach(() => provider.resetBehaviour());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const userinfo = (bearer: string): Promise<Reply> =>
    request(`${app.url}/auth/v2/userinfo`, { bearer });

  it('CL-4: takes user name and e-mail from top-level claims, not from nested ones before them', async () => {
    const token = provider.accessToken({
      preferred_username: undefined, // moved behind
      attributes: { preferred_username: 'admin', email: 'admin@example.org', name: 'Admin' },
      address: { uid: 'admin' },
      realm_access: { username: 'admin' },
      uid: 'alice',
    });

    const reply = await userinfo(token);

    expect(reply.json()).toMatchObject({ username: 'alice', email: 'alice@example.org' });
    expect(reply.text()).not.toContain('admin');
  });

  it('CL-4: does not let nested claims of the provider stand in for absent ones', async () => {
    provider.behaviour.userinfo = ({ sub }) => ({
      sub,
      attributes: { preferred_username: 'admin', email: 'admin@example.org' },
    });

    const reply = await userinfo(provider.accessToken(nameless));

    expect(reply.status).toBe(200);
    expect(reply.text()).not.toContain('admin');
  });

  it('CL-4: takes claims that are no text as absent', async () => {
    const token = provider.accessToken({
      preferred_username: { toString: 'admin' },
      uid: ['admin'],
      username: 'alice',
      email: { address: 'admin@example.org' },
    });

    expect((await userinfo(token)).json()).toMatchObject({ username: 'alice', email: '' });
  });

  it('CL-5: answers from the claims of a token that names its user, without a call', async () => {
    await userinfo(provider.accessToken());
    provider.clearRequests();

    const reply = await userinfo(provider.accessToken());

    expect(reply.json()).toEqual({
      username: 'alice',
      last_name: expect.any(String),
      first_name: expect.any(String),
      pw_name: 'alice',
      email: 'alice@example.org',
    });
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(provider.requests).toEqual([]);
  });

  it('CL-5: asks the provider about a token that does not name its user', async () => {
    const token = provider.accessToken(nameless);

    const reply = await userinfo(token);

    expect(reply.json()).toEqual({
      username: 'alice',
      last_name: 'Doe',
      first_name: 'Alice',
      pw_name: 'alice',
      email: 'alice@example.org',
    });
    expect(provider.requestsTo('userinfo').at(-1)?.headers.authorization).toBe(`Bearer ${token}`);
  });

  it.each<[string, (sub: unknown) => unknown]>([
    ['another subject', () => 'sub-0002-bob'],
    ['no subject', () => undefined],
    ['a subject of another case', (sub) => String(sub).toUpperCase()],
    ['a longer subject', (sub) => `${String(sub)}x`],
    ['a list with the subject', (sub) => [sub]],
    ['an empty subject', () => ''],
  ])('CL-5: answers 502 when the provider answers about %s', async (_kind, sub) => {
    provider.behaviour.userinfo = (claims) => ({
      ...claims,
      sub: sub(claims['sub']),
      preferred_username: 'admin',
    });

    const reply = await userinfo(provider.accessToken(nameless));

    expectRefusal(reply, 502, 'server_error');
    expect(reply.text()).not.toContain('admin');
  });

  it('CL-5: tells of an answer about another subject, without its name', async () => {
    provider.behaviour.userinfo = () => ({ sub: 'sub-0002-bob', preferred_username: 'bob' });

    await userinfo(provider.accessToken(nameless));

    const log = app.logs().join('\n');
    expect(log).toContain('subject-mismatch');
    expect(log).not.toMatch(/sub-000|"bob"/);
  });

  it.each([
    ['503', 'temporarily_unavailable', 'answers 500', failWith(500)],
    ['503', 'temporarily_unavailable', 'answers 503', failWith(503)],
    ['503', 'temporarily_unavailable', 'never answers', hang()],
    ['503', 'temporarily_unavailable', 'drips', drip({ bytes: 1, everyMs: 20 })],
    ['502', 'server_error', 'answers without end', endlessBody()],
    ['502', 'server_error', 'answers a web page', html()],
    ['502', 'server_error', 'redirects', redirectTo('http://127.0.0.1:9/')],
    ['502', 'server_error', 'answers a list', answerWith({ status: 200, body: [] })],
    ['502', 'server_error', 'answers no JSON', answerWith({ status: 200, body: '{' })],
  ])('CL-5: answers %s %s when the userinfo endpoint %s', async (status, error, _how, fault) => {
    provider.behaviour.faults.userinfo = fault;

    const reply = await userinfo(provider.accessToken(nameless));

    expectRefusal(reply, Number(status), error);
  });

  it('CL-5: answers from the token while the userinfo endpoint is down', async () => {
    provider.behaviour.faults.userinfo = failWith(503);

    const reply = await userinfo(provider.accessToken());

    expect(reply.json()).toMatchObject({ username: 'alice', email: 'alice@example.org' });
  });

  it('CL-5: lets a login end with the same subject whether userinfo is up, down or somebody else’s', async () => {
    const subjects: unknown[] = [];
    for (const fault of [
      undefined,
      failWith(503),
      hang(),
      answerWith({ status: 200, body: { sub: 'x' } }),
    ]) {
      if (fault !== undefined) provider.behaviour.faults.userinfo = fault;
      const reply = await postToken(app, handleForm(await openLogin(app)));
      expect(reply.status).toBe(200);
      const claims = await app.service.verify(String(reply.json()['access_token']));
      subjects.push(claims.sub);
    }

    expect(new Set(subjects)).toEqual(new Set(['sub-0001-alice']));
  });

  it('CL-5: sends no token to the provider that did not verify', async () => {
    await userinfo(provider.accessToken());
    provider.clearRequests();

    const replies = [
      await userinfo(provider.accessToken({ ...nameless, exp: 1 })),
      await userinfo(provider.accessToken({ ...nameless, aud: 'other' })),
      await userinfo(provider.accessToken({ ...nameless, iss: 'https://evil.example' })),
      await userinfo('opaque-token'),
    ];

    for (const reply of replies) expectRefusal(reply, 401, 'invalid_token');
    expect(provider.requests).toEqual([]);
  });
});
