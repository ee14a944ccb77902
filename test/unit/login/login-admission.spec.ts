import { ForbiddenException, HttpException, UnauthorizedException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { HostFaults } from '../../../lib/events/host-faults.js';
import type { OidcAuthOptions } from '../../../lib/index.js';
import { LoginAdmission } from '../../../lib/login/login-admission.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { FakeClock } from '../../support/fake-clock.js';

type OnLogin = NonNullable<OidcAuthOptions['onLogin']>;

const notice = { provider: 'default', grant: 'authorization_code' } as const;

function admission(onLogin?: OnLogin): LoginAdmission {
  const options = resolveOptions(
    {
      clientId: 'my-client',
      discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
      audience: 'my-aud',
      publicUrl: 'https://app.example.org',
      ...(onLogin === undefined ? {} : { onLogin }),
    },
    resolveRoutes(),
  );
  return new LoginAdmission(options, new HostFaults(new FakeClock(), options));
}

function throwing(error: Error): LoginAdmission {
  return admission(() => {
    throw error;
  });
}

describe('the admission of a login', () => {
  it('is given where the host does not want to be asked', async () => {
    await expect(admission().check(notice)).resolves.toBeUndefined();
  });

  it('is asked of the host, who hears of claims where there are any', async () => {
    const heard: unknown[] = [];
    const asking = admission((login) => void heard.push(login));
    const claims = { iss: 'i', sub: 'alice' };
    await asking.check(notice);
    await asking.check({ ...notice, claims });

    expect(heard).toStrictEqual([notice, { ...notice, claims }]);
  });

  it.each([
    new ForbiddenException('not on Sundays'),
    new UnauthorizedException('who?'),
    new HttpException('odd', 499),
  ])('is refused by %s, in words of ours', async (refusal) => {
    const error: unknown = await throwing(refusal)
      .check(notice)
      .catch((reason: unknown) => reason);
    if (!(error instanceof OAuthError)) throw error;

    expect([error.error, error.getStatus(), error.description]).toEqual([
      'access_denied',
      403,
      'This login was refused',
    ]);
    expect(String(error.cause)).toBe(
      `refused by "onLogin": came "${refusal.name}: ${refusal.message}"`,
    );
  });

  it('is refused by an error of ours as it is', async () => {
    const refusal = new OAuthError('access_denied', 'Not this one', { status: 403 });

    await expect(throwing(refusal).check(notice)).rejects.toBe(refusal);
  });

  it.each([new Error('down'), new HttpException('odd', 500)])(
    'fails with %s, which is no refusal',
    async (fault) => {
      await expect(throwing(fault).check(notice)).rejects.toBe(fault);
    },
  );
});
