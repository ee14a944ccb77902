import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith, failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

const HASH = /^[0-9a-f]{16}$/;
const names: OidcEventName[] = [
  'login',
  'refresh',
  'logout',
  'revoke',
  'issuer-refused',
  'keys-changed',
  'stale-keys-served',
  'client-rejected',
  'provider-failed',
  'subject-mismatch',
];

describe.each(flowAdapters)('events on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let seen: [name: OidcEventName, event: OidcEventMap[OidcEventName]][];
  let linesBefore = 0;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ behaviour: { now: () => clock.now() } });
    app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
    const events = app.app.get(OidcEvents, { strict: false });
    for (const name of names) events.on(name, (event) => seen.push([name, event]));
    seen = [];
    await get(provider.accessToken());
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.behaviour.now = () => clock.now();
    clock.advance(61);
    seen = [];
    linesBefore = app.logs().length;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const get = (bearer: string) => request(`${app.url}/required`, { bearer });
  /** Until the provider answers again, and no attempt that failed is under way any more. */
  const recovered = (): Promise<void> =>
    vi.waitFor(
      async () => {
        provider.behaviour.faults = {};
        clock.advance(60);
        seen = [];
        await get(provider.accessToken()); // the keys are renewed behind it
        expect(seen).toEqual([]);
      },
      { timeout: 30_000 },
    );
  const logged = (): string[] =>
    app
      .logs()
      .slice(linesBefore)
      .filter((line) => line.includes('[OidcAuth]'));

  it('LG-3: an unknown issuer, a hundred times: as many events, one line', async () => {
    for (let at = 0; at < 100; at += 1) {
      await get(provider.accessToken({ iss: `https://evil-${at}.example` }));
    }

    expect(seen).toHaveLength(100);
    expect(seen[0]).toEqual([
      'issuer-refused',
      { provider: 'default', issuer: 'https://evil-0.example' },
    ]);
    expect(logged()).toHaveLength(1);
    expect(logged()[0]).toMatch(/WARN \[OidcAuth\] GuardedRoutes\.required .*evil-0\.example/);
  });

  it('LG-3: the lines left out are counted in the next one', async () => {
    for (let at = 0; at < 5; at += 1)
      await get(provider.accessToken({ iss: 'https://evil.example' }));
    clock.advance(60);
    await get(provider.accessToken({ iss: 'https://evil.example' }));

    expect(logged()).toHaveLength(2);
    expect(logged()[1]).toContain('4 more');
  });

  it('LG-3: a changed key set, with the ids of its keys', async () => {
    const before = provider.signingKey.kid;
    const { kid } = await provider.rotateKeys();
    provider.withdrawKey(before);

    await get(provider.accessToken());

    expect(seen).toEqual([
      ['keys-changed', { provider: 'default', added: [kid], removed: [before] }],
    ]);
    expect(logged()).toHaveLength(1);
  });

  it('LG-3: a client that the provider rejects, once and with the options to look at', async () => {
    provider.behaviour.faults.token = answerWith({
      status: 401,
      body: { error: 'invalid_client' },
    });

    for (let at = 0; at < 3; at += 1) await postToken(app, { refresh_token: 'any-refresh-token' });

    const rejected = seen.filter(([name]) => name === 'client-rejected');
    expect(rejected).toEqual(
      Array.from({ length: 3 }, () => [
        'client-rejected',
        { provider: 'default', error: 'invalid_client' },
      ]),
    );
    const lines = logged().filter((line) => line.includes('client-rejected'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/ERROR .*"clientId", "clientSecret"/);
  });

  it('LG-3: a revoked token, by its hash', async () => {
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    seen = [];
    linesBefore = app.logs().length;

    await request(`${app.url}/auth/v2/revoke`, { form: { token: String(refresh_token) } });

    expect(seen).toEqual([['revoke', { provider: 'default', token: expect.stringMatching(HASH) }]]);
    expect(logged()).toHaveLength(1);
    expect(logged()[0]).toContain('revoke');
  });

  it('LG-3: userinfo about somebody else, by the hash of the subject', async () => {
    provider.behaviour.userinfo = (claims) => ({ ...claims, sub: 'sub-of-somebody-else' });
    const bearer = provider.accessToken({ preferred_username: undefined });

    const reply = await request(`${app.url}/auth/v2/userinfo`, { bearer });

    expect(reply.status).toBe(502);
    expect(seen).toContainEqual([
      'subject-mismatch',
      { provider: 'default', subject: expect.stringMatching(HASH) },
    ]);
    const lines = logged().filter((line) => line.includes('subject-mismatch'));
    expect(lines).toHaveLength(1);
    expect(lines.join()).not.toMatch(/sub-/);
  });

  it('LG-3: a failing provider, with names and codes', async () => {
    provider.behaviour.faults.token = failWith(503);

    for (let at = 0; at < 5; at += 1) await postToken(app, { refresh_token: 'any-refresh-token' });

    expect(seen.filter(([name]) => name === 'provider-failed')).toHaveLength(5);
    const lines = logged().filter((line) => line.includes('provider-failed'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('503');
  });

  it('LG-3: keys that are stale, with their age', async () => {
    await get(provider.accessToken());
    provider.behaviour.faults = { jwks: failWith(503), discovery: failWith(503) };
    for (let at = 0; at < 3; at += 1) {
      clock.advance(3600);
      await get(provider.accessToken());
    }

    const stale = seen.filter(([name]) => name === 'stale-keys-served');
    expect(stale.length).toBeGreaterThan(0);
    expect(stale.at(-1)?.[1]).toMatchObject({ provider: 'default', ageSec: expect.any(Number) });
    await recovered();
  });

  it('LG-3: logins, refreshes and logouts, without a line', async () => {
    provider.behaviour.faults = {};
    await recovered();
    linesBefore = app.logs().length;
    const { refresh_token } = (await postToken(app, handleForm(await openLogin(app)))).json();
    await postToken(app, { refresh_token: String(refresh_token) });
    await request(`${app.url}/auth/v2/logout`);

    expect(seen).toEqual([
      [
        'login',
        {
          provider: 'default',
          grant: 'authorization_code',
          subject: expect.stringMatching(HASH),
        },
      ],
      ['refresh', { provider: 'default' }],
      ['logout', { provider: 'default' }],
    ]);
    expect(logged()).toEqual([]);
  });
});
