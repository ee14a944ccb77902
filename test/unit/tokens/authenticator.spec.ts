import { describe, expect, it, vi } from 'vitest';

import { epochSeconds } from '../../../lib/clock/clock.js';
import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { Authenticator } from '../../../lib/tokens/authenticator.js';
import { FakeClock } from '../../support/fake-clock.js';

const isFresh = (): boolean => true;

describe('callers by session cookie', () => {
  const clock = new FakeClock();
  const options = { clockToleranceSec: 5 };
  const credentials = { headers: {}, method: 'GET' };

  /** Who a cookie names: a user with these roles, who logged in just now. */
  function byCookie(roles: readonly string[]) {
    const authTime = epochSeconds(clock);
    const issuer = Object({ kind: 'own', demands: [], defaultDemands: [], roleClients: [] });
    const found = (held: readonly string[]) => ({
      claims: { iss: 'here', sub: 'alice', exp: 2e9, auth_time: authTime, roles: held },
      issuer,
      holds: () => true,
      isFresh,
      untilSec: 2e9,
    });
    const verify = vi.fn(async (_: object, isUse: boolean) => found(isUse ? roles : []));
    const made = new Authenticator(Object({}), clock, options, Object({ verify }));
    return { made, verify };
  }

  it('are looked at again by the same rule, which is no use of the session', async () => {
    const { made, verify } = byCookie(['editor']);
    const rule = checkAuthRule({ roles: 'editor' });

    const { look, byCookie: isByCookie } = await made.identify(credentials, rule);

    expect([isByCookie, look?.isFresh, look?.untilSec]).toEqual([true, isFresh, 2e9]);
    await expect(look?.again()).rejects.toMatchObject({ error: 'insufficient_scope' });
    expect(verify.mock.calls).toEqual([
      [credentials, true],
      [credentials, false],
    ]);
  });

  it('need no newer login to go on with what a recent one opened', async () => {
    const { made } = byCookie([]);
    const rule = checkAuthRule({ maxAgeSec: 60 });
    const { look } = await made.identify(credentials, rule);

    clock.advance(600);

    expect(await look?.again()).toMatchObject({ claims: { sub: 'alice' } });
    await expect(made.identify(credentials, rule)).rejects.toMatchObject({
      error: 'insufficient_user_authentication',
    });
  });
});
