import { describe, expect, it } from 'vitest';

import { pathsWith } from '../../../lib/routes/own-routes.js';

describe('pathsWith', () => {
  const paths = pathsWith(['/auth/v2/login', '/auth/v2/.well-known/jwks.json']);

  it.each([
    '/auth/v2/login',
    '/api/v1/auth/v2/login',
    '/AUTH/v2/Login/',
    '/auth/v2/callback/auth/v2/login',
    String.raw`\auth\v2/login`,
    '/auth/v2/.well-known/jwks.json',
  ])('matches %s, and takes nothing off the path', (path) => {
    const [taken] = paths.exec(path) ?? [];

    expect(taken).toBe('');
  });

  it.each(['/me', '/', '', '/auth/v2', '/auth/v2/logout', '/auth/v2/xwell-known/jwksxjson'])(
    'does not match %s',
    (path) => {
      expect(paths.test(path)).toBe(false);
    },
  );
});
