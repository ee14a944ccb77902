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
const AT_ONCE = 10;
const redirectUri = 'http://localhost:53100/callback';

function frozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (value.constructor.name === 'Secret') return true;
  return Object.isFrozen(value) && Object.values(value).every(frozen);
}

/** What two authorization URLs have in common, if nothing spoiled the second. */
function steadyParameters(url: string): [string, string][] {
  const changing = ['state', 'nonce', 'code_challenge'];
  return [...new URL(url).searchParams].filter(([name]) => !changing.includes(name));
}

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
    const next = async () => steadyParameters((await service.login({ redirectUri })).url);
    const first = await next();

    for (let at = 0; at < LOGINS; at += AT_ONCE) {
      const logins = Array.from({ length: AT_ONCE }, (_, number) => {
        const offlineAccess = (at + number) % 2 === 0;
        const scope = (at + number) % 3 === 0 ? 'more offline_access' : undefined;
        return service.login({ redirectUri, offlineAccess, scope, prompt: 'consent' });
      });
      await Promise.all(logins);
    }
    await request(`${app.url}/auth/v2/device`, { form: { scope: 'more' } });
    const tokens = await postToken(app, handleForm(await openLogin(app)));

    expect(tokens.status).toBe(200);
    expect(given).toEqual(before);
    expect(JSON.stringify(resolved)).toBe(inside);
    expect(frozen(resolved)).toBe(true);
    expect(await next()).toEqual(first);
    expect(first).toContainEqual(['scope', 'openid email']);
  });

  it('AR-5: cannot be changed by whoever gets hold of them', () => {
    const resolved: object = app.app.get(RESOLVED_OPTIONS, { strict: false });

    expect(() => Reflect.get(resolved, 'scopes').push('admin')).toThrow(TypeError);
    expect(Reflect.set(resolved, 'audience', false)).toBe(false);
    expect(Reflect.set(resolved, 'fetch', fetch)).toBe(false);
  });
});
