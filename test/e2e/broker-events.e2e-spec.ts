import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { hashedId } from '../../lib/events/oidc-events.js';
import { OidcEvents, type OidcEventName } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { brokerLogin, guarded, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { answerWith } from '../support/faults.js';
import { request } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { exchange } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

const NAMES: readonly OidcEventName[] = [
  'client-rejected',
  'issuer-refused',
  'login',
  'logout',
  'revoke',
  'session-ended',
  'signing-key',
  'token-refused',
];
const provider = 'default';

interface Scene {
  readonly app: TestApp;
  readonly idp: MisbehavingProvider;
  readonly session: BrokerTokens;
}

/** What somebody does, and what the host is told of it. */
const scenes: Record<
  string,
  [act: (scene: Scene) => Promise<unknown>, told: (scene: Scene) => object[]]
> = {
  'a token of an unknown issuer': [
    ({ app, idp }) => guarded(app, idp.accessToken({ iss: 'https://evil.example/\r\nx' })),
    () => [
      { name: 'issuer-refused', provider, issuer: String.raw`https://evil.example/\u000d\u000ax` },
    ],
  ],
  'a token with a forged signature': [
    ({ app, session }) => guarded(app, `${session.accessToken.slice(0, -6)}AAAAAA`),
    () => [{ name: 'token-refused', provider, reason: expect.stringMatching(/signature/i) }],
  ],
  'an exchange': [
    ({ app, idp }) => exchange(app, idp.accessToken()),
    () => [{ name: 'login', provider, grant: 'token_exchange', subject: hashedId(alice.sub) }],
  ],
  'an exchange of a token of ours': [
    ({ app, session }) => exchange(app, session.accessToken),
    ({ app }) => [{ name: 'issuer-refused', provider, issuer: app.url }],
  ],
  'a revocation': [
    ({ app, session }) =>
      request(`${app.url}/auth/v2/revoke`, { form: { token: session.refreshToken } }),
    ({ session }) => [
      ended(session, 'revoked'),
      { name: 'revoke', provider, token: hashedId(session.refreshToken) },
    ],
  ],
  'a revocation of what is not ours': [
    ({ app }) => request(`${app.url}/auth/v2/revoke`, { form: { token: 'unknown' } }),
    () => [],
  ],
  'a logout': [
    ({ app, session }) => request(`${app.url}/auth/v2/logout`, { bearer: session.accessToken }),
    ({ session }) => [ended(session, 'logout'), { name: 'logout', provider }],
  ],
  'a logout by the provider': [
    ({ app, idp }) => sendLogoutToken(app, logoutToken(idp)),
    ({ session }) => [ended(session, 'logout'), { name: 'logout', provider }],
  ],
  'a logout token that does not hold': [
    ({ app, idp }) => sendLogoutToken(app, logoutToken(idp, { claims: { aud: 'other' } })),
    () => [],
  ],
  'the end of all sessions of a user': [
    ({ app }) => app.service.revokeSessions(alice.sub),
    ({ session }) => [ended(session, 'revoked')],
  ],
  'an emergency': [
    ({ app }) => app.service.retireSigningKey(),
    () => [
      { name: 'signing-key', provider, kid: expect.any(String), change: 'created' },
      { name: 'signing-key', provider, kid: expect.any(String), change: 'retired' },
    ],
  ],
  'a client secret that the provider refuses': [
    async ({ app, idp }) => {
      idp.behaviour.faults.token = answerWith({ status: 401, body: { error: 'invalid_client' } });
      await brokerLogin(app).catch(() => undefined);
    },
    () => [{ name: 'client-rejected', provider, error: 'invalid_client' }],
  ],
};

function ended({ claims }: BrokerTokens, reason: string): object {
  return { name: 'session-ended', provider, session: hashedId(String(claims['sid'])), reason };
}

describe('the events of broker mode', () => {
  let idp: MisbehavingProvider;
  let app: TestApp;

  beforeEach(async () => {
    idp = await startMisbehavingProvider();
    onTestFinished(() => idp.close());
    app = await startBrokerApp({ provider: idp, broker: { signingAlgorithm: 'ES256' } });
    onTestFinished(() => app.close());
  });

  it.each(Object.entries(scenes))('LG-3: tell of %s', async (_what, [act, told]) => {
    const session = await brokerLogin(app);
    const seen: object[] = [];
    const events = app.app.get(OidcEvents, { strict: false });
    for (const name of NAMES) events.on(name, (event) => seen.push({ name, ...event }));

    await act({ app, idp, session });

    expect(seen).toEqual(told({ app, idp, session }));
    const written = JSON.stringify(seen) + app.logs().join('\n');
    for (const id of [session.claims['sid'], session.claims['jti'], alice.sub]) {
      expect(written).not.toContain(String(id));
    }
  });

  it('LG-3: are logged once a minute a kind, with the number of those left out', async () => {
    const clock = new FakeClock();
    const ownApp = await startBrokerApp({ provider: idp, clock });
    onTestFinished(() => ownApp.close());

    for (let turn = 0; turn < 50; turn += 1) await guarded(ownApp, idp.accessToken());
    clock.advance(61);
    await guarded(ownApp, idp.accessToken());

    const lines = ownApp.logs().filter((line) => line.includes('unknown issuer'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('49 more');
  });
});
