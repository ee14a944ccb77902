import { beforeAll, afterAll, describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { OidcConfigError } from '../../../lib/errors/oidc-config.error.js';
import { checkAuthRule } from '../../../lib/tokens/auth-rule.js';
import { challengeOf } from '../../../lib/tokens/challenge.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../../support/misbehaving-provider.js';
import { buildVerifier, type TestVerifier } from '../../support/verifier.js';

let provider: MisbehavingProvider;
let verifier: TestVerifier;

beforeAll(async () => {
  provider = await startMisbehavingProvider({ algorithms: ['EdDSA'] });
  verifier = buildVerifier(provider);
});

afterAll(() => provider.close());

describe('scopes of a rule', () => {
  it.each([
    ['a list of words', { scope: 'openid admin email' }],
    ['the only word', { scope: 'admin' }],
    ['several spaces between words', { scope: 'openid   admin ' }],
    ['an scp list (Okta)', { scope: undefined, scp: ['openid', 'admin'] }],
    ['an scp text (Entra ID)', { scope: undefined, scp: 'openid admin' }],
    ['a scope list (Duende, Spring Authorization Server)', { scope: ['openid', 'admin'] }],
    ['a scope list of one', { scope: ['admin'] }],
    ['a scope list with other things in it', { scope: [1, null, 'admin', {}] }],
    ['an scp list with other things in it', { scope: undefined, scp: [1, 'admin'] }],
    ['an scp list beside a scope that is no text', { scope: 7, scp: ['admin'] }],
    ['an scp list beside a scope list of no texts', { scope: [7], scp: ['admin'] }],
  ])('CL-1: finds a scope in %s', async (_kind, claims) => {
    const token = provider.accessToken(claims);

    expect(await verifier.outcome(token, { scopes: 'admin' })).toBe('accepted');
  });

  it.each([
    ['no scope claim', { scope: undefined }],
    ['an empty scope', { scope: '' }],
    ['a longer word', { scope: 'administrator' }],
    ['a shorter word', { scope: 'adm' }],
    ['a word with more in front', { scope: 'superadmin' }],
    ['another case', { scope: 'ADMIN' }],
    ['another separator', { scope: 'openid,admin' }],
    ['a tab as separator', { scope: 'openid\tadmin' }],
    ['a part of a scope with a colon', { scope: 'admin:read' }],
    ['a scope list without it', { scope: ['openid', 'administrator'] }],
    ['a scope list in another case', { scope: ['ADMIN'] }],
    ['a scope list within a list', { scope: [['admin']] }],
    ['a scope entry of several words', { scope: ['openid admin'] }],
    ['a scope entry with a line break', { scope: ['admin\n'] }],
    ['an scp list beside a scope list without it', { scope: ['openid'], scp: ['admin'] }],
    ['an empty scope list beside an scp list', { scope: [''], scp: ['openid'] }],
    ['a scope object', { scope: { admin: true } }],
    ['an scp list beside a scope without it', { scope: 'openid', scp: ['admin'] }],
    ['an scp list within a list', { scope: undefined, scp: [['admin']] }],
    ['an scp entry of several words', { scope: undefined, scp: ['openid admin'] }],
    ['an scp object', { scope: undefined, scp: { 0: 'admin', length: 1 } }],
    ['a role of that name', { scope: undefined, roles: ['admin'], groups: ['admin'] }],
    ['other claims', { scope: undefined, scopes: 'admin', permissions: ['admin'] }],
  ])('CL-1: refuses %s', async (_kind, claims) => {
    const token = provider.accessToken(claims);

    expect(await verifier.outcome(token, { scopes: 'admin' })).toBe('403 insufficient_scope');
  });

  it('CL-1: demands every scope, and names the missing ones and, in the challenge, all of them', async () => {
    const token = provider.accessToken({ scope: 'orders:read' });
    const rule = { scopes: ['orders:read', 'orders:write', 'orders:delete'] };

    const refusal = await verifier.verify(token, rule).catch((error: unknown) => error);

    if (!(refusal instanceof OAuthError)) throw new Error('not refused');
    expect(refusal.getStatus()).toBe(403);
    expect(refusal.description).toMatch(/orders:write orders:delete$/);
    expect(refusal.description).not.toContain('orders:read');
    expect(challengeOf(refusal)).toMatch(
      /^Bearer error="insufficient_scope", error_description="[^"]+", scope="orders:read orders:write orders:delete"$/,
    );
  });

  it('CL-1: reads scopes separated by spaces as a list', async () => {
    const token = provider.accessToken({ scope: 'a b' });

    expect(await verifier.outcome(token, { scopes: 'a b' })).toBe('accepted');
    expect(await verifier.outcome(token, { scopes: 'a c' })).toBe('403 insufficient_scope');
  });

  it.each([
    ['an empty text', ''],
    ['spaces', '  '],
    ['an empty list', []],
    ['an empty entry', ['admin', '']],
    ['an entry with a space', ['admin other']],
    ['a quote', ['ad"min']],
    ['a line break', ['admin\n']],
  ])('CL-1: stops a rule with %s as scopes at start-up', (_kind, scopes) => {
    expect(() => checkAuthRule({ scopes })).toThrow(OidcConfigError);
  });
});
