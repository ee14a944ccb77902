import { describe, expect, it, vi } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { OwnIssuer } from '../../../lib/sessions/own-issuer.js';
import { SessionCookies } from '../../../lib/sessions/session-cookies.js';
import type { Credentials } from '../../../lib/tokens/identity.js';

const cookie = { cookie: 'oidc=reference' };
const ours = { ...cookie, origin: 'https://app.example.org' };
const evil = { ...cookie, origin: 'https://evil.example' };
const upgrade = { upgrade: 'websocket' };

describe('BS-1: a session cookie', () => {
  it.each<[what: string, credentials: Credentials, outcome: string]>([
    ['of a page of ours', { headers: cookie, method: 'GET' }, 'counts'],
    ['under another name', { headers: { cookie: 'other=reference' }, method: 'GET' }, 'none'],
    ['that is not there', { headers: {}, method: 'GET' }, 'none'],
    ['where no method is told', { headers: ours }, 'none'],
    ['of a read, from anywhere', { headers: evil, method: 'GET' }, 'counts'],
    ['of a write, from ours', { headers: ours, method: 'POST' }, 'counts'],
    ['of a write, from elsewhere', { headers: evil, method: 'POST' }, 'access_denied'],
    ['of a write, from nobody knows where', { headers: cookie, method: 'POST' }, 'access_denied'],
    ['of a handshake, from ours', { headers: ours, handshake: true }, 'counts'],
    ['of a handshake, from elsewhere', { headers: evil, handshake: true }, 'access_denied'],
    [
      'of a handshake that is told to be a GET, from elsewhere',
      { headers: { ...evil, ...upgrade }, method: 'GET' },
      'access_denied',
    ],
    ['of a handshake, from ours', { headers: { ...ours, ...upgrade }, method: 'GET' }, 'counts'],
  ])('%s: %j: %s', async (_, credentials, expected) => {
    const verify = vi.fn(async (..._call: unknown[]) => 'counts');
    const options = { cookieName: 'oidc', origins: ['https://app.example.org'] };
    const cookies = new SessionCookies(Object(options), Object({ verify }));

    const outcome: unknown = await Promise.resolve()
      .then(() => cookies.verify(credentials, true))
      .catch((error: unknown) => (error instanceof OAuthError ? error.error : error));

    expect(outcome ?? 'none').toBe(expected);
    expect(verify.mock.calls).toEqual(expected === 'counts' ? [['reference', true]] : []);
  });
});

function setUp({ covered = false, accepted = true } = {}) {
  const ready = vi.fn(async () => undefined);
  const own = new OwnIssuer(
    Object({ tokenAlgorithms: ['ES256'] }),
    Object({ issuer: 'ours', audience: 'myapp-api' }),
    Object({}),
    Object({ ready, covers: () => covered }),
    Object({ ready, accepts: () => accepted }),
  );
  return { own, ready };
}

describe('this application as an issuer', () => {
  const claims = { iss: 'ours', sub: 'alice', exp: 1 };

  it('JV-7: is known by its own name alone, once it is known what was revoked', async () => {
    const { own, ready } = setUp();

    expect(await own.named('theirs')).toBeUndefined();
    expect(await own.ending('theirs')).toBeUndefined();
    expect(ready).not.toHaveBeenCalled();
    expect(await own.named('ours')).toMatchObject({
      kind: 'own',
      issuer: 'ours',
      audience: ['myapp-api'],
      algorithms: ['ES256'],
    });
    expect(ready).toHaveBeenCalledTimes(2);
  });

  it.each([
    [false, true, true, true],
    [true, true, false, false],
    [false, false, false, true], // the provider may be gone
    [true, false, false, false],
  ])(
    'LO-2: of a token (revoked: %s, of a known provider: %s) takes it: %s, to end something: %s',
    async (covered, accepted, taken, ending) => {
      const { own } = setUp({ covered, accepted });

      expect((await own.named('ours'))?.accepts?.(claims)).toBe(taken);
      expect((await own.ending('ours'))?.accepts?.(claims)).toBe(ending);
    },
  );
});
