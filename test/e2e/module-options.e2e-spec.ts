import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OidcAuthModule, OidcService, type OidcAuthOptions } from '../../lib/index.js';
import { RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

const LOGINS = 1000;
const redirectUri = 'http://localhost:53100/callback';

function frozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (value.constructor.name === 'Secret') return true;
  return Object.isFrozen(value) && Object.values(value).every(frozen);
}

const scopeOf = (url: string): string | null => new URL(url).searchParams.get('scope');

describe.each(flowAdapters)('options after many logins on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let given: OidcAuthOptions | undefined;
  let before: unknown;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      options: {
        scopes: ['email'],
        additionalScopes: ['more'],
        authorizationParameters: { access_type: 'offline' },
        claims: { groups: ['team-a'] },
      },
      register: (options) => {
        given = options;
        before = structuredClone(options);
        return OidcAuthModule.forRoot(options);
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-5: are as they were, inside and outside, after 1,000 logins of every kind', async () => {
    const service = app.app.get(OidcService, { strict: false });
    const resolved: unknown = app.app.get(RESOLVED_OPTIONS, { strict: false });
    const inside = JSON.stringify(resolved);
    const first = scopeOf((await service.login({ redirectUri })).url);

    for (let at = 0; at < LOGINS; at += 1) {
      const offlineAccess = at % 2 === 0;
      const scope = at % 3 === 0 ? 'more offline_access' : undefined;
      await service.login({ redirectUri, offlineAccess, scope, prompt: 'consent' });
    }
    await request(`${app.url}/auth/v2/device`, { form: { scope: 'more' } });
    const tokens = await postToken(app, handleForm(await openLogin(app)));

    expect(tokens.status).toBe(200);
    expect(given).toEqual(before);
    expect(JSON.stringify(resolved)).toBe(inside);
    expect(frozen(resolved)).toBe(true);
    expect(scopeOf((await service.login({ redirectUri })).url)).toBe(first);
    expect(first).toBe('openid email');
  });

  it('AR-5: cannot be changed by whoever gets hold of them', () => {
    const resolved: object = app.app.get(RESOLVED_OPTIONS, { strict: false });

    expect(() => Reflect.get(resolved, 'scopes').push('admin')).toThrow(TypeError);
    expect(Reflect.set(resolved, 'audience', false)).toBe(false);
    expect(Reflect.set(resolved, 'fetch', fetch)).toBe(false);
  });
});
