import { describe, expect, it, vi } from 'vitest';

import { OAuthError, unavailable } from '../../../lib/errors/oauth.error.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { PassthroughRevoke } from '../../../lib/logout/passthrough-revoke.js';
import { encodePart } from '../../support/compact-jws.js';
import { FakeClock } from '../../support/fake-clock.js';

const jwtOf = (issuer: string): string =>
  `${encodePart({ alg: 'RS256' })}.${encodePart({ iss: `https://${issuer}` })}.AAAA`;

/** Providers who mark what is theirs by their name, "main" as the one that was there before the others. */
function setUp(names: readonly string[]) {
  const revoke = vi.fn(async (..._call: unknown[]) => undefined);
  const all = names.map((name) => ({
    name,
    revoke: (...call: unknown[]) => revoke(name, ...call),
  }));
  const named = (wanted: string | undefined) => all.find(({ name }) => name === wanted);
  const providers = {
    several: all.length > 1,
    ofMarked: async (token: string) => {
      const marking = all.find(({ name }) => token.startsWith(`${name}~`));
      if (marking) return { provider: marking, value: token.slice(marking.name.length + 1) };
      const provider = named('main');
      return /^[a-z]+~/.test(token) ? undefined : provider && { provider, value: token };
    },
    wanted: async (name: string) => named(name),
    find: async (name: string) => named(name),
    named: vi.fn(async (iss: string) => {
      const found = named(iss.slice('https://'.length));
      return found && { provider: found.name };
    }),
  };
  const made = new PassthroughRevoke(Object(providers), new OidcEvents(new FakeClock()));
  return { made, revoke, named: providers.named };
}

async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return error.description;
  }
}

const REFUSED = { name: 'The token is of another provider', none: 'provider is missing' };

describe('MP-1: a token that is revoked goes to one provider, and to nobody else', () => {
  const both = ['main', 'staff'];

  it.each<
    [names: string[], token: string, more: { hint?: string; provider?: string }, went: object]
  >([
    [['main'], 'opaque', {}, { to: 'main' }],
    [['main'], jwtOf('elsewhere'), {}, { to: 'main' }],
    [both, 'staff~refresh', {}, { to: 'staff', as: 'refresh' }],
    [both, 'staff~refresh', { provider: 'staff' }, { to: 'staff', as: 'refresh' }],
    [both, jwtOf('staff'), {}, { to: 'staff' }],
    [both, jwtOf('staff'), { provider: 'staff' }, { to: 'staff' }],
    [both, 'opaque', { hint: 'refresh_token' }, { to: 'main' }],
    [both, 'opaque', { provider: 'staff' }, { to: 'staff' }],
    [['staff', 'shop'], 'opaque', { provider: 'staff' }, { to: 'staff' }],
    [['staff', 'shop'], 'opaque', { hint: 'refresh_token' }, { refused: REFUSED.none }],
    [both, jwtOf('elsewhere'), { provider: 'staff' }, { to: 'staff' }],
    [both, 'opaque', {}, { refused: REFUSED.none }],
    [both, 'opaque', { hint: 'access_token' }, { refused: REFUSED.none }],
    [both, jwtOf('elsewhere'), {}, { refused: REFUSED.none }],
    [both, 'gone~refresh', {}, { refused: REFUSED.none }],
    [both, 'gone~refresh', { hint: 'refresh_token' }, { refused: REFUSED.none }],
    [both, 'gone~refresh', { provider: 'staff' }, { refused: REFUSED.name }],
    [both, 'main~refresh', { provider: 'staff' }, { refused: REFUSED.name }],
    [both, jwtOf('main'), { provider: 'staff' }, { refused: REFUSED.name }],
  ])('of %j: %s with %j: %j', async (names, token, more, went) => {
    const { made, revoke } = setUp(names);
    const { to, as = token, refused } = Object(went);

    expect(await outcome(made.revoke({ token, ...more }))).toBe(refused ?? 'done');
    expect(revoke.mock.calls).toEqual(to === undefined ? [] : [[to, as, more.hint]]);
  });

  it('fault 2: is 503 while nobody can tell whose it is', async () => {
    const { made, revoke, named } = setUp(both);
    named.mockRejectedValueOnce(unavailable('no keys'));

    await expect(made.revoke({ token: jwtOf('staff') })).rejects.toMatchObject({ status: 503 });
    expect(revoke).not.toHaveBeenCalled();
  });
});
