import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import type { EndedSession } from '../../../lib/logout/callers-session.js';
import { Logout, type LogoutRequest } from '../../../lib/logout/logout.js';
import { FakeClock } from '../../support/fake-clock.js';

const ORIGIN = 'https://app.example.org';
const LISTED = ['https://shop.example.org/bye?a=1#end', '/bye'];

/** Two providers, who say what they are asked for in the address of their logout; with `none` they have no such address. */
function setUp(endpoints: 'both' | 'none' = 'both') {
  const provider = (name: string) => ({
    name,
    options: {
      clientId: 'my-client',
      tenants: [],
      expectedIssuers: [`https://${name}`],
      logoutParameters: { back: '{post_logout_redirect_uri}' },
    },
    endSessionUrl: async (parameters: Record<string, string>) =>
      endpoints === 'none' ? undefined : `${name}: ${JSON.stringify(parameters)}`,
  });
  const all = [provider('main'), provider('staff')];
  const find = async (name: string) => all.find((one) => one.name === name);
  const events = new OidcEvents(new FakeClock());
  const told: string[] = [];
  events.on('logout', ({ provider: name }) => void told.push(name));
  const logout = new Logout(
    Object({ find, wanted: async (name = 'main') => find(name) }),
    Object({ absolute: (path: string) => ORIGIN + path, local: (target: string) => target }),
    Object({}),
    events,
    Object({ publicUrl: ORIGIN, allowedPostLogoutRedirectUris: LISTED }),
  );
  return { logout, told };
}

const at = (name: string, more: object): string => `${name}: ${JSON.stringify(more)}`;
const root = { back: `${ORIGIN}/` };

describe('LO-4: a logout at the provider', () => {
  it.each<[what: string, request: LogoutRequest, ended: EndedSession | undefined, url: string]>([
    ['the default one', {}, undefined, at('main', root)],
    ['the one that is named', { provider: 'staff' }, undefined, at('staff', root)],
    [
      'that of the session, whichever is named',
      { provider: 'main' },
      { provider: 'staff', givenBy: { issuer: 'https://staff' }, idToken: 'hint' },
      at('staff', { ...root, id_token_hint: 'hint' }),
    ],
    [
      'with a target and a state',
      { postLogoutRedirectUri: '/bye', state: 'x' },
      undefined,
      at('main', {
        back: `${ORIGIN}/bye`,
        post_logout_redirect_uri: `${ORIGIN}/bye`,
        state: 'x',
      }),
    ],
    [
      'none, where another one has the name of that of the session',
      {},
      { provider: 'staff', givenBy: { issuer: 'https://before' }, idToken: 'hint' },
      '/',
    ],
    [
      'none, where that of the session is gone',
      {},
      { provider: 'gone', givenBy: {}, idToken: 'hint' },
      '/',
    ],
  ])('is at %s', async (_, request, ended, url) => {
    const { logout, told } = setUp();

    expect(await logout.start(request, async () => ended)).toBe(url);
    expect(told).toEqual([ended?.provider ?? request.provider ?? 'main']);
  });
});

describe('LO-1: a target of a logout', () => {
  it.each<[target: string, state: string | undefined, url: string]>([
    ['/', undefined, '/'],
    [ORIGIN, undefined, ORIGIN],
    [`${ORIGIN}/`, undefined, `${ORIGIN}/`],
    ['/bye', 'x y', '/bye?state=x+y'],
    [LISTED[0] ?? '', 'x', 'https://shop.example.org/bye?a=1&state=x#end'],
  ])('%s, with the state %s, leads to %s', async (postLogoutRedirectUri, state, url) => {
    const { logout } = setUp('none');

    expect(await logout.start({ postLogoutRedirectUri, state })).toBe(url);
  });

  it.each(['', '/bye/', '/bye?a', `${ORIGIN}/bye`, 'https://shop.example.org/bye', '//evil'])(
    'that is not listed is none: %j',
    async (postLogoutRedirectUri) => {
      const refused: unknown = await setUp()
        .logout.start({ postLogoutRedirectUri })
        .catch((error: unknown) => error);

      expect(refused).toBeInstanceOf(OAuthError);
      expect(String(Object(refused).cause)).toContain('expected "/", "https://shop.example.org');
    },
  );
});
