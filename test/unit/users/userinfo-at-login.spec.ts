import { describe, expect, it } from 'vitest';

import { startCollector } from '../../support/claims-collector.js';
import { answerWith, failWith } from '../../support/faults.js';
import { alice } from '../../support/users.js';

describe('userinfo at a login', () => {
  it('CL-5: is not asked when the tokens say all', async () => {
    const { provider, claims } = await startCollector();

    await claims();

    expect(provider.requestsTo('userinfo')).toEqual([]);
  });

  it.each([undefined, '', [alice.sub]])(
    'CL-5: counts for nothing when it names no subject but %j',
    async (sub) => {
      const { provider, claims } = await startCollector();
      provider.behaviour.userinfo = (said) => ({ ...said, sub, email: 'other@example.org' });

      const minted = await claims({ accessToken: provider.accessToken({ email: undefined }) });

      expect(minted).toMatchObject({ sub: alice.sub, preferred_username: 'alice' });
      expect(minted).not.toHaveProperty('email');
    },
  );

  it.each(['sub-0002-bob', 'SUB-0001-ALICE', 'sub-0001-alice '])(
    'CL-5: ends the login with 502 when it is about %j',
    async (sub) => {
      const { provider, claims } = await startCollector();
      provider.behaviour.userinfo = (said) => ({ ...said, sub });

      const minting = claims({
        accessToken: provider.accessToken({ azp: 'other-client' }),
        idToken: { sub: alice.sub },
      });

      await expect(minting).rejects.toMatchObject({ error: 'server_error', status: 502 });
    },
  );

  it.each([
    ['with a challenge', { 'www-authenticate': 'Bearer error="invalid_token"' }],
    ['without one', {}],
    ['with a body', { 'content-type': 'text/html' }],
  ])('CL-5: is no source when it does not take the token, %s', async (_how, headers) => {
    const { provider, collect } = await startCollector();
    provider.behaviour.faults.userinfo = answerWith({ status: 401, headers, body: {} });

    const { unknown } = await collect({ accessToken: provider.accessToken({ email: undefined }) });

    expect(unknown).toBe(false);
  });

  it('CL-5: changes neither the subject nor the login when it is down', async () => {
    const { provider, claims } = await startCollector();
    const accessToken = provider.accessToken({ email: undefined });
    const up = await claims({ accessToken });
    provider.behaviour.faults.userinfo = failWith(503);

    const down = await claims({ accessToken });

    expect(up).toMatchObject({ sub: alice.sub, email: alice.email });
    expect(down).toEqual({
      sub: alice.sub,
      preferred_username: 'alice',
      roles: ['staff', 'admins', 'team-a', 'editor'],
    });
  });

  it('CL-5: is what the claim that becomes the subject may wait for, and without it there is no login', async () => {
    const { provider, claims } = await startCollector({ subjectClaim: 'preferred_username' });
    const accessToken = provider.accessToken({ preferred_username: undefined });
    expect(await claims({ accessToken })).toMatchObject({ sub: 'alice' });

    provider.behaviour.faults.userinfo = failWith(503);

    await expect(claims({ accessToken })).rejects.toMatchObject({ status: 502 });
  });

  it.each([undefined, 7, '', ['alice'], null])(
    'CL-5: a subject claim of %j refuses the login, and no other claim takes its place',
    async (value) => {
      const { provider, claims } = await startCollector({ subjectClaim: 'employee' });
      const accessToken = provider.accessToken({ employee: value });

      await expect(claims({ accessToken })).rejects.toMatchObject({
        error: 'server_error',
        status: 502,
      });
    },
  );

  it('CL-5: keeps the subject of the session, whatever the subject claim says later', async () => {
    const { provider, claims } = await startCollector({ subjectClaim: 'preferred_username' });
    const renamed = provider.accessToken({ preferred_username: 'alice-renamed' });

    const minted = await claims({ accessToken: renamed }, { sub: 'alice' });

    expect(minted).toMatchObject({ sub: 'alice', preferred_username: 'alice-renamed' });
  });
});
