import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import type { Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

/** RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6, as far as a caller can do something about them. */
const known = [
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_request',
  'invalid_scope',
  'login_required',
  'server_error',
  'temporarily_unavailable',
];

const unknown = [
  'made_up',
  'ACCESS_DENIED',
  'access_denied ',
  'constructor',
  '__proto__',
  'toString',
  '<script>alert(1)</script>',
  'access_denied"\r\nSet-Cookie: a=b',
  '\u001b[31mred',
  '\ud83d\ude00',
];

const descriptions = {
  'a web page': '<script>alert("canary-text")</script><h1>canary-text</h1>',
  'a header': 'canary-text\r\nSet-Cookie: canary-text=1\r\n\r\n<h1>canary-text</h1>',
  'ten kilobytes': 'canary-text'.repeat(930),
  'terminal sequences': '\u001b[2Jcanary-text\u2028canary-text',
  quotes: `canary-text", "admin": true, "x": "`,
};

describe.each(adapters)('an error at the callback on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  async function fail(changes: Record<string, string>): Promise<Reply> {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    provider.clearRequests();
    return agent.get(wayBack(open, provider, { code: undefined, ...changes }));
  }

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(known)('CB-4: passes %s on as 400, without a call', async (error) => {
    const reply = await fail({ error });

    expectRefusal(reply, 400, error);
    expect(provider.requests).toEqual([]);
  });

  it.each(unknown)('CB-4: passes %j on as server_error, in our own words', async (error) => {
    const reply = await fail({ error });

    expectRefusal(reply, 400, 'server_error');
    expect(reply.text()).not.toContain(error);
    expect(provider.requests).toEqual([]);
  });

  it('CB-4: answers an endless error code without repeating it', async () => {
    const reply = await fail({ error: 'access_denied'.repeat(500) });

    expect(reply.status).toBe(400);
    expect(reply.text()).not.toContain('access_denied');
    expect(provider.requests).toEqual([]);
  });

  it.each(Object.entries(descriptions))(
    'CB-4: never shows or logs an error_description with %s',
    async (_name, text) => {
      const linesBefore = app.logs().length;

      const reply = await fail({
        error: 'access_denied',
        error_description: text,
        error_uri: `https://evil.example/?${text.slice(0, 100)}`,
      });

      const answer = `${reply.text()}\n${[...reply.headers].join('\n')}`;
      expectRefusal(reply, 400, 'access_denied');
      expect(answer).not.toMatch(/canary-text|evil\.example/);
      expect(app.logs().slice(linesBefore).join('\n')).not.toContain('canary-text');
    },
  );

  it('CB-4: has one text of our own for each code', async () => {
    const one = await fail({ error: 'access_denied', error_description: 'one' });
    const other = await fail({ error: 'access_denied', error_description: 'other' });

    expect(one.text()).toBe(other.text());
  });

  it('CB-4: believes an error only with a valid state and its cookie', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const refusal = { code: undefined, error: 'access_denied' };
    provider.clearRequests();

    const replies = [
      await agent.get(`${ownCallback(app)}?error=access_denied`),
      await agent.get(wayBack(open, provider, { ...refusal, state: 'x|http://y|z' })),
      await agent.get(wayBack(open, provider, { ...refusal, state: `${open.state}x` })),
      await new UserAgent().get(wayBack(open, provider, refusal)),
    ];

    for (const reply of replies) expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
  });

  it('CB-4: does not exchange a code that comes with an error, nor one that comes after it', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    provider.clearRequests();

    const both = await agent.get(wayBack(open, provider, { error: 'access_denied' }));
    const after = await agent.get(wayBack(open, provider));

    expectRefusal(both, 400, 'access_denied');
    expectRefusal(after, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('CB-4: passes on that a user refused consent at oidc-provider', async () => {
    const real = await startProvider();
    const own = await startApp({ adapter, provider: real });
    const agent = new UserAgent();
    const query = new URLSearchParams({ redirect_uri: ownCallback(own) }).toString();
    const url = `${own.url}/auth/v2/login?${query}`;

    const back = await agent.loginAt(real, url, 'alice', { deny: true });
    const reply = await agent.get(back);

    expect(new URL(back).searchParams.get('error_description')).toBe('The user said no');
    expectRefusal(reply, 400, 'access_denied');
    expect(reply.text()).not.toContain('said no');
    await own.close();
    await real.close();
  });
});
