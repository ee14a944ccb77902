import { describe, expect, it } from 'vitest';

import { reasonOf } from '../../../lib/errors/describe-error.js';
import type { AccessTokenMark, OidcAuthOptions } from '../../../lib/index.js';
import type { JsonMembers } from '../../support/compact-jws.js';
import { TEST_CLIENT_ID } from '../../support/provider-options.js';
import { startVerifier } from '../../support/verifier.js';

const REFUSED = '401 invalid_token';

/** What the guard makes of JWTs that the provider signs as it signs ID tokens, with these claims and header members. */
async function judge(
  tokens: Readonly<Record<string, readonly [claims: JsonMembers, header?: JsonMembers]>>,
  options: Partial<OidcAuthOptions> = {},
): Promise<{ outcomes: Record<string, string>; reasons: string[] }> {
  const { provider, verifier } = await startVerifier({
    provider: { algorithms: ['EdDSA'] },
    options: { audience: TEST_CLIENT_ID, ...options },
  });
  const refusals = verifier.record('token-refused');
  const outcomes: Record<string, string> = {};
  for (const [name, [claims, header]] of Object.entries(tokens)) {
    outcomes[name] = await verifier.outcome(provider.idToken(claims, header));
  }
  return { outcomes, reasons: refusals.map(({ reason }) => reason) };
}

const evidence: Record<string, readonly [JsonMembers, JsonMembers?]> = {
  'the header typ at+jwt': [{}, { typ: 'at+jwt' }],
  'the header typ application/at+jwt': [{}, { typ: 'application/at+jwt' }],
  'the claim typ Bearer': [{ typ: 'Bearer' }],
  'scope as text': [{ scope: 'openid' }],
  'scope as a list': [{ scope: ['openid'] }],
  'scp as text': [{ scp: 'access_as_user' }],
  'scp as a list': [{ scp: ['openid'] }],
  client_id: [{ client_id: TEST_CLIENT_ID }],
  appid: [{ appid: TEST_CLIENT_ID }],
  cid: [{ cid: TEST_CLIENT_ID }],
  'azpacr (tokens of applications at Entra ID)': [{ azpacr: '1' }],
};

const noEvidence: Record<string, readonly [JsonMembers, JsonMembers?]> = {
  nothing: [{}],
  'no header typ': [{}, { typ: undefined }],
  'azp, as in the ID tokens of Google': [{ azp: TEST_CLIENT_ID }],
  'roles, groups and a session': [{ roles: ['admins'], groups: ['admins'], sid: 's', jti: 'j' }],
  'what Entra ID writes at a refresh': [{ ver: '2.0', tid: 't', oid: 'o', uti: 'u', rh: 'r' }],
  'an empty scope': [{ scope: '' }],
  'an empty list of scopes': [{ scp: [] }],
  'a scope that is no text': [{ scope: { openid: true } }],
  'scopes that are no texts': [{ scp: [1, null, {}] }],
  'a cid that is no text': [{ cid: 1 }],
  'scope null': [{ scope: null }],
  'the claim typ JWT': [{ typ: 'JWT' }],
};

describe.each<[string, Partial<OidcAuthOptions>]>([
  ['is the client id', {}],
  ['is the client id, in a list', { audience: [TEST_CLIENT_ID] }],
  ['is the client id or another', { audience: [TEST_CLIENT_ID, 'my-aud'] }],
  ['is switched off', { audience: false }],
])('a JWT for our client where "audience" %s', (_what, options) => {
  const withParty = (claims: JsonMembers): JsonMembers =>
    options.audience === false ? { azp: TEST_CLIENT_ID, ...claims } : claims;
  const forOurs = (rows: typeof evidence): typeof evidence =>
    Object.fromEntries(
      Object.entries(rows).map(([name, [claims, header]]) => [
        name,
        header === undefined ? [withParty(claims)] : [withParty(claims), header],
      ]),
    );

  it('JV-8: is an access token when something shows it', async () => {
    const { outcomes } = await judge(forOurs(evidence), options);

    expect(outcomes).toEqual(
      Object.fromEntries(Object.keys(evidence).map((name) => [name, 'accepted'])),
    );
  });

  it('JV-8: is an ID token when nothing shows that it is an access token, and the log says so', async () => {
    const { outcomes, reasons } = await judge(forOurs(noEvidence), options);

    expect(outcomes).toEqual(
      Object.fromEntries(Object.keys(noEvidence).map((name) => [name, REFUSED])),
    );
    for (const reason of reasons) expect(reason).toMatch(/^ID token: aud is our client/);
  });

  it('JV-8: is looked at in the same way when "aud" is a list', async () => {
    for (const aud of [[TEST_CLIENT_ID], [TEST_CLIENT_ID, 'https://other.example.org']]) {
      const { outcomes } = await judge(
        { bare: [withParty({ aud })], scoped: [withParty({ aud, scope: 'openid' })] },
        options,
      );

      expect(outcomes).toEqual({ bare: REFUSED, scoped: 'accepted' });
    }
  });
});

describe('a JWT for an audience that is no client', () => {
  it('JV-8: needs no evidence, also when it names our client beside it', async () => {
    const { outcomes } = await judge(
      { alone: [{ aud: 'my-aud' }], among: [{ aud: [TEST_CLIENT_ID, 'my-aud'] }] },
      { audience: 'my-aud' },
    );

    expect(outcomes).toEqual({ alone: 'accepted', among: 'accepted' });
  });

  it('JV-8: that is a client whose tokens may be exchanged needs evidence like our own', async () => {
    const { outcomes } = await judge(
      { bare: [{ aud: 'their-client' }], scoped: [{ aud: 'their-client', scope: 'openid' }] },
      {
        audience: 'their-client',
        publicUrl: 'https://app.example.org',
        broker: {
          audience: 'myapp-api',
          store: 'memory://',
          exchangeClients: [TEST_CLIENT_ID, 'their-client'],
        },
      },
    );

    expect(outcomes).toEqual({ bare: REFUSED, scoped: 'accepted' });
  });
});

describe('the marks of an ID token', () => {
  it.each(['nonce', 'at_hash', 'c_hash'])(
    'JV-8: %s refuses a token whatever else it has, and the log names it',
    async (mark) => {
      const { outcomes, reasons } = await judge(
        { text: [{ [mark]: 'x', scope: 'openid' }], null: [{ [mark]: null, scope: 'openid' }] },
        { audience: [TEST_CLIENT_ID, 'my-aud'] },
      );

      expect(outcomes).toEqual({ text: REFUSED, null: REFUSED });
      expect(reasons).toEqual(Array(2).fill(`ID token: it carries ${mark}`));
    },
  );

  it.each(['nonce', 'at_hash', 'c_hash'])(
    'JV-8: %s counts for nothing where the token says that it is an access token',
    async (mark) => {
      const { outcomes } = await judge({
        header: [{ [mark]: 'x' }, { typ: 'at+jwt' }],
        claim: [{ [mark]: 'x', typ: 'Bearer' }],
      });

      expect(outcomes).toEqual({ header: 'accepted', claim: 'accepted' });
    },
  );
});

const ofAuthentik = { nonce: 'n', azp: TEST_CLIENT_ID, uid: 'u' };
const ofCasdoor = { nonce: 'n', scope: 'openid', tokenType: 'access-token' };
const ofDex = { nonce: 'n', at_hash: 'h' };

const marks: readonly [mark: AccessTokenMark, claims: JsonMembers, outcome: string][] = [
  [{ uid: true }, ofAuthentik, 'accepted'],
  [{ uid: true }, { ...ofAuthentik, at_hash: 'h', c_hash: 'h' }, 'accepted'],
  [{ uid: true }, { nonce: 'n' }, REFUSED],
  [{ uid: true }, {}, REFUSED],
  [{ uid: true }, { uid: null }, REFUSED],
  [{ uid: true }, { scope: 'openid', azp: TEST_CLIENT_ID }, REFUSED],
  [{ tokenType: 'access-token' }, ofCasdoor, 'accepted'],
  [{ tokenType: 'access-token' }, { ...ofCasdoor, tokenType: 'refresh-token' }, REFUSED],
  [{ tokenType: 'access-token' }, { ...ofCasdoor, tokenType: 'Access-Token' }, REFUSED],
  [{ tokenType: 'access-token' }, { ...ofCasdoor, tokenType: ['access-token'] }, REFUSED],
  [{ tokenType: 'access-token' }, { scope: 'openid' }, REFUSED],
  [{ uid: true, tokenType: 'access-token' }, { ...ofAuthentik, ...ofCasdoor }, 'accepted'],
  [{ uid: true, tokenType: 'access-token' }, ofAuthentik, REFUSED],
  [Object.fromEntries([['constructor', true]]), {}, REFUSED],
  ['aud', { ...ofDex, aud: 'my-aud' }, 'accepted'],
  ['aud', { ...ofDex, aud: ['my-aud', 'other'] }, 'accepted'],
  ['aud', { aud: TEST_CLIENT_ID, scope: 'openid' }, REFUSED],
  ['aud', { aud: ['my-aud', TEST_CLIENT_ID], scope: 'openid' }, REFUSED],
  ['aud', { c_hash: 'h', aud: 'my-aud' }, REFUSED],
  [false, ofDex, 'accepted'],
  [false, {}, 'accepted'],
  [false, { c_hash: 'h' }, REFUSED],
];

describe('the option "accessTokenMark"', () => {
  it.each(marks)('JV-8: %j makes of %j: %s', async (accessTokenMark, claims, outcome) => {
    const { outcomes } = await judge(
      { token: [claims] },
      { accessTokenMark, audience: [TEST_CLIENT_ID, 'my-aud'] },
    );

    expect(outcomes['token']).toBe(outcome);
  });

  it.each<{ accessTokenMark: AccessTokenMark }>([
    { accessTokenMark: { uid: true } },
    { accessTokenMark: 'aud' },
    { accessTokenMark: false },
  ])('JV-8: %j lets no other kind of JWT, and no bound token, in', async ({ accessTokenMark }) => {
    const good = { uid: 'u', aud: 'my-aud', scope: 'openid' };
    const { outcomes } = await judge(
      {
        good: [good],
        'an ID token of Keycloak': [{ ...good, typ: 'ID' }],
        'an ID token of Amazon Cognito': [{ ...good, token_use: 'id' }],
        'a logout token': [{ ...good, events: {} }],
        'a logout token by its header': [good, { typ: 'logout+jwt' }],
        'a bound token': [{ ...good, cnf: { jkt: 'x' } }],
        'a token for somebody else': [{ ...good, aud: 'other' }],
      },
      { accessTokenMark, audience: [TEST_CLIENT_ID, 'my-aud'] },
    );

    const { good: ofGood, ...others } = outcomes;
    expect(ofGood).toBe('accepted');
    expect(new Set(Object.values(others))).toEqual(new Set([REFUSED]));
  });

  it('JV-8: takes the word of a token that says by its type that it is an access token', async () => {
    const { outcomes } = await judge(
      { header: [{ nonce: 'n' }, { typ: 'at+jwt' }], claim: [{ nonce: 'n', typ: 'Bearer' }] },
      { accessTokenMark: { uid: true } },
    );

    expect(outcomes).toEqual({ header: 'accepted', claim: 'accepted' });
  });
});

describe('a token of Keycloak that is bound to a key', () => {
  const jkt = 'x'.repeat(43);

  it('DP-1: is one that says to which, and no bearer token without', async () => {
    const { outcomes, reasons } = await judge({
      silent: [{ typ: 'DPoP' }],
      null: [{ typ: 'DPoP', cnf: null }],
      bound: [{ typ: 'DPoP', cnf: { jkt } }],
    });

    expect(new Set(Object.values(outcomes))).toEqual(new Set([REFUSED]));
    expect(reasons.map((reason) => reason.split(':', 2).join(':'))).toEqual(
      Array(2).fill('cnf: bound in a way that is not known here'),
    );
  });
});

describe('the reason of a refusal', () => {
  it.each<[string, Partial<OidcAuthOptions>, JsonMembers, JsonMembers, string]>([
    ['type', {}, { scope: 'a' }, { typ: 'kb+jwt' }, 'typ: came "kb+jwt"'],
    [
      'binding',
      {},
      { scope: 'a', cnf: {} },
      {},
      'cnf: bound in a way that is not known here: expected "jkt alone", came an empty list; see "dpop"',
    ],
    ['use', {}, { scope: 'a', token_use: 'id' }, {}, 'claim token_use: came "id"'],
    ['kind', {}, { scope: 'a', typ: 'ID' }, {}, 'claim typ: came "ID"'],
    ['nonce', {}, { nonce: 'n' }, {}, 'ID token: it carries nonce; see "accessTokenMark"'],
    [
      'mark',
      { accessTokenMark: { uid: true } },
      { scope: 'a' },
      {},
      'ID token: its uid is not that of an access token; see "accessTokenMark"',
    ],
  ])(
    'LG-3: names the claim and the option that decides: %s',
    async (_, options, claims, header, text) => {
      const { provider, verifier } = await startVerifier({
        provider: { algorithms: ['EdDSA'] },
        options: { audience: TEST_CLIENT_ID, ...options },
      });

      const refusal: unknown = await verifier
        .verify(provider.idToken(claims, header))
        .catch((error: unknown) => error);

      expect(String(reasonOf(refusal))).toBe(text);
    },
  );
});
