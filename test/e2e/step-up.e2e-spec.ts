import { Controller, Get, Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  Auth,
  CurrentUser,
  IdToken,
  OAuthError,
  OidcConfigError,
  Public,
} from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { ProvingClient } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';

@Injectable()
class Accounts {
  constructor(private readonly user: CurrentUser) {}

  how(): object {
    const { acr, auth_time: at } = this.user.claims ?? {};
    return { acr: acr ?? null, at: at ?? null };
  }
}

@Controller()
@Auth({ maxAgeSec: 3600 })
class MoneyRoutes {
  constructor(private readonly accounts: Accounts) {}

  @Get('transfer')
  @Auth({ acr: ['gold', 'platinum'], maxAgeSec: 300 })
  transfer(): object {
    return this.accounts.how();
  }

  @Get('both')
  @Auth({ acr: 'silver gold' })
  @Auth({ acr: 'gold platinum' })
  both(): object {
    return {};
  }

  @Get('recent')
  recent(): object {
    return {};
  }

  @Get('maybe')
  @Public()
  open(): object {
    return {};
  }
}

@Controller()
class OtherRoutes {
  @Get('feed')
  @Auth({ optional: true, acr: 'gold' })
  feed(@IdToken('sub') sub?: string): object {
    return { sub: sub ?? null };
  }

  @Get('large')
  @Auth({
    when: () => {
      const text = 'A large sum needs a login with a second factor';
      throw new OAuthError('insufficient_user_authentication', text, { acrValues: ['gold'] });
    },
  })
  large(): object {
    return {};
  }
}

describe.each(adapters)('@Auth({ acr, maxAgeSec }) on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({
      adapter,
      provider,
      clock,
      controllers: [MoneyRoutes, OtherRoutes],
      providers: [Accounts],
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  const get = (path: string, claims: object): Promise<Reply> =>
    request(`${app.url}/${path}`, { bearer: provider.accessToken({ ...claims }) });

  const outcome = async (path: string, claims: object): Promise<string> => {
    const reply = await get(path, claims);
    return reply.status === 200 ? '200' : (reply.headers.get('www-authenticate') ?? '');
  };

  it('SU-1: lets a login through that is strong and recent enough, and hands out what it was', async () => {
    const at = now() - 200;

    const reply = await get('transfer', { acr: 'platinum', auth_time: at });

    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({ acr: 'platinum', at });
  });

  it.each<[title: string, path: string, claims: (nowSec: number) => object, attributes: string]>([
    [
      'another acr',
      'transfer',
      (at) => ({ acr: 'silver', auth_time: at }),
      'acr_values="gold platinum", max_age="300"',
    ],
    [
      'no acr',
      'transfer',
      (at) => ({ auth_time: at }),
      'acr_values="gold platinum", max_age="300"',
    ],
    [
      'an old login',
      'transfer',
      (at) => ({ acr: 'gold', auth_time: at - 306 }),
      'acr_values="gold platinum", max_age="300"',
    ],
    [
      'no auth_time',
      'transfer',
      () => ({ acr: 'gold', auth_time: undefined }),
      'acr_values="gold platinum", max_age="300"',
    ],
    [
      'an acr that one of two lists has',
      'both',
      (at) => ({ acr: 'silver', auth_time: at }),
      'acr_values="gold", max_age="3600"',
    ],
    ['no auth_time, by the class', 'recent', () => ({}), 'max_age="3600"'],
  ])('SU-1: refuses %s with what would do', async (_, path, claims, attributes) => {
    const reply = await get(path, claims(now()));

    expect(reply.status).toBe(401);
    const body = reply.json();
    expect(body).toEqual({
      statusCode: 401,
      error: 'insufficient_user_authentication',
      error_description: expect.stringMatching(/^This needs a login /),
      detail: body['error_description'],
    });
    expect(reply.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_user_authentication", error_description="${String(body['detail'])}", ${attributes}, ` +
        `resource_metadata="${app.url}/.well-known/oauth-protected-resource"`,
    );
  });

  it('SU-1: says it of the scheme DPoP to who came with a proof', async () => {
    const client = await ProvingClient.create();
    const token = provider.accessToken({ acr: 'silver', cnf: { jkt: client.jkt } });
    const url = `${app.url}/transfer`;
    const claims = { iat: now() };

    const reply = await request(url, {
      headers: await client.headers({ method: 'GET', url, token, claims }),
    });

    expect(reply.headers.get('www-authenticate')).toMatch(
      /^DPoP error="insufficient_user_authentication", error_description="[^"]+", acr_values="gold platinum", max_age="300", resource_metadata="[^"]+", algs="ES256 ES384 [^"]+"$/,
    );
  });

  it('SU-1: looks at a token that it knows anew each time', async () => {
    const claims = { acr: 'gold', auth_time: now(), exp: now() + 900 };
    const bearer = provider.accessToken(claims);
    const status = async () => (await request(`${app.url}/transfer`, { bearer })).status;

    expect(await status()).toBe(200);
    clock.advance(306);
    expect(await status()).toBe(401);
  });

  it('takes a caller whose login is too weak for anonymous where everybody may come', async () => {
    expect((await get('feed', { acr: 'silver' })).json()).toEqual({ sub: null });
    expect((await get('feed', { acr: 'gold' })).json()).toEqual({ sub: 'sub-0001-alice' });
    expect(await outcome('maybe', {})).toBe('200');
  });

  it('lets a host ask for a better login by itself', async () => {
    expect(await outcome('large', {})).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="A large sum.*", acr_values="gold", resource/,
    );
  });

  it('SU-1: OidcService holds tokens against the same rules', async () => {
    const rule = { acr: 'gold', maxAgeSec: 60 };
    const token = provider.accessToken({ acr: 'gold', auth_time: now() - 10 });
    const old = provider.accessToken({ acr: 'gold', auth_time: now() - 100 });
    const refused = {
      error: 'insufficient_user_authentication',
      acrValues: ['gold'],
      maxAgeSec: 60,
    };

    expect(await app.service.verify(token, rule)).toMatchObject({ acr: 'gold' });
    await expect(app.service.verify(old, rule)).rejects.toMatchObject(refused);
    const headers = { authorization: `Bearer ${old}` };
    await expect(app.service.authenticate(headers, rule)).rejects.toMatchObject(refused);
  });

  it('LG-3: tells the log which claim it was, what was wanted and what came', async () => {
    clock.advance(61); // one line a minute
    const before = app.logs().length;

    await get('transfer', { acr: 'silver', auth_time: now() });

    expect(app.logs().slice(before).join('\n')).toContain(
      'MoneyRoutes.transfer refused (401 insufficient_user_authentication): acr: expected "gold", "platinum", came "silver"; see @Auth({ acr })',
    );
  });
});

describe('rules whose acr lists have nothing in common', () => {
  it('stop start-up: one token could never meet them all', async () => {
    @Controller()
    @Auth({ acr: 'silver' })
    class Impossible {
      @Get('vault')
      @Auth({ acr: ['gold', 'platinum'] })
      vault(): object {
        return {};
      }
    }

    const starting = startApp({ controllers: [Impossible] });

    await expect(starting).rejects.toThrow(OidcConfigError);
    await expect(starting).rejects.toThrow(
      '@Auth({ acr }) on Impossible.vault: its rules want one of gold, platinum; and one of silver, and no value',
    );
  });
});
