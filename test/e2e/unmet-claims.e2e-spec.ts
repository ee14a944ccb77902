import { Controller, Get, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, Public, type BrokerOptions, type OidcAuthOptions } from '../../lib/index.js';
import { MINTED_CLAIMS } from '../../lib/tokens/minted-claims.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, startBrokerApp } from '../support/broker-app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice } from '../support/users.js';

@Auth({ claims: { 'resource_access.my-client.roles': 'editor' } })
class Base {
  @Get('inherited')
  inherited(): object {
    return {};
  }
}

@Controller('orders')
class Orders extends Base {
  @Get('realm')
  @Auth({ claims: { 'realm_access.roles': ['staff'] } })
  realm(): object {
    return {};
  }

  @Get('both')
  @Auth({ roles: 'staff', claims: { groups: 'team-a', email_verified: true } })
  both(): object {
    return {};
  }

  helper(): void {}
}

@Controller('fine')
class Fine {
  @Get('roles')
  @Auth({ roles: ['staff'], scopes: 'myscope' })
  roles(): object {
    return {};
  }

  @Get('minted')
  @Auth({
    claims: {
      sub: alice.sub,
      aud: 'myapp-api',
      client_id: 'my-client',
      scope: 'myscope',
      roles: ['staff'],
      email: alice.email,
      preferred_username: 'alice',
    },
  })
  minted(): object {
    return {};
  }

  @Get('open')
  @Public()
  open(): object {
    return {};
  }
}

@Injectable()
class Consumer {
  @Auth({ claims: { tenant: 'acme' } })
  consume(): void {}
}

const ofOption = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.includes('Option "claims"'));

describe.each(flowAdapters)('demands that nobody can meet, on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ algorithms: ['ES256'] });
  });

  afterAll(() => provider.close());

  const started = async (
    broker: Partial<BrokerOptions> | undefined,
    options: Partial<OidcAuthOptions> = {},
  ): Promise<{ app: TestApp; warnings: string[] }> => {
    const given = {
      adapter,
      provider,
      controllers: [Orders, Fine],
      providers: [Consumer],
      options,
    };
    const app = await (broker === undefined
      ? startApp(given)
      : startBrokerApp({ ...given, broker }));
    onTestFinished(() => app.close());
    return { app, warnings: app.logs().filter((line) => / (gets|get) 403/.test(line)) };
  };

  it('CL-2: in broker mode each is named once at start-up, with its handlers and the mend', async () => {
    const { app, warnings } = await started({});

    const demanded = (path: string): string[] =>
      warnings.filter((line) => line.includes(`demands "${path}"`));
    expect(demanded('realm_access.roles')).toEqual([
      expect.stringMatching(/WARN.*on Orders\.realm demands.*@Auth\(\{ roles \}\)/),
    ]);
    expect(demanded('groups')).toEqual([expect.stringContaining('on Orders.both demands')]);
    expect(demanded('tenant')).toEqual([expect.stringContaining('on Consumer.consume demands')]);
    expect(demanded('resource_access.my-client.roles')).toEqual([
      expect.stringMatching(/on (Orders\.\w+, ){2}Orders\.\w+ demands/),
    ]);
    expect(warnings).toHaveLength(4);
    expect(warnings.join('\n')).not.toMatch(/Fine|helper/);

    const { accessToken } = await brokerLogin(app);
    expect(await guarded(app, accessToken, '/orders/realm')).toBe('403 insufficient_scope');
    expect(await guarded(app, accessToken, '/fine/roles')).toBe('200');
    expect(await guarded(app, accessToken, '/fine/minted')).toBe('200');
  });

  it('CL-2: nothing is said where mapClaims may mint the claim, nor in passthrough mode', async () => {
    const mapped = await started({ mapClaims: ({ realm_access }) => ({ realm_access }) });
    const passthrough = await started(undefined);

    expect(mapped.warnings).toEqual([]);
    expect(passthrough.warnings).toEqual([]);
    const { accessToken } = await brokerLogin(mapped.app);
    expect(accessToken).not.toBe('');
  });

  it('FD-4: the option "claims" is named where trusted issuers without claims of their own get it', async () => {
    const claims = { 'realm_access.roles': ['staff'] };
    const [one, other] = ['https://one.example.org', 'https://other.example.org'];

    const held = await started(
      { trustedIssuers: [one, { issuer: other, claims: { roles: 'staff' } }] },
      { claims },
    );
    const none = await started(
      { trustedIssuers: [{ issuer: other, claims: ['staff'] }] },
      { claims },
    );
    const minted = await started({ trustedIssuers: [one] }, { claims: { email_verified: true } });

    expect(ofOption(held.warnings)).toEqual([
      expect.stringMatching(/"realm_access\.roles" of tokens of https:\/\/one\.example\.org too/),
    ]);
    expect(ofOption(none.warnings)).toEqual([]);
    expect(ofOption(minted.warnings)).toEqual([]);
  });

  it('CL-2: a minted token says nothing that is not in the list, and all of it', async () => {
    const { app } = await started({});
    const how = { acr: 'gold', amr: ['otp'] };
    provider.behaviour.idToken = { claims: (usual) => ({ ...usual, ...how }) };

    const { claims } = await brokerLogin(app);

    provider.resetBehaviour();
    const ofSeveral = ['idp', 'idp_iss']; // which provider it is, where there are several
    const expected = MINTED_CLAIMS.filter((name) => !ofSeveral.includes(name));
    expect(Object.keys(claims).toSorted()).toEqual(expected.toSorted());
  });
});
