import { describe, expect, it } from 'vitest';

import { OAuthError, unavailable } from '../../../lib/errors/oauth.error.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { TokenVerifier } from '../../../lib/tokens/token-verifier.js';
import {
  type TokenIssuer,
  TokenIssuers,
  type VerificationKey,
} from '../../../lib/tokens/verification-keys.js';
import { OidcEvents, type OidcEventMap } from '../../../lib/events/oidc-events.js';
import { type JsonMembers, compactJws, keySigner } from '../../support/compact-jws.js';
import { FakeClock } from '../../support/fake-clock.js';
import { testKey } from '../../support/signing-keys.js';

const ISSUER = 'https://issuer.example.org';
const signingKey = await testKey('EdDSA');

/** Takes `sid` out, and notes what the roles were by then. */
function restrict(payload: Record<string, unknown>): void {
  payload['seen'] = payload['roles'];
  delete payload['sid'];
}

/** A verifier with one issuer, whose members and key a test changes; what it told; and tokens of the issuer. */
function setUp({
  issuer: changed = {},
  key: ofKey = {},
  names = [],
  namedBy,
}: {
  issuer?: Partial<TokenIssuer>;
  key?: Partial<VerificationKey>;
  names?: readonly string[];
  namedBy?: string;
} = {}) {
  const key: VerificationKey = {
    kid: signingKey.kid,
    key: signingKey.publicKey,
    source: {},
    ...ofKey,
  };
  const held = { keys: true, asked: 0 };
  const issuer: TokenIssuer = {
    kind: 'provider',
    issuer: ISSUER,
    provider: 'default',
    keys: {
      candidates: () => {
        held.asked += 1;
        return Promise.resolve([key]);
      },
      holds: (one) => one === key && held.keys,
    },
    algorithms: ['EdDSA'],
    audience: ['my-aud'],
    clientId: 'my-client',
    roleClients: [],
    defaultDemands: [],
    demands: [],
    ...changed,
  };
  class OneIssuer extends TokenIssuers {
    override readonly namedBy = namedBy ?? '"issuer"';

    async named(iss: string): Promise<TokenIssuer | undefined> {
      if (iss === 'https://down.example.org') throw unavailable('the keys');
      return iss === ISSUER ? issuer : undefined;
    }

    override names(): readonly string[] {
      return names;
    }
  }

  const clock = new FakeClock();
  const events = new OidcEvents(clock);
  const told: string[] = [];
  events.on('token-refused', ({ reason }) => void told.push(reason));
  events.on('issuer-refused', (event) => void told.push(`issuer ${event.issuer}`));
  const mistyped: OidcEventMap['claim-mistyped'][] = [];
  events.on('claim-mistyped', (event) => void mistyped.push(event));
  const options = resolveOptions(
    {
      clientId: 'my-client',
      discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
      audience: 'my-aud',
      publicUrl: 'https://app.example.org',
    },
    resolveRoutes(),
  );
  const verifier = new TokenVerifier(new OneIssuer(), clock, events, options);
  const now = Math.floor(clock.now().getTime() / 1000);
  const token = (claims: JsonMembers = {}, header: JsonMembers = {}) =>
    compactJws(
      { alg: 'EdDSA', kid: signingKey.kid, ...header },
      { iss: ISSUER, sub: 'alice', aud: 'my-aud', exp: now + 300, iat: now, ...claims },
      keySigner(signingKey),
    );
  const outcome = async (one: string, endedForSec?: number): Promise<string> => {
    try {
      await verifier.verifyUnproved(one, endedForSec === undefined ? {} : { endedForSec });
      return 'accepted';
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      return error.error === 'invalid_token' ? String(error.cause) : error.error;
    }
  };
  return { verifier, clock, now, token, outcome, told, mistyped, held };
}

describe('an access token', () => {
  it('JV-10: becomes claims that nobody can change, to their depths', async () => {
    const { verifier, token } = setUp();
    const { claims } = await verifier.verify(token({ a: { b: [{ c: null }] }, roles: ['x'] }));

    const parts: unknown[] = [claims, claims['a'], claims['roles']];
    expect(claims).toMatchObject({ sub: 'alice', a: { b: [{ c: null }] } });
    for (const part of [...parts, ...Object.values(Object(claims['a']))]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(JSON.stringify(claims, (_, value) => Object.isFrozen(value) && value)).toBe(
      JSON.stringify(claims),
    );
  });

  it('DS-1: may be 12 KiB long, and no longer', async () => {
    const { token, outcome } = setUp();
    const padded = (length: number) => token({ pad: 'x'.repeat(length) });
    const missing = 12_288 - padded(0).length;
    const fits = Math.floor((missing * 3) / 4);

    const [longest, tooLong] = [padded(fits), padded(fits + 1)];
    expect([longest.length, tooLong.length]).toEqual([12_288, 12_289]);
    expect(await outcome(longest)).toBe('accepted');
    expect(await outcome(tooLong)).toBe('too long; see "maxTokenBytes"');
  });

  it('JV-1: of an algorithm that is not listed is refused before anybody is asked', async () => {
    const { token, outcome, held } = setUp();

    expect(await outcome(token({}, { alg: 'HS256' }))).toMatch(/^alg: .*see "tokenAlgorithms"$/);
    expect(held.asked).toBe(0);
  });

  it('JV-1: of an algorithm that is none of its issuer is refused before a key is looked for', async () => {
    const { token, outcome, held } = setUp({ issuer: { algorithms: ['RS256'] } });

    expect(await outcome(token())).toBe('alg: expected "RS256", came "EdDSA"');
    expect(held.asked).toBe(0);
  });

  it.each(['own', 'peer'] as const)('JV-4: of the kind %s needs a key id', async (kind) => {
    const { token, outcome } = setUp({ issuer: { kind } });

    expect(await outcome(token({}, { kid: undefined, typ: 'at+jwt' }))).toBe('kid');
    expect(await outcome(token({}, { typ: 'at+jwt' }))).toBe('accepted');
  });

  it('JV-4: of a provider may have none', async () => {
    const { token, outcome } = setUp();

    expect(await outcome(token({}, { kid: undefined }))).toBe('accepted');
  });

  it('JV-4: that no key verifies is refused, and the log says which id it named', async () => {
    const none = { keys: { candidates: () => Promise.resolve([]), holds: () => true } };
    const { publicKey: key } = await testKey('EdDSA', 'another');

    expect(await setUp({ issuer: none }).outcome(setUp().token({}, { kid: 'k' }))).toBe(
      'no key of this issuer fits: came "k"',
    );
    const { token, outcome } = setUp({ key: { key } });
    expect(await outcome(token())).toContain('signature');
  });

  it('LO-2: that lives longer than its key allows is refused', async () => {
    const { token, outcome, now } = setUp({ key: { tokenLifetimeSec: 300 } });

    expect(await outcome(token())).toBe('accepted');
    expect(await outcome(token({ exp: now + 301 }))).toBe('lifetime');
    expect(await outcome(token({ exp: now + 301, iat: now + 1 }))).toBe('accepted');
    expect(await outcome(token({ iat: undefined }))).toBe('lifetime');
    const { outcome: unlimited } = setUp();
    expect(await unlimited(token({ exp: now + 80_000 }))).toBe('accepted');
    expect(await unlimited(token({ iat: undefined }))).toBe('accepted');
  });

  it('fault 12: that names no beginning began in 1970, and its key is held against that', async () => {
    const { token, outcome, now } = setUp({ key: { tokenLifetimeSec: 1e9 * 10 } });

    expect(await outcome(token({ iat: undefined, exp: now + 60 }))).toBe('accepted');
    const exact = setUp({ key: { tokenLifetimeSec: now + 60 } });
    expect(await exact.outcome(token({ iat: undefined, exp: now + 60 }))).toBe('accepted');
    expect(await exact.outcome(token({ iat: undefined, exp: now + 61 }))).toBe('lifetime');
  });

  it('MP-2: loses what its issuer may not give, after its claims were cleaned', async () => {
    const { verifier, token, mistyped } = setUp({ issuer: { restrict, provider: 'theirs' } });
    const { claims } = await verifier.verify(token({ roles: 'admins', sid: 's', groups: 1 }));

    expect(claims).toMatchObject({ roles: ['admins'], seen: ['admins'] });
    expect(claims).not.toHaveProperty('sid');
    expect(claims).not.toHaveProperty('groups');
    expect(mistyped).toEqual([
      { provider: 'theirs', source: `access token of ${ISSUER}`, claim: 'groups', came: 'number' },
    ]);
  });
});

describe('a token that is verified again', () => {
  it('JV-10: is remembered until it ends, with the tolerance', async () => {
    const { clock, token, outcome, held } = setUp();
    const one = token();

    expect(await outcome(one)).toBe('accepted');
    clock.advance(304);
    expect(await outcome(one)).toBe('accepted');
    expect(held.asked).toBe(1);
    clock.advance(1);
    expect(await outcome(one)).toMatch(/^exp/);
  });

  it('JV-10: is verified anew when its key went', async () => {
    const { token, outcome, held } = setUp();
    const one = token();
    await outcome(one);

    held.keys = false;
    await outcome(one);
    expect(held.asked).toBe(2);
  });

  it('JV-10: at the same time is verified once for all, and a refusal is kept for nobody', async () => {
    const { token, outcome, held, told, now } = setUp();
    const [good, bad] = [token(), token({ exp: now - 60 })];

    expect(await Promise.all([good, good, good].map((one) => outcome(one)))).toEqual(
      Array(3).fill('accepted'),
    );
    expect(held.asked).toBe(1);
    await Promise.all([outcome(bad), outcome(bad)]);
    await outcome(bad);
    expect(held.asked).toBe(3);
    expect(told).toEqual(['exp', 'exp']);
  });

  it('LO-2: at the same time as an ended one does not pass for it', async () => {
    const { clock, token, outcome } = setUp();
    const one = token();
    clock.advance(320);

    const [ended, guard] = await Promise.all([outcome(one, 60), outcome(one)]);
    expect([ended, guard]).toEqual(['accepted', expect.stringMatching(/^exp/)]);
  });

  it('LO-2: is refused once its issuer accepts it no more, the first time too', async () => {
    const state = { accepts: true };
    const { token, outcome } = setUp({ issuer: { accepts: () => state.accepts } });
    const [one, other] = [token(), token({ sub: 'bob' })];

    expect(await outcome(one)).toBe('accepted');
    state.accepts = false;
    expect(await outcome(one)).toBe('revoked');
    expect(await outcome(other)).toBe('revoked');
    state.accepts = true;
    expect(await outcome(other)).toBe('accepted');
  });

  it('LO-2: that has ended is read for those who ask for it, and remembered for nobody', async () => {
    const { clock, token, outcome, held } = setUp();
    const one = token();
    clock.advance(320);

    expect(await outcome(one, 60)).toBe('accepted');
    expect(await outcome(one, 60)).toBe('accepted');
    expect(held.asked).toBe(2);
    expect(await outcome(one)).toMatch(/^exp/);
    expect(await outcome(one, 10)).toMatch(/^exp/);
  });
});

describe('the reason of a refusal', () => {
  it('LG-3: is told once, by its name', async () => {
    const { token, outcome, told, now } = setUp();

    await outcome(token({ exp: now - 60 }));
    await outcome(token({ iss: 'https://down.example.org' }));
    const [header, payload] = token().split('.');
    await outcome(`${header}.${payload}.AAAA`);

    expect(told).toEqual(['exp', 'signature']);
  });

  it('LG-3: of an unknown issuer is that issuer alone', async () => {
    const { token, outcome, told } = setUp({ names: [ISSUER] });

    expect(await outcome(token({ iss: 'https://evil.example\u202e' }))).toBe(
      `unknown issuer: expected "${ISSUER}", came "https://evil.example\\u202e"; see "issuer"`,
    );
    expect(told).toEqual(['issuer https://evil.example\\u202e']);
  });

  it('LG-3: says what is expected where that is known, and which options decide', async () => {
    const { token, outcome } = setUp({ namedBy: '"broker.trustedIssuers"' });

    expect(await outcome(token({ iss: 'https://evil.example' }))).toBe(
      'unknown issuer: came "https://evil.example"; see "broker.trustedIssuers"',
    );
  });

  it('fault 1: that is none of the token stays what it is', async () => {
    const { token, outcome, told } = setUp();

    expect(await outcome(token({ iss: 'https://down.example.org' }))).toBe(
      'temporarily_unavailable',
    );
    expect(told).toEqual([]);
  });
});
