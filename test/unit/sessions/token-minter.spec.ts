import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';

import type { MintRequest } from '../../../lib/sessions/token-minter.js';
import type { SigningAlgorithm } from '../../../lib/options/broker-options.js';
import {
  KEEPER_AUDIENCE,
  KEEPER_ISSUER,
  startKeyKeeper,
  type KeyKeeper,
} from '../../support/key-keeper.js';
import { capturedLogs } from '../../support/output-capture.js';

const SESSION = '0123456789abcdef0123456789abcdef';

/** Mints a token of a session that ends in a day. */
async function mint(keeper: KeyKeeper, changes: Partial<MintRequest> = {}) {
  return keeper.minter.mint({
    claims: { sub: 'alice' },
    provider: 'default',
    clientId: 'my-client',
    scope: 'openid profile',
    sessionId: SESSION,
    notAfter: new Date(keeper.clock.now().getTime() + 86_400_000),
    ...changes,
  });
}

const secondsOf = ({ clock }: KeyKeeper): number => Math.floor(clock.now().getTime() / 1000);

describe('a minted token', () => {
  it('JV-8: says in its header what it is, and by which key', async () => {
    const keeper = await startKeyKeeper();

    const { token } = await mint(keeper);

    expect(decodeProtectedHeader(token)).toEqual({
      alg: 'ES256',
      kid: (await keeper.keys.current()).kid,
      typ: 'at+jwt',
    });
  });

  it('JV-6: has the claims of the wire contract', async () => {
    const keeper = await startKeyKeeper();
    const claims = { sub: 'alice', preferred_username: 'alice', roles: ['staff'], tenant: 't1' };

    const { token, expiresAt } = await mint(keeper, { claims });

    const iat = secondsOf(keeper);
    expect(decodeJwt(token)).toEqual({
      ...claims,
      iss: KEEPER_ISSUER,
      aud: KEEPER_AUDIENCE,
      client_id: 'my-client',
      scope: 'openid profile',
      jti: expect.stringMatching(/^[\w-]{36}$/),
      sid: SESSION,
      iat,
      exp: iat + 3600,
    });
    expect(expiresAt).toBe(iat + 3600);
  });

  it('JV-6: lets no claim of a user take the place of one that the token itself needs', async () => {
    const keeper = await startKeyKeeper();
    const claims = { sub: 'alice', iss: 'x', aud: 'x', exp: 1, iat: 1, jti: 'x', scope: 'admin' };

    const said = decodeJwt((await mint(keeper, { claims })).token);

    expect(said).toMatchObject({
      iss: KEEPER_ISSUER,
      aud: KEEPER_AUDIENCE,
      scope: 'openid profile',
    });
    expect(said.iat).toBe(secondsOf(keeper));
    expect(said.jti).not.toBe('x');
  });

  it('TX-3: belongs to no session when there is none', async () => {
    const keeper = await startKeyKeeper();

    expect(decodeJwt((await mint(keeper, { sessionId: undefined })).token)).not.toHaveProperty(
      'sid',
    );
  });

  it('RF-6: ends no later than its session, to the second', async () => {
    const keeper = await startKeyKeeper();
    const notAfter = new Date((secondsOf(keeper) + 90) * 1000 + 999);

    const { token, expiresAt } = await mint(keeper, { notAfter });

    expect(expiresAt).toBe(secondsOf(keeper) + 90);
    expect(decodeJwt(token).exp).toBe(expiresAt);
  });

  it('RF-6: lives as long as the option says', async () => {
    const keeper = await startKeyKeeper({ broker: { accessTokenLifetimeSec: 120 } });

    expect((await mint(keeper)).expiresAt).toBe(secondsOf(keeper) + 120);
  });

  it('LO-2: has a "jti" of its own', async () => {
    const keeper = await startKeyKeeper();

    const tokens = await Promise.all(Array.from({ length: 200 }, () => mint(keeper)));

    expect(new Set(tokens.map(({ token }) => decodeJwt(token).jti)).size).toBe(200);
  });

  it.each<SigningAlgorithm>(['RS256', 'ES256', 'EdDSA'])(
    'KM-3: of %s is verified by any resource server with the published keys',
    async (signingAlgorithm) => {
      const keeper = await startKeyKeeper({ broker: { signingAlgorithm } });
      const { token } = await mint(keeper);
      const published = createLocalJWKSet({ keys: [...(await keeper.keys.published())] });

      const { payload } = await jwtVerify(token, published, {
        issuer: KEEPER_ISSUER,
        audience: KEEPER_AUDIENCE,
        typ: 'at+jwt',
        currentDate: keeper.clock.now(),
      });

      expect(payload.sub).toBe('alice');
    },
  );

  it('JV-6: names the issuer exactly as it was configured', async () => {
    const issuer = 'https://tokens.example.org/broker/';
    const keeper = await startKeyKeeper({ broker: { issuer } });

    expect(decodeJwt((await mint(keeper)).token).iss).toBe(issuer);
  });

  it('DS-1: that the guard would refuse for its length is reported with the option to raise', async () => {
    const keeper = await startKeyKeeper({ options: { maxTokenBytes: 1024 } });
    const linesBefore = capturedLogs().length;
    const roles = Array.from({ length: 200 }, (_, index) => `role-${index}`);

    await mint(keeper, { claims: { sub: 'alice', roles } });

    const lines = capturedLogs().slice(linesBefore).join('\n');
    expect(lines).toContain('"maxTokenBytes" (1024)');
    expect(lines).toContain('"broker.mapClaims"');
    expect(lines).not.toContain('role-1');
  });

  it('DS-1: that is as long as the guard takes is not reported', async () => {
    const keeper = await startKeyKeeper({ options: { maxTokenBytes: 1024 } });
    const lengthWith = async (pad: number): Promise<number> => {
      const { token } = await mint(keeper, { claims: { sub: 'alice', pad: 'x'.repeat(pad) } });
      return token.length;
    };
    let pad = Math.floor(((1024 - (await lengthWith(0))) * 3) / 4) - 3;
    const linesBefore = capturedLogs().length;
    let length = 0;
    while (length < 1024) length = await lengthWith((pad += 1));

    expect(length).toBe(1024);
    expect(capturedLogs().slice(linesBefore)).toEqual([]);
  });

  it('fault 8: is prepared for by asking for the key', async () => {
    const keeper = await startKeyKeeper();
    keeper.store.listSigningKeys = () => Promise.reject(new Error('down'));

    await expect(keeper.minter.prepare()).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });
  });
});
