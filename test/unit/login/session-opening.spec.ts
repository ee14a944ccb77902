import { describe, expect, it, vi } from 'vitest';

import { OAuthError, invalidGrant, unavailable } from '../../../lib/errors/oauth.error.js';
import { OidcEvents, hashedId } from '../../../lib/events/oidc-events.js';
import { BrokerLogin } from '../../../lib/login/broker-login.js';
import { BrowserLogin } from '../../../lib/login/browser-login.js';
import type { AnsweredLogin } from '../../../lib/login/login-end.js';
import { SessionOpening } from '../../../lib/login/session-opening.js';
import type { TokenAnswer } from '../../../lib/providers/token-answer.js';
import type { FinishedSession } from '../../../lib/sessions/open-session.js';
import { FakeClock } from '../../support/fake-clock.js';

const ID_TOKEN = { iss: 'https://idp', sub: 'sub-alice', sid: 's', iat: 1000, acr: 'silver' };

const answerWith = (changed: Partial<TokenAnswer> = {}): TokenAnswer => ({
  accessToken: 'access',
  expiresAt: 1300,
  refreshToken: 'refresh',
  refreshExpiresAt: 9000,
  refreshExpiryStated: true,
  scope: 'openid',
  idToken: 'id-token',
  idTokenClaims: ID_TOKEN,
  ...changed,
});

const answered = (changed: Partial<AnsweredLogin> = {}): AnsweredLogin => ({
  provider: Object({
    name: 'default',
    options: { clientId: 'my-client', clockToleranceSec: 5 },
    limitedScope: (scope: string) => scope,
  }),
  grant: 'authorization_code',
  asked: {},
  client: {},
  loginId: 'login',
  taken: () => invalidGrant('used before'),
  ...changed,
});

/** The opening of sessions among doubles of all that it asks. */
function setUp() {
  const events = new OidcEvents(new FakeClock());
  const logins: unknown[] = [];
  events.on('login', (event) => void logins.push(event));
  const collector = {
    collect: async () => ({ said: {}, unabridged: {} }),
    checkDemands: () => undefined,
    toUserClaims: async () => ({ sub: 'alice' }),
    profileOf: () => ({}),
  };
  const prepareKeys = vi.fn(async () => undefined);
  const prepareStore = vi.fn(async () => undefined);
  const revoke = vi.fn(async (..._call: unknown[]) => undefined);
  const end = vi.fn(async (..._call: unknown[]) => true);
  const opening = new SessionOpening(
    Object({ of: () => collector }),
    Object({ check: async () => undefined }),
    Object({ prepare: prepareStore, end }),
    Object({ prepare: prepareKeys }),
    Object({ revoke }),
    events,
    Object({ sessionAddresses: false }),
  );
  const write = vi.fn(async (login: FinishedSession) =>
    Object({ session: { id: 'id', provider: login.provider }, content: login.content }),
  );
  return { opening, write, prepareKeys, prepareStore, revoke, end, logins };
}

/** `done`, or status and code. */
async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return `${error.getStatus()} ${error.error}`;
  }
}

describe('a session that a login opens', () => {
  it('fault 8: is no use of a code while keys or store cannot be had', async () => {
    const { opening, prepareKeys, prepareStore } = setUp();

    expect(await outcome(opening.prepare())).toBe('done');
    prepareStore.mockRejectedValueOnce(unavailable('no store'));
    expect(await outcome(opening.prepare())).toBe('503 temporarily_unavailable');
    prepareKeys.mockRejectedValueOnce(unavailable('no keys'));
    expect(await outcome(opening.prepare())).toBe('503 temporarily_unavailable');
  });

  it.each<[what: string, answer: Partial<TokenAnswer>, login: Partial<AnsweredLogin>, string]>([
    ['no ID token came', { idTokenClaims: undefined }, {}, '502 server_error'],
    ['it has no issuer', { idTokenClaims: { sub: 'a' } }, {}, '502 server_error'],
    ['it has no subject', { idTokenClaims: { iss: 'a' } }, {}, '502 server_error'],
    [
      'it says less of the login than was asked for',
      {},
      { asked: { acrValues: ['gold'] } },
      '400 unmet_authentication_requirements',
    ],
  ])('CB-5: is none where %s, and the tokens are given back', async (_, answer, login, refusal) => {
    const { opening, write, revoke } = setUp();

    const opened = opening.open(answerWith(answer), answered(login), write);

    expect(await outcome(opened)).toBe(refusal);
    expect(write).not.toHaveBeenCalled();
    expect(revoke.mock.calls).toEqual([
      ['default', expect.objectContaining({ refreshToken: 'refresh', clientId: 'my-client' })],
    ]);
  });

  it('TK-3: is one for each login', async () => {
    const { opening, revoke } = setUp();

    const opened = opening.open(answerWith(), answered(), async () => undefined);

    expect(await outcome(opened)).toBe('400 invalid_grant');
    expect(revoke).toHaveBeenCalledTimes(1);
  });

  it.each<[claims: object, providerSession: string | undefined, loginIat: number | undefined]>([
    [{}, 's', 1000],
    [{ sid: '' }, undefined, 1000],
    [{ sid: 7 }, undefined, 1000],
    [{ sid: undefined, iat: undefined }, undefined, undefined],
    [{ iat: '1000' }, 's', undefined],
  ])('LO-5: notes of an ID token with %j the session and the time', async (claims, sid, iat) => {
    const { opening, write } = setUp();

    const idTokenClaims = { ...ID_TOKEN, ...claims };
    await opening.open(answerWith({ idTokenClaims }), answered(), write);

    expect(write.mock.calls[0]?.[0]).toMatchObject({
      providerSession: sid,
      content: { loginIat: iat },
    });
  });

  it.each([true, false])('RF-6: ends with what the provider itself stated: %s', async (stated) => {
    const { opening, write } = setUp();

    await opening.open(answerWith({ refreshExpiryStated: stated }), answered(), write);

    const { refreshExpiresAt } = write.mock.calls[0]?.[0].content.provider ?? {};
    expect(refreshExpiresAt).toBe(stated ? 9000 : undefined);
  });
});

describe('LG-3: the event of a login', () => {
  const told = {
    provider: 'default',
    grant: 'authorization_code',
    subject: hashedId('sub-alice'),
    session: hashedId('id'),
  };

  it('comes with tokens, once they are minted; before that the session is taken back', async () => {
    const { opening, write, logins, end } = setUp();
    const respond = vi.fn(async () => Object({}));
    const login = new BrokerLogin(opening, Object({ create: write }), Object({ respond }), false);

    await login.conclude(answerWith(), answered());
    expect(logins).toEqual([told]);

    respond.mockRejectedValueOnce(unavailable('no keys'));
    const failed = login.conclude(answerWith(), answered());
    expect(await outcome(failed)).toBe('503 temporarily_unavailable');
    expect(logins).toHaveLength(1);
    expect(end.mock.calls).toEqual([[expect.objectContaining({ id: 'id' }), 'login-failed']]);
  });

  it('comes with a session by cookie', async () => {
    const { opening, write, logins } = setUp();

    await new BrowserLogin(opening, Object({ begin: write })).conclude(answerWith(), answered());

    expect(logins).toEqual([told]);
  });
});

describe('BS-2: what a browser had before its login', () => {
  const begun = Object({ session: { id: 'new', provider: 'default' }, content: { provider: {} } });

  it('ends, each of it', async () => {
    const { opening, end } = setUp();
    const replace = vi.fn(async () => undefined);

    await new BrowserLogin(opening, Object({ replace })).replace(['one', 'two'], begun);

    expect(replace.mock.calls).toEqual([
      ['one', begun.session],
      ['two', begun.session],
    ]);
    expect(end).not.toHaveBeenCalled();
  });

  it('or else the new session does: never do both live on', async () => {
    const { opening, end } = setUp();
    const replace = vi.fn().mockRejectedValue(unavailable('no store'));

    const replaced = new BrowserLogin(opening, Object({ replace })).replace(['one'], begun);

    expect(await outcome(replaced)).toBe('503 temporarily_unavailable');
    expect(end.mock.calls).toEqual([[begun.session, 'login-failed']]);
  });
});
