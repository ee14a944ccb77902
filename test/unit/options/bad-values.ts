/** Bad values of an option: each as it is, and how a message shows it. */
export type BadValues = readonly (readonly [value: unknown, shown: string])[];

const flags: BadValues = [
  ['true', '"true"'],
  [1, '1'],
  [null, 'null'],
  [[], '[]'],
];

function wholeNumber(low: number, high: number): BadValues {
  return [
    [low - 1, String(low - 1)],
    [high + 1, String(high + 1)],
    [low + 0.5, String(low + 0.5)],
    [-1, '-1'],
    [String(low), `"${low}"`],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [BigInt(low), String(low)],
    [null, 'null'],
    [true, 'true'],
  ];
}

const urls: BadValues = [
  ['idp.example.org', '"idp.example.org"'],
  ['/path', '"/path"'],
  ['', '""'],
  ['http://idp.example.org', '"http://idp.example.org"'],
  ['http://127.0.0.1.nip.io', '"http://127.0.0.1.nip.io"'],
  ['http://[::2]', '"http://[::2]"'],
  ['ftp://idp.example.org', '"ftp://idp.example.org"'],
  ['file:///etc/passwd', '"file:///etc/passwd"'],
  ['data:application/json,{}', '"data:application/json,{}"'],
  ['javascript:alert(1)', '"javascript:alert(1)"'],
  [443, '443'],
  [null, 'null'],
  [['https://idp.example.org'], '["https://idp.example.org"]'],
];

const plainUrls: BadValues = [
  ...urls,
  ['https://a.example/?x=1', '"https://a.example/?x=1"'],
  ['https://a.example/#x', '"https://a.example/#x"'],
];

const texts: BadValues = [
  ['', '""'],
  [7, '7'],
  [null, 'null'],
  [{ a: 1 }, '{"a":1}'],
];

/** The bad values of every option but `claims`. */
export const badValues: Readonly<Record<string, BadValues>> = {
  clientId: [[undefined, 'nothing'], ...texts],
  clientSecret: [
    ['', 'a value of type string'],
    [7, 'a value of type number'],
    [['canary-secret'], 'a value of type list'],
  ],
  discoveryUrl: [[undefined, 'nothing'], ...urls],
  publicUrl: plainUrls,
  audience: [
    [undefined, 'nothing'],
    ...texts,
    [true, 'true'],
    [[], '[]'],
    [[''], '[""]'],
    [['a', 1], '["a",1]'],
  ],
  scopes: [
    [1, '1'],
    [null, 'null'],
    [{}, '{}'],
    ['a "b"', String.raw`"a \"b\""`],
    ['caf\u00e9', '"caf\u00e9"'],
    [['a b'], '["a b"]'],
    [[''], '[""]'],
  ],
  additionalScopes: [
    ['a b', '"a b"'],
    [null, 'null'],
    [['a b'], '["a b"]'],
    [[1], '[1]'],
  ],
  offlineAccess: flags,
  allowedRedirectUris: [
    ['https://a.example/cb', '"https://a.example/cb"'],
    [null, 'null'],
    [[1], '[1]'],
    ...[
      'https://a.example',
      'https://a.example/cb?t=1',
      'https://a.example/cb?',
      'https://a.example/cb#f',
      'https://a.example/a|b',
      'https://A.example/cb',
      'https://a.example:443/cb',
      'https://a.example/a/../cb',
      'http://a.example/cb',
      'javascript:alert(1)',
      'myapp:/callback',
      '/cb',
      '*',
    ].map((uri) => [['https://b.example/cb', uri], `["https://b.example/cb","${uri}"]`] as const),
  ],
  loopbackRedirects: [
    [true, 'true'],
    [null, 'null'],
    [{}, '{}'],
    [['/callback'], '["/callback"]'],
    [{ paths: '/callback' }, '{"paths":"/callback"}'],
    [{ paths: ['callback'] }, '{"paths":["callback"]}'],
    [{ paths: ['//callback'] }, '{"paths":["//callback"]}'],
    [{ paths: ['/a?b'] }, '{"paths":["/a?b"]}'],
    [{ paths: ['/a'], ports: [1] }, '{"paths":["/a"],"ports":[1]}'],
  ],
  allowedPostLogoutRedirectUris: [
    ['/bye', '"/bye"'],
    [null, 'null'],
    [[1], '[1]'],
    ...['//evil.example', '/\\\\evil.example', '/a b', 'bye', 'http://a.example/', '', '*'].map(
      (target) => [[JSON.parse(`"${target}"`)], `["${target}"]`] as const,
    ),
  ],
  routes: [[{ login: '/in' }, '{"login":"/in"}']],
  grants: [
    [true, 'true'],
    [null, 'null'],
    [['refresh'], '["refresh"]'],
    ['refresh', '"refresh"'],
  ],
  clientAuthentication: [
    ['basic', '"basic"'],
    ['private_key_jwt', '"private_key_jwt"'],
    [null, 'null'],
    [true, 'true'],
  ],
  authorizationParameters: [
    [null, 'null'],
    ['a=b', '"a=b"'],
    [{ max_age: 5 }, '{"max_age":5}'],
    [{ state: 'x' }, '{"state":"x"}'],
    [{ nonce: 'x' }, '{"nonce":"x"}'],
    [{ redirect_uri: 'x' }, '{"redirect_uri":"x"}'],
    [{ code_challenge_method: 'plain' }, '{"code_challenge_method":"plain"}'],
    [{ response_type: 'token' }, '{"response_type":"token"}'],
    [{ scope: 'x' }, '{"scope":"x"}'],
    [{ request: 'x' }, '{"request":"x"}'],
  ],
  issuer: plainUrls,
  jwksUri: urls,
  endpoints: [
    [null, 'null'],
    ['https://a.example', '"https://a.example"'],
    [[], '[]'],
  ],
  tenants: [
    ['a', '"a"'],
    [[], '[]'],
    [[''], '[""]'],
    [['a/../b'], '["a/../b"]'],
    [['*'], '["*"]'],
    [[1], '[1]'],
    [null, 'null'],
  ],
  requireIssuerInCallback: flags,
  fetch: [
    ['fetch', '"fetch"'],
    [null, 'null'],
    [{}, '{}'],
  ],
  allowInsecureHttp: flags,
  encryptionKeys: [
    ['canary-key-of-at-least-32-characters!', 'a value of type string'],
    [[], 'a value of type list'],
    [['canary-short-key'], 'a value of type list'],
    [['canary-key-of-at-least-32-characters!', 7], 'a value of type list'],
    [null, 'a value of type object'],
  ],
  timeoutMs: wholeNumber(100, 120_000),
  maxUpstreamCalls: wholeNumber(1, 10_000),
  tokenAlgorithms: [
    ['RS256', '"RS256"'],
    [[], '[]'],
    [['none'], '["none"]'],
    [['RS256', 'none'], '["RS256","none"]'],
    [['HS256'], '["HS256"]'],
    [['rs256'], '["rs256"]'],
    [[1], '[1]'],
    [null, 'null'],
  ],
  clockToleranceSec: wholeNumber(0, 300),
  maxTokenAgeSec: wholeNumber(1, 31_622_400),
  maxTokenBytes: wholeNumber(256, 1_048_576),
  jwksStaleSec: wholeNumber(0, 2_592_000),
  jwksCooldownSec: wholeNumber(1, 3600),
  onLogin: [
    ['log', '"log"'],
    [null, 'null'],
    [{}, '{}'],
  ],
  broker: [
    [true, 'true'],
    ['myapp-api', '"myapp-api"'],
    [null, 'null'],
    [[], '[]'],
  ],
  appName: [
    ['', '""'],
    ['../etc', '"../etc"'],
    ['.hidden', '".hidden"'],
    ['a/b', '"a/b"'],
    [7, '7'],
    [null, 'null'],
  ],
};

/** The bad values of every option of `broker`, but for trusted issuers (trusted-issuers.spec.ts). */
export const badBrokerValues: Readonly<Record<string, BadValues>> = {
  audience: [[undefined, 'nothing'], ...texts],
  store: [
    [7, 'a value of type number'],
    ['', 'a value of type string'],
    [null, 'a value of type object'],
  ],
  issuer: plainUrls,
  trustedIssuers: [
    ['https://peer.example.org', '"https://peer.example.org"'],
    [null, 'null'],
    [{ issuer: 'https://peer.example.org' }, '{"issuer":"https://peer.example.org"}'],
  ],
  jwksPath: [
    ['jwks.json', '"jwks.json"'],
    ['//evil.example', '"//evil.example"'],
    ['https://evil.example/jwks', '"https://evil.example/jwks"'],
    ['/jwks?x=1', '"/jwks?x=1"'],
    [7, '7'],
  ],
  accessTokenLifetimeSec: wholeNumber(1, 2_592_000),
  refreshGraceSec: wholeNumber(0, 3600),
  sessionLifetimeSec: wholeNumber(1, 315_360_000),
  sessionIdleSec: wholeNumber(1, 315_360_000),
  purgeIntervalSec: wholeNumber(0, 604_800),
  revocationPollSec: wholeNumber(1, 10),
  signingAlgorithm: [
    ['HS256', '"HS256"'],
    ['none', '"none"'],
    ['rs256', '"rs256"'],
    [null, 'null'],
  ],
  keyLifetimeSec: wholeNumber(10_800, 315_360_000),
  exchangeClients: [
    [[], '[]'],
    [[''], '[""]'],
    ['my-client', '"my-client"'],
    [null, 'null'],
  ],
  roleClients: [
    [[], '[]'],
    [[7], '[7]'],
    ['my-client', '"my-client"'],
  ],
  introspectionScope: [
    ['', '""'],
    ['a b', '"a b"'],
    [7, '7'],
  ],
  subjectClaim: texts,
  mapClaims: [
    ['roles', '"roles"'],
    [{}, '{}'],
    [null, 'null'],
  ],
};
